// Maps a = f(max((z - m) / T - tau, 0)) onto the simplex, m the row's largest z: the
// threshold tau is found on the few inputs near the largest, in double.

// The vector's lanes where the mask is true, one after another from `to` on; the end.
inline double *packed(double *to, I<double> mask, V<double> x) {
#if defined(__AVX512F__)
    const __mmask8 where = _mm512_movepi64_mask((__m512i)mask);
    _mm512_storeu_pd(to, _mm512_maskz_compress_pd(where, (__m512d)x));
    return to + __builtin_popcount(where);
#else
    for (int i = 0; i < N<double>; i++)
        if (mask[i]) *to++ = x[i];
    return to;
#endif
}

// A vector in double: two halves of floats, or itself.
inline void widened(V<float> x, V<double> *parts) {
    parts[0] = lower(x);
    parts[1] = upper(x);
}
inline void widened(V<double> x, V<double> *parts) { parts[0] = x; }

inline V<float> narrowed(const V<double> *parts, float) {
    typedef float Half __attribute__((vector_size(BYTES / 2)));
    const Half low = __builtin_convertvector(parts[0], Half);
    const Half high = __builtin_convertvector(parts[1], Half);
    V<float> x;
    __builtin_memcpy(&x, &low, sizeof low);
    __builtin_memcpy(reinterpret_cast<char *>(&x) + sizeof low, &high, sizeof high);
    return x;
}
inline V<double> narrowed(const V<double> *parts, double) { return parts[0]; }

template <class T> constexpr int PARTS = int(sizeof(double) / sizeof(T));

// The inputs of a row that may count, as (z - m) / T in double.
template <class T> struct Candidates {
    T best, cut;  // what is at most `cut` does not count
    double inverse;
    double *x;
    idx count = 0;

    Candidates(const T *z, idx n, double temperature, double width, T *work)
        : inverse(1 / temperature), x(reinterpret_cast<double *>(work)) {
        constexpr double slack = sizeof(T) == 4 ? 0x1p-22 : 0x1p-51;
        best = top(z, n);
        const double down = width * temperature;
        cut = T(best - down - slack * (__builtin_fabs(best) + down));
        double *to = x;
        each_vector<T>(n, [&](idx i, int k) {
            const V<T> value = load_some(z + i, k, -INFINITE<T>);
            I<T> in = ~(value <= splat<T>(cut));
            if (k < N<T>) in &= first<T>(k);
            if (!any<T>(in)) return;
            V<double> parts[PARTS<T>];
            widened(value, parts);
            for (int j = 0; j < PARTS<T>; j++) {
                I<double> here = ~(parts[j] <= splat<double>(cut));
                if (k < N<T>) here &= first<double>(k - j * N<double>);
                to = packed(to, here, (parts[j] - best) * inverse);
            }
        });
        count = to - x;
        for (int j = 0; j < N<double>; j++) to[j] = -__builtin_inf();  // fills a vector
    }

    static T top(const T *z, idx n) {
        V<T> most[4];
        for (V<T> &each : most) each = splat<T>(-INFINITE<T>);
        each_four<T>(
            n,
            [&](idx i) {
                for (int j = 0; j < 4; j++)
                    most[j] = maximum<T>(load(z + i + j * N<T>), most[j]);
            },
            [&](idx i, int k) {
                most[0] = maximum<T>(load_some(z + i, k, -INFINITE<T>), most[0]);
            });
        return largest<T>(
            maximum<T>(maximum<T>(most[0], most[1]), maximum<T>(most[2], most[3])));
    }

    // Call body(x) for the vectors of candidates, the last filled with -inf.
    template <class Body> void each(Body body) const {
        for (idx i = 0; i < count; i += N<double>) body(load(x + i));
    }
};

// The sums of (x - tau), its square, and the number of terms, over x > tau.
struct Moments2 {
    double first, second, count;
};

template <class T> inline Moments2 above(const Candidates<T> &of, double tau) {
    V<double> one{}, two{}, count{};
    of.each([&](V<double> x) {
        const V<double> d = x - tau;
        const I<double> in = ~(d <= splat<double>(0));
        const V<double> kept = keep<double>(in, d);
        one += kept;
        two += kept * kept;
        count += keep<double>(in, splat<double>(1));
    });
    return {sum<double>(one), sum<double>(two), sum<double>(count)};
}

