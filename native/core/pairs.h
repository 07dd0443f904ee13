// An activation meets a loss on rows of logits: value and gradient, block by block.

#pragma once

#include <memory>
#include <string>
#include <vector>

#include "losses.h"

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
    // `streaming`: the gradient as a whole is larger than the caches. The gradient may
    // be z itself. Work is aligned to 64 bytes. `check`: give false once targets as values
    // are found that the loss does not take; as they pass anyway, that costs little.
    virtual bool rows(const T *z, Targets<T> y, const T *scale, T *gradient, T *value,
                      T *work, idx rows, idx n, bool streaming = false,
                      bool check = false) const = 0;

    // What each row counts for in a mean, (rows,): 0 where ignored.
    virtual void weights(Targets<T> y, T *weight, idx rows, idx n) const = 0;

    // Whether all rows count alike: none is ignored, no class has a weight.
    virtual bool even() const = 0;

    // Make the scale of ignored rows 0.
    virtual void drop(Targets<T> y, T *scale, idx rows) const = 0;

    // How many numbers of scratch memory `rows` needs, whatever the number of rows.
    virtual idx work(idx n) const = 0;

    // Whether labels in 0 .. n - 1, or to be ignored, are all there are in y.
    virtual bool takes(const int64_t *index, idx rows, idx n) const = 0;

    // Whether rows of n outputs are what the pair is for, its class weights included.
    virtual bool fits(idx n) const = 0;
};

// How a pair is put together, as Python read it off a meeting of the two.
struct Recipe {
    std::string map, loss;
    Numbers map_numbers, loss_numbers;
    double every = 1;  // what all targets are multiplied by, beside `scaling`
    std::vector<double> scaling, class_weight;  // one for each output, or empty
    bool ignores = false;
    int64_t ignored = 0;  // the class index that counts nowhere
    double smoothing = 0;
    int dialect = 0;  // of the smoothing: 0 torch, 1 keras, 2 classic
    double z_loss = 0;

    // How slope and Jacobian meet:
    //   plain     the slope is no fraction: the map's own vjp
    //   diagonal  cancelled against the weight
    //   centering, left_out  the same, then a centering of its two forms
    //   resolved  the fraction is evaluated, then the map's own vjp
    //   past      the loss knows dL/dz itself
    std::string structure = "plain";
    Powers left{}, weight{}, over{};
    bool logged = false;   // whether a broken power is taken from log a
    bool simplex = false;  // whether the outputs of a row sum to 1

    bool classes = false;  // whether class indices are targets
    double low = 0, high = 0;
    bool low_in = true, high_in = true, signs = false, sums = false;
    idx narrowest = 1;
    idx width = 0;  // the one number of outputs there may be, or 0
};

// The kernel of a pair; null if a part of it has none, then `why` says which. Rows of
// values are wanted where `with_value`, else gradients alone.
template <class T>
std::unique_ptr<PairKernel<T>> make_pair_kernel(const Recipe &, std::string &why);

}  // namespace anymax
