// What kernels of rows share: sums that keep their last digit, and exponentials of
// differences. A row's bits depend on its numbers and its width alone.

// ---- sums

// The first and the second half of a vector, in double precision.
inline V<double> lower(V<float> x) {
#if defined(__AVX512F__)
    return (V<double>)_mm512_cvtps_pd(_mm512_castps512_ps256((__m512)x));
#elif defined(__AVX2__)
    return (V<double>)_mm256_cvtps_pd(_mm256_castps256_ps128((__m256)x));
#else
    return V<double>{x[0], x[1]};
#endif
}
inline V<double> upper(V<float> x) {
#if defined(__AVX512F__)
    return (V<double>)_mm512_cvtps_pd(_mm512_extractf32x8_ps((__m512)x, 1));
#elif defined(__AVX2__)
    return (V<double>)_mm256_cvtps_pd(_mm256_extractf128_ps((__m256)x, 1));
#else
    return V<double>{x[2], x[3]};
#endif
}

// One number of sum a row, N<double> rows at once: lane i is the sum of the lanes of
// x[i], added in the order of `sum`: halves first. (Called, it spills all registers.)
[[gnu::always_inline]] inline V<double> sums(const V<double> *x) {
#if defined(__AVX512F__)
    V<double> two[4], four[2];
    for (int i = 0; i < 4; i++)
        two[i] = __builtin_shufflevector(x[i], x[i + 4], 0, 1, 2, 3, 8, 9, 10, 11) +
                 __builtin_shufflevector(x[i], x[i + 4], 4, 5, 6, 7, 12, 13, 14, 15);
    for (int i = 0; i < 2; i++)
        four[i] = __builtin_shufflevector(two[i], two[i + 2], 0, 1, 8, 9, 4, 5, 12, 13) +
                  __builtin_shufflevector(two[i], two[i + 2], 2, 3, 10, 11, 6, 7, 14, 15);
    return __builtin_shufflevector(four[0], four[1], 0, 8, 2, 10, 4, 12, 6, 14) +
           __builtin_shufflevector(four[0], four[1], 1, 9, 3, 11, 5, 13, 7, 15);
#elif defined(__AVX2__)
    V<double> two[2];
    for (int i = 0; i < 2; i++)
        two[i] = __builtin_shufflevector(x[i], x[i + 2], 0, 1, 4, 5) +
                 __builtin_shufflevector(x[i], x[i + 2], 2, 3, 6, 7);
    return __builtin_shufflevector(two[0], two[1], 0, 4, 2, 6) +
           __builtin_shufflevector(two[0], two[1], 1, 5, 3, 7);
#else
    return V<double>{x[0][0], x[1][0]} + V<double>{x[0][1], x[1][1]};
#endif
}

// x y + z, hardly rounded where z is near -x y.
inline V<float> fused(V<float> x, V<float> y, V<float> z) {
#if defined(__AVX512F__)
    return (V<float>)_mm512_fmadd_ps((__m512)x, (__m512)y, (__m512)z);
#elif defined(__AVX2__)
    return (V<float>)_mm256_fmadd_ps((__m256)x, (__m256)y, (__m256)z);
#elif defined(__FP_FAST_FMAF)
    for (int i = 0; i < N<float>; i++) z[i] = __builtin_fmaf(x[i], y[i], z[i]);
    return z;
#else
    const V<float> xy = x * y;
    return (xy + z) + lost_of_product<float>(x, y, xy);
#endif
}
inline V<double> fused(V<double> x, V<double> y, V<double> z) {
#if defined(__AVX512F__)
    return (V<double>)_mm512_fmadd_pd((__m512d)x, (__m512d)y, (__m512d)z);
#elif defined(__AVX2__)
    return (V<double>)_mm256_fmadd_pd((__m256d)x, (__m256d)y, (__m256d)z);
#elif defined(__FP_FAST_FMA)
    for (int i = 0; i < N<double>; i++) z[i] = __builtin_fma(x[i], y[i], z[i]);
    return z;
#else
    const V<double> xy = x * y;
    return (xy + z) + lost_of_product<double>(x, y, xy);
#endif
}

// x / sum, rounded as the division is, from inverse = 1 / sum.
template <class T> inline V<T> shared(V<T> x, V<T> sum, V<T> inverse) {
    const V<T> near = x * inverse;
    return fused(fused(-near, sum, x), inverse, near);
}

