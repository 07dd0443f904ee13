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

// C (M, W vectors) = A B or C + A B; the last vector of B and C holds `last` lanes.
template <class T, int M, int W, bool whole>
inline void tile(idx k, Left<T> a, const T *b, idx ldb, T *c, idx ldc, bool add, int last) {
    V<T> total[M][W];
    const auto some = [last](int w) { return whole || w < W - 1 ? N<T> : last; };
    for (int i = 0; i < M; i++)
        for (int w = 0; w < W; w++)
            total[i][w] = add ? load_some(c + i * ldc + w * N<T>, some(w)) : V<T>{};
    for (idx l = 0; l < k; l++) {
        V<T> row[W];
        for (int w = 0; w < W; w++) row[w] = load_some(b + l * ldb + w * N<T>, some(w));
        for (int i = 0; i < M; i++) {
            const V<T> x = splat<T>(a.at[i * a.down + l * a.along]);
            for (int w = 0; w < W; w++) total[i][w] += x * row[w];
        }
    }
    for (int i = 0; i < M; i++)
        for (int w = 0; w < W; w++)
            store_some(c + i * ldc + w * N<T>, total[i][w], some(w));
}

// The same for m rows, TALL at a time.
template <class T, int W, bool whole>
inline void strip(idx m, idx k, Left<T> a, const T *b, idx ldb, T *c, idx ldc, bool add,
                  int last) {
    idx i = 0;
    for (; i + TALL <= m; i += TALL)
        tile<T, TALL, W, whole>(k, a.from(i, 0), b, ldb, c + i * ldc, ldc, add, last);
    for (; i + 2 <= m; i += 2)
        tile<T, 2, W, whole>(k, a.from(i, 0), b, ldb, c + i * ldc, ldc, add, last);
    if (i < m)
        tile<T, 1, W, whole>(k, a.from(i, 0), b, ldb, c + i * ldc, ldc, add, last);
}

// The same for n columns, 0 < n <= WIDE * N.
template <class T>
inline void strip_of(idx n, idx m, idx k, Left<T> a, const T *b, idx ldb, T *c, idx ldc,
                     bool add) {
    const int vectors = int((n + N<T> - 1) / N<T>), last = int(n - (vectors - 1) * N<T>);
    const auto run = [&](auto strip_whole, auto strip_part) {
        (last == N<T> ? strip_whole : strip_part)(m, k, a, b, ldb, c, ldc, add, last);
    };
    if (vectors == 1) run(strip<T, 1, true>, strip<T, 1, false>);
    if (vectors == 2) run(strip<T, 2, true>, strip<T, 2, false>);
    if constexpr (WIDE > 2)
        if (vectors == 3) run(strip<T, 3, true>, strip<T, 3, false>);
}
