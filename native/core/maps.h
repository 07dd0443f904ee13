// Lists of methods: what Python calls on arrays.

#pragma once

#include <Python.h>

namespace anymax {

extern PyMethodDef maps_methods[];
extern PyMethodDef math_methods[];

}  // namespace anymax
