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

// c_0 + c_1 x + ... + c_k x^k of several vectors at once.
template <class T, int M> inline void horner(const T *c, int k, const V<T> *x, V<T> *y) {
    for (int m = 0; m < M; m++) y[m] = splat<T>(c[k]);
    for (int j = k - 1; j >= 0; j--)
        for (int m = 0; m < M; m++) y[m] = y[m] * x[m] + c[j];
}
template <class T> inline V<T> horner(const T *c, int k, V<T> x) {
    V<T> y;
    horner<T, 1>(c, k, &x, &y);
    return y;
}

// The power of two above a number that is at least 1, itself if it is infinite.
inline double power_above(double x) {
    int64_t bits;
    __builtin_memcpy(&bits, &x, sizeof x);
    bits &= int64_t(0x7ff) << 52;
    __builtin_memcpy(&x, &bits, sizeof x);
    return 2 * x;
}

// Each h has numerators(z), h of M vectors in place, and rate(z), its derivative, both
// over a number of the row's own: 1 if its largest |z| and z are such that it `fits`, else
// what `prepare` finds; ratio(z) is h' / h.

// h = sum z^j / j! up to an even order k = v[0], over s^k, s above the largest |z|, where
// z^k could be too large a number; there ratios go by 1 / z beyond |z| = 1.
template <class T> struct Taylor {
    static constexpr int MOST = 60;
    int k;
    T c[MOST + 1], scaled[MOST + 1];
    T limit, unit = 1;  // of |z|: its k-th power is far from too large; 1 / s
    bool near;

    explicit Taylor(const Numbers &of) : k(of.v[0] < MOST ? int(of.v[0]) : MOST) {
        double share = 1;
        for (int j = 0; j <= k; share /= ++j) c[j] = T(share);
        limit = T(int64_t(1) << (k ? MOST / k : 0));
        near = false;
        prepare(0, 0);
    }
    bool fits(T wide, T) const { return wide <= limit; }
    void prepare(T wide, T best) {
        if (near && fits(wide, best)) return;
        near = fits(wide, best);
        const double s = near ? 1 : power_above(double(wide));
        unit = T(1 / s);
        double share = 1;
        for (int j = k; j >= 0; j--, share /= s) scaled[j] = T(double(c[j]) * share);
    }
    template <int M> void numerators(V<T> *z) const {
        V<T> x[M];
        for (int m = 0; m < M; m++) x[m] = z[m] * unit;
        horner<T, M>(scaled, k, x, z);
    }
    V<T> rate(V<T> z) const {
        return k ? horner<T>(scaled, k - 1, z * unit) : splat<T>(0);
    }

    // |z| > 1, and z or 1 / z, whichever is smaller.
    static I<T> beyond_one(V<T> z, V<T> &x) {
        const I<T> wide = absolute(z) > splat<T>(1);
        x = select<T>(wide, splat<T>(1) / select<T>(wide, z, splat<T>(1)), z);
        return wide;
    }
    V<T> backwards(int high, V<T> x) const {
        V<T> total = splat<T>(c[0]);
        for (int j = 1; j <= high; j++) total = total * x + c[j];
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
        return near ? rate(z) / horner<T>(c, k, z) : far_ratio(z);
    }
    __attribute__((noinline)) V<T> far_ratio(V<T> z) const {
        V<T> x;
        const I<T> wide = beyond_one(z, x);
        const V<T> slope = select<T>(wide, x * backwards(k - 1, x), horner<T>(c, k - 1, x));
        return slope / select<T>(wide, backwards(k, x), horner<T>(c, k, x));
    }
};

// h = z^2 + eps, eps = v[0].
template <class T> struct Spherical {
    double eps;
    T unit, level, root_eps;
    bool near;

    explicit Spherical(const Numbers &of)
        : eps(of.v[0]), root_eps(T(__builtin_sqrt(of.v[0]))) {
        prepare(0, 0);
    }
    bool fits(T wide, T) const { return wide <= T(0x1p30); }
    void prepare(T wide, T best) {
        const bool plain = fits(wide, best);
        const double s = plain ? 1 : power_above(double(wide));
        unit = T(1 / s);
        level = T(eps / s / s);
        near = plain && eps > 1e-20;  // so that z^2 may underflow
    }
    template <int M> void numerators(V<T> *z) const {
        for (int m = 0; m < M; m++) z[m] = (z[m] * unit) * (z[m] * unit) + level;
    }
    V<T> rate(V<T> z) const { return z * unit * (2 * unit); }
    // The longer of |z| and sqrt(eps), and the shorter over it.
    V<T> longer(V<T> z, V<T> &shorter) const {
        const V<T> far = absolute(z);
        const I<T> over = ~(far <= splat<T>(root_eps));
        const V<T> most = select<T>(over, far, splat<T>(root_eps));
        shorter = select<T>(over, splat<T>(root_eps), far) / most;
        return most;
    }
    V<T> log_numerator(V<T> z) const {
        V<T> share;
        const V<T> most = longer(z, share);
        return log(most) * T(2) + log1p(V<T>(share * share));
    }
    // 2 z / (z^2 + eps)
    V<T> ratio(V<T> z) const {
        return near ? z * T(2) / (z * z + level) : far_ratio(z);
    }
    __attribute__((noinline)) V<T> far_ratio(V<T> z) const {
        V<T> share;
        const V<T> most = longer(z, share);
        return (z / most) * T(2) / ((share * share + T(1)) * most);
    }
};