// tau with sum max(x - tau, 0) = 1: from -1 the terms above fall away step by step
// (Michelot), and nothing is left to do once none does.
template <class T> inline double sparsemax_threshold(const Candidates<T> &of) {
    double tau = -1, before = 0;
    for (int step = 0; step < 100; step++) {
        const Moments2 sums = above(of, tau);
        tau += (sums.first - 1) / sums.count;
        if (sums.count == before || tau != tau) break;
        before = sums.count;
    }
    return tau;
}

// tau with sum max(x - tau, 0)^2 = 1. Newton's steps on the root of the sum, which is
// convex, come from below; once the terms stay the same the quadratic is solved.
template <class T> inline double entmax_threshold(const Candidates<T> &of) {
    constexpr double small = sizeof(T) == 4 ? 0x1p-34 : 0x1p-52;
    double tau = -1, before = 0;
    for (int step = 0; step < 60; step++) {
        const Moments2 s = above(of, tau);
        const double excess = s.second - 1;
        const double inside = s.first * s.first - s.count * excess;
        const bool settled = s.count == before && inside >= 0;
        const double change =
            settled ? excess / (s.first + __builtin_sqrt(inside))
                    : (s.second - __builtin_sqrt(s.second)) / s.first;
        tau += change;
        before = s.count;
        if (!(__builtin_fabs(change) > small)) break;
    }
    return tau;
}

// c with sum exp_alpha(x - c) = 1, log exp_alpha(s) = log1p((alpha - 1) s) / (alpha - 1):
// Newton's steps where they stay in the bracket, else its middle.
template <class T> inline double entmax_search(const Candidates<T> &of, double alpha, idx n) {
    const double b = alpha - 1;
    double low = 0, c = 0;
    double high = -expm1(splat<double>(-b * log(splat<double>(double(n)))[0]))[0] / b;
    for (int step = 0; step < 100; step++) {
        V<double> total{}, fall{};
        of.each([&](V<double> x) {
            const V<double> inside = (x - c) * b;
            const I<double> in = ~(inside <= splat<double>(-1));
            const V<double> log = log1p(keep<double>(in, inside)) / b;
            total += keep<double>(in, exp(log));
            fall += keep<double>(in, exp(log * (1 - b)));
        });
        const double excess = sum<double>(total) - 1, newton = c + excess / sum<double>(fall);
        (excess > 0 ? low : high) = c;
        if (!(__builtin_fabs(newton - c) > 0x1p-52 * (1 + c))) return newton;
        c = newton > low && newton < high ? newton : (low + high) / 2;
    }
    return c;
}

// a = f(x) for (z - m) / T = x, which is 0 for what does not count; f takes and gives
// double and keeps NaN. A row with NaN, or no finite largest, is not the simplex's.
template <class T, bool STREAM, class F>
inline void write_mapped(const Candidates<T> &of, const T *z, T *a, const T *next, idx n,
                         V<T> off, F f) {
    write<T, STREAM>(a, n, next, [&](idx i, int k) {
        const V<T> value = load_some(z + i, k, -INFINITE<T>);
        const I<T> in = ~(value <= splat<T>(of.cut));
        if (!any<T>(in)) return off;
        V<double> parts[PARTS<T>];
        widened(value, parts);
        for (int j = 0; j < PARTS<T>; j++) parts[j] = f((parts[j] - of.best) * of.inverse);
        return select<T>(in, narrowed(parts, T()), off);
    });
}

// NaN where z is infinite and `off` elsewhere, unless NaN is there too: then all is NaN.
template <class T> inline void write_infinite(const T *z, T *a, idx n, V<T> off) {
    V<T> lost = splat<T>(0);
    each_vector<T>(n, [&](idx i, int k) {
        const V<T> value = load_some(z + i, k);
        lost += keep<T>(value != value, value);
    });
    lost = splat<T>(sum<T>(lost));
    each_vector<T>(n, [&](idx i, int k) {
        const V<T> value = load_some(z + i, k);
        const V<T> bad = value - value;  // NaN for infinity
        store_some(a + i, select<T>(value == splat<T>(INFINITE<T>), bad, off) + lost, k);
    });
}
