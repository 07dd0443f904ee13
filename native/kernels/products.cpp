// Own matrix products: small ones, few rows, and all where there is no OpenBLAS.

#include "kernel.h"
#include "layers.h"

namespace anymax {
namespace {

#include "tiles-inl.h"

template <class T> Left<T> left(bool turned, const T *a, idx lda) {
    return turned ? Left<T>{a, 1, lda} : Left<T>{a, lda, 1};
}

// ---- any size: columns of B lie still in a panel while the rows of A pass

constexpr idx NEAR = 32768;  // bytes of B that stay in the first cache
constexpr idx FAR = 2048;    // bytes between rows of B from which on few rows of A pay

// The rows of a square of N x N numbers become its columns.
template <class T> void turn_square(V<T> (&x)[N<T>]) {
    V<T> y[N<T>];
    for (int half = 1; half < N<T>; half *= 2) {
        for (int i = 0; i < N<T> / 2; i++) {
            y[2 * i] = interleave_low<T>(x[i], x[i + N<T> / 2]);
            y[2 * i + 1] = interleave_high<T>(x[i], x[i + N<T> / 2]);
        }
        for (int i = 0; i < N<T>; i++) x[i] = y[i];
    }
}

// The rows of B, n of k numbers, as columns of a panel (k, width), 0 in all others.
template <class T> void turn(const T *b, idx ldb, idx n, idx k, T *panel, idx width) {
    for (idx j = 0; j < width; j += N<T>)
        each_vector<T>(k, [&](idx l, int some) {
            V<T> square[N<T>];
            for (int i = 0; i < N<T>; i++)
                square[i] = j + i < n ? load_some(b + (j + i) * ldb + l, some) : V<T>{};
            turn_square<T>(square);
            for (int i = 0; i < some; i++) store(panel + (l + i) * width + j, square[i]);
        });
}

// The columns of B, k rows of n numbers, as they are.
template <class T> void gather(const T *b, idx ldb, idx n, idx k, T *panel, idx width) {
    for (idx l = 0; l < k; l++)
        each_vector<T>(n, [&](idx j, int some) {
            store(panel + l * width + j, load_some(b + l * ldb + j, some));
        });
}

// Some rows of A, k deep, side by side as A lies.
template <class T> Left<T> gather_a(const Left<T> &a, idx m, idx k, T *block) {
    const bool turned = a.turned();
    const idx count = turned ? k : m, n = turned ? m : k, step = turned ? a.along : a.down;
    const idx wide = (n + N<T> - 1) / N<T> * N<T>;
    gather<T>(a.at, step, n, count, block, wide);
    return turned ? Left<T>{block, 1, wide} : Left<T>{block, wide, 1};
}

// A part of B, (k, n).
template <class T> struct Right {
    const T *at;
    idx ld, n, k;
};

// M rows of C, n columns, WIDE vectors at a time.
template <class T, int M>
void strip(const Left<T> &a, const Right<T> &b, T *c, idx ldc, const Onto<T> &onto) {
    constexpr idx width = WIDE * N<T>;
    for (idx j = 0; j < b.n; j += width) {
        const idx n = b.n - j < width ? b.n - j : width;
        const auto run = n <= N<T>       ? tile_of<T, M, 1>
                         : n <= 2 * N<T> ? tile_of<T, M, 2>
                                         : tile_of<T, M, WIDE>;
        run(n, b.k, a, b.at + j, b.ld, c + j, ldc, onto.from(0, j));
    }
}

// The same from row i on while there are as many.
template <class T, int M>
idx strips(idx i, idx m, const Left<T> &a, const Right<T> &b, T *c, idx ldc,
           const Onto<T> &onto) {
    for (; i + M <= m; i += M)
        strip<T, M>(a.from(i, 0), b, c + i * ldc, ldc, onto.from(i, 0));
    return i;
}

// C = A B, onto what is there, for all m rows: the tallest tiles first.
template <class T>
void pass(idx m, const Left<T> &a, const Right<T> &b, T *c, idx ldc,
          const Onto<T> &onto) {
    idx i = 0;
    if (b.n <= N<T>)
        for (; i + 2 * TALL <= m; i += 2 * TALL)
            tile_of<T, 2 * TALL, 1>(b.n, b.k, a.from(i, 0), b.at, b.ld, c + i * ldc, ldc,
                                    onto.from(i, 0));
    i = strips<T, TALL>(i, m, a, b, c, ldc, onto);
    i = strips<T, 4>(i, m, a, b, c, ldc, onto);
    i = strips<T, 2>(i, m, a, b, c, ldc, onto);
    strips<T, 1>(i, m, a, b, c, ldc, onto);
}

// C = A^T B, onto what is there, for narrow C: B^T A into the panel, (n, m), then turned.
template <class T>
void upright(idx m, idx n, idx k, const T *a, idx lda, const T *b, idx ldb, T *c, idx ldc,
             Onto<T> onto, T *panel) {
    pass(n, {b, 1, ldb}, {a, lda, m, k}, panel, m, {});
    for (idx j = 0; j < n; j += N<T>)
        each_vector<T>(m, [&](idx i, int some) {
            const int wide = int(n - j < N<T> ? n - j : N<T>);
            V<T> square[N<T>];
            for (int l = 0; l < N<T>; l++)
                square[l] = l < wide ? load_some(panel + (j + l) * m + i, some) : V<T>{};
            turn_square<T>(square);
            for (int l = 0; l < some; l++) {
                V<T> sum = square[l];
                if (onto.at) sum += load_some(onto.row(i + l) + j, wide);
                store_some(c + (i + l) * ldc + j, sum, wide);
            }
        });
}

template <class T>
void any(bool turn_a, bool turn_b, idx m, idx n, idx k, const T *a, idx lda, const T *b,
         idx ldb, T *c, idx ldc, Onto<T> onto, T *panel) {
    T *const block = panel + PANEL / idx(sizeof(T));
    if (turn_a && !turn_b && n <= N<T> && n < m && m * n * idx(sizeof(T)) <= PANEL)
        return upright(m, n, k, a, lda, b, ldb, c, ldc, onto, panel);
    constexpr idx width = WIDE * N<T>, deep = PANEL / idx(sizeof(T)) / width;
    // Rows far apart are hard on caches and pages; narrow ones on partial loads; all that
    // does not stay in the first cache is read faster from a panel that does. The rows of A
    // have to pay for the copy.
    const bool hard = ldb * idx(sizeof(T)) > FAR || n < N<T>;
    const bool large = k * n * idx(sizeof(T)) > NEAR;
    const bool copies = turn_b || (hard && m >= 4 * TALL) || (large && m >= 8 * TALL);
    // Likewise rows of A that lie far apart share few places of the caches.
    const bool apart = lda * idx(sizeof(T)) >= 2 * FAR && n >= 4 * width && m >= TALL;
    // in parts alike: the last one passes over C as well
    const idx parts = (k + deep - 1) / deep, depth = (k + parts - 1) / parts;
    const idx fit = NEAR / idx(sizeof(T)) / (depth * width);
    const idx columns = (fit > 1 ? fit : 1) * width;
    const idx high = apart ? BLOCK / idx(sizeof(T)) / deep : m;
    for (idx l = 0; l < k; l += depth)
        for (idx i = 0; i < m; i += high) {
            const idx rows = m - i < high ? m - i : high, some = k - l < depth ? k - l : depth;
            Left<T> part_a = left(turn_a, a, lda).from(i, l);
            if (apart) part_a = gather_a<T>(part_a, rows, some, block);
            const Onto<T> so_far = l > 0 ? Onto<T>{c, ldc} : onto;
            for (idx j = 0; j < n; j += columns) {
                Right<T> part = {turn_b ? b + j * ldb + l : b + l * ldb + j, ldb,
                                 n - j < columns ? n - j : columns, some};
                if (copies) {
                    const idx wide = (part.n + N<T> - 1) / N<T> * N<T>;
                    (turn_b ? turn<T> : gather<T>)(part.at, ldb, part.n, part.k, panel, wide);
                    part.at = panel;
                    part.ld = wide;
                }
                pass(rows, part_a, part, c + i * ldc + j, ldc, so_far.from(i, j));
            }
        }
}

// ---- few rows: every number of B is read once, in its order

constexpr int SPAN = 8;  // vectors of a row of C that are summed up in registers

// One row, n <= W vectors wide.
template <class T, int W>
void narrow(idx n, idx k, const Left<T> &a, const T *b, idx ldb, T *c,
            const Onto<T> &onto) {
    if constexpr (W > 1)
        if (n <= (W - 1) * N<T>) return narrow<T, W - 1>(n, k, a, b, ldb, c, onto);
    tile_of<T, 1, W>(n, k, a, b, ldb, c, 0, onto);
}

// M rows of any width: D rows of B at a time, C staying in the first cache.
template <class T, int M, int D>
void broad(idx n, const Left<T> &a, const T *b, idx ldb, T *c, idx ldc, Onto<T> onto) {
    V<T> x[M][D];
    for (int i = 0; i < M; i++)
        for (int d = 0; d < D; d++) x[i][d] = splat<T>(a.at[i * a.down + d * a.along]);
    each_vector<T>(n, [&](idx j, int some) {
        V<T> total[M];
        for (int i = 0; i < M; i++)
            total[i] = onto.at ? load_some(onto.row(i) + j, some) : V<T>{};
        for (int d = 0; d < D; d++) {
            const V<T> row = load_some(b + d * ldb + j, some);
            for (int i = 0; i < M; i++) total[i] += x[i][d] * row;
        }
        for (int i = 0; i < M; i++) store_some(c + i * ldc + j, total[i], some);
    });
}

template <class T, int M>
void rows_by(idx n, idx k, const Left<T> &a, const T *b, idx ldb, T *c, idx ldc,
             const Onto<T> &onto) {
    if (M == 1 && n <= SPAN * N<T>) return narrow<T, SPAN>(n, k, a, b, ldb, c, onto);
    if (M > 1 && n <= 8 * SPAN * N<T>)
        return void(strip<T, M>(a, {b, ldb, n, k}, c, ldc, onto));
    const auto so_far = [&](idx l) { return l > 0 ? Onto<T>{c, ldc} : onto; };
    constexpr int D = 4;
    idx l = 0;
    for (; l + D <= k; l += D)
        broad<T, M, D>(n, a.from(0, l), b + l * ldb, ldb, c, ldc, so_far(l));
    for (; l < k; l++)
        broad<T, M, 1>(n, a.from(0, l), b + l * ldb, ldb, c, ldc, so_far(l));
}

// c (M, J) = the products of M rows of A (lda apart) and J rows of B, along k.
template <class T, int M, int J>
void dots(idx k, const T *a, idx lda, const T *b, idx ldb, T *c, idx ldc, Onto<T> onto) {
    V<T> total[M][J] = {};
    each_vector<T>(k, [&](idx l, int some) {
        V<T> row[J];
        for (int j = 0; j < J; j++) row[j] = load_some(b + j * ldb + l, some);
        for (int i = 0; i < M; i++) {
            const V<T> x = load_some(a + i * lda + l, some);
            for (int j = 0; j < J; j++) total[i][j] += x * row[j];
        }
    });
    for (int i = 0; i < M; i++)
        for (int j = 0; j < J; j++) {
            const T dot = sum<T>(total[i][j]);
            c[i * ldc + j] = onto.at ? onto.row(i)[j] + dot : dot;
        }
}

template <class T, int M>
void rows_by_turned(idx n, idx k, const T *a, idx lda, const T *b, idx ldb, T *c, idx ldc,
                    const Onto<T> &onto) {
    constexpr int J = TALL < 8 && M > 2 ? 2 : 4;
    idx j = 0;
    for (; j + J <= n; j += J)
        dots<T, M, J>(k, a, lda, b + j * ldb, ldb, c + j, ldc, onto.from(0, j));
    for (; j < n; j++)
        dots<T, M, 1>(k, a, lda, b + j * ldb, ldb, c + j, ldc, onto.from(0, j));
}

template <class T, int M>
void few(bool turn_a, bool turn_b, idx n, idx k, const T *a, idx lda, const T *b, idx ldb,
         T *c, idx ldc, Onto<T> onto) {
    if (turn_b)
        rows_by_turned<T, M>(n, k, a, lda, b, ldb, c, ldc, onto);
    else
        rows_by<T, M>(n, k, left(turn_a, a, lda), b, ldb, c, ldc, onto);
}

template <class T>
void few_rows(bool turn_a, bool turn_b, idx m, idx n, idx k, const T *a, idx lda,
              const T *b, idx ldb, T *c, idx ldc, Onto<T> onto) {
    for (; m > 4; m -= 4, a += 4 * (turn_a ? 1 : lda), c += 4 * ldc, onto = onto.from(4, 0))
        few<T, 4>(turn_a, turn_b, n, k, a, lda, b, ldb, c, ldc, onto);
    const auto run = m == 1 ? few<T, 1> : m == 2 ? few<T, 2> : m == 3 ? few<T, 3> : few<T, 4>;
    run(turn_a, turn_b, n, k, a, lda, b, ldb, c, ldc, onto);
}

}  // namespace

EXPORT(ProductFamily, products) = {
    {few_rows<float>, any<float>},
    {few_rows<double>, any<double>},
};

}  // namespace anymax
