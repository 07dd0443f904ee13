// Softmax, its logarithm and its kin.
//
// softmax: at most 4 ULP (double 6) off the exact softmax of z / T, for any width.
// log-softmax: at most 3 ULP of the larger of the output and the row's log-sum-exp.
// vjp, jvp: at most 8 ULP of w (|g| + sum a |g|).

#include "kernel.h"

namespace anymax {
namespace {

#include "rows-inl.h"
#include "softmax-inl.h"
#include "log-softmax-inl.h"
#include "centering-inl.h"

// Softmax, GumbelSoftmax after its noise, and with SIGN -1 Softmin: T = v[0].
template <class T, int SIGN> struct Softmax {
    static double heat(const Numbers &of) { return SIGN * of.v[0]; }

    template <bool STREAM>
    static void forward(const Numbers &of, const T *z, T *a, T *work, idx rows, idx n) {
        softmax<T, STREAM>(heat(of), z, a, work, rows, n);
    }
    template <Meets MEETS, bool STREAM>
    static void multiply(const Numbers &of, const T *, const T *a, const T *g, T *out,
                         T *, idx rows, idx n) {
        center_rows<T, MEETS, HALF, STREAM>(T(1 / heat(of)), a, g, out, rows, n);
    }
    static void log(const Numbers &of, const T *z, const T *, T *out, T *, idx rows,
                    idx n) {
        log_softmax<T, false>(heat(of), z, out, rows, n);
    }
    static void factor(const Numbers &of, const T *, const T *, T *out, T *, idx rows,
                       idx n) {
        const V<T> inverse = splat<T>(T(1 / heat(of)));
        each_vector<T>(rows * n, [&](idx i, int k) { store_some(out + i, inverse, k); });
    }
    static void normalizer(const Numbers &of, const T *z, const T *, T *out, T *,
                           idx rows, idx n) {
        logsumexp<T>(heat(of), z, out, rows, n);
    }
    static void potential(const Numbers &of, const T *z, const T *, T *out, T *,
                          idx rows, idx n) {
        logsumexp<T>(heat(of), z, out, rows, n);
        for (idx r = 0; r < rows; r++) out[r] *= T(heat(of));
    }
};

template <class T, int SIGN> constexpr MapKernel<T> softmax_kernel(const char *name) {
    using Kernel = Softmax<T, SIGN>;
    MapKernel<T> kernel{.name = name,
                        .row = true,
                        .forward = Kernel::template forward<false>,
                        .vjp = Kernel::template multiply<COVECTOR, false>,
                        .jvp = Kernel::template multiply<TANGENT, false>,
                        .log = Kernel::log,
                        .factor = Kernel::factor};
    kernel.forward_past = Kernel::template forward<true>;
    kernel.vjp_past = Kernel::template multiply<COVECTOR, true>;
    if (SIGN > 0) {
        kernel.normalizer = Kernel::normalizer;
        kernel.potential = Kernel::potential;
    }
    return kernel;
}

// LogSoftmax: a = log p. The Jacobian is (I - 1 p^T) / T.
template <class T> struct LogSoftmax {
    template <bool STREAM>
    static void forward(const Numbers &of, const T *z, T *a, T *, idx rows, idx n) {
        log_softmax<T, STREAM>(of.v[0], z, a, rows, n);
    }
    // (g - p sum(g)) / T; where one p is over 1/2 its own entry is g (1 - p) - p (the sum
    // of the others), 1 - p being the sum of the others' p.
    static void vjp(const Numbers &of, const T *, const T *a, const T *g, T *out, T *,
                    idx rows, idx n) {
        for (idx r = 0; r < rows; r++) row_vjp(T(1 / of.v[0]), a + r * n, g + r * n,
                                               out + r * n, n);
    }
    static void row_vjp(T factor, const T *a, const T *g, T *out, idx n) {
        const T low = -INFINITE<T>;
        Total<T> all, slopes, rest, others;
        T own = 0;
        idx top = -1;
        each_vector<T>(n, [&](idx i, int k) {
            const V<T> p = exp(load_some(a + i, k, low)), slope = load_some(g + i, k);
            const I<T> above = p > splat<T>(T(0.5));
            all.add(p);
            slopes.add(slope);
            rest.add(keep<T>(~above, p));
            others.add(keep<T>(~above, slope));
            if (any<T>(above))
                for (int j = 0; j < k; j++)
                    if (above[j]) top = i + j, own = slope[j];
        });
        const double total = all.value();
        const V<T> share = splat<T>(T(slopes.value() / total));
        const double p = top < 0 ? 0 : exp(splat<double>(a[top]))[0];
        each_vector<T>(n, [&](idx i, int k) {
            const V<T> p = exp(load_some(a + i, k, low));
            store_some(out + i, (load_some(g + i, k) - p * share) * factor, k);
        });
        if (top >= 0)
            out[top] = factor * T((own * rest.value() - p * others.value()) / total);
    }
    // (v - sum(p v)) / T, v counted from the largest output's own.
    static void jvp(const Numbers &of, const T *, const T *a, const T *v, T *out, T *work,
                    idx rows, idx n) {
        const T factor = T(1 / of.v[0]);
        for (idx r = 0; r < rows; r++, a += n, v += n, out += n) {
            each_vector<T>(n, [&](idx i, int k) {
                store_some(work + i, exp(load_some(a + i, k)), k);
            });
            const auto p = [&](idx i, int k) { return load_some(work + i, k); };
            const auto tangent = [&](idx i, int k) { return load_some(v + i, k); };
            const Moments<T> found = moments<T, TANGENT>(n, p, tangent, [](idx) {});
            const V<T> own = at_largest<T>(n, largest_weight<T>(n, p), p, tangent);
            const double moment = moment_from<T, TANGENT>(n, own, p, tangent);
            const V<T> mean = splat<T>(T(moment / found.total));
            each_vector<T>(n, [&](idx i, int k) {
                store_some(out + i, ((tangent(i, k) - own) - mean) * factor, k);
            });
        }
    }
};

template <class T> constexpr MapKernel<T> log_softmax_kernel() {
    MapKernel<T> kernel{.name = "LogSoftmax",
                        .row = true,
                        .forward = LogSoftmax<T>::template forward<false>,
                        .vjp = LogSoftmax<T>::vjp,
                        .jvp = LogSoftmax<T>::jvp,
                        .factor = Softmax<T, 1>::factor};
    kernel.forward_past = LogSoftmax<T>::template forward<true>;
    return kernel;
}

template <class T> constexpr MapKernel<T> soft_maps[] = {
    softmax_kernel<T, 1>("Softmax"),
    softmax_kernel<T, 1>("GumbelSoftmax"),
    softmax_kernel<T, -1>("Softmin"),
    log_softmax_kernel<T>(),
};

}  // namespace

EXPORT(MapFamily, soft) = {
    {soft_maps<float>, sizeof soft_maps<float> / sizeof *soft_maps<float>},
    {soft_maps<double>, sizeof soft_maps<double> / sizeof *soft_maps<double>},
};

}  // namespace anymax
