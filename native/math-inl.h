// Functions of vectors: polynomials, the same for every width.
//
// Beside each stands its largest error in units in the last place (ULP) as measured, for
// targets with fused multiply-add and without; tests/native/test_math.py reads it there.
// All take NaN, infinities, zeros of either sign and subnormal numbers to where the
// mathematics takes them, unless it says otherwise. The coefficients are weighted
// least-squares fits over Chebyshev points, rounded one after another.

template <class T> struct Unsigned;
template <> struct Unsigned<float> {
    typedef uint32_t type __attribute__((vector_size(BYTES)));
};
template <> struct Unsigned<double> {
    typedef uint64_t type __attribute__((vector_size(BYTES)));
};

// The coefficients, highest power first, and what else depends on the number type.
template <class T> struct Fit;

template <> struct Fit<float> {
    static constexpr int DIGITS = 23, BIAS = 127;
    static constexpr float MAGIC = 0x1.8p23f;  // adding it rounds to a whole number
    static constexpr float LOG2E = 0x1.715476p0f;
    static constexpr float LN2 = 0x1.62e400p-1f, LN2_LOW = 0x1.7f7d1cp-20f;
    static constexpr float LOWEST = -110, HIGHEST = 89;
    static constexpr float FLAT = -20;  // expm1 is -1 below
    static constexpr float TINY = 0x1p-126f, UP = 0x1p25f, UPS = 25;
    static constexpr float INF = __builtin_inff(), NOT = __builtin_nanf("");
    static constexpr int32_t HALF_ROOT = 0x3f3504f3;  // the bits of sqrt(1/2)
    static constexpr int32_t HIGH_HALF = int32_t(0xfffff000);
    static constexpr float FAR = 14.5f;  // exp(-FAR^2 / 2) is 0
    // (exp(r) - 1 - r) / r^2 for |r| <= ln 2 / 2, for exp and for expm1
    static constexpr float EXP[] = {0x1.685352p-10f, 0x1.123bdp-7f, 0x1.555b96p-5f,
                                    0x1.55548ep-3f, 0x1.fffff8p-2f};
    static constexpr float EXPM1[] = {0x1.a293cep-13f, 0x1.6d436ep-10f, 0x1.110fe0p-7f,
                                      0x1.5554fp-5f,   0x1.555556p-3f,  0x1p-1f};
    // (2 artanh(s) - 2 s) / s^3 of s^2
    static constexpr float LOG[] = {0x1.ec1e44p-3f, 0x1.23f1a0p-2f, 0x1.999bd4p-2f,
                                    0x1.555554p-1f};
    // (tanh(x) - x) / x^3 of x^2 for |x| < 0.55
    static constexpr float TANH[] = {-0x1.9a7bccp-8f, 0x1.5918e6p-6f, -0x1.b9235cp-5f,
                                     0x1.110dp-3f, -0x1.55554ap-2f};
    // (1 + 2 z) Phi(-z) exp(z^2 / 2) of (z - 4) / (z + 4) for z >= 0
    static constexpr float TAIL[] = {
        -0x1.003dfep-13f, 0x1.7fa8c6p-19f, 0x1.9fc09ep-10f, -0x1.554e6ep-10f,
        -0x1.598cf8p-7f,  0x1.6b9a02p-5f,  -0x1.8624f6p-4f, 0x1.080016p-3f,
        -0x1.8ac6ep-4f,   -0x1.78fb9p-6f,  0x1.b30b54p-1f};
};

