// Activations made of sigmoids, logarithms and exponentials.
//
// Beside each stands the largest error of its value and of its slope in ULP; what the
// rounding of an inner argument such as beta z adds is not in it, and where a slope is a
// sum that cancels (the gates) the ULP is that of its larger part.

// sigmoid(w) and its derivative. The smaller of sigmoid(w) and sigmoid(-w) is at most 1/2,
// and 1 less it the larger: nothing cancels.
template <class T> inline V<T> sigmoid_of(V<T> w, V<T> &bell) {
    const V<T> e = exp(-absolute(w)), small = e / (e + T(1)), large = T(1) - small;
    bell = small * large;
    return select<T>(w >= T(0), large, small);
}

// tanh(w) and its derivative; `tanh` of math-inl.h where both are not wanted.
template <class T> inline V<T> tanh_of(V<T> w, V<T> &slope) {
    const V<T> size = absolute(w), square = w * w, e = exp(T(-2) * size);
    const V<T> small = e / (e + T(1));
    const V<T> near = polynomial(Fit<T>::TANH, square) * square * size + size;
    slope = T(4) * small * (T(1) - small);
    return with_sign(select<T>(size < T(0.55), near, T(1) - T(2) * small), w);
}

// log cosh z, which does not overflow.
template <class T> inline V<T> log_cosh(V<T> z) {
    const V<T> size = absolute(z);
    return size + log1p_unit<T>(exp(T(-2) * size)) - T(0.6931471805599453);
}

// ULP: Sigmoid value 2.5 slope 4
template <class T> struct Sigmoid {
    explicit Sigmoid(const Numbers &) {}
    static constexpr bool COVERED = true;
    V<T> both(V<T> z, V<T> &slope) const { return sigmoid_of<T>(z, slope); }
    V<T> log_of(V<T> z, V<T>) const { return -softplus<T>(-z); }
    V<T> log_not_of(V<T> z, V<T>) const { return -softplus<T>(z); }
    V<T> less_of(V<T> z, V<T>) const { return sigmoid<T>(-z); }
    V<T> potential_of(V<T> z, V<T>) const { return softplus<T>(z); }
};

// Slope (1 - a)(1 + a) = 4 sigmoid(2 z) sigmoid(-2 z). ULP: Tanh value 1.6 slope 4
template <class T> struct Tanh {
    explicit Tanh(const Numbers &) {}
    static constexpr bool COVERED = true;
    V<T> both(V<T> z, V<T> &slope) const { return tanh_of<T>(z, slope); }
    V<T> log_not_of(V<T> z, V<T> a) const {
        const V<T> far = T(0.6931471805599453) - softplus<T>(T(2) * z);
        return select<T>(z < T(0.5), log1p(-a), far);
    }
    V<T> less_of(V<T> z, V<T>) const { return T(2) * sigmoid<T>(T(-2) * z); }
    V<T> potential_of(V<T> z, V<T>) const { return log_cosh<T>(z); }
};

// a = cap tanh(z / cap). ULP: SoftCap value 3 slope 3
template <class T> struct SoftCap {
    explicit SoftCap(const Numbers &given) : cap(T(given.v[0])) {}
    V<T> both(V<T> z, V<T> &slope) const { return cap * tanh_of<T>(z / cap, slope); }
    V<T> potential_of(V<T> z, V<T>) const { return cap * cap * log_cosh<T>(z / cap); }
    T cap;
};

// ULP: Exp value 1.01 slope 1.01
template <class T> struct Exp {
    explicit Exp(const Numbers &) {}
    static constexpr bool COVERED = true;
    V<T> value(V<T> z) const { return exp(z); }
    V<T> slope(V<T>, V<T> a) const { return a; }
    V<T> log_of(V<T> z, V<T>) const { return z; }
    V<T> potential_of(V<T>, V<T> a) const { return a; }
};

