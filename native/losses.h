// What the kernels of losses and of pairs have in common with the core: structs of
// functions over contiguous rows, as in abi.h.

#pragma once

#include "abi.h"

namespace anymax {

// What a loss may ask of a map beside its outputs, as bits.
enum Asked : unsigned {
    LOG = 1,
    LOG_NOT = 2,
    LESS = 4,
    NORMALIZER = 8,
    POTENTIAL = 16,
    CONJUGATE = 32,
};

// Where a loss finds in its numbers what all targets are multiplied by.
inline constexpr int EVERY = 7;

// What a loss meets: (rows, n), but for `scale`, `normalizer`, `potential`, `conjugate`,
// (rows,), and `scaling`, (n,). What was not asked for is null.
template <class T> struct Outputs {
    const T *z, *a, *y;  // logits, outputs, targets as values (smoothed and weighted)
    const T *scale;      // what the row's slope is multiplied by
    const T *log, *log_not, *less;
    const T *scaling;  // a number for each output: alpha of Focal and its like, or null
    idx width;         // of the whole row, of which n may be a part
    const T *normalizer, *potential, *conjugate;
    const T *rate;  // if top is to be times da/dz; null where the loss couples a row
};

// What a loss answers. The sums are added to `value`, (rows,), not scaled; null where
// not wanted. `top` (rows, n) is the scaled numerator of the slope.
template <class T> struct Answer {
    double *value;
    T *top;
};

// One loss.
template <class T> struct LossKernel {
    const char *name;     // of the class in Python
    bool row;             // whether it needs whole rows
    unsigned for_value;   // what it asks for its value
    unsigned for_slope;   // and for its slope
    void (*meet)(const Numbers &, const Outputs<T> &, const Answer<T> &, T *work,
                 idx rows, idx n);
    // Entries one by one, not scaled nor summed, as arrays (count,). Null unless value
    // and slope are 0 wherever y is.
    void (*entries)(const Numbers &, const Outputs<T> &, T *value, T *top, idx count);
};

template <class T> struct Losses {
    const LossKernel<T> *begin;
    int count;
};

struct LossFamily {
    Losses<float> single;
    Losses<double> twice;
    const Losses<float> &of(float) const { return single; }
    const Losses<double> &of(double) const { return twice; }
};

// Targets of some rows as they are given: one of the first two is null. A class stands
// for `base` everywhere and `extra` more in its own place, both times its weight.
template <class T> struct Given {
    const T *values;       // (rows, n)
    const int64_t *index;  // (rows,)
    const T *weight;       // of the classes, (n,), or null
    T base, extra;
};

// A map and a loss in one go, where that saves passes. `stream`: the gradient is larger
// than the caches. Rows of scale 0 count nowhere: gradient 0, value 0.
template <class T> struct JointKernel {
    const char *map, *loss;  // of the classes in Python
    void (*rows)(const Numbers &map, const Numbers &loss, const T *scaling, const T *z,
                 const Given<T> &y, const T *scale, T *gradient, T *value, T *work,
                 bool stream, idx rows, idx n);
};

template <class T> struct Joints {
    const JointKernel<T> *begin;
    int count;
};

struct JointFamily {
    Joints<float> single;
    Joints<double> twice;
    const Joints<float> &of(float) const { return single; }
    const Joints<double> &of(double) const { return twice; }
};

// Targets as a loss wants them: smoothed as `losses/smoothing.py` says, weighted.
template <class T> struct Encoding {
    double smoothing;
    int dialect;      // 0 torch, 1 keras, 2 classic
    const T *weight;  // of the classes, (n,), or null
    int64_t ignored;  // class index whose rows are all 0, if `ignores`
    bool ignores;
};

// What single targets and rows of targets have to be. NaN passes.
template <class T> struct Bounds {
    T low, high;
    bool low_in, high_in;  // whether an end belongs
    bool signs;            // -1 and 1 alone
    bool sums;             // rows sum to 1,
    bool zeros;            // or are all 0
};

// a^p (1-a)^q (1+a)^r.
struct Powers {
    double p, q, r;
};

// Outputs and what is known of them: (rows, n); null `less` and `log` where they follow
// from a, null `factor` where it is 1. Where the factor is 0 there is no support.
template <class T> struct Places {
    const T *a, *less, *log, *factor;
};

// What pairs are made of beside maps and losses; arrays (rows, n), rows of their own.
template <class T> struct MeetingKernels {
    void (*encode)(const Encoding<T> &, const T *values, const int64_t *index, T *out,
                   idx rows, idx n);
    bool (*within)(const Bounds<T> &, const T *values, idx rows, idx n);
    // log a, log(1 - a) and 1 - a from a; on the simplex from the other outputs
    void (*log)(const T *a, T *out, idx count);
    void (*log_not)(const T *a, const T *log, bool simplex, T *out, idx rows, idx n);
    void (*less)(const T *a, bool simplex, T *out, idx rows, idx n);
    // top in place, times factor and monomial; 0 off the support
    void (*cancelled)(const Powers &, const Places<T> &, T *top, idx rows, idx n);
    // top in place, over a monomial
    void (*resolved)(const Powers &, const Places<T> &, T *top, idx rows, idx n);
    // t in place, less w sum t / sum w, w = factor times monomial
    void (*centered)(const Powers &, const Places<T> &, T *t, T *work, idx rows, idx n);
    // top in place, through the centering of a softmax, a power of 1 - a left over
    void (*left_out)(const Powers &, const Places<T> &, T *top, T *work, idx rows,
                     idx n);
    // a, 1 - a and log a of one output a row; false where a log lacks digits
    bool (*pick)(const T *a, const int64_t *index, const T *scale, T *picked, T *less,
                 T *log, idx rows, idx n);
    // t in one output a row, less a t; 0 in rows of scale 0
    void (*single)(const T *a, const int64_t *index, const T *t, const T *less,
                   const T *scale, T *out, idx rows, idx n);
    // x in place, times c and a number a row
    void (*stretch)(T c, const T *by, T *x, idx rows, idx n);
    // out = 0 in rows of scale 0, else plus past
    void (*finish)(const T *past, const T *scale, T *out, idx rows, idx n);
    // out = x, past the caches; to be settled when a thread has moved all it does
    void (*move)(const T *x, T *out, idx count);
    void (*settle)();
};

struct MeetingFamily {
    MeetingKernels<float> single;
    MeetingKernels<double> twice;
    const MeetingKernels<float> &of(float) const { return single; }
    const MeetingKernels<double> &of(double) const { return twice; }
};

}  // namespace anymax