template <> struct Fit<double> {
    static constexpr int DIGITS = 52, BIAS = 1023;
    static constexpr double MAGIC = 0x1.8p52;
    static constexpr double LOG2E = 0x1.71547652b82fep0;
    static constexpr double LN2 = 0x1.62e42feep-1, LN2_LOW = 0x1.a39ef35793c76p-33;
    static constexpr double LOWEST = -750, HIGHEST = 710;
    static constexpr double FLAT = -40;
    static constexpr double TINY = 0x1p-1022, UP = 0x1p54, UPS = 54;
    static constexpr double INF = __builtin_inf(), NOT = __builtin_nan("");
    static constexpr int64_t HALF_ROOT = 0x3fe6a09e667f3bcd;
    static constexpr int64_t HIGH_HALF = int64_t(0xfffffffff8000000);
    static constexpr double FAR = 39;
    static constexpr double EXP[] = {
        0x1.add773f1864b3p-26, 0x1.28af42a60c9fap-22, 0x1.71deec62e8918p-19,
        0x1.a01997c656a0fp-16, 0x1.a01a014498ae6p-13, 0x1.6c16c1852c01cp-10,
        0x1.1111111122b4ap-7,  0x1.55555555502a0p-5,  0x1.555555555550fp-3,
        0x1.000000000000bp-1};
    static constexpr double EXPM1[] = {
        0x1.1f83e1c58be04p-29, 0x1.af5f37267188dp-26, 0x1.27e4d14428d45p-22,
        0x1.71ddf808b6ae0p-19, 0x1.a01a01ab13cadp-16, 0x1.a01a01b00610cp-13,
        0x1.6c16c16c1577dp-10, 0x1.111111110f650p-7,  0x1.5555555555557p-5,
        0x1.5555555555559p-3,  0x1p-1};
    static constexpr double LOG[] = {
        0x1.2f0ccd19fb262p-3, 0x1.39a0eaea502f7p-3, 0x1.746647f14b159p-3,
        0x1.c71c51d6d7e76p-3, 0x1.249249423ac79p-2, 0x1.999999997f73fp-2,
        0x1.5555555555594p-1};
    static constexpr double TANH[] = {
        -0x1.472592f201266p-16, 0x1.5d7c816893372p-14, -0x1.e97289681d8dcp-13,
        0x1.3483f135adf40p-11,  -0x1.7d8fdb476cc39p-10, 0x1.d6d29c1fb36cep-9,
        -0x1.226e2f175799cp-7,  0x1.664f485980bb6p-6,  -0x1.ba1ba1b97da3ap-5,
        0x1.111111111079bp-3,   -0x1.555555555554fp-2};
    static constexpr double TAIL[] = {
        0x1.21ae30e468abdp-27,  0x1.969d5b3a4d351p-26,  -0x1.71a4eecdc01d2p-25,
        -0x1.c6418c5bf1d55p-23, 0x1.a6339de09695ap-25,  0x1.3c62bfd596677p-20,
        0x1.45317b4d3421ep-21,  -0x1.8a486ef834159p-18, -0x1.9509887acc205p-18,
        0x1.08ae7173b16a0p-15,  0x1.3daa0a09ca175p-15,  -0x1.ac8f6e6e44e34p-13,
        -0x1.2c889997486b3p-13, 0x1.9d6538796d038p-10,  -0x1.3d35c16a9c9ccp-10,
        -0x1.5877b9aa5028cp-7,  0x1.6b6ea911db8fep-5,   -0x1.862fda1bfd4f9p-4,
        0x1.0800fd0f64184p-3,   -0x1.8ac5bd7636005p-4,  -0x1.78fbb7ec2d916p-6,
        0x1.b30b52fe27787p-1};
};

// c[0] x^(n - 1) + ... + c[n - 1].
template <class T, int n> inline V<T> polynomial(const T (&c)[n], V<T> x) {
    V<T> p = splat<T>(c[0]);
#pragma GCC unroll 32
    for (int i = 1; i < n; i++) p = p * x + c[i];
    return p;
}

// 2^k for whole k in the range of the exponents.
template <class T> inline V<T> two_to(I<T> k) {
    return from_bits<T>((k + Fit<T>::BIAS) << Fit<T>::DIGITS);
}

// The whole number next to x, |x| < 2^22, as a number and as an integer.
template <class T> inline V<T> whole(V<T> x, I<T> &k) {
    const V<T> shifted = x + Fit<T>::MAGIC;
    k = bits(shifted) - bits(splat<T>(Fit<T>::MAGIC));
    return shifted - Fit<T>::MAGIC;
}

// x 2^k in two steps, so that a result below the normal numbers is rounded once.
template <class T> inline V<T> scale(V<T> x, V<T> k) {
#if defined(__AVX512F__)
    if constexpr (sizeof(T) == 4)
        return (V<T>)_mm512_scalef_ps((__m512)x, (__m512)k);
    else
        return (V<T>)_mm512_scalef_pd((__m512d)x, (__m512d)k);
#else
    I<T> all, half;
    whole<T>(k, all);
    whole<T>(k * T(0.5), half);
    return x * two_to<T>(half) * two_to<T>(all - half);
#endif
}

