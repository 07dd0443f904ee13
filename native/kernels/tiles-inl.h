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

// Where A is: a number of row i and depth l is at[i * down + l * along]; one of both steps
// is 1, `down` if A lies turned.
template <class T> struct Left {
    const T *at;
    idx down, along;
    Left from(idx i, idx l) const { return {at + i * down + l * along, down, along}; }
    bool turned() const { return along != 1; }
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

// The numbers of A in M rows at one depth: `turned` they lie side by side, else `step`
// bytes apart. Odd multiples of the step are kept, since addresses may double them.
template <class T, int M, bool turned> struct Depth {
    const char *at;
    idx step, odd[M > 2 ? M / 2 : 1];

    explicit Depth(const Left<T> &a)
        : at(reinterpret_cast<const char *>(a.at)),
          step((turned ? a.along : a.down) * idx(sizeof(T))) {
        unrolled<(M > 2 ? M / 2 : 1)>([&](auto i) { odd[i] = (2 * i + 1) * step; });
    }
    template <int i> V<T> row() const {
        constexpr int power = i & -i;  // the largest of two that divides i
        const char *from = at;
        if constexpr (turned)
            from += i * idx(sizeof(T));
        else if constexpr (i > 0)
            from += odd[i / power / 2] * power;
        return splat<T>(*reinterpret_cast<const T *>(from));
    }
    void next() { at += turned ? step : idx(sizeof(T)); }
};

// C (M, W vectors) = A B, added onto what is there; the last vector of C and B holds
// `last` lanes, all of them if it is `whole`. Where there are few sums, D of each, so that
// one need not wait for the one before.
// (Structs by reference: a copy on the stack, stored by halves, would stall each call.)
template <class T, int M, int W, bool turned, bool whole>
void tile(idx k, const Left<T> &a, const T *b, idx ldb, T *c, idx ldc,
          const Onto<T> &onto, int last) {
    constexpr int D = M * W <= 2 ? 4 : M * W <= 4 ? 2 : 1;
    V<T> total[D][M][W];
    unrolled<D * M * W>([&](auto i) { total[i / (M * W)][i / W % M][i % W] = V<T>{}; });
    Depth<T, M, turned> depth(a);
    for (idx l = 0; l < k; l += D) {
        unrolled<D>([&](auto d) __attribute__((always_inline)) {
            if (d > 0 && l + d >= k) return;
            V<T> row[W];
            unrolled<W>([&](auto w) __attribute__((always_inline)) {
                const T *from = b + w * N<T>;
                V<T> part = whole || w < W - 1 ? load(from) : load(from, last);
                if (M > 1) hold<T>(part);
                row[w] = part;
            });
            unrolled<M>([&](auto i) __attribute__((always_inline)) {
                const V<T> x = depth.template row<i>();
                unrolled<W>([&](auto w) { total[d][i][w] += x * row[w]; });
            });
            depth.next();
            b += ldb;
        });
    }
    const auto put = [&](auto adds) {
        unrolled<M * W>([&](auto at) {
            constexpr int i = at / W, w = at % W;
            V<T> sum = total[0][i][w];
            if constexpr (D > 1) sum += total[1][i][w];
            if constexpr (D > 2) sum += total[2][i][w] + total[3][i][w];
            const int some = whole || w < W - 1 ? N<T> : last;
            if (adds) sum = load_some(onto.row(i) + w * N<T>, some) + sum;
            store_some(c + i * ldc + w * N<T>, sum, some);
        });
    };
    onto.at ? put(At<1>()) : put(At<0>());
}

// The same for n columns, (W - 1) N < n <= W N.
template <class T, int M, int W>
void tile_of(idx n, idx k, const Left<T> &a, const T *b, idx ldb, T *c, idx ldc,
             const Onto<T> &onto) {
    const int last = int(n - (W - 1) * N<T>);
    const auto run = a.turned() ? last == N<T> ? tile<T, M, W, true, true>
                                               : tile<T, M, W, true, false>
                     : last == N<T> ? tile<T, M, W, false, true>
                                    : tile<T, M, W, false, false>;
    run(k, a, b, ldb, c, ldc, onto, last);
}
