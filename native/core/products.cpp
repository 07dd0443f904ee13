#include "products.h"

#include <dlfcn.h>

#include <algorithm>
#include <atomic>
#include <climits>
#include <cstring>
#include <mutex>

#include "program_buffers.h"
#include "targets.h"

namespace anymax {
namespace {

// The C interface of OpenBLAS, as the package scipy-openblas32 names it.
enum Order { ROWS = 101, AS_IS = 111, TURNED = 112 };
template <class T>
using Gemm = void (*)(int, int, int, int, int, int, T, const T *, int, const T *, int, T,
                      T *, int);

struct Blas {
    Gemm<float> single;
    Gemm<double> twice;
    void (*set_threads)(int);
    const char *(*config)();
    const char *(*core)();
    Gemm<float> gemm(float) const { return single; }
    Gemm<double> gemm(double) const { return twice; }
};

std::atomic<const Blas *> opened{nullptr};  // made once, never unloaded
std::mutex opening;

template <class F> bool find(void *library, const char *name, F &function) {
    function = reinterpret_cast<F>(dlsym(library, name));
    return function != nullptr;
}

// What the products of the own kernels for any size may use, one for each thread.
template <class T> T *panel() {
    thread_local Aligned<char> memory;
    if (!memory.data()) memory.resize(PANEL + BLOCK);
    return reinterpret_cast<T *>(memory.data());
}

// Up to here the own kernels win over OpenBLAS, which packs both sides: measured with
// AVX-512 1.05 to 1.25 times from 48^3 on; 1.03 to 1.08 at 256 x 2048 x 1024, be one of
// the sides turned or not.
bool moderate(idx m, idx n, idx k) { return double(m) * double(n) * double(k) <= 0x1p30; }

// So few rows that there is nothing to gain from packing B; dot products if it is turned.
bool few(bool turn_a, bool turn_b, idx m) {
    return turn_b ? m <= 12 && !turn_a : m <= 4;
}

bool whole_numbers(std::initializer_list<idx> sizes) {
    return std::all_of(sizes.begin(), sizes.end(), [](idx n) { return n <= INT_MAX; });
}

// C = what is there, so that a product is added to C.
template <class T> void put(idx m, idx n, T *c, idx ldc, Onto<T> onto) {
    if (onto.at == c) return;
    for (idx i = 0; i < m; i++)
        if (onto.at)
            std::memcpy(c + i * ldc, onto.row(i), size_t(n) * sizeof(T));
        else
            std::memset(c + i * ldc, 0, size_t(n) * sizeof(T));
}

}  // namespace

template <class T>
void product(bool turn_a, bool turn_b, idx m, idx n, idx k, const T *a, idx lda,
             const T *b, idx ldb, T *c, idx ldc, Onto<T> onto) {
    if (m <= 0 || n <= 0) return;
    if (k <= 0) return put(m, n, c, ldc, onto);
    const ProductKernels<T> &own = target().products->of(T());
    if (few(turn_a, turn_b, m))
        return own.few_rows(turn_a, turn_b, m, n, k, a, lda, b, ldb, c, ldc, onto);
    const Blas *blas = opened.load(std::memory_order_acquire);
    if (!blas || moderate(m, n, k) || !whole_numbers({m, n, k, lda, ldb, ldc}))
        return own.any(turn_a, turn_b, m, n, k, a, lda, b, ldb, c, ldc, onto,
                       panel<T>());
    if (onto.at) put(m, n, c, ldc, onto);
    blas->set_threads(1);  // others may have set it; free when it is unchanged
    blas->gemm(T())(ROWS, turn_a ? TURNED : AS_IS, turn_b ? TURNED : AS_IS, int(m), int(n),
                    int(k), T(1), a, int(lda), b, int(ldb), T(onto.at ? 1 : 0), c, int(ldc));
}

template void product<float>(bool, bool, idx, idx, idx, const float *, idx,
                             const float *, idx, float *, idx, Onto<float>);
template void product<double>(bool, bool, idx, idx, idx, const double *, idx,
                              const double *, idx, double *, idx, Onto<double>);

bool open_blas(const std::string &path) {
    const std::lock_guard<std::mutex> lock(opening);
    if (opened.load()) return true;
    void *library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (!library) return false;
    Blas found;
    if (!find(library, "scipy_cblas_sgemm", found.single) ||
        !find(library, "scipy_cblas_dgemm", found.twice) ||
        !find(library, "scipy_openblas_set_num_threads", found.set_threads) ||
        !find(library, "scipy_openblas_get_config", found.config) ||
        !find(library, "scipy_openblas_get_corename", found.core)) {
        dlclose(library);
        return false;
    }
    opened.store(new Blas(found), std::memory_order_release);
    return true;
}

std::string blas() {
    const Blas *found = opened.load();
    if (!found) return "own";
    const std::string config = found->config();  // "OpenBLAS 0.3.30 ...options... "
    const size_t name = config.find(' '), version = config.find(' ', name + 1);
    return config.substr(0, version) + ", " + found->core();
}

}  // namespace anymax