// A running sum of vectors. Float: in double. Double: with the rounding of each addition
// carried along (Knuth's two-sum).
template <class T> struct Total;

template <> struct Total<float> {
    V<double> low{}, high{};

    Total() {}
    explicit Total(V<float> x) : low(lower(x)), high(upper(x)) {}
    void add(V<float> x) {
        low += lower(x);
        high += upper(x);
    }
    void add(V<float> a, V<float> b, V<float> c, V<float> d) { add((a + b) + (c + d)); }
    V<double> lanes() const { return low + high; }
    double value() const { return sum<double>(lanes()); }
};

template <> struct Total<double> {
    V<double> high{}, low{};

    Total() {}
    explicit Total(V<double> x) : high(x) {}
    void add(V<double> x) {
        const V<double> s = high + x, back = s - high;
        low += (high - (s - back)) + (x - back);
        high = s;
    }
    void add(V<double> a, V<double> b, V<double> c, V<double> d) {
        add((a + b) + (c + d));
    }
    V<double> lanes() const { return high + low; }
    double value() const { return sum<double>(lanes()); }
};

// Visit the vectors of a row: four(i) takes the four from i on, one(i, k) the k numbers
// from i on.
template <class T, class Four, class One>
inline void each_four(idx n, Four four, One one) {
    idx i = 0;
    for (; i + 4 * N<T> <= n; i += 4 * N<T>) four(i);
    for (; i + N<T> <= n; i += N<T>) one(i, N<T>);
    if (i < n) one(i, int(n - i));
}

// ---- exponentials

// Exponentials are kept times 2^LIFT: so none is subnormal, which processors are slow at,
// before its share of a row's sum is below half of the smallest number.
template <class T> constexpr int LIFT = sizeof(T) == 4 ? 32 : 64;
constexpr double LOW = -5, HIGH = 32;  // where exp(z) needs no shift by the row's largest

// Exponents are taken in steps of 1 / STEPS: where a vector can be looked up in another,
// one holds what lies between, and the polynomial is short.
#if defined(__AVX512F__)
template <class T> constexpr int STEPS = sizeof(T) == 4 ? 16 : 1;
#else
template <class T> constexpr int STEPS = 1;
#endif

// The bits of 2^(k / STEPS), from those of k + bias at a float's end; k may be anything.
inline V<float> power_of_steps(I<float> k) {
#if defined(__AVX512F__)
    // what the mantissa of 2^(j / 16) falls short of j / 16
    constexpr I<float> SHORT = {0,       0x2553d, 0x46a3e, 0x63c2d, 0x7c810, 0x90ace,
                                0xa0129, 0xaa7c1, 0xafb0d, 0xaf75c, 0xa98d6, 0x9db74,
                                0x8bb03, 0x73321, 0x53f39, 0x2da83};
    return from_bits<float>((k << 19) -
                            (I<float>)_mm512_permutexvar_epi32((__m512i)k, (__m512i)SHORT));
#else
    return from_bits<float>(k << 23);
#endif
}
inline V<double> power_of_steps(I<double> k) { return from_bits<double>(k << 52); }

// exp(r) - 1 = r + r^2 q(r) for |r| <= log(2) / (2 STEPS), to 0.1 ULP of 1.
inline V<float> expm1_inside(V<float> r) {
    if constexpr (STEPS<float> == 16)
        return (r * 0x1.555762p-3f + 0x1.000220p-1f) * (r * r) + r;
    V<float> q = r * 0x1.6850e4p-10f + 0x1.123bccp-7f;
    q = q * r + 0x1.555b98p-5f;
    q = q * r + 0x1.55548ep-3f;
    q = q * r + 0x1.fffff8p-2f;
    return q * (r * r) + r;
}
// By Taylor's polynomial of degree 13; the rest is below 5e-18.
inline V<double> expm1_inside(V<double> r) {
    const V<double> s = r * r;
    V<double> odd = s * (1 / 6227020800.) + 1 / 39916800.;
    V<double> even = s * (1 / 479001600.) + 1 / 3628800.;
    odd = odd * s + 1 / 362880.;
    even = even * s + 1 / 40320.;
    odd = odd * s + 1 / 5040.;
    even = even * s + 1 / 720.;
    odd = odd * s + 1 / 120.;
    even = even * s + 1 / 24.;
    odd = odd * s + 1 / 6.;
    even = even * s + 0.5;
    return (odd * r + even) * s + r;
}

