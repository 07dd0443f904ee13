// What the kernels of a target and the core have in common: plain structs of functions.
//
// A kernel works on contiguous rows (rows, n) of numbers T, float or double, that belong
// to one thread; it allocates nothing and calls no library. Rows are independent: a row's
// bits do not depend on which rows come with it. `work` is scratch memory of the caller,
// `scratch(n)` numbers of type T, aligned to 64 bytes.

#pragma once

#include <stddef.h>
#include <stdint.h>

namespace anymax {

using idx = ptrdiff_t;

// How much scratch a kernel may use for rows of n numbers.
inline constexpr idx scratch(idx n) { return 4 * (n + 64); }

// What the constructor of a map, a loss or an optimizer was given, in its order.
struct Numbers {
    double v[8] = {};
    const double *array = nullptr;  // class weights and their like
    idx size = 0;
};

// What `pull` is told of a row again: 1 / sum h, the largest |z| and the largest z.
template <class T> struct Share {
    T inverse, wide, best;
};

// One activation. Arrays are (rows, n); an output may be the same array as an input of
// its shape, but not overlap it otherwise. Null where a map does not have it.
template <class T> struct MapKernel {
    const char *name;  // of the class in Python
    bool row;          // whether it couples a row

    // a = f(z)
    void (*forward)(const Numbers &, const T *z, T *a, T *work, idx rows, idx n);
    // g J and J v
    void (*vjp)(const Numbers &, const T *z, const T *a, const T *g, T *out, T *work,
                idx rows, idx n);
    void (*jvp)(const Numbers &, const T *z, const T *a, const T *v, T *out, T *work,
                idx rows, idx n);

    // a = f(z) and da/dz in one go, of an element-wise map all of whose slopes count;
    // `soon`, as long, is read soon after. Null: no work is shared.
    void (*both)(const Numbers &, const T *z, T *a, T *slope, const T *soon, idx count);

    // What a loss may ask beside a: log a, log(1 - a), 1 - a; (rows, n). Null: from a.
    using Ask = void (*)(const Numbers &, const T *z, const T *a, T *out, T *work,
                         idx rows, idx n);
    Ask log, log_not, less;

    // The factor of the weight beside its monomial, (rows, n), 0 off the support: there
    // the product with a slope is 0 whatever the slope is. Null: 1.
    Ask factor;
    // r in place, times the diagonal that follows a centering (z / sum h). Null: none.
    Ask after;

    // Of a = h(z) / sum h, where a loss sees one output a row: a, 1 - a and log a of it
    // (where scale is not 0; false where a log lacks digits); then out = by times the
    // gradient of log a, over less, in all rows whose share is not 0. Null: from a.
    bool (*pick)(const Numbers &, const T *z, const int64_t *index, const T *scale, T *a,
                 T *less, T *log, Share<T> *, idx rows, idx n);
    void (*pull)(const Numbers &, const T *z, const int64_t *index, const T *by,
                 const T *less, const Share<T> *, bool stream, T *out, idx rows, idx n);

    // A number a row, (rows,): the log-normaliser (its gradient is a / T) and the
    // potential, a convex function whose gradient is a.
    Ask normalizer, potential;

    // forward and vjp for outputs larger than the caches, which they go past; `work` as
    // above. Null: there is no such thing, the plain ones do it.
    void (*forward_past)(const Numbers &, const T *z, T *a, T *work, idx rows, idx n);
    void (*vjp_past)(const Numbers &, const T *z, const T *a, const T *g, T *out, T *work,
                     idx rows, idx n);
};

// The activations of a family for one number type.
template <class T> struct Maps {
    const MapKernel<T> *begin;
    int count;
};

// One family of kernels in both number types.
struct MapFamily {
    Maps<float> single;
    Maps<double> twice;
    const Maps<float> &of(float) const { return single; }
    const Maps<double> &of(double) const { return twice; }
};

// One function of vectors, y = f(x) for n numbers: what the tests measure.
template <class T> struct MathFunction {
    const char *name;
    void (*apply)(const T *x, T *y, idx n);
};

template <class T> struct MathFunctions {
    const MathFunction<T> *begin;
    int count;
};

struct MathFamily {
    MathFunctions<float> single;
    MathFunctions<double> twice;
    const MathFunctions<float> &of(float) const { return single; }
    const MathFunctions<double> &of(double) const { return twice; }
};

// Entries of flat vectors: `width` from `begin` on, and again every `stride`, `rows` times.
struct Span {
    idx begin, width, rows = 1, stride = 0;
};

// What one step of an optimizer changes and reads, flat vectors of the same length; the
// gradient holds the entries of a span alone, one row behind the other.
template <class T> struct Update {
    T *parameters;
    const T *gradient;
    T *moments[3];       // the optimizer's own, in the order of its fields; or null
    const bool *decays;  // where weight decay acts, null for everywhere
    T *averaged;         // the moving average of the parameters, or null
    double rate, decay;  // of this step
    double share;        // of the new parameters in the average
    double bound;        // the largest size of a component (clip_value), or infinity
    double scale;        // what the gradient is then multiplied by (clip_norm), or 1
    int64_t step;        // 1 for the first
};

// One optimizer: a span of all vectors. Its numbers are those of the property `numbers` of
// the class in Python.
template <class T> struct OptimizerKernel {
    const char *name;  // of the class in Python
    void (*step)(const Numbers &, const Update<T> &, Span span);
};

template <class T> struct Optimizers {
    const OptimizerKernel<T> *begin;
    int count;
};

struct OptimizerFamily {
    Optimizers<float> single;
    Optimizers<double> twice;
    const Optimizers<float> &of(float) const { return single; }
    const Optimizers<double> &of(double) const { return twice; }
};

}  // namespace anymax

#define ANYMAX_JOIN_(a, b) a##_##b
#define ANYMAX_JOIN(a, b) ANYMAX_JOIN_(a, b)
// Define the table that this target exports: EXPORT(MapFamily, elements) = {...};
#define EXPORT(type, name)                            \
    extern "C" const type ANYMAX_JOIN(name, TARGET);  \
    const type ANYMAX_JOIN(name, TARGET)