// exp(x + low) for a correction |low| < 0.01. ULP: exp float 1.01 double 1.01
template <class T> inline V<T> exp_of_sum(V<T> x, V<T> low) {
    using F = Fit<T>;
    x = minimum<T>(splat<T>(F::HIGHEST), maximum<T>(splat<T>(F::LOWEST), x));
#if defined(__AVX512F__)
    V<T> k = x * F::LOG2E;
    if constexpr (sizeof(T) == 4)
        k = (V<T>)_mm512_roundscale_ps((__m512)k, 8);
    else
        k = (V<T>)_mm512_roundscale_pd((__m512d)k, 8);
#else
    I<T> unused;
    const V<T> k = whole<T>(x * F::LOG2E, unused);
#endif
    const V<T> r = x - k * F::LN2 - k * F::LN2_LOW + low;
    const V<T> p = polynomial(F::EXP, r) * (r * r) + r + T(1);
    // 0 is scaled at full speed; what underflows, as -inf does, takes 100 times as long
    return scale<T>(keep<T>(~(x <= splat<T>(F::LOWEST)), p), k);
}

inline V<float> exp(V<float> x) { return exp_of_sum<float>(x, V<float>{}); }
inline V<double> exp(V<double> x) { return exp_of_sum<double>(x, V<double>{}); }

// exp(x) - 1 as 2^k (1 + r) - 1 + 2^k (rest), the parts in the order of their size.
// ULP: expm1 float 1.4 double 1.6
template <class T> inline V<T> expm1_of(V<T> given) {
    using F = Fit<T>;
    const V<T> x =
        minimum<T>(splat<T>(F::HIGHEST), maximum<T>(splat<T>(F::FLAT), given));
    I<T> k;
    const V<T> n = whole<T>(x * F::LOG2E, k);
    const V<T> high = x - n * F::LN2;
    const V<T> r = high - n * F::LN2_LOW;
    const V<T> low = (high - r) - n * F::LN2_LOW;
    const V<T> rest = polynomial(F::EXPM1, r) * (r * r) + low;
    const V<T> half = two_to<T>(k - 1);  // 2^k may be too large a number
    const V<T> far = T(2) * ((half * r + (half - T(0.5))) + half * rest);
    return with_sign(select<T>(k == 0, r + rest, far), given);
}

inline V<float> expm1(V<float> x) { return expm1_of<float>(x); }
inline V<double> expm1(V<double> x) { return expm1_of<double>(x); }

// exp(x) - 1 for x from 0 to 40, or NaN. ULP: expm1_up float 1.6 double 1.6
template <class T> inline V<T> expm1_up(V<T> x) {
    using F = Fit<T>;
    I<T> k;
    const V<T> n = whole<T>(x * F::LOG2E, k);
    const V<T> r = x - n * F::LN2 - n * F::LN2_LOW, power = two_to<T>(k);
    return (polynomial(F::EXPM1, r) * (r * r) + r) * power + (power - T(1));
}

// x = 2^k (1 + f) with 1 + f between sqrt(1/2) and sqrt(2), for normal x > 0.
template <class T> inline V<T> split_power(V<T> x, V<T> &k) {
    using F = Fit<T>;
    using U = typename Unsigned<T>::type;  // NaN goes round
    const U moved = (U)bits(x) + ((U)bits(splat<T>(1)) - (U)splat_int<T>(F::HALF_ROOT));
    const I<T> exponent = (I<T>)(moved >> F::DIGITS) - F::BIAS;
    // a small whole number becomes a number without the conversion AVX2 lacks
    k = from_bits<T>(exponent + bits(splat<T>(F::MAGIC))) - F::MAGIC;
    const Int<T> fraction = (Int<T>(1) << F::DIGITS) - 1;
    return from_bits<T>(((I<T>)moved & fraction) + F::HALF_ROOT) - T(1);
}

// k ln 2 + log(1 + f + low), low far below f's last digit. The term -f^2/2 stands alone,
// since it is the largest after f.
template <class T> inline V<T> log_of_parts(V<T> k, V<T> f, V<T> low) {
    using F = Fit<T>;
    const V<T> s = f / (f + T(2));
    const V<T> z = s * s;
    const V<T> half = T(0.5) * f * f;
    const V<T> rest = s * (half + z * polynomial(F::LOG, z)) + (low + k * F::LN2_LOW);
    return k * F::LN2 - ((half - rest) - f);
}