// exp(x + rest) 2^LIFT, the rest far smaller than x; at most 1.1 ULP, but somewhere below
// the smallest normal number if that is there. Where x > HIGH the result means nothing.
// NaN stays.
template <class T, bool RESTED> inline V<T> lifted_exp(V<T> x, V<T> rest) {
    constexpr bool single = sizeof(T) == 4;
    constexpr int steps = STEPS<T>, zero = (single ? 127 : 1023) + LIFT<T>;
    constexpr double ln2 = 0x1.62e42fefa39efp-1;
    constexpr T magic = (single ? T(0x1.8p23) : T(0x1.8p52)) + zero * steps;
    constexpr T step_high = (single ? T(0x1.62e400p-1) : T(0x1.62e42feep-1)) / steps;
    constexpr T step_low = (single ? T(0x1.7f7d1cp-20) : T(0x1.a39ef35793c76p-33)) / steps;
    x = maximum<T>(splat<T>(T(-zero * ln2)), x);  // from there down the power is 0
    const V<T> shifted = x * T(0x1.71547652b82fep0 * steps) + magic, k = shifted - magic;
    const V<T> power = power_of_steps(bits(shifted));  // 2^(k / steps + LIFT)
    V<T> r = (x - k * step_high) - k * step_low;
    if constexpr (RESTED) r += rest;
    return expm1_inside(r) * power + power;
}

// A number and what was rounded off it.
template <class T> struct Split {
    V<T> x, rest;
};

// z / T - shift, hardly rounded; T may be negative.
template <class T, bool TEMPERED, bool SHIFTED> struct Scaling {
    V<T> inverse, inverse_rest, sign;
    V<T> shift = splat<T>(0), shift_rest = splat<T>(0);

    explicit Scaling(double temperature) {
        const T near = T(1 / temperature);
        const V<double> off =
            fused(splat<double>(-double(near)), splat<double>(temperature),
                  splat<double>(1));
        inverse = splat<T>(near);
        inverse_rest = splat<T>(T(off[0] / temperature));
        sign = splat<T>(temperature < 0 ? -1 : 1);
    }

    // What grows with z / T.
    V<T> order(V<T> z) const { return TEMPERED ? V<T>(z * sign) : z; }

    // Shift by z / T of the row's own z: its exponential will be 1.
    void shift_by(V<T> z) {
        shift = input(z);
        if (TEMPERED) shift_rest = finite(fused(z, inverse, -shift) + z * inverse_rest);
    }

    static V<T> finite(V<T> rest) { return keep<T>(absolute(rest) < T(1e30), rest); }

    // z / T alone, rounded.
    V<T> input(V<T> z) const {
        if constexpr (TEMPERED)
            return z * inverse;
        else
            return z;
    }

    Split<T> split(V<T> z) const {
        V<T> x = input(z), rest = splat<T>(0);
        if constexpr (TEMPERED) rest = fused(z, inverse, -x) + z * inverse_rest;
        if constexpr (SHIFTED) {
            const V<T> d = x - shift, back = d - x;
            rest += (x - (d - back)) - (shift + back);
            x = d;
        }
        if constexpr (TEMPERED && SHIFTED) rest -= shift_rest;
        if constexpr (TEMPERED || SHIFTED) rest = finite(rest);
        return {x, rest};
    }

    V<T> exp(V<T> z) const {
        const Split<T> at = split(z);
        return lifted_exp<T, TEMPERED || SHIFTED>(at.x, at.rest);
    }
};

// ---- writing

// out = f(i, k) for n numbers, past the caches if STREAM; next: what is read soon after.
// Long rows are stored where vectors lie within one line of the cache, so that where f is
// called depends on the address: it must be a function of i alone.
template <class T, bool STREAM, class F>
inline void write(T *out, idx n, const T *next, F f) {
    idx i = 0;
    if (const int off = int((uintptr_t)out % BYTES / sizeof(T));
        off && (STREAM || n >= 8 * N<T>)) {
        i = N<T> - off < n ? N<T> - off : n;
        store(out, f(0, int(i)), int(i));
    }
    for (; i + N<T> <= n; i += N<T>) {
        if constexpr (STREAM) {
            if (next) __builtin_prefetch(next + i, 0, 2);
            stream(out + i, f(i, N<T>));
        } else {
            store(out + i, f(i, N<T>));
        }
    }
    if (i < n) store(out + i, f(i, int(n - i)), int(n - i));
}

