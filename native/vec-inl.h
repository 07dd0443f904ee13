// Vectors of the width that the target has, over the compilers' own vector types.
//
// Include it inside an unnamed namespace: what a target compiles must not be shared with
// another target by the linker. Nothing here may use the standard library's containers
// or algorithms. `Vec<T>::N` lanes; loads and stores of k < N lanes are masked, so that
// nothing outside an array is touched; lanes that are not loaded hold `fill`.

#if defined(__AVX512F__)
constexpr int BYTES = 64;
#elif defined(__AVX2__)
constexpr int BYTES = 32;
#else
constexpr int BYTES = 16;
#endif

template <class T> struct Whole;  // the integer of the same size
template <> struct Whole<float> { using type = int32_t; };
template <> struct Whole<double> { using type = int64_t; };

template <class T> struct Vec {
    static constexpr int N = BYTES / int(sizeof(T));
    using Int = typename Whole<T>::type;
    typedef T V __attribute__((vector_size(BYTES)));    // N numbers
    typedef Int I __attribute__((vector_size(BYTES)));  // N integers; -1 is true
};

template <class T> using V = typename Vec<T>::V;
template <class T> using I = typename Vec<T>::I;
template <class T> using Int = typename Vec<T>::Int;
template <class T> constexpr int N = Vec<T>::N;

// ---- making, bits, choosing

// (x - 0 is x, -0 included; 0 + x is not, and costs an addition.)
template <class T> inline V<T> splat(T x) { return x - V<T>{}; }

template <class T> inline I<T> splat_int(Int<T> x) { return I<T>{} + x; }

inline I<float> bits(V<float> x) { return (I<float>)x; }
inline I<double> bits(V<double> x) { return (I<double>)x; }

template <class T> inline V<T> from_bits(I<T> x) { return (V<T>)x; }

template <class T> inline V<T> convert(I<T> x) { return __builtin_convertvector(x, V<T>); }

// Lane by lane: where mask is true a, else b.
template <class T> inline V<T> select(I<T> mask, V<T> a, V<T> b) { return mask ? a : b; }

// 0 where the mask is false, whatever x is there, infinity and NaN included.
template <class T> inline V<T> keep(I<T> mask, V<T> x) { return (V<T>)((I<T>)x & mask); }

inline V<float> absolute(V<float> x) { return (V<float>)(bits(x) & 0x7fffffff); }
inline V<double> absolute(V<double> x) {
    return (V<double>)(bits(x) & 0x7fffffffffffffffll);
}

// x with the sign of y.
inline V<float> with_sign(V<float> x, V<float> y) {
    return (V<float>)((bits(x) & 0x7fffffff) | (bits(y) & int32_t(0x80000000)));
}
inline V<double> with_sign(V<double> x, V<double> y) {
    constexpr int64_t sign = int64_t(1) << 63;
    return (V<double>)((bits(x) & ~sign) | (bits(y) & sign));
}

// The larger, the smaller; where one is NaN, y.
template <class T> inline V<T> maximum(V<T> x, V<T> y) {
#if defined(__AVX512F__)
    if constexpr (sizeof(T) == 4)
        return (V<T>)_mm512_max_ps((__m512)x, (__m512)y);
    else
        return (V<T>)_mm512_max_pd((__m512d)x, (__m512d)y);
#elif defined(__AVX2__)
    if constexpr (sizeof(T) == 4)
        return (V<T>)_mm256_max_ps((__m256)x, (__m256)y);
    else
        return (V<T>)_mm256_max_pd((__m256d)x, (__m256d)y);
#else
    return x > y ? x : y;
#endif
}

template <class T> inline V<T> minimum(V<T> x, V<T> y) {
#if defined(__AVX512F__)
    if constexpr (sizeof(T) == 4)
        return (V<T>)_mm512_min_ps((__m512)x, (__m512)y);
    else
        return (V<T>)_mm512_min_pd((__m512d)x, (__m512d)y);
#elif defined(__AVX2__)
    if constexpr (sizeof(T) == 4)
        return (V<T>)_mm256_min_ps((__m256)x, (__m256)y);
    else
        return (V<T>)_mm256_min_pd((__m256d)x, (__m256d)y);
#else
    return x < y ? x : y;
#endif
}

inline V<float> root(V<float> x) {
#if defined(__AVX512F__)
    return (V<float>)_mm512_sqrt_ps((__m512)x);
#elif defined(__AVX2__)
    return (V<float>)_mm256_sqrt_ps((__m256)x);
#else
    V<float> y;
    for (int i = 0; i < N<float>; i++) y[i] = __builtin_sqrtf(x[i]);
    return y;
#endif
}

inline V<double> root(V<double> x) {
#if defined(__AVX512F__)
    return (V<double>)_mm512_sqrt_pd((__m512d)x);
#elif defined(__AVX2__)
    return (V<double>)_mm256_sqrt_pd((__m256d)x);
#else
    V<double> y;
    for (int i = 0; i < N<double>; i++) y[i] = __builtin_sqrt(x[i]);
    return y;
#endif
}

// x / (root(s) + eps), s >= 0. Dividing and taking roots is slow: with AVX-512 both are
// approximated to 14 bits and refined once, to 3 ULP, wherever nothing is near overflow.
inline V<double> over_root(V<double> x, V<double> s, V<double> eps) {
    return x / (root(s) + eps);
}
inline V<float> over_root(V<float> x, V<float> s, V<float> eps) {
#if defined(__AVX512F__)
    const __m512 in = (__m512)s;
    const __mmask16 some = _mm512_cmp_ps_mask(in, _mm512_setzero_ps(), _CMP_GT_OQ);
    const V<float> y = (V<float>)_mm512_maskz_rsqrt14_ps(some, in);
    const V<float> near = s * y;
    const V<float> below = near + near * (0.5f * (1 - near * y)) + eps;
    const __m512 low = _mm512_set1_ps(0x1p-60f), high = _mm512_set1_ps(0x1p60f);
    const __mmask16 plain = _mm512_cmp_ps_mask((__m512)below, low, _CMP_GT_OQ) &
                            _mm512_cmp_ps_mask((__m512)below, high, _CMP_LT_OQ);
    if (plain == 0xffff) {
        const V<float> inverse = (V<float>)_mm512_rcp14_ps((__m512)below);
        return x * (inverse + inverse * (1 - below * inverse));
    }
#endif
    return x / (root(s) + eps);
}

