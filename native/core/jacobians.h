// Products with a Jacobian whose structure and weight are known.

#pragma once

#include <Python.h>

namespace anymax {

extern PyMethodDef jacobian_methods[];

}  // namespace anymax
