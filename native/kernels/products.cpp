// Own matrix products: small ones, few rows, and all where there is no OpenBLAS.

#include "kernel.h"
#include "layers.h"

namespace anymax {
namespace {

#include "tiles-inl.h"

template <class T> Left<T> left(bool turned, const T *a, idx lda) {
    return turned ? Left<T>{a, 1, lda} : Left<T>{a, lda, 1};
}

// ---- any size: a panel of B, k by WIDE vectors, lies still while A passes

// Columns j .. j + n - 1 of B^T, B (., k), as (k, WIDE vectors), 0 beyond n.
template <class T> void turn(const T *b, idx ldb, idx n, idx k, T *panel) {
    constexpr idx width = WIDE * N<T>;
    for (idx l = 0; l < k; l++)
        for (idx j = n; j < width; j++) panel[l * width + j] = 0;
    for (idx j = 0; j < n; j++)
        for (idx l = 0; l < k; l++) panel[l * width + j] = b[j * ldb + l];
}

// Columns of B as they are, in the same form.
template <class T> void gather(const T *b, idx ldb, idx n, idx k, T *panel) {
    constexpr idx width = WIDE * N<T>;
    for (idx l = 0; l < k; l++)
        for (idx w = 0; w < n; w += N<T>) {
            const int some = int(n - w < N<T> ? n - w : N<T>);
            store(panel + l * width + w, load_some(b + l * ldb + w, some));
        }
}

template <class T>
void any(bool turn_a, bool turn_b, idx m, idx n, idx k, const T *a, idx lda, const T *b,
         idx ldb, T *c, idx ldc, bool add, T *panel) {
    constexpr idx width = WIDE * N<T>, deep = PANEL / idx(sizeof(T)) / width;
    const bool copies = turn_b || (m >= 4 * TALL && k * ldb * idx(sizeof(T)) > 32768);
    for (idx l = 0; l < k; l += deep) {
        const idx depth = k - l < deep ? k - l : deep;
        for (idx j = 0; j < n; j += width) {
            const idx some = n - j < width ? n - j : width;
            const T *from = turn_b ? b + j * ldb + l : b + l * ldb + j;
            if (copies) (turn_b ? turn<T> : gather<T>)(from, ldb, some, depth, panel);
            strip_of<T>(some, m, depth, left(turn_a, a, lda).from(0, l),
                        copies ? panel : from, copies ? width : ldb, c + j, ldc,
                        add || l > 0);
        }
    }
}

// ---- few rows: every number of B is read once, in its order

// How many vectors of a row of C are summed up in registers, for M rows.
template <int M> constexpr int SPAN = TALL * WIDE / M < 8 ? TALL * WIDE / M : 8;

// M rows, n <= SPAN vectors wide.
template <class T, int M, int W>
void narrow(idx n, idx k, Left<T> a, const T *b, idx ldb, T *c, idx ldc, bool add) {
    if constexpr (W > 0) {
        if (n <= (W - 1) * N<T>) return narrow<T, M, W - 1>(n, k, a, b, ldb, c, ldc, add);
        const int last = int(n - (W - 1) * N<T>);
        (last == N<T> ? tile<T, M, W, true> : tile<T, M, W, false>)(k, a, b, ldb, c, ldc,
                                                                    add, last);
    }
}

// M rows of any width: D rows of B at a time, C staying in the first cache.
template <class T, int M, int D>
void broad(idx n, Left<T> a, const T *b, idx ldb, T *c, idx ldc, bool add) {
    V<T> x[M][D];
    for (int i = 0; i < M; i++)
        for (int d = 0; d < D; d++) x[i][d] = splat<T>(a.at[i * a.down + d * a.along]);
    each_vector<T>(n, [&](idx j, int some) {
        V<T> total[M];
        for (int i = 0; i < M; i++)
            total[i] = add ? load_some(c + i * ldc + j, some) : V<T>{};
        for (int d = 0; d < D; d++) {
            const V<T> row = load_some(b + d * ldb + j, some);
            for (int i = 0; i < M; i++) total[i] += x[i][d] * row;
        }
        for (int i = 0; i < M; i++) store_some(c + i * ldc + j, total[i], some);
    });
}

template <class T, int M>
void rows_by(idx n, idx k, Left<T> a, const T *b, idx ldb, T *c, idx ldc, bool add) {
    if (n <= SPAN<M> * N<T>) return narrow<T, M, SPAN<M>>(n, k, a, b, ldb, c, ldc, add);
    constexpr int D = 4;
    idx l = 0;
    for (; l + D <= k; l += D)
        broad<T, M, D>(n, a.from(0, l), b + l * ldb, ldb, c, ldc, add || l > 0);
    for (; l < k; l++)
        broad<T, M, 1>(n, a.from(0, l), b + l * ldb, ldb, c, ldc, add || l > 0);
}

// c (M, J) = the products of M rows of A (lda apart) and J rows of B, along k.
template <class T, int M, int J>
void dots(idx k, const T *a, idx lda, const T *b, idx ldb, T *c, idx ldc, bool add) {
    V<T> total[M][J] = {};
    each_vector<T>(k, [&](idx l, int some) {
        V<T> row[J];
        for (int j = 0; j < J; j++) row[j] = load_some(b + j * ldb + l, some);
        for (int i = 0; i < M; i++) {
            const V<T> x = load_some(a + i * lda + l, some);
            for (int j = 0; j < J; j++) total[i][j] += x * row[j];
        }
    });
    for (int i = 0; i < M; i++)
        for (int j = 0; j < J; j++) {
            T &out = c[i * ldc + j];
            out = add ? out + sum<T>(total[i][j]) : sum<T>(total[i][j]);
        }
}

template <class T, int M>
void rows_by_turned(idx n, idx k, const T *a, idx lda, const T *b, idx ldb, T *c, idx ldc,
                    bool add) {
    constexpr int J = TALL < 8 && M > 2 ? 2 : 4;
    idx j = 0;
    for (; j + J <= n; j += J) dots<T, M, J>(k, a, lda, b + j * ldb, ldb, c + j, ldc, add);
    for (; j < n; j++) dots<T, M, 1>(k, a, lda, b + j * ldb, ldb, c + j, ldc, add);
}

template <class T, int M>
void few(bool turn_a, bool turn_b, idx n, idx k, const T *a, idx lda, const T *b, idx ldb,
         T *c, idx ldc, bool add) {
    if (turn_b)
        rows_by_turned<T, M>(n, k, a, lda, b, ldb, c, ldc, add);
    else
        rows_by<T, M>(n, k, left(turn_a, a, lda), b, ldb, c, ldc, add);
}

template <class T>
void few_rows(bool turn_a, bool turn_b, idx m, idx n, idx k, const T *a, idx lda,
              const T *b, idx ldb, T *c, idx ldc, bool add) {
    const auto run = m == 1 ? few<T, 1> : m == 2 ? few<T, 2> : m == 3 ? few<T, 3> : few<T, 4>;
    run(turn_a, turn_b, n, k, a, lda, b, ldb, c, ldc, add);
}

}  // namespace

EXPORT(ProductFamily, products) = {
    {few_rows<float>, any<float>},
    {few_rows<double>, any<double>},
};

}  // namespace anymax
