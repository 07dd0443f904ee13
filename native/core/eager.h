// The functions behind am.softmax and its kin, on plain arrays.

#pragma once

#include <Python.h>

namespace anymax {

extern PyMethodDef eager_methods[];

}  // namespace anymax
