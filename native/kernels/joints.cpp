// A map and a loss in one go: softmax with cross-entropy, sigmoid with binary
// cross-entropy. Values and gradients are those of the composition: shares at most 3 ULP
// off the exact softmax; 1 - share of the largest is the sum of the others, so that a row
// that is classified well keeps its digits.

#include "kernel.h"
#include "losses.h"

namespace anymax {
namespace {

#include "rows-inl.h"
#include "sums-inl.h"
#include "softmax-inl.h"
#include "softmax-one-class-inl.h"
#include "softmax-cross-entropy-inl.h"
#include "sigmoid-cross-entropy-inl.h"

template <class T> constexpr JointKernel<T> joints[] = {
    {"Softmax", "CrossEntropy", softmax_cross_entropy<T>},
    {"LogSoftmax", "NegativeLogLikelihood", softmax_cross_entropy<T>},
    {"Sigmoid", "BinaryCrossEntropy", sigmoid_cross_entropy<T>},
};

}  // namespace

EXPORT(JointFamily, joints) = {
    {joints<float>, sizeof joints<float> / sizeof *joints<float>},
    {joints<double>, sizeof joints<double> / sizeof *joints<double>},
};

}  // namespace anymax
