// The losses that are sums over the outputs, one struct each, as in losses/*.py.
//
// `value(x)` is a term of the sum, `top(x)` the numerator of the slope. What a loss asks
// for is what `At` holds in k lanes; lanes beyond k hold 0.

template <class T> struct At {
    V<T> a, y, log, log_not, less, scaling;
    T width;
};

// y x, and 0 where y is 0.
template <class T> inline V<T> times(V<T> y, V<T> x) {
    return keep<T>(~(y == splat<T>(0)), y * x);
}

// log(1 + exp(x)).
template <class T> inline V<T> log_one_plus_exp(V<T> x) {
    return maximum<T>(splat<T>(0), x) + log1p(exp(-absolute(x)));
}

constexpr double LOG_2 = 0x1.62e42fefa39efp-1;

template <class T> struct AbsoluteError {
    static constexpr unsigned for_value = 0, for_slope = 0;
    AbsoluteError(const Numbers &) {}
    V<T> value(const At<T> &x) const { return absolute(x.a - x.y); }
    V<T> top(const At<T> &x) const {
        const V<T> r = x.a - x.y, zero{};
        return select<T>(r > zero, splat<T>(1), select<T>(r < zero, splat<T>(-1), r));
    }
};

// Squared error and Brier score.
template <class T> struct Squared {
    static constexpr unsigned for_value = 0, for_slope = 0;
    Squared(const Numbers &) {}
    V<T> value(const At<T> &x) const { return (x.a - x.y) * (x.a - x.y); }
    V<T> top(const At<T> &x) const { return 2 * (x.a - x.y); }
};

template <class T> struct MeanSquared {
    static constexpr unsigned for_value = 0, for_slope = 0;
    MeanSquared(const Numbers &) {}
    V<T> value(const At<T> &x) const { return (x.a - x.y) * (x.a - x.y) / x.width; }
    V<T> top(const At<T> &x) const { return T(2) / x.width * (x.a - x.y); }
};

template <class T> struct Huber {
    static constexpr unsigned for_value = 0, for_slope = 0;
    T delta;
    Huber(const Numbers &numbers) : delta(T(numbers.v[0])) {}
    V<T> value(const At<T> &x) const {
        const V<T> r = x.a - x.y, size = absolute(r);
        return select<T>(size <= delta, r * r / 2, delta * (size - delta / 2));
    }
    V<T> top(const At<T> &x) const {
        const V<T> held = maximum<T>(splat<T>(-delta), x.a - x.y);
        return minimum<T>(splat<T>(delta), held);
    }
};

// With e = exp(size) - 1 of the residual's size and t = tanh(size / 2) = e / (e + 2), log
// cosh is 2 artanh(t^2) = 2 artanh(s); further out size - log 2 + log(1 + 1 / (1 + e)^2),
// where s = 1 / (1 + 2 (1 + e)^2).
template <class T> struct LogCosh {
    static constexpr unsigned for_value = 0, for_slope = 0;
    static constexpr T FAR = 20;        // tanh rounds to 1 from there on
    static constexpr T NEAR = T(0.88);  // where both s suit the polynomial of artanh
    LogCosh(const Numbers &) {}
    V<T> value(const At<T> &x) const { return Parts(x).value(); }
    V<T> top(const At<T> &x) const { return Parts(x).top(); }

    struct Parts {
        V<T> residual, size, s, up, inverse;  // up = e (e + 2), inverse = 1 / (up + 2)
        I<T> near;
        explicit Parts(const At<T> &x) : residual(x.a - x.y), size(absolute(residual)) {
            const V<T> e = expm1_up<T>(minimum<T>(splat<T>(FAR), size)), wide = e + 2;
            near = size < splat<T>(NEAR);
            up = e * wide;
            const V<T> below = select<T>(near, wide * wide, 2 * up + 3), sum = up + 2;
            const V<T> both = 1 / (below * sum);  // one division for two quotients
            s = select<T>(near, e * e, splat<T>(1)) * (sum * both);
            inverse = below * both;
        }
        V<T> value() const {
            const V<T> z = s * s, inner = s * (z * polynomial(Fit<T>::LOG, z) + 2);
            return inner + keep<T>(~near, size - T(LOG_2));
        }
        V<T> top() const {
            return with_sign(select<T>(near, up * inverse, 1 - 2 * inverse), residual);
        }
    };
};

template <class T> struct Hinge {
    static constexpr unsigned for_value = 0, for_slope = 0;
    Hinge(const Numbers &) {}
    V<T> value(const At<T> &x) const {
        const V<T> short_by = 1 - x.y * x.a;
        return maximum<T>(splat<T>(0), short_by);
    }
    V<T> top(const At<T> &x) const {
        const V<T> short_by = 1 - x.y * x.a;
        const V<T> pulled = keep<T>(short_by > splat<T>(0), -x.y);
        return select<T>(short_by == short_by, pulled, short_by);
    }
};

