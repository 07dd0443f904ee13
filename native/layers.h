// What the layers of a network and its flat vectors need of a target, beside activations.
//
// Arrays are contiguous, (rows, n) unless a leading dimension is said, and belong to one
// thread; nothing is allocated. Rows are independent where a layer's are. "Adds" means
// that an output is added to, "writes" that it is written. `work` as in abi.h.

#pragma once

#include "abi.h"

namespace anymax {

// Where noise is drawn, as noise.Key has it; `row` is the number of the first row: with
// middle axes that of the example times the rows an example has.
struct Draw {
    uint64_t seed, layer, step, row;
};

template <class T> struct LayerKernels {
    // ---- rows

    // The sum of the rows of g, (n,), written or added; row by row in their order.
    void (*column_sums)(const T *g, T *total, bool add, idx rows, idx n);
    // y = x, y = y + x, for parts of wider arrays: concatenation and its way back.
    void (*copy)(const T *x, idx ldx, T *y, idx ldy, idx rows, idx n);
    void (*add)(const T *x, idx ldx, T *y, idx ldy, idx rows, idx n);
    // out = x w, or out + x w with `add`, number by number, (count,).
    void (*multiply)(const T *x, const T *w, T *out, bool add, idx count);
    // Row i of y (rows, n) is row order[i] of x, whose rows are ldx apart; of i if null.
    void (*take)(const T *x, idx ldx, const int64_t *order, T *y, idx rows, idx n);

    // ---- LayerNorm (centred) and RMSNorm: y = u gain + shift, u = (x - mean) inverse

    // gain, shift (n,) or null. Writes y, and for the way down mean (rows,), unless not
    // centred, and inverse (rows,); both may be null.
    void (*norm)(bool centred, double eps, const T *x, const T *gain, const T *shift, T *y,
                 T *mean, T *inverse, idx rows, idx n);
    // Writes by_x; adds by_gain, by_shift (n,), either of which may be null.
    void (*norm_vjp)(bool centred, const T *x, const T *gain, const T *mean,
                     const T *inverse, const T *g, T *by_x, T *by_gain, T *by_shift,
                     T *work, idx rows, idx n);

    // ---- BatchNorm; arrays may be n columns of wider ones, `wide` apart: columns are
    // independent, so that threads may share them out. Statistics are (n,).

    // While training, all rows of the batch. Writes y, mean, variance, inverse.
    void (*batch_norm)(double eps, const T *x, const T *gain, const T *shift, T *y, T *mean,
                       T *variance, T *inverse, idx rows, idx n, idx wide);
    // Writes by_x; adds by_gain, by_shift (n,), or null.
    void (*batch_norm_vjp)(const T *x, const T *gain, const T *mean, const T *inverse,
                           const T *g, T *by_x, T *by_gain, T *by_shift, T *work, idx rows,
                           idx n, idx wide);
    // running = momentum running + (1 - momentum) batch, (n,).
    void (*move)(double momentum, const T *batch, T *running, idx n);
    // Afterwards, with running statistics; any rows. Writes inverse (n,), then y.
    void (*held_norm)(double eps, const T *x, const T *gain, const T *shift, const T *mean,
                      const T *variance, T *y, T *inverse, idx rows, idx n);
    void (*held_norm_vjp)(const T *x, const T *gain, const T *mean, const T *inverse,
                          const T *g, T *by_x, T *by_gain, T *by_shift, idx rows, idx n);

    // ---- noise: the numbers of noise.Key.uniform, bit for bit

    // u in (0, 1), (rows, n).
    void (*uniform)(const Draw &, T *u, idx rows, idx n);
    // y = x / (1 - rate) where kept, else 0; kept (rows, n) is 1 or 0, for the way down.
    void (*dropout)(const Draw &, double rate, const T *x, T *y, uint8_t *kept, idx rows,
                    idx n);
    // The same with what was kept, (count,): forward again, or g J.
    void (*dropout_vjp)(double rate, const uint8_t *kept, const T *g, T *out, idx count);
    // y = x + deviation e, e standard normal; work: 2 n numbers, rounded up to 64.
    void (*gaussian)(const Draw &, double deviation, const T *x, T *y, T *work, idx rows,
                     idx n);
    // y = z - log(-log u), standard Gumbel noise added.
    void (*gumbel)(const Draw &, const T *z, T *y, idx rows, idx n);

    // ---- looking up

    // y_i = row x_i of W (height, n), for `count` places; returns the first place that is
    // no whole number from 0 to height - 1 (then y is unfinished), or -1.
    idx (*embed)(const T *x, const T *w, T *y, idx count, idx height, idx n);
    // Adds g_i to row x_i of by_w (height, n), in the order of i.
    void (*embed_vjp)(const T *x, const T *g, T *by_w, idx count, idx n);
    // y (rows, k) = the columns `at` of x (rows, n), 0 <= at < n.
    void (*columns)(const T *x, const int64_t *at, T *y, idx rows, idx n, idx k);
    // Writes g (rows, k) into the columns it came from, added up, the others 0.
    void (*columns_vjp)(const T *g, const int64_t *at, T *by_x, idx rows, idx n, idx k);

    // ---- flat vectors, the entries begin .. end - 1

    // The sum of min(|g|, bound)^2, in double: for the length of a gradient.
    double (*squares)(const T *g, double bound, idx begin, idx end);
    // The largest |g|, infinite if any is NaN.
    double (*largest)(const T *g, idx begin, idx end);
    // Adds l1 sign(w) + l2 w to g where `decays`; returns l1 |w| + l2 / 2 w^2 over them.
    double (*penalty)(double l1, double l2, const T *w, const bool *decays, T *g, idx begin,
                      idx end);
    // Writes 0 where `frozen`.
    void (*freeze)(const bool *frozen, T *g, idx begin, idx end);
};

struct LayerFamily {
    LayerKernels<float> single;
    LayerKernels<double> twice;
    const LayerKernels<float> &of(float) const { return single; }
    const LayerKernels<double> &of(double) const { return twice; }
};

// What a product is added to, rows `ld` apart: C itself, one row of biases with ld = 0, or
// nothing, where `at` is null.
template <class T> struct Onto {
    const T *at = nullptr;
    idx ld = 0;
    const T *row(idx i) const { return at + i * ld; }
    Onto from(idx i, idx j) const { return {at ? row(i) + j : nullptr, ld}; }
};

// The own matrix products of a target; C, A, B as `product` of core/products.h.
template <class T> struct ProductKernels {
    // Few rows times B, each number of which is read once for every 4 of them; not with
    // both turned.
    void (*few_rows)(bool turn_a, bool turn_b, idx m, idx n, idx k, const T *a, idx lda,
                     const T *b, idx ldb, T *c, idx ldc, Onto<T> onto);
    // Any product; `panel`: PANEL + BLOCK bytes of the caller, aligned to 64.
    void (*any)(bool turn_a, bool turn_b, idx m, idx n, idx k, const T *a, idx lda,
                const T *b, idx ldb, T *c, idx ldc, Onto<T> onto, T *panel);
};

inline constexpr idx PANEL = 49152, BLOCK = 262144;

struct ProductFamily {
    ProductKernels<float> single;
    ProductKernels<double> twice;
    const ProductKernels<float> &of(float) const { return single; }
    const ProductKernels<double> &of(double) const { return twice; }
};

}  // namespace anymax