// ULP: log float 0.9 double 0.9
template <class T> inline V<T> log_of(V<T> x) {
    using F = Fit<T>;
    const I<T> small = x < F::TINY;
    V<T> k;
    const V<T> f = split_power<T>(select<T>(small, x * F::UP, x), k);
    V<T> y = log_of_parts<T>(k - keep<T>(small, splat<T>(F::UPS)), f, V<T>{});
    y = select<T>(x < F::INF, y, x);  // inf and NaN
    y = select<T>(x == T(0), splat<T>(-F::INF), y);
    return select<T>(x < T(0), splat<T>(F::NOT), y);
}

inline V<float> log(V<float> x) { return log_of<float>(x); }
inline V<double> log(V<double> x) { return log_of<double>(x); }

// log(1 + x) for x from 0 to 1, or NaN. ULP: log1p_unit float 0.9 double 0.9
template <class T> inline V<T> log1p_unit(V<T> x) {
    const V<T> u = x + T(1);
    const I<T> upper = u > T(0x1.6a09e6p0);
    // 1 + x = 2^k (1 + f) + lost, k = 0 or 1; 1 / u to two digits is enough for lost
    const V<T> lost = x - (u - T(1));
    const V<T> f = select<T>(upper, u * T(0.5) - T(1), x);
    const V<T> low = keep<T>(upper, lost * (T(1.198) - T(0.3534) * u));
    return log_of_parts<T>(keep<T>(upper, splat<T>(1)), f, low);
}

// log(1 + x); what the rounding of 1 + x loses is put back, by the first order.
// ULP: log1p float 0.9 double 0.9
template <class T> inline V<T> log1p_of(V<T> x) {
    using F = Fit<T>;
    const V<T> u = x + T(1);
    const V<T> lost = select<T>(absolute(x) > T(1), T(1) - (u - x), x - (u - T(1)));
    V<T> k;
    V<T> f = split_power<T>(u, k);
    const I<T> near = k == T(0);
    f = select<T>(near, x, f);
    V<T> y = log_of_parts<T>(k, f, keep<T>(~near, lost / u));
    y = select<T>(x < F::INF, y, x);
    y = select<T>(x == T(-1), splat<T>(-F::INF), y);
    y = select<T>(x < T(-1), splat<T>(F::NOT), y);
    return select<T>(x == T(0), x, y);
}

inline V<float> log1p(V<float> x) { return log1p_of<float>(x); }
inline V<double> log1p(V<double> x) { return log1p_of<double>(x); }

// tanh(x): x + x^3 P(x^2) near 0, else 1 - 2 / (exp(2 |x|) + 1).
// ULP: tanh float 1.6 double 1.6
template <class T> inline V<T> tanh_of(V<T> x) {
    const V<T> size = absolute(x);
    const V<T> z = x * x;
    const V<T> near = polynomial(Fit<T>::TANH, z) * z * size + size;
    const V<T> far = T(1) - T(2) / (exp(size + size) + T(1));
    return with_sign(select<T>(size < T(0.55), near, far), x);
}

inline V<float> tanh(V<float> x) { return tanh_of<float>(x); }
inline V<double> tanh(V<double> x) { return tanh_of<double>(x); }

// a * b = ab + it, for the rounded product ab; exact, by one fused operation or by halves
// of the digits.
template <class T> inline V<T> lost_of_product(V<T> a, V<T> b, V<T> ab) {
#if defined(__AVX512F__)
    if constexpr (sizeof(T) == 4)
        return (V<T>)_mm512_fmsub_ps((__m512)a, (__m512)b, (__m512)ab);
    else
        return (V<T>)_mm512_fmsub_pd((__m512d)a, (__m512d)b, (__m512d)ab);
#elif defined(__AVX2__)
    if constexpr (sizeof(T) == 4)
        return (V<T>)_mm256_fmsub_ps((__m256)a, (__m256)b, (__m256)ab);
    else
        return (V<T>)_mm256_fmsub_pd((__m256d)a, (__m256d)b, (__m256d)ab);
#else
    const V<T> ah = from_bits<T>(bits(a) & Fit<T>::HIGH_HALF), al = a - ah;
    const V<T> bh = from_bits<T>(bits(b) & Fit<T>::HIGH_HALF), bl = b - bh;
    return (((ah * bh - ab) + ah * bl) + al * bh) + al * bl;
#endif
}