template <class T> struct BinaryCrossEntropy {
    static constexpr unsigned for_value = LOG | LOG_NOT, for_slope = LESS;
    BinaryCrossEntropy(const Numbers &) {}
    V<T> value(const At<T> &x) const {
        return -(times<T>(x.scaling * x.y, x.log) + times<T>(1 - x.y, x.log_not));
    }
    V<T> top(const At<T> &x) const {
        return x.a * (1 - x.y) - x.scaling * x.y * x.less;
    }
};

template <class T> struct NegativeLogLikelihood {
    static constexpr unsigned for_value = 0, for_slope = 0;
    NegativeLogLikelihood(const Numbers &) {}
    V<T> value(const At<T> &x) const { return -times<T>(x.y, x.a); }
    V<T> top(const At<T> &x) const { return -x.y; }
};

// Cross-entropy; its z-loss is added by who composes the pair.
template <class T> struct CrossEntropy {
    static constexpr unsigned for_value = LOG, for_slope = 0;
    CrossEntropy(const Numbers &) {}
    V<T> value(const At<T> &x) const { return -times<T>(x.y, x.log); }
    V<T> top(const At<T> &x) const { return -x.y; }
};

template <class T> struct KLDivergence {
    static constexpr unsigned for_value = LOG, for_slope = 0;
    KLDivergence(const Numbers &) {}
    V<T> value(const At<T> &x) const { return times<T>(x.y, log(x.y) - x.log); }
    V<T> top(const At<T> &x) const { return -x.y; }
};

template <class T> struct ReverseKL {
    static constexpr unsigned for_value = LOG, for_slope = LOG;
    ReverseKL(const Numbers &) {}
    V<T> value(const At<T> &x) const { return times<T>(x.a, x.log - log(x.y)); }
    V<T> top(const At<T> &x) const {
        return times<T>(x.a, x.log - log(x.y) + 1);
    }
};

template <class T> struct JensenShannon {
    static constexpr unsigned for_value = LOG, for_slope = LOG;
    JensenShannon(const Numbers &) {}
    static V<T> log_share(const At<T> &x) {
        const V<T> behind = log_one_plus_exp<T>(log(x.y) - x.log);
        return T(LOG_2) - keep<T>(~(x.y == splat<T>(0)), behind);
    }
    V<T> value(const At<T> &x) const {
        const V<T> ahead = log_one_plus_exp<T>(x.log - log(x.y));
        const V<T> of_y = times<T>(x.y, T(LOG_2) - ahead);
        return (of_y + times<T>(x.a, log_share(x))) / 2;
    }
    V<T> top(const At<T> &x) const { return times<T>(x.a, log_share(x)) / 2; }
};

template <class T> struct Poisson {
    static constexpr unsigned for_value = LOG, for_slope = 0;
    Poisson(const Numbers &) {}
    V<T> value(const At<T> &x) const { return x.a - times<T>(x.y, x.log); }
    V<T> top(const At<T> &x) const { return x.a - x.y; }
};

template <class T> struct Poly {
    static constexpr unsigned for_value = LOG | LESS, for_slope = 0;
    T epsilon;
    Poly(const Numbers &numbers) : epsilon(T(numbers.v[0])) {}
    V<T> value(const At<T> &x) const { return times<T>(x.y, epsilon * x.less - x.log); }
    V<T> top(const At<T> &x) const { return -times<T>(x.y, 1 + epsilon * x.a); }
};

template <class T> struct Focal {
    static constexpr unsigned for_value = LOG | LESS, for_slope = LOG | LESS;
    T gamma;
    double power;
    Focal(const Numbers &numbers) : gamma(T(numbers.v[0])), power(numbers.v[0]) {}
    // log a; from 1 - a where that has more digits
    static V<T> log(const At<T> &x) {
        return select<T>(x.a > splat<T>(0.5), log1p(-x.less), x.log);
    }
    V<T> value(const At<T> &x) const {
        return -times<T>(x.scaling * x.y, raised<T>(x.less, power) * log(x));
    }
    V<T> top(const At<T> &x) const {
        return -times<T>(x.scaling * x.y, x.less - gamma * times<T>(x.a, log(x)));
    }
};

template <class T> struct GeneralizedCrossEntropy {
    static constexpr unsigned for_value = LOG, for_slope = 0;
    T q;
    GeneralizedCrossEntropy(const Numbers &numbers) : q(T(numbers.v[0])) {}
    V<T> value(const At<T> &x) const { return -times<T>(x.y, expm1(q * x.log)) / q; }
    V<T> top(const At<T> &x) const { return -x.y; }
};
