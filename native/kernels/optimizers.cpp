// The steps of the optimizers, in one pass over the flat vectors. Formulas and the order
// of operations are those of anymax.optim, but that factors which are alike for all
// entries are multiplied first.

#include "kernel.h"

namespace anymax {
namespace {

#include "flags-inl.h"

// x^n, n >= 0.
double to_the(double x, int64_t n) {
    double result = 1;
    for (; n; n /= 2, x *= x)
        if (n % 2) result *= x;
    return result;
}

// A moment of k entries from i on: loaded, changed by f, stored and returned.
template <class T, class F> V<T> renew(T *moment, idx i, int k, const F &f) {
    const V<T> now = f(load_some(moment + i, k));
    store_some(moment + i, now, k);
    return now;
}

// g within [-bound, bound], NaN left alone, then times the scale.
template <class T> struct Bounds {
    V<T> low, high, scale;
    explicit Bounds(const Update<T> &u)
        : low(splat(T(-u.bound))), high(splat(T(u.bound))), scale(splat(T(u.scale))) {}
    V<T> of(V<T> g) const { return minimum<T>(high, maximum<T>(low, g)) * scale; }
};

// theta = keep theta - change(g), for all entries; change is the optimizer's own. Where
// an average is kept, it moves towards the new theta.
template <class T, class Change>
void walk(const Update<T> &u, Span span, const Change &change) {
    const Bounds<T> bounds(u);
    const bool within = u.bound < __builtin_inf() || u.scale != 1;
    const V<T> keep_share = splat(T(1 - u.rate * u.decay)), share = splat(T(u.share));
    const auto some = [&](idx i, const T *g, int k) {
        const V<T> raw = load_some(g, k);
        V<T> theta = load_some(u.parameters + i, k);
        const V<T> moved = change(within ? bounds.of(raw) : raw, i, k);
        if (u.decay) {
            const V<T> shrunk = theta * keep_share;
            theta = u.decays ? select<T>(where<T>(u.decays + i, k), shrunk, theta) : shrunk;
        }
        theta -= moved;
        store_some(u.parameters + i, theta, k);
        if (u.averaged)
            renew(u.averaged, i, k, [&](V<T> a) { return a + share * (theta - a); });
    };
    for (idx r = 0; r < span.rows; r++)
        each_vector<T>(span.width, [&](idx j, int k) {
            some(span.begin + r * span.stride + j, u.gradient + r * span.width + j, k);
        });
}

// Numbers: momentum, nesterov. Moments: velocity.
template <class T> void sgd(const Numbers &with, const Update<T> &u, Span span) {
    const V<T> rate = splat(T(u.rate)), momentum = splat(T(with.v[0]));
    const bool ahead = with.v[1] != 0;
    if (with.v[0] == 0) return walk(u, span, [&](V<T> g, idx, int) { return rate * g; });
    walk(u, span, [&](V<T> g, idx i, int k) {
        const V<T> v = renew(u.moments[0], i, k, [&](V<T> v) { return v * momentum + g; });
        return rate * (ahead ? g + momentum * v : v);
    });
}

// Numbers: beta1, beta2, eps. Moments: mean, square. Adam, and AdamW by its decay.
template <class T> void adam(const Numbers &with, const Update<T> &u, Span span) {
    const double one = with.v[0], two = with.v[1];
    const V<T> by_one = splat(T(1 - one)), by_two = splat(T(1 - two));
    const V<T> rate = splat(T(u.rate / (1 - to_the(one, u.step))));
    const V<T> square = splat(T(1 / (1 - to_the(two, u.step)))), eps = splat(T(with.v[2]));
    walk(u, span, [&](V<T> g, idx i, int k) {
        const V<T> m =
            renew(u.moments[0], i, k, [&](V<T> m) { return m + by_one * (g - m); });
        const V<T> s =
            renew(u.moments[1], i, k, [&](V<T> s) { return s + by_two * (g * g - s); });
        return over_root(rate * m, s * square, eps);
    });
}

// Numbers: beta1, beta2. Moments: mean.
template <class T> void lion(const Numbers &with, const Update<T> &u, Span span) {
    const V<T> one = splat(T(with.v[0])), by_one = splat(T(1 - with.v[0]));
    const V<T> by_two = splat(T(1 - with.v[1])), rate = splat(T(u.rate)), none = V<T>{};
    walk(u, span, [&](V<T> g, idx i, int k) {
        V<T> sign;
        renew(u.moments[0], i, k, [&](V<T> m) {
            const V<T> to = one * m + by_one * g;
            const V<T> other = select<T>(to < none, splat(T(-1)), to);  // 0, or NaN
            sign = select<T>(to > none, splat(T(1)), other);
            return m + by_two * (g - m);
        });
        return rate * sign;
    });
}

// Numbers: rho, momentum, centered, eps. Moments: mean, square, velocity.
template <class T>
void rms_prop(const Numbers &with, const Update<T> &u, Span span) {
    const double rho = with.v[0];
    const bool centered = with.v[2] != 0, heavy = with.v[1] != 0;
    const V<T> keep_square = splat(T(rho)), share = splat(T(1 - rho));
    const V<T> fresh = splat(T(centered ? (1 - rho) * rho : 1 - rho));
    const V<T> momentum = splat(T(with.v[1])), eps = splat(T(with.v[3]));
    const V<T> rate = splat(T(u.rate));
    walk(u, span, [&](V<T> g, idx i, int k) {
        V<T> away = g;
        if (centered)
            renew(u.moments[0], i, k, [&](V<T> m) {
                away = g - m;
                return m + share * away;
            });
        const V<T> s = renew(u.moments[1], i, k, [&](V<T> s) {
            return s * keep_square + fresh * (away * away);
        });
        const V<T> change = over_root(g, s, eps);
        if (!heavy) return rate * change;
        return rate * renew(u.moments[2], i, k,
                            [&](V<T> v) { return v * momentum + change; });
    });
}

// Numbers: rho, eps. Moments: square, moved.
template <class T>
void ada_delta(const Numbers &with, const Update<T> &u, Span span) {
    const V<T> share = splat(T(1 - with.v[0])), eps = splat(T(with.v[1]));
    const V<T> rate = splat(T(u.rate));
    walk(u, span, [&](V<T> g, idx i, int k) {
        const V<T> s =
            renew(u.moments[0], i, k, [&](V<T> s) { return s + share * (g * g - s); });
        V<T> change;
        renew(u.moments[1], i, k, [&](V<T> moved) {
            change = root((moved + eps) / (s + eps)) * g;
            return moved + share * (change * change - moved);
        });
        return rate * change;
    });
}

// Numbers: initial, eps. Moments: square.
template <class T>
void adagrad(const Numbers &with, const Update<T> &u, Span span) {
    const V<T> initial = splat(T(with.v[0])), eps = splat(T(with.v[1]));
    const V<T> rate = splat(T(u.rate));
    walk(u, span, [&](V<T> g, idx i, int k) {
        const V<T> s = renew(u.moments[0], i, k, [&](V<T> s) { return s + g * g; });
        return over_root(rate * g, s + initial, eps);
    });
}

template <class T> constexpr OptimizerKernel<T> kernels[] = {
    {"SGD", sgd<T>},           {"Adam", adam<T>},          {"AdamW", adam<T>},
    {"Lion", lion<T>},         {"RMSProp", rms_prop<T>},   {"AdaDelta", ada_delta<T>},
    {"Adagrad", adagrad<T>},
};

}  // namespace

EXPORT(OptimizerFamily, optimizers) = {
    {kernels<float>, sizeof kernels<float> / sizeof *kernels<float>},
    {kernels<double>, sizeof kernels<double> / sizeof *kernels<double>},
};

}  // namespace anymax
