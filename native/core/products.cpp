#include "products.h"

namespace anymax {

template <class T>
void product(bool turn_a, bool turn_b, idx m, idx n, idx k, const T *a, idx lda,
             const T *b, idx ldb, T *c, idx ldc, bool add) {
    for (idx i = 0; i < m; i++)
        for (idx j = 0; j < n; j++) {
            T total = add ? c[i * ldc + j] : T(0);
            for (idx l = 0; l < k; l++)
                total += (turn_a ? a[l * lda + i] : a[i * lda + l]) *
                         (turn_b ? b[j * ldb + l] : b[l * ldb + j]);
            c[i * ldc + j] = total;
        }
}

template void product<float>(bool, bool, idx, idx, idx, const float *, idx,
                             const float *, idx, float *, idx, bool);
template void product<double>(bool, bool, idx, idx, idx, const double *, idx,
                              const double *, idx, double *, idx, bool);

bool open_blas(const std::string &) { return false; }

std::string blas() { return "own"; }

}  // namespace anymax
