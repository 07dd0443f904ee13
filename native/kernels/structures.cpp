// Products with structured Jacobians whose weight w is given: v = (factor, support); with
// a support nothing counts where w = 0.
//
// Centering: at most 8 ULP of w (|g| + sum w |g| / sum w). Diagonal: 1 ULP.

#include "kernel.h"

namespace anymax {
namespace {

#include "rows-inl.h"
#include "centering-inl.h"

template <class T, bool STREAM>
void center(const Numbers &of, const T *, const T *w, const T *g, T *out, T *, idx rows,
            idx n) {
    if (n == 0) return;
    if (of.v[1] != 0)
        center_rows<T, SUPPORT, SHARE, STREAM>(T(of.v[0]), w, g, out, rows, n);
    else
        center_rows<T, COVECTOR, SHARE, STREAM>(T(of.v[0]), w, g, out, rows, n);
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