// h = sigmoid(z), over exp of the row's largest z where that is far below 0.
template <class T> struct Bounded {
    T shift = 0;

    explicit Bounded(const Numbers &) {}
    bool fits(T, T best) const { return !(best < -20); }
    void prepare(T wide, T best) { shift = fits(wide, best) ? T(0) : best; }
    V<T> top(V<T> z, V<T> e) const {  // of h = top / (1 + e), e = exp(-|z|)
        const V<T> small = shift == 0 ? e : V<T>(exp(V<T>(z - shift)));
        return select<T>(z >= splat<T>(0), splat<T>(1), small);
    }
    template <int M> void numerators(V<T> *z) const {
        for (int m = 0; m < M; m++) {
            const V<T> e = exp(-absolute(z[m]));
            z[m] = top(z[m], e) / (e + T(1));
        }
    }
    V<T> rate(V<T> z) const {
        const V<T> e = exp(-absolute(z)), whole = e + T(1);
        const V<T> other = select<T>(z >= splat<T>(0), e, splat<T>(1));
        return top(z, e) * other / (whole * whole);
    }
    V<T> log_numerator(V<T> z) const { return -softplus<T>(-z); }
    V<T> ratio(V<T> z) const { return sigmoid<T>(V<T>(-z)); }
};

// out = a (x - mean of x by a), times y unless it is null, for a row.
template <class T, Meets MEETS>
void center(const T *a, const T *x, const T *y, T *out, idx n) {
    center_row<T, MEETS, false>(
        n, out, nullptr, T(1), [&](idx i, int k) { return load_some(a + i, k); },
        [&](idx i, int k) { return load_some(x + i, k); },
        [&](idx i, int k, V<T> t) { return y ? t * load_some(y + i, k) : t; });
}