template <class T> inline bool any(I<T> mask) {
#if defined(__AVX512F__)
    if constexpr (sizeof(T) == 4)
        return _mm512_movepi32_mask((__m512i)mask) != 0;
    else
        return _mm512_movepi64_mask((__m512i)mask) != 0;
#elif defined(__AVX2__)
    return _mm256_movemask_epi8((__m256i)mask) != 0;
#else
    for (int i = 0; i < N<T>; i++)
        if (mask[i]) return true;
    return false;
#endif
}

// ---- memory

template <class T> inline V<T> load(const T *p) {
    V<T> x;
    __builtin_memcpy(&x, p, BYTES);
    return x;
}

template <class T> inline void store(T *p, V<T> x) { __builtin_memcpy(p, &x, BYTES); }

// -1 in the first k lanes.
template <class T> inline I<T> first(int k) {
    I<T> at;
    for (int i = 0; i < N<T>; i++) at[i] = i;
    return at < splat_int<T>(Int<T>(k));
}

// The first k lanes, 0 < k <= N; `fill` in the others.
template <class T> inline V<T> load(const T *p, int k, T fill = 0) {
#if defined(__AVX512F__)
    if constexpr (sizeof(T) == 4)
        return (V<T>)_mm512_mask_loadu_ps((__m512)splat<T>(fill), __mmask16((1u << k) - 1), p);
    else
        return (V<T>)_mm512_mask_loadu_pd((__m512d)splat<T>(fill), __mmask8((1u << k) - 1), p);
#elif defined(__AVX2__)
    const I<T> mask = first<T>(k);
    if constexpr (sizeof(T) == 4)
        return select<T>(mask, (V<T>)_mm256_maskload_ps(p, (__m256i)mask), splat<T>(fill));
    else
        return select<T>(mask, (V<T>)_mm256_maskload_pd(p, (__m256i)mask), splat<T>(fill));
#else
    V<T> x = splat<T>(fill);
    for (int i = 0; i < k; i++) x[i] = p[i];
    return x;
#endif
}

template <class T> inline void store(T *p, V<T> x, int k) {
#if defined(__AVX512F__)
    if constexpr (sizeof(T) == 4)
        _mm512_mask_storeu_ps(p, __mmask16((1u << k) - 1), (__m512)x);
    else
        _mm512_mask_storeu_pd(p, __mmask8((1u << k) - 1), (__m512d)x);
#elif defined(__AVX2__)
    const I<T> mask = first<T>(k);
    if constexpr (sizeof(T) == 4)
        _mm256_maskstore_ps(p, (__m256i)mask, (__m256)x);
    else
        _mm256_maskstore_pd(p, (__m256i)mask, (__m256d)x);
#else
    for (int i = 0; i < k; i++) p[i] = x[i];
#endif
}

// A store past the caches, for outputs larger than they are; p aligned to BYTES.
template <class T> inline void stream(T *p, V<T> x) {
#if defined(__AVX512F__)
    _mm512_stream_si512((__m512i *)p, (__m512i)x);
#elif defined(__AVX2__)
    _mm256_stream_si256((__m256i *)p, (__m256i)x);
#elif defined(__SSE2__)
    _mm_stream_si128((__m128i *)p, (__m128i)x);
#else
    store(p, x);
#endif
}

// To be called once after the last `stream` of a thread.
inline void fence() {
#if defined(__SSE2__)
    _mm_sfence();
#endif
}

// ---- reductions over the lanes, in an order that depends on the width alone

template <class T> inline T sum(V<T> x) {
#if defined(__AVX512F__)
    if constexpr (sizeof(T) == 4)
        return _mm512_reduce_add_ps((__m512)x);
    else
        return _mm512_reduce_add_pd((__m512d)x);
#else
    T buffer[N<T>];
    store(buffer, x);
    for (int half = N<T> / 2; half; half /= 2)
        for (int i = 0; i < half; i++) buffer[i] += buffer[i + half];
    return buffer[0];
#endif
}

// The largest lane; NaN where one is NaN is not promised.
template <class T> inline T largest(V<T> x) {
#if defined(__AVX512F__)
    if constexpr (sizeof(T) == 4)
        return _mm512_reduce_max_ps((__m512)x);
    else
        return _mm512_reduce_max_pd((__m512d)x);
#else
    T best = x[0];
    for (int i = 1; i < N<T>; i++) best = x[i] > best ? x[i] : best;
    return best;
#endif
}

// Call body(i, k) for the vectors of n numbers: k = N lanes from i on, and a last part.
template <class T, class Body> inline void each_vector(idx n, Body body) {
    idx i = 0;
    for (; i + N<T> <= n; i += N<T>) body(i, N<T>);
    if (i < n) body(i, int(n - i));
}

// Load or store k lanes, k = N known to be whole by the compiler where it is constant.
template <class T> inline V<T> load_some(const T *p, int k, T fill = 0) {
    return k == N<T> ? load(p) : load(p, k, fill);
}
template <class T> inline void store_some(T *p, V<T> x, int k) {
    if (k == N<T>)
        store(p, x);
    else
        store(p, x, k);
}