// Ask for memory well ahead of eight vectors at x: by itself the processor stops at the end
// of a page.
template <class T> inline void expect(const T *x) {
    constexpr idx ahead = 1024;
    for (int j = 0; j < 8; j++) __builtin_prefetch(x + ahead + j * N<T>, 0, 2);
}

// A row's last step, out = step(i, k), put off until its like is computed for the next
// row: so memory is written past the caches while there is something to compute.
template <class T, class Step> struct Later {
    Step step{};
    T *out = nullptr;
    idx n = 0, at = 0;  // numbers of the row, and those written

    // Write what lies before `end` and, to store whole lines, a little beyond.
    void upto(idx end) {
        const idx line = -(uintptr_t)out % BYTES / sizeof(T);
        if (at == 0) part(line < n ? line : n);
        end = end < n ? end : n;
        for (; at < end && at + N<T> <= n; at += N<T>) stream(out + at, step(at, N<T>));
        if (at < end) part(n - at);
    }
    void part(idx k) {
        if (k == 0) return;
        store(out + at, step(at, int(k)), int(k));
        at += k;
    }
};

// Where the numbers of a row are kept from one pass to the next.
template <class T, bool STREAM> inline T *between(const T *z, T *a, T *work) {
    return STREAM || z == a ? work : a;
}

// ---- narrow rows, several at once

template <class T> constexpr int GROUP = N<double>;  // rows that are reduced together

template <class T> constexpr T INFINITE = T(__builtin_inf());

// The K vectors of up to GROUP rows of n numbers; the last row stands for those missing.
template <class T, int K> struct Group {
    V<T> x[GROUP<T>][K];
    int last;

    Group(const T *z, idx n, int rows, T fill) : last(int(n) - (K - 1) * N<T>) {
        for (int r = 0; r < GROUP<T>; r++) {
            const T *row = z + (r < rows ? r : rows - 1) * n;
            for (int j = 0; j < K - 1; j++) x[r][j] = load(row + j * N<T>);
            x[r][K - 1] = load(row + (K - 1) * N<T>, last, fill);
        }
    }

    void write(T *out, int r, int j, V<T> value) const {
        if (j < K - 1)
            store(out + j * N<T>, value);
        else
            store(out + j * N<T>, value, last);
    }

    // Whether |f(x)| <= bound everywhere; NaN counts as such.
    template <class F> bool within(T bound, F f) const {
        V<T> wide = splat<T>(0), end = splat<T>(0);
        for (int r = 0; r < GROUP<T>; r++) {
            for (int j = 0; j < K - 1; j++) wide = maximum<T>(absolute(f(x[r][j])), wide);
            end = maximum<T>(absolute(f(x[r][K - 1])), end);
        }
        end = keep<T>(first<T>(last), end);
        return !any<T>(maximum<T>(wide, end) > bound);
    }
};

// A number for each row of a group.
template <class T> struct PerRow {
    alignas(64) T v[GROUP<T>];

    explicit PerRow(V<double> x) {
        typedef T Narrow __attribute__((vector_size(GROUP<T> * sizeof(T))));
        const Narrow narrow = __builtin_convertvector(x, Narrow);
        __builtin_memcpy(v, &narrow, sizeof v);
    }
    V<T> operator[](int r) const { return splat<T>(v[r]); }
};

// Call f.template operator()<K>() with as many vectors as n numbers need, K at most 3;
// false where it is more.
template <class T, class F> inline bool narrow(idx n, F f) {
    if (n > 3 * N<T>) return false;
    if (n <= N<T>)
        f.template operator()<1>();
    else if (n <= 2 * N<T>)
        f.template operator()<2>();
    else
        f.template operator()<3>();
    return true;
}

// Call f(row, count) for every group of rows.
template <class T, class F> inline void each_group(idx rows, F f) {
    for (idx r = 0; r < rows; r += GROUP<T>)
        f(r, int(rows - r < GROUP<T> ? rows - r : GROUP<T>));
}
