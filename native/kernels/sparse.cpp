// Sparsemax and entmax.
//
// Both to 2 ULP of the output plus 2 ULP of 1: an output near 0 is a difference. vjp and
// jvp: at most 8 ULP of w (|g| + sum w |g| / sum w).

#include "kernel.h"

namespace anymax {
namespace {

#include "rows-inl.h"
#include "softmax-inl.h"
#include "log-softmax-inl.h"
#include "centering-inl.h"
#include "threshold-inl.h"

// Where a sparse map moves: outputs strictly between 0 and 1, and NaN.
template <class T> inline I<T> moves(V<T> a) {
    return ~((a <= splat<T>(0)) | (a >= splat<T>(1)));
}

template <class T> inline V<T> zeros() { return splat<T>(0); }

template <class T> inline V<T> nans() { return splat<T>(T(__builtin_nan(""))); }

// ---- forward, of a row

template <class T, bool STREAM, class Threshold, class F>
inline void project(const T *z, T *a, const T *next, T *work, idx n, double temperature,
                    double width, V<T> off, Threshold threshold, F f) {
    const Candidates<T> near(z, n, temperature, width, work);
    if (near.best == INFINITE<T>) return write_infinite<T>(z, a, n, off);
    const bool lost = near.best == -INFINITE<T>;  // nothing there but -inf and NaN
    const V<double> tau =
        splat<double>(lost ? __builtin_nan("") : double(threshold(near)));
    if (tau[0] != tau[0]) off = nans<T>();
    write_mapped<T, STREAM>(near, z, a, next, n, off,
                            [&](V<double> x) { return f(x, tau); });
}

// The map at alpha, or its logarithm.
template <class T, bool STREAM, bool LOG>
void entmax(double alpha, double temperature, const T *z, T *a, T *work, idx rows, idx n) {
    if (n == 0) return;
    if (alpha == 1)
        return LOG ? log_softmax_tempered<T, true, STREAM>(temperature, z, a, rows, n)
                   : softmax_tempered<T, true, STREAM>(temperature, z, a, work, rows, n);
    const double b = alpha - 1;
    const V<T> off = splat<T>(LOG ? -INFINITE<T> : T(0));
    for (idx r = 0; r < rows; r++, z += n, a += n) {
        const T *next = r + 1 < rows ? z + n : nullptr;
        if (alpha == 2)
            project<T, STREAM>(
                z, a, next, work, n, temperature, 1, off, sparsemax_threshold<T>,
                [](V<double> x, V<double> tau) {
                    const V<double> p = maximum<double>(splat<double>(0), x - tau);
                    return LOG ? log(p) : p;
                });
        else if (alpha == 1.5)
            project<T, STREAM>(
                z, a, next, work, n, 2 * temperature, 1, off, entmax_threshold<T>,
                [](V<double> x, V<double> tau) {
                    const V<double> root = maximum<double>(splat<double>(0), x - tau);
                    return LOG ? 2 * log(root) : root * root;
                });
        else
            project<T, STREAM>(
                z, a, next, work, n, temperature, 1 / b, off,
                [&](const Candidates<T> &near) { return entmax_search(near, alpha, n); },
                [&](V<double> x, V<double> c) {
                    const V<double> inside = (x - c) * b;
                    const I<double> out = inside <= splat<double>(-1);
                    const V<double> log = log1p(keep<double>(~out, inside)) / b;
                    if (LOG)
                        return select<double>(out, splat<double>(-__builtin_inf()), log);
                    return keep<double>(~out, exp(log));
                });
    }
}

// ---- products with the Jacobian: the centering of weight a^(2 - alpha) on the support

template <class T> inline V<T> weight_at(double alpha, V<T> a) {
    if (alpha == 2) return keep<T>(moves<T>(a), splat<T>(1));
    if (alpha == 1.5) return keep<T>(moves<T>(a), root(a));
    return keep<T>(moves<T>(a), alpha == 1 ? a : V<T>(power(a, T(2 - alpha))));
}

template <class T, int K>
inline void center_groups(double alpha, T factor, const T *a, const T *g, T *out, idx rows,
                          idx n) {
    each_group<T>(rows, [&](idx r, int count) {
        Group<T, K> w(a + r * n, n, count, 0);
        Group<T, K> slope(g + r * n, n, count, 0);
        for (int i = 0; i < GROUP<T>; i++)
            for (int j = 0; j < K; j++) w.x[i][j] = weight_at<T>(alpha, w.x[i][j]);
        center_group<T, K, SUPPORT, SHARE>(w, slope, factor, out + r * n, n, count,
                                           [](int, int, V<T> x) { return x; });
    });
}

template <class T, bool STREAM>
void center_sparse(double alpha, double temperature, const T *a, const T *g, T *out,
                   T *work, idx rows, idx n) {
    if (n == 0) return;
    const T factor = T(1 / temperature);
    const bool small = narrow<T>(
        n, [&]<int K>() { center_groups<T, K>(alpha, factor, a, g, out, rows, n); });
    for (idx r = 0; r < rows && !small; r++) {
        const T *p = a + r * n, *slope = g + r * n;
        each_vector<T>(n, [&](idx i, int k) {
            store_some(work + i, weight_at<T>(alpha, load_some(p + i, k)), k);
        });
        center_row<T, SUPPORT, STREAM>(
            n, out + r * n, r + 1 < rows ? p + n : nullptr, factor,
            [&](idx i, int k) { return load_some(work + i, k); },
            [&](idx i, int k) { return load_some(slope + i, k); },
            [](idx, int, V<T> x) { return x; });
    }
    if (STREAM) fence();
}

// ---- the entropies of the rows, sum (p - p^alpha) / (alpha (alpha - 1))

template <class T> inline V<T> entropy_term(double alpha, V<T> p) {
    const I<T> in = p != splat<T>(0);
    if (alpha == 2) return p * (splat<T>(1) - p) / 2;
    if (alpha == 1.5) return p * (splat<T>(1) - p) / (root(p) + 1) * T(4 / 3.);
    const V<T> at = select<T>(in, p, splat<T>(1));
    if (alpha == 1) return -at * log(at);
    const T b = T(alpha - 1);
    return keep<T>(in, -at * expm1(V<T>(log(at) * b)) / (b * T(alpha)));
}

// sum a z + T entropy(a), (rows,).
template <class T>
void potentials(double alpha, double temperature, const T *z, const T *a, T *out, idx rows,
                idx n) {
    for (idx r = 0; r < rows; r++, z += n, a += n) {
        Total<T> inner, entropy;
        each_vector<T>(n, [&](idx i, int k) {
            const V<T> p = load_some(a + i, k);
            inner.add(keep<T>(p != splat<T>(0), p * load_some(z + i, k)));
            entropy.add(entropy_term<T>(alpha, p));
        });
        out[r] = T(inner.value() + temperature * entropy.value());
    }
}

// ---- the maps: Sparsemax (temperature), Entmax (alpha, temperature)

template <class T, bool SPARSEMAX> struct Sparse {
    static double alpha(const Numbers &of) { return SPARSEMAX ? 2 : of.v[0]; }
    static double heat(const Numbers &of) { return SPARSEMAX ? of.v[0] : of.v[1]; }

    template <bool STREAM>
    static void forward(const Numbers &of, const T *z, T *a, T *work, idx rows, idx n) {
        entmax<T, STREAM, false>(alpha(of), heat(of), z, a, work, rows, n);
        if (STREAM) fence();
    }
    template <bool STREAM>
    static void multiply(const Numbers &of, const T *, const T *a, const T *g, T *out,
                         T *work, idx rows, idx n) {
        center_sparse<T, STREAM>(alpha(of), heat(of), a, g, out, work, rows, n);
    }
    static void log(const Numbers &of, const T *z, const T *, T *out, T *work, idx rows,
                    idx n) {
        entmax<T, false, true>(alpha(of), heat(of), z, out, work, rows, n);
    }
    static void factor(const Numbers &of, const T *, const T *a, T *out, T *, idx rows,
                       idx n) {
        const V<T> inverse = splat<T>(T(1 / heat(of)));
        each_vector<T>(rows * n, [&](idx i, int k) {
            store_some(out + i, keep<T>(moves<T>(load_some(a + i, k)), inverse), k);
        });
    }
    static void potential(const Numbers &of, const T *z, const T *a, T *out, T *, idx rows,
                          idx n) {
        potentials<T>(alpha(of), heat(of), z, a, out, rows, n);
    }
};

template <class T, bool SPARSEMAX> constexpr MapKernel<T> sparse_kernel(const char *name) {
    using Kernel = Sparse<T, SPARSEMAX>;
    MapKernel<T> kernel{.name = name,
                        .row = true,
                        .forward = Kernel::template forward<false>,
                        .vjp = Kernel::template multiply<false>,
                        .jvp = Kernel::template multiply<false>,
                        .log = SPARSEMAX ? nullptr : Kernel::log,
                        .factor = Kernel::factor,
                        .potential = Kernel::potential};
    kernel.forward_past = Kernel::template forward<true>;
    kernel.vjp_past = Kernel::template multiply<true>;
    return kernel;
}

template <class T> constexpr MapKernel<T> sparse_maps[] = {
    sparse_kernel<T, true>("Sparsemax"),
    sparse_kernel<T, false>("Entmax"),
};

}  // namespace

EXPORT(MapFamily, sparse) = {
    {sparse_maps<float>, sizeof sparse_maps<float> / sizeof *sparse_maps<float>},
    {sparse_maps<double>, sizeof sparse_maps<double> / sizeof *sparse_maps<double>},
};

}  // namespace anymax
