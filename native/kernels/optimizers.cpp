// To come.

#include "kernel.h"
#include "layers.h"

namespace anymax {
EXPORT(OptimizerFamily, optimizers) = {};
}  // namespace anymax