// a = log(1 + exp(beta z)) / beta; the factor is f'/f. ULP: Softplus value 2 slope 3
template <class T> struct Softplus {
    explicit Softplus(const Numbers &given)
        : beta(T(given.v[0])), level(log(splat<T>(beta))[0]) {}
    V<T> both(V<T> z, V<T> &slope) const {
        const V<T> w = beta * z, e = exp(-absolute(w)), rest = log1p_unit<T>(e);
        slope = select<T>(w >= T(0), splat<T>(1), e) / (e + T(1));
        return maximum<T>(V<T>{}, z) + (beta == 1 ? rest : rest / beta);
    }
    V<T> factor(V<T> z, V<T> a) const {
        const V<T> w = beta * z, x = exp(-absolute(w));
        const V<T> share = select<T>(x == T(0), splat<T>(1), x / log1p_unit<T>(x));
        const V<T> below = beta * sigmoid<T>(-w) * share;
        const V<T> largest = splat<T>(sizeof(T) == 4 ? T(__FLT_MAX__) : T(__DBL_MAX__));
        return select<T>(z > T(0), sigmoid<T>(w) / minimum<T>(largest, a), below);
    }
    V<T> log_of(V<T> z, V<T>) const {
        constexpr T far = T(sizeof(T) == 4 ? -15.942385152878742 : -36.04365338911715);
        const V<T> w = beta * z;
        const V<T> tail = w - exp(minimum<T>(V<T>{}, w)) * T(0.5);
        return select<T>(w < far, tail, log(softplus<T>(w))) - level;
    }
    T beta, level;
};

// a = -log(1 + exp(-z)), the softplus turned. ULP: LogSigmoid value 2 slope 2
template <class T> struct LogSigmoid {
    explicit LogSigmoid(const Numbers &) {}
    V<T> both(V<T> z, V<T> &slope) const { return -mirror.both(-z, slope); }
    V<T> factor(V<T> z, V<T> a) const { return -mirror.factor(-z, -a); }
    Softplus<T> mirror{Numbers{{1}}};
};

// z sigmoid(w) and its derivative for w' = first.
template <class T> inline V<T> gated(V<T> z, V<T> w, V<T> first, V<T> &slope) {
    V<T> bell;
    const V<T> open = sigmoid_of<T>(w, bell);
    slope = open + times<T>(bell, times<T>(first, z));
    return times<T>(open, z);
}

// ULP: SiLU value 3 slope 5
template <class T> struct SiLU {
    explicit SiLU(const Numbers &) {}
    V<T> both(V<T> z, V<T> &slope) const { return gated<T>(z, z, splat<T>(1), slope); }
};

// a = z sigmoid(beta z). ULP: Swish value 3 slope 5
template <class T> struct Swish {
    explicit Swish(const Numbers &given) : beta(T(given.v[0])) {}
    V<T> both(V<T> z, V<T> &slope) const {
        return gated<T>(z, beta == 0 ? V<T>{} : beta * z, splat<T>(beta), slope);
    }
    T beta;
};

// a = z Phi(z), or z sigmoid(steep (z + cubic z^3)). ULP: GELU value 5.5 slope 7
template <class T> struct GELU {
    explicit GELU(const Numbers &given) : by_tanh(given.v[0] != 0) {}
    V<T> both(V<T> z, V<T> &slope) const {
        const V<T> square = z * z;
        if (by_tanh)
            return gated<T>(z, STEEP * z * (T(1) + CUBIC * square),
                            STEEP * (T(1) + T(3) * CUBIC * square), slope);
        V<T> density;
        const V<T> below = normal_cdf<T>(z, density);
        slope = below + times<T>(T(0.3989422804014327) * density, z);
        return times<T>(below, z);
    }
    static constexpr T STEEP = T(1.5957691216057308), CUBIC = T(0.044715);
    bool by_tanh;
};

// a = z t, t = tanh(softplus(z)), rational in e = exp(-|z|).
// ULP: Mish value 3.5 slope 6.5
template <class T> struct Mish {
    explicit Mish(const Numbers &) {}
    V<T> both(V<T> z, V<T> &slope) const {
        const I<T> above = z > T(0);
        const V<T> e = exp(-absolute(z)), one = e + T(1), square = e * e;
        const V<T> far = T(2) * e + T(1);
        const V<T> gate = select<T>(above, far, e * (e + T(2)));
        const V<T> whole = select<T>(above, T(2) * square + far, one * one + T(1));
        const V<T> open = gate / whole, tail = select<T>(above, square, e);
        slope = open + times<T>(T(4) * one * tail / (whole * whole), z);
        return times<T>(open, z);
    }
};
