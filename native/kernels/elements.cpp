// The element-wise activations.

#include "kernel.h"

namespace anymax {
namespace {

template <class T> struct ReLU {
    static void forward(const Numbers &, const T *z, T *a, T *, idx rows, idx n) {
        each_vector<T>(rows * n, [&](idx i, int k) {
            const V<T> x = load_some(z + i, k);
            store_some(a + i, keep<T>(~(x <= splat<T>(0)), x), k);  // NaN stays
        });
    }
    static void vjp(const Numbers &, const T *z, const T *, const T *g, T *out, T *,
                    idx rows, idx n) {
        each_vector<T>(rows * n, [&](idx i, int k) {
            const V<T> x = load_some(z + i, k);
            store_some(out + i, keep<T>(x > splat<T>(0), load_some(g + i, k)), k);
        });
    }
};

template <class T> constexpr MapKernel<T> elements[] = {
    {.name = "ReLU",
     .row = false,
     .forward = ReLU<T>::forward,
     .vjp = ReLU<T>::vjp,
     .jvp = ReLU<T>::vjp},
};

}  // namespace

EXPORT(MapFamily, elements) = {
    {elements<float>, sizeof elements<float> / sizeof *elements<float>},
    {elements<double>, sizeof elements<double> / sizeof *elements<double>},
};

}  // namespace anymax
