// Activations made of straight lines, and of a line and an exponential.
//
// Beside each stands the largest error of its value and of its slope in ULP; what the
// rounding of an inner argument such as z / alpha adds is not in it.

// a = z. ULP: Identity value 0 slope 0
template <class T> struct Identity {
    explicit Identity(const Numbers &) {}
    static constexpr bool COVERED = true;
    V<T> value(V<T> z) const { return z; }
    V<T> slope(V<T>, V<T>) const { return splat<T>(1); }
    V<T> potential_of(V<T> z, V<T>) const { return z * z * T(0.5); }
};

// a = max(z, 0); NaN stays. ULP: ReLU value 0 slope 0
template <class T> struct ReLU {
    explicit ReLU(const Numbers &) {}
    V<T> value(V<T> z) const { return keep<T>(~(z <= T(0)), z); }
    V<T> slope(V<T>, V<T>) const { return splat<T>(1); }
    I<T> support(V<T> z) const { return ~(z <= T(0)); }
    V<T> potential_of(V<T>, V<T> a) const { return a * a * T(0.5); }
};

// a = z where z > theta, else 0. ULP: ThresholdedReLU value 0 slope 0
template <class T> struct ThresholdedReLU {
    explicit ThresholdedReLU(const Numbers &given) : theta(T(given.v[0])) {}
    V<T> value(V<T> z) const { return keep<T>(~(z <= theta), z); }
    V<T> slope(V<T>, V<T>) const { return splat<T>(1); }
    I<T> support(V<T> z) const { return ~(z <= theta); }
    T theta;
};

// a = z where z > 0, else k z; 0 for k = 0 at -inf too. ULP: LeakyReLU value 0.5 slope 0
template <class T> struct LeakyReLU {
    explicit LeakyReLU(const Numbers &given) : k(T(given.v[0])) {}
    V<T> value(V<T> z) const {
        const V<T> below = k == 0 ? keep<T>(z != z, z) : z * k;
        return select<T>(z > T(0), z, below);
    }
    V<T> slope(V<T> z, V<T>) const {
        return select<T>(z > T(0), splat<T>(1), splat<T>(k));
    }
    I<T> support(V<T> z) const { return k == 0 ? ~(z <= T(0)) : ~I<T>{}; }
    V<T> potential_of(V<T> z, V<T> a) const { return a * z * T(0.5); }
    T k;
};

// a = z between two numbers, held there. ULP: HardTanh value 0 slope 0
template <class T> struct HardTanh {
    explicit HardTanh(const Numbers &given) : low(T(given.v[0])), high(T(given.v[1])) {}
    V<T> value(V<T> z) const {
        return minimum<T>(splat<T>(high), maximum<T>(splat<T>(low), z));
    }
    V<T> slope(V<T>, V<T>) const { return splat<T>(1); }
    I<T> support(V<T> z) const { return ~((z <= low) | (z >= high)); }
    V<T> potential_of(V<T> z, V<T> a) const { return times<T>(a, z - a * T(0.5)); }
    T low, high;
};

// z / 6 + 1/2 held between 0 and 1, from z + 3, which has no rounding where it is small.
template <class T> inline V<T> ramp(V<T> z) {
    return minimum<T>(splat<T>(1), maximum<T>(V<T>{}, (z + T(3)) / T(6)));
}

// ULP: HardSigmoid value 1 slope 0.5
template <class T> struct HardSigmoid {
    explicit HardSigmoid(const Numbers &) {}
    V<T> value(V<T> z) const { return ramp<T>(z); }
    V<T> slope(V<T>, V<T>) const { return splat<T>(T(1.0 / 6)); }
    I<T> support(V<T> z) const { return ~(absolute(z) >= T(3)); }
    V<T> log_of(V<T> z, V<T> a) const {
        return select<T>(z > T(0), log1p(-ramp<T>(-z)), log(a));
    }
    V<T> log_not_of(V<T> z, V<T>) const { return log_of(-z, ramp<T>(-z)); }
    V<T> less_of(V<T> z, V<T>) const { return ramp<T>(-z); }
    V<T> potential_of(V<T> z, V<T>) const {
        const V<T> rise = maximum<T>(V<T>{}, z + T(3));
        return select<T>(z > T(3), z, rise * rise / T(12));
    }
};

// a = z ramp(z). ULP: HardSwish value 2 slope 1.5
template <class T> struct HardSwish {
    explicit HardSwish(const Numbers &) {}
    V<T> value(V<T> z) const {
        const V<T> held = minimum<T>(splat<T>(6), maximum<T>(V<T>{}, z + T(3)));
        return times<T>(held / T(6), z);
    }
    V<T> slope(V<T> z, V<T>) const {
        return select<T>(z >= T(3), splat<T>(1), (T(2) * z + T(3)) / T(6));
    }
    I<T> support(V<T> z) const { return ~(z <= T(-3)); }
};

// a = z / (1 + |z|). ULP: Softsign value 1.5 slope 4
template <class T> struct Softsign {
    explicit Softsign(const Numbers &) {}
    V<T> value(V<T> z) const {
        const V<T> size = absolute(z);
        const I<T> far = size == Fit<T>::INF;
        return select<T>(far, with_sign(splat<T>(1), z), z / (size + T(1)));
    }
    V<T> slope(V<T> z, V<T>) const {
        const V<T> inverse = T(1) / (absolute(z) + T(1));
        return inverse * inverse;
    }
    V<T> potential_of(V<T> z, V<T>) const {
        const V<T> size = absolute(z);
        return select<T>(size == Fit<T>::INF, size, size - log1p(size));
    }
};

// a = scale z where z > 0, else scale height (exp(z / stretch) - 1): ELU, CELU, SELU.
template <class T> struct ExponentialUnit {
    ExponentialUnit(double height, double stretch, double scale)
        : scale(T(scale)), depth(T(scale * height)), steep(T(scale * height / stretch)),
          height(T(height)), stretch(T(stretch)) {}
    V<T> value(V<T> z) const {
        return select<T>(z > T(0), z * scale, depth * expm1(inner(z)));
    }
    V<T> slope(V<T> z, V<T>) const {
        return select<T>(z > T(0), splat<T>(scale), steep * exp(inner(z)));
    }
    V<T> potential_of(V<T> z, V<T>) const {
        const V<T> below = height * (stretch * expm1(narrow(z)) - z);
        return scale * select<T>(z > T(0), z * z * T(0.5), below);
    }
    V<T> inner(V<T> z) const { return narrow(minimum<T>(V<T>{}, z)); }
    V<T> narrow(V<T> z) const { return stretch == 1 ? z : z / stretch; }
    T scale, depth, steep, height, stretch;
};

// ULP: ELU value 2 slope 2
template <class T> struct ELU : ExponentialUnit<T> {
    explicit ELU(const Numbers &given) : ExponentialUnit<T>(given.v[0], 1, 1) {}
};

// ULP: CELU value 2 slope 2
template <class T> struct CELU : ExponentialUnit<T> {
    explicit CELU(const Numbers &given)
        : ExponentialUnit<T>(given.v[0], given.v[0], 1) {}
};

// ULP: SELU value 2.5 slope 2.5
template <class T> struct SELU : ExponentialUnit<T> {
    explicit SELU(const Numbers &)
        : ExponentialUnit<T>(1.6732632423543772, 1, 1.0507009873554805) {}
};
