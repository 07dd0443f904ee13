// a = h(z) / sum h(z): TaylorSoftmax, SphericalSoftmax, NormalizedSigmoid.
//
// forward: at most 4 ULP and the rounding of h, which is that of its formula. vjp, jvp: at
// most 12 ULP of w |h'/h| (|g| + sum a |g|).

#include "kernel.h"

namespace anymax {
namespace {

#include "rows-inl.h"
#include "softmax-inl.h"
#include "log-softmax-inl.h"
#include "centering-inl.h"

// c_0 + c_1 x + ... + c_k x^k.
template <class T> inline V<T> horner(const double *c, int k, V<T> x) {
    V<T> total = splat<T>(T(c[k]));
    for (int j = k - 1; j >= 0; j--) total = total * x + T(c[j]);
    return total;
}

// h = sum z^j / j! up to an even order k = v[0], h over s^k with s the largest |z|, at
// least 1. Beyond |z| = 1 logarithms and ratios go by 1 / z.
template <class T> struct Taylor {
    static constexpr int MOST = 60;
    int k;
    double c[MOST + 1], scaled[MOST + 1];
    V<T> unit;  // 1 / s

    explicit Taylor(const Numbers &of) : k(of.v[0] < MOST ? int(of.v[0]) : MOST) {
        c[0] = 1;
        for (int j = 1; j <= k; j++) c[j] = c[j - 1] / j;
    }
    void prepare(T wide, T) {
        const double s = wide > 1 ? double(wide) : 1;
        double share = 1;
        for (int j = k; j >= 0; j--, share /= s) scaled[j] = c[j] * share;
        unit = splat<T>(T(1 / s));
    }
    V<T> numerator(V<T> z) const { return horner<T>(scaled, k, z * unit); }

    // |z| > 1, and z or 1 / z, whichever is smaller.
    static I<T> beyond_one(V<T> z, V<T> &x) {
        const I<T> wide = absolute(z) > splat<T>(1);
        x = select<T>(wide, splat<T>(1) / select<T>(wide, z, splat<T>(1)), z);
        return wide;
    }
    V<T> backwards(int high, V<T> x) const {
        V<T> total = splat<T>(T(c[0]));
        for (int j = 1; j <= high; j++) total = total * x + T(c[j]);
        return total;
    }
    V<T> log_numerator(V<T> z) const {
        V<T> x;
        const I<T> wide = beyond_one(z, x);
        const V<T> far = log(absolute(select<T>(wide, z, splat<T>(1))));
        const V<T> inside = log(horner<T>(c, k, x)), outside = log(backwards(k, x));
        return select<T>(wide, far * T(k) + outside, inside);
    }
    V<T> ratio(V<T> z) const {
        V<T> x;
        const I<T> wide = beyond_one(z, x);
        const V<T> slope = select<T>(wide, x * backwards(k - 1, x), horner<T>(c, k - 1, x));
        return slope / select<T>(wide, backwards(k, x), horner<T>(c, k, x));
    }
};

// h = z^2 + eps, eps = v[0].
template <class T> struct Spherical {
    double eps;
    V<T> size, level, root_eps;

    explicit Spherical(const Numbers &of)
        : eps(of.v[0]), root_eps(splat<T>(T(__builtin_sqrt(of.v[0])))) {}
    void prepare(T wide, T) {
        const double s = wide > 1 ? double(wide) : 1;
        size = splat<T>(T(s));
        level = splat<T>(T(eps / s / s));
    }
    V<T> numerator(V<T> z) const {
        const V<T> x = z / size;
        return x * x + level;
    }
    // The longer of |z| and sqrt(eps), and the shorter over it.
    V<T> longer(V<T> z, V<T> &shorter) const {
        const V<T> far = absolute(z);
        const I<T> over = ~(far <= root_eps);
        const V<T> most = select<T>(over, far, root_eps);
        shorter = select<T>(over, root_eps, far) / most;
        return most;
    }
    V<T> log_numerator(V<T> z) const {
        V<T> share;
        const V<T> most = longer(z, share);
        return log(most) * T(2) + log1p(V<T>(share * share));
    }
    // 2 z / (z^2 + eps)
    V<T> ratio(V<T> z) const {
        V<T> share;
        const V<T> most = longer(z, share);
        return (z / most) * T(2) / ((share * share + T(1)) * most);
    }
};

// h = sigmoid(z), over exp of the row's largest z where that is below 0.
template <class T> struct Bounded {
    V<T> shift;

    explicit Bounded(const Numbers &) {}
    void prepare(T, T best) { shift = splat<T>(best < 0 ? best : T(0)); }
    V<T> numerator(V<T> z) const {
        const V<T> e = exp(-absolute(z));
        const V<T> top = shift[0] == 0 ? e : V<T>(exp(V<T>(z - shift)));
        return select<T>(z >= splat<T>(0), splat<T>(1), top) / (e + T(1));
    }
    V<T> log_numerator(V<T> z) const { return -softplus<T>(-z); }
    V<T> ratio(V<T> z) const { return sigmoid<T>(V<T>(-z)); }
};

template <class T, class H> struct Separable {
    template <bool STREAM>
    static void forward(const Numbers &of, const T *z, T *a, T *work, idx rows, idx n) {
        H h(of);
        for (idx r = 0; r < rows && n; r++, z += n, a += n) {
            V<T> wide = splat<T>(0), best = splat<T>(-INFINITE<T>);
            each_vector<T>(n, [&](idx i, int k) {
                const V<T> x = load_some(z + i, k, z[i]);
                wide = maximum<T>(absolute(x), wide);
                best = maximum<T>(x, best);
            });
            h.prepare(largest<T>(wide), largest<T>(best));
            T *kept = STREAM ? work : a;
            Total<T> total;
            each_vector<T>(n, [&](idx i, int k) {
                V<T> value = h.numerator(load_some(z + i, k));
                if (k < N<T>) value = keep<T>(first<T>(k), value);
                store_some(kept + i, value, k);
                total.add(value);
            });
            const V<T> sum = splat<T>(T(total.value())), inverse = splat<T>(1) / sum;
            write<T, STREAM>(a, n, r + 1 < rows ? z + n : nullptr, [&](idx i, int k) {
                return shared<T>(load_some(kept + i, k), sum, inverse);
            });
        }
        if (STREAM) fence();
    }
    static void vjp(const Numbers &of, const T *z, const T *a, const T *g, T *out, T *,
                    idx rows, idx n) {
        const H h(of);
        for (idx r = 0; r < rows && n; r++, z += n, a += n, g += n, out += n)
            center_row<T, COVECTOR, false>(
                n, out, nullptr, T(1), [&](idx i, int k) { return load_some(a + i, k); },
                [&](idx i, int k) { return load_some(g + i, k); },
                [&](idx i, int k, V<T> x) { return x * h.ratio(load_some(z + i, k)); });
    }
    static void jvp(const Numbers &of, const T *z, const T *a, const T *v, T *out, T *work,
                    idx rows, idx n) {
        const H h(of);
        for (idx r = 0; r < rows && n; r++, z += n, a += n, v += n, out += n) {
            each_vector<T>(n, [&](idx i, int k) {
                store_some(work + i, load_some(v + i, k) * h.ratio(load_some(z + i, k)), k);
            });
            center_row<T, TANGENT, false>(
                n, out, nullptr, T(1), [&](idx i, int k) { return load_some(a + i, k); },
                [&](idx i, int k) { return load_some(work + i, k); },
                [](idx, int, V<T> x) { return x; });
        }
    }
    static void log(const Numbers &of, const T *z, const T *, T *out, T *, idx rows,
                    idx n) {
        const H h(of);
        each_vector<T>(rows * n, [&](idx i, int k) {
            store_some(out + i, h.log_numerator(load_some(z + i, k)), k);
        });
        log_softmax_tempered<T, true, false>(1, out, out, rows, n);
    }
    static void after(const Numbers &of, const T *z, const T *, T *out, T *, idx rows,
                      idx n) {
        const H h(of);
        each_vector<T>(rows * n, [&](idx i, int k) {
            store_some(out + i, load_some(out + i, k) * h.ratio(load_some(z + i, k)), k);
        });
    }
};

template <class T, class H> constexpr MapKernel<T> separable_kernel(const char *name) {
    using Kernel = Separable<T, H>;
    MapKernel<T> kernel{.name = name,
                        .row = true,
                        .forward = Kernel::template forward<false>,
                        .vjp = Kernel::vjp,
                        .jvp = Kernel::jvp,
                        .log = Kernel::log,
                        .after = Kernel::after};
    kernel.forward_past = Kernel::template forward<true>;
    return kernel;
}

template <class T> constexpr MapKernel<T> separable_maps[] = {
    separable_kernel<T, Taylor<T>>("TaylorSoftmax"),
    separable_kernel<T, Spherical<T>>("SphericalSoftmax"),
    separable_kernel<T, Bounded<T>>("NormalizedSigmoid"),
};

}  // namespace

EXPORT(MapFamily, separable) = {
    {separable_maps<float>, sizeof separable_maps<float> / sizeof *separable_maps<float>},
    {separable_maps<double>,
     sizeof separable_maps<double> / sizeof *separable_maps<double>},
};

}  // namespace anymax
