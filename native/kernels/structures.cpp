// Products with structured Jacobians whose weight w is given: v = (factor, support); with
// a support nothing counts where w = 0.
//
// Centering: at most 8 ULP of w (|g| + sum w |g| / sum w). Diagonal: 1 ULP.

#include "kernel.h"

namespace anymax {
namespace {

#include "rows-inl.h"
#include "centering-inl.h"

template <class T, Meets MEETS, bool STREAM>
inline void center_rows(T factor, const T *w, const T *g, T *out, idx rows, idx n) {
    const bool small = narrow<T>(n, [&]<int K>() {
        each_group<T>(rows, [&](idx r, int count) {
            const Group<T, K> weight(w + r * n, n, count, 0);
            Group<T, K> slope(g + r * n, n, count, 0);
            center_group<T, K, MEETS, SHARE>(weight, slope, factor, out + r * n, n, count,
                                             [](int, int, V<T> x) { return x; });
        });
    });
    for (idx r = 0; r < rows && !small; r++) {
        const T *weight = w + r * n, *slope = g + r * n;
        center_row<T, MEETS, STREAM>(
            n, out + r * n, r + 1 < rows ? weight + n : nullptr, factor,
            [&](idx i, int k) { return load_some(weight + i, k); },
            [&](idx i, int k) { return load_some(slope + i, k); },
            [](idx, int, V<T> x) { return x; });
    }
    if (STREAM) fence();
}

template <class T, bool STREAM>
void center(const Numbers &of, const T *, const T *w, const T *g, T *out, T *, idx rows,
            idx n) {
    if (n == 0) return;
    if (of.v[1] != 0)
        center_rows<T, SUPPORT, STREAM>(T(of.v[0]), w, g, out, rows, n);
    else
        center_rows<T, COVECTOR, STREAM>(T(of.v[0]), w, g, out, rows, n);
}

template <class T, bool STREAM>
void scale(const Numbers &of, const T *, const T *w, const T *g, T *out, T *, idx rows,
           idx n) {
    const T factor = T(of.v[0]);
    const I<T> all = splat_int<T>(of.v[1] != 0 ? 0 : -1);
    write<T, STREAM>(out, rows * n, nullptr, [&](idx i, int k) {
        const V<T> weight = load_some(w + i, k);
        const V<T> value = weight * load_some(g + i, k) * factor;
        return keep<T>((weight != splat<T>(0)) | all, value);
    });
    if (STREAM) fence();
}

template <class T> constexpr MapKernel<T> structure_maps[] = {
    {.name = "Centering",
     .row = true,
     .vjp = center<T, false>,
     .vjp_past = center<T, true>},
    {.name = "Diagonal", .row = false, .vjp = scale<T, false>, .vjp_past = scale<T, true>},
};

}  // namespace

EXPORT(MapFamily, structures) = {
    {structure_maps<float>, sizeof structure_maps<float> / sizeof *structure_maps<float>},
    {structure_maps<double>,
     sizeof structure_maps<double> / sizeof *structure_maps<double>},
};

}  // namespace anymax
