// To come.

#include "kernel.h"
#include "layers.h"

namespace anymax {
EXPORT(ProductFamily, products) = {};
}  // namespace anymax
