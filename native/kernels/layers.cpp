// The layers of a network, beside its products and activations.

#include "kernel.h"
#include "layers.h"

namespace anymax {
namespace {

#include "flags-inl.h"
#include "flat-inl.h"
#include "noise-inl.h"
#include "norms-inl.h"

// ---- rows

template <class T> void copy_row(const T *x, T *y, idx n) {
    each_vector<T>(n, [&](idx j, int k) { store_some(y + j, load_some(x + j, k), k); });
}

template <class T> void add_row(const T *x, T *y, idx n) {
    each_vector<T>(n, [&](idx j, int k) {
        store_some(y + j, load_some(y + j, k) + load_some(x + j, k), k);
    });
}

template <class T> void column_sums(const T *g, T *total, bool add, idx rows, idx n) {
    each_vector<T>(n, [&](idx j, int k) {
        V<T> sum = add ? load_some(total + j, k) : V<T>{};
        for (idx row = 0; row < rows; row++) sum += load_some(g + row * n + j, k);
        store_some(total + j, sum, k);
    });
}

template <class T> void copy(const T *x, idx ldx, T *y, idx ldy, idx rows, idx n) {
    for (idx row = 0; row < rows; row++) copy_row(x + row * ldx, y + row * ldy, n);
}

template <class T> void add(const T *x, idx ldx, T *y, idx ldy, idx rows, idx n) {
    for (idx row = 0; row < rows; row++) add_row(x + row * ldx, y + row * ldy, n);
}

template <class T> void multiply(const T *x, const T *w, T *out, bool add, idx count) {
    each_vector<T>(count, [&](idx i, int k) {
        const V<T> both = load_some(x + i, k) * load_some(w + i, k);
        store_some(out + i, add ? load_some(out + i, k) + both : both, k);
    });
}

template <class T>
void take(const T *x, idx ldx, const int64_t *order, T *y, idx rows, idx n) {
    constexpr idx line = 64 / idx(sizeof(T)), lines_ahead = 64;
    const idx ahead = 1 + lines_ahead * line / (n + 1);  // rows
    const auto from = [&](idx row) { return x + (order ? order[row] : row) * ldx; };
    for (idx row = 0; row < rows; row++) {
        if (row + ahead < rows)
            for (idx j = 0; j < n; j += line) __builtin_prefetch(from(row + ahead) + j);
        copy_row(from(row), y + row * n, n);
    }
}

// ---- looking up

template <class T> idx embed(const T *x, const T *w, T *y, idx count, idx height, idx n) {
    for (idx i = 0; i < count; i++) {
        if (!(x[i] >= 0 && x[i] < T(height))) return i;
        const idx row = idx(x[i]);
        if (T(row) != x[i] || row >= height) return i;
        copy_row(w + row * n, y + i * n, n);
    }
    return -1;
}

template <class T> void embed_vjp(const T *x, const T *g, T *by_w, idx count, idx n) {
    for (idx i = 0; i < count; i++) add_row(g + i * n, by_w + idx(x[i]) * n, n);
}

template <class T>
void columns(const T *x, const int64_t *at, T *y, idx rows, idx n, idx k) {
    for (idx row = 0; row < rows; row++)
        for (idx i = 0; i < k; i++) y[row * k + i] = x[row * n + at[i]];
}

template <class T>
void columns_vjp(const T *g, const int64_t *at, T *by_x, idx rows, idx n, idx k) {
    for (idx i = 0; i < rows * n; i++) by_x[i] = 0;
    for (idx row = 0; row < rows; row++)
        for (idx i = 0; i < k; i++) by_x[row * n + at[i]] += g[row * k + i];
}

template <class T>
constexpr LayerKernels<T> kernels = {
    .column_sums = column_sums<T>,
    .copy = copy<T>,
    .add = add<T>,
    .multiply = multiply<T>,
    .take = take<T>,
    .norm = norm<T>,
    .norm_vjp = norm_vjp<T>,
    .batch_norm = batch_norm<T>,
    .batch_norm_vjp = batch_norm_vjp<T>,
    .move = move<T>,
    .held_norm = held_norm<T>,
    .held_norm_vjp = held_norm_vjp<T>,
    .uniform = uniform<T>,
    .dropout = dropout<T>,
    .dropout_vjp = dropout_vjp<T>,
    .gaussian = gaussian<T>,
    .gumbel = gumbel<T>,
    .embed = embed<T>,
    .embed_vjp = embed_vjp<T>,
    .columns = columns<T>,
    .columns_vjp = columns_vjp<T>,
    .squares = squares<T>,
    .largest = largest<T>,
    .penalty = penalty<T>,
    .freeze = freeze<T>,
};

}  // namespace

EXPORT(LayerFamily, layers) = {kernels<float>, kernels<double>};

}  // namespace anymax
