// The innermost part of a matrix product: M rows by W vectors of C, held in registers.

// How many rows and vectors fit in the registers, their operands included.
#if defined(__AVX512F__)
constexpr int TALL = 8, WIDE = 3;
#elif defined(__aarch64__)
constexpr int TALL = 8, WIDE = 2;
#elif defined(__AVX2__)
constexpr int TALL = 6, WIDE = 2;
#else
constexpr int TALL = 4, WIDE = 2;
#endif

// Where A is: a number of row i and depth l is at[i * down + l * along].
template <class T> struct Left {
    const T *at;
    idx down, along;
    Left from(idx i, idx l) const { return {at + i * down + l * along, down, along}; }
};

// Keep x in a register: else compilers load it again for each row that it multiplies.
template <class T> inline void hold(V<T> &x) {
#if defined(__AVX512F__)
    asm("" : "+v"(x));
#elif defined(__AVX2__)
    asm("" : "+x"(x));
#endif
}

// x0 y0 x1 y1 ... of the lower and of the upper halves of two vectors.
template <class T> inline V<T> interleave_low(V<T> x, V<T> y) {
    if constexpr (N<T> == 2) return __builtin_shufflevector(x, y, 0, 2);
    if constexpr (N<T> == 4) return __builtin_shufflevector(x, y, 0, 4, 1, 5);
    if constexpr (N<T> == 8)
        return __builtin_shufflevector(x, y, 0, 8, 1, 9, 2, 10, 3, 11);
    if constexpr (N<T> == 16)
        return __builtin_shufflevector(x, y, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6,
                                       22, 7, 23);
}
template <class T> inline V<T> interleave_high(V<T> x, V<T> y) {
    if constexpr (N<T> == 2) return __builtin_shufflevector(x, y, 1, 3);
    if constexpr (N<T> == 4) return __builtin_shufflevector(x, y, 2, 6, 3, 7);
    if constexpr (N<T> == 8)
        return __builtin_shufflevector(x, y, 4, 12, 5, 13, 6, 14, 7, 15);
    if constexpr (N<T> == 16)
        return __builtin_shufflevector(x, y, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29,
                                       14, 30, 15, 31);
}

// Body at 0 .. count - 1, written out: arrays of vectors indexed so live in registers.
template <int I> struct At { constexpr operator int() const { return I; } };
template <int count, int I = 0, class Body>
[[gnu::always_inline]] inline void unrolled(const Body &body) {
    if constexpr (I < count) {
        body(At<I>());
        unrolled<count, I + 1>(body);
    }
}

// How the last vector of a row is loaded from B and stored into C.
enum Ends { WHOLE, PADDED, PART };  // both whole; B whole, C in part; both in part

// C (M, W vectors) = A B or C + A B; the last vector holds `last` lanes. Where there are
// few sums, D of each, so that one need not wait for the one before. Numbers of A that are
// `ahead`, if that is not 0, are asked for from memory.
template <class T, int M, int W, Ends ends>
void tile(idx k, Left<T> a, idx ahead, const T *b, idx ldb, T *c, idx ldc, bool add,
          int last) {
    constexpr int D = M * W <= 2 ? 4 : M * W <= 4 ? 2 : 1;
    V<T> total[D][M][W];
    unrolled<D * M * W>([&](auto i) { total[i / (M * W)][i / W % M][i % W] = V<T>{}; });
    for (idx l = 0; l < k; l += D) {
        if (ahead && l % (64 / idx(sizeof(T))) == 0)
            for (int i = 0; i < M; i++)
                __builtin_prefetch(a.at + ahead + i * a.down + l);
        for (int d = 0; d < D; d++) {
            if (D > 1 && l + d >= k) break;
            V<T> row[W];
            for (int w = 0; w < W; w++) {
                const T *from = b + (l + d) * ldb + w * N<T>;
                row[w] = ends < PART || w < W - 1 ? load(from) : load(from, last);
                if (M > 1) hold<T>(row[w]);
            }
            for (int i = 0; i < M; i++) {
                const V<T> x = splat<T>(a.at[i * a.down + (l + d) * a.along]);
                for (int w = 0; w < W; w++) total[d][i][w] += x * row[w];
            }
        }
    }
    unrolled<M * W>([&](auto at) {
        constexpr int i = at / W, w = at % W;
        T *out = c + i * ldc + w * N<T>;
        V<T> sum = total[0][i][w];
        if constexpr (D > 1) sum += total[1][i][w];
        if constexpr (D > 2) sum += total[2][i][w] + total[3][i][w];
        const int some = ends == WHOLE || w < W - 1 ? N<T> : last;
        store_some(out, add ? load_some(out, some) + sum : sum, some);
    });
}

// The same for n columns, (W - 1) N < n <= W N; B may be read beyond them if `padded`.
template <class T, int M, int W>
void tile_of(idx n, bool padded, idx k, Left<T> a, idx ahead, const T *b, idx ldb, T *c,
             idx ldc, bool add) {
    const int last = int(n - (W - 1) * N<T>);
    const auto run = last == N<T> ? tile<T, M, W, WHOLE>
                     : padded     ? tile<T, M, W, PADDED>
                                  : tile<T, M, W, PART>;
    run(k, a, ahead, b, ldb, c, ldc, add, last);
}