// exp(-z^2 / 2), exact to rounding in the tails too. ULP: gauss float 1.2 double 1.2
template <class T> inline V<T> gauss(V<T> z) {
    const V<T> size = minimum<T>(splat<T>(Fit<T>::FAR), absolute(z));
    const V<T> h = size * size;
    return exp_of_sum<T>(T(-0.5) * h, T(-0.5) * lost_of_product<T>(size, size, h));
}

// Phi(z), the normal distribution function, relative digits where it is small; `bell` is
// gauss(z). ULP: normal_cdf float 6 double 6
template <class T> inline V<T> normal_cdf(V<T> z, V<T> &bell) {
    using F = Fit<T>;
    const V<T> size = minimum<T>(splat<T>(F::FAR), absolute(z));
    bell = gauss<T>(size);
    const V<T> wide = size + T(4), twice = T(2) * size + T(1);
    const V<T> inverse = T(1) / (wide * twice);  // one division for two quotients
    const V<T> t = T(2) * (size * twice * inverse) - T(1);  // fewer digits lost near 0
    const V<T> tail = bell * (polynomial(F::TAIL, t) * (wide * inverse));
    return select<T>(z > T(0), T(1) - tail, tail);
}

// 1 / (1 + exp(-x)), exact to rounding on both sides. ULP: sigmoid float 2.5 double 2.5
template <class T> inline V<T> sigmoid(V<T> x) {
    const V<T> e = exp(-absolute(x));
    return select<T>(x >= T(0), splat<T>(1), e) / (e + T(1));
}

// log(1 + exp(x)), which is also -log sigmoid(-x). ULP: softplus float 1.8 double 1.8
template <class T> inline V<T> softplus(V<T> x) {
    return maximum<T>(V<T>{}, x) + log1p_unit<T>(exp(-absolute(x)));
}

// x^p = exp(p log x) for x >= 0, the logarithm in two words; 0^p is 0 or infinity, x^0 is
// 1. The error grows with |p log x|, here for those below 100; float goes by the plain
// logarithm of double.
// ULP: power float 0.6 double 1.5
inline V<double> power(V<double> x, double p) {
    using T = double;
    using F = Fit<T>;
    const I<T> small = x < F::TINY;
    V<T> k;
    const V<T> f = split_power<T>(select<T>(small, x * F::UP, x), k);
    k -= keep<T>(small, splat<T>(F::UPS));
    const V<T> d = f + 2.0, s = f / d, z = s * s;
    const V<T> left = (f - (d - 2.0)) * s;  // what d lost
    const V<T> ds = d * s;
    const V<T> s_low = (((f - ds) - lost_of_product<T>(d, s, ds)) - left) / d;
    const V<T> main = s + s, whole_part = k * F::LN2, high = whole_part + main;
    const V<T> low = (main - (high - whole_part)) + (s_low + s_low) +
                     (s * z * polynomial(F::LOG, z) + k * F::LN2_LOW);
    const V<T> ps = splat<T>(p), product = ps * high;
    const V<T> rest = lost_of_product<T>(ps, high, product) + ps * low;
    const I<T> fine = absolute(product) < 1000.0;
    V<T> y = exp_of_sum<T>(product, keep<T>(fine, rest));
    const T at_0 = p > 0 ? 0 : F::INF, at_inf = p > 0 ? F::INF : 0;
    y = select<T>(x == 0.0, splat<T>(at_0), y);
    y = select<T>(x < F::INF, y, select<T>(x == F::INF, splat<T>(at_inf), x));
    y = select<T>(x < 0.0, splat<T>(F::NOT), y);
    return p == 0 ? splat<T>(1) : y;
}

inline V<float> power(V<float> x, float p) {
    if (p == 1) return x;
    if (p == 2) return x * x;
    if (p == 0) return splat<float>(1);
    typedef float Half __attribute__((vector_size(BYTES / 2)));
    Half parts[2], found[2];
    __builtin_memcpy(parts, &x, BYTES);
    for (int i = 0; i < 2; i++) {
        const V<double> wide = __builtin_convertvector(parts[i], V<double>);
        found[i] = __builtin_convertvector(exp(double(p) * log(wide)), Half);
    }
    __builtin_memcpy(&x, found, BYTES);
    return x;
}
