// An activation meets a loss on rows of logits: value and gradient, block by block.

#pragma once

#include <memory>
#include <string>

#include "abi.h"

namespace anymax {

// The targets of some rows: values (rows, n), or class indices (rows,); one is null.
template <class T> struct Targets {
    const T *values = nullptr;
    const int64_t *index = nullptr;
    Targets from(idx row, idx n) const {
        return {values ? values + row * n : nullptr, index ? index + row : nullptr};
    }
};

// A pair bound to its kernels. Safe to use from several threads, each with its own work.
template <class T> class PairKernel {
  public:
    virtual ~PairKernel() = default;

    // Contiguous rows: z (rows, n); scale (rows,), what each row is multiplied by (0: the
    // row counts nowhere, its gradient is 0 and its value 0 whatever z is). Writes the
    // gradient by z (rows, n) and the scaled value of each row, (rows,), unless null.
    virtual void rows(const T *z, Targets<T> y, const T *scale, T *gradient,
                      T *value, T *work, idx rows, idx n) const = 0;

    // What each row counts for in a mean, (rows,): 0 where ignored.
    virtual void weights(Targets<T> y, T *weight, idx rows, idx n) const = 0;

    // How many numbers of scratch memory `rows` needs, whatever the number of rows.
    virtual idx work(idx n) const = 0;

    // Whether labels in 0 .. n - 1, or to be ignored, are all there are in y.
    virtual bool takes(const int64_t *index, idx rows, idx n) const = 0;
};

}  // namespace anymax
