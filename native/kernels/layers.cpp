// To come.

#include "kernel.h"
#include "layers.h"

namespace anymax {
EXPORT(LayerFamily, layers) = {};
}  // namespace anymax