template <class T, class H> struct Separable {
    // The sum of h over a row, for which h is made fit; its numerators into `kept`, unless
    // that is null. Few rows need what `prepare` does: those pass twice.
    static double sum(H &h, const T *z, idx n, T &far, T &top, T *kept) {
        h.prepare(0, 0);
        const double found = pass(h, z, n, far, top, kept);
        if (h.fits(far, top)) return found;
        h.prepare(far, top);
        return pass(h, z, n, far, top, kept);
    }
    __attribute__((noinline)) static double pass(const H &h, const T *z, idx n, T &far,
                                                 T &top, T *kept) {
        V<T> wide{}, best = splat<T>(-INFINITE<T>);
        Total<T> total;
        each_four<T>(
            n,
            [&](idx i) {
                V<T> x[4];
                for (int j = 0; j < 4; j++) {
                    x[j] = load(z + i + j * N<T>);
                    wide = maximum<T>(absolute(x[j]), wide);
                    best = maximum<T>(x[j], best);
                }
                h.template numerators<4>(x);
                for (int j = 0; j < 4 && kept; j++) store(kept + i + j * N<T>, x[j]);
                total.add(x[0], x[1], x[2], x[3]);
            },
            [&](idx i, int k) {
                V<T> x = load_some(z + i, k, z[i]);
                wide = maximum<T>(absolute(x), wide);
                best = maximum<T>(x, best);
                h.template numerators<1>(&x);
                if (k < N<T>) x = keep<T>(first<T>(k), x);
                if (kept) store_some(kept + i, x, k);
                total.add(x);
            });
        far = largest<T>(wide), top = largest<T>(best);
        return total.value();
    }
    // h made fit for a row.
    static void look(H &h, const T *z, idx n) {
        V<T> wide{}, best = splat<T>(-INFINITE<T>);
        each_vector<T>(n, [&](idx i, int k) {
            const V<T> x = load_some(z + i, k, z[i]);
            wide = maximum<T>(absolute(x), wide);
            best = maximum<T>(x, best);
        });
        h.prepare(largest<T>(wide), largest<T>(best));
    }

    template <bool STREAM>
    static void forward(const Numbers &of, const T *z, T *a, T *work, idx rows, idx n) {
        H h(of);
        for (idx r = 0; r < rows && n; r++, z += n, a += n) {
            T *kept = between<T, STREAM>(z, a, work);
            T far, top;
            const double total = sum(h, z, n, far, top, kept);
            const V<T> whole = splat<T>(T(total)), inverse = splat<T>(1) / whole;
            write<T, STREAM>(a, n, r + 1 < rows ? z + n : nullptr, [&](idx i, int k) {
                return shared<T>(load_some(kept + i, k), whole, inverse);
            });
        }
        if (STREAM) fence();
    }

    static bool pick(const Numbers &of, const T *z, const int64_t *index, const T *scale,
                     T *picked, T *less, T *log_of, Share<T> *of_row, idx rows, idx n) {
        constexpr T TINY = sizeof(T) == 4 ? T(1e-30) : T(1e-290);
        bool good = true;
        H h(of);
        for (idx r = 0; r < rows; r++, z += n) {
            picked[r] = less[r] = T(0.5);
            of_row[r] = {};
            if (scale[r] == 0) continue;
            T wide, best;
            const double total = sum(h, z, n, wide, best, nullptr);
            of_row[r] = {T(1 / total), wide, best};
            const idx at = idx(index[r]);
            V<T> own = splat<T>(z[at]);
            h.template numerators<1>(&own);
            picked[r] = T(own[0] / total);
            less[r] = 1 - picked[r];
            if (picked[r] > T(0.5)) {
                Total<T> others;
                each_vector<T>(n, [&](idx i, int k) {
                    V<T> x = load_some(z + i, k);
                    h.template numerators<1>(&x);
                    const int here = at >= i && at < i + k ? int(at - i) : k;
                    const I<T> but = first<T>(here) | ~first<T>(here + 1);
                    others.add(keep<T>(but & first<T>(k), x));
                });
                less[r] = T(others.value() / total);
            }
            good &= !(picked[r] < TINY);
        }
        each_vector<T>(rows, [&](idx i, int k) {
            const V<T> x = load_some(picked + i, k), rest = load_some(less + i, k);
            const V<T> near = log1p(-rest);
            const V<T> far = anymax::log(x);
            store_some(log_of + i, select<T>(x > splat<T>(0.5), near, far), k);
        });
        return good;
    }
    static void vjp(const Numbers &of, const T *z, const T *a, const T *g, T *out, T *work,
                    idx rows, idx n) {
        H h(of);
        for (idx r = 0; r < rows && n; r++, z += n, a += n, g += n, out += n) {
            ratios(h, z, nullptr, work, n);
            center<T, COVECTOR>(a, g, work, out, n);
        }
    }
    static void jvp(const Numbers &of, const T *z, const T *a, const T *v, T *out, T *work,
                    idx rows, idx n) {
        H h(of);
        for (idx r = 0; r < rows && n; r++, z += n, a += n, v += n, out += n) {
            ratios(h, z, v, work, n);
            center<T, TANGENT>(a, work, nullptr, out, n);
        }
    }
    // out = x h'/h of a row, x = 1 if null.
    __attribute__((noinline)) static void ratios(H &h, const T *z, const T *x, T *out,
                                                 idx n) {
        look(h, z, n);
        each_vector<T>(n, [&](idx i, int k) {
            const V<T> ratio = h.ratio(load_some(z + i, k));
            store_some(out + i, x ? ratio * load_some(x + i, k) : ratio, k);
        });
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
        H h(of);
        for (idx r = 0; r < rows && n; r++, z += n, out += n) ratios(h, z, out, out, n);
    }

    // out = by (e_k - a) h'/h with a h'/h = h' / sum h.
    static void pull(const Numbers &of, const T *z, const int64_t *index, const T *by,
                     const T *less, const Share<T> *of_row, bool stream, T *out,
                     idx rows, idx n) {
        H h(of);
        for (idx r = 0; r < rows; r++, z += n, out += n) {
            h.prepare(of_row[r].wide, of_row[r].best);
            const T *next = stream ? z : z + rows * n;  // short rows: what comes next
            const bool counts = of_row[r].inverse != 0;
            const idx at = counts ? idx(index[r]) : 0;
            // (out may be z)
            const T own = by[r] * less[r] * h.ratio(splat<T>(z[at]))[0];
            const V<T> scale = splat<T>(-by[r] * of_row[r].inverse);
            const auto entry = [&](idx i, int k) {
                __builtin_prefetch(next + i, 0, 2);
                return scale * h.rate(load_some(z + i, k));
            };
            if (stream)
                write<T, true>(out, n, nullptr, entry);
            else
                write<T, false>(out, n, nullptr, entry);
            if (counts) out[at] = own;
        }
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
                        .after = Kernel::after,
                        .pick = Kernel::pick,
                        .pull = Kernel::pull};
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
