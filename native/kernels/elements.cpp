// The element-wise activations.

#include "kernel.h"

namespace anymax {
namespace {

#include "elements-inl.h"
#include "elements-lines-inl.h"
#include "elements-curves-inl.h"

#define ENTRY(name) element<name<T>, T>(#name)
template <class T> constexpr MapKernel<T> elements[] = {
    ENTRY(Identity),    ENTRY(ReLU),        ENTRY(ThresholdedReLU), ENTRY(LeakyReLU),
    ENTRY(HardTanh),    ENTRY(HardSigmoid), ENTRY(HardSwish),       ENTRY(Softsign),
    ENTRY(ELU),         ENTRY(CELU),        ENTRY(SELU),            ENTRY(Sigmoid),
    ENTRY(Tanh),        ENTRY(SoftCap),     ENTRY(Exp),             ENTRY(Softplus),
    ENTRY(LogSigmoid),  ENTRY(SiLU),        ENTRY(Swish),           ENTRY(GELU),
    ENTRY(Mish),
};
#undef ENTRY

}  // namespace

EXPORT(MapFamily, elements) = {
    {elements<float>, sizeof elements<float> / sizeof *elements<float>},
    {elements<double>, sizeof elements<double> / sizeof *elements<double>},
};

}  // namespace anymax
