// g J and J v by one call, for Jacobians that a kernel multiplies by.

#pragma once

#include "abi.h"
#include "arrays.h"

namespace anymax {

// A kernel and the point it is at: the outputs of a map there, or a structure's weight;
// the inputs of a map, null for a structure. It owns no reference.
struct Structure {
    const MapKernel<float> *single;
    const MapKernel<double> *twice;
    Numbers numbers;
    PyArrayObject *z, *a;
};

// g J or, where not `down`, J g: into `out`, a new array for None. Null where it is
// declined; an exception may be set.
PyObject *multiplied(const Structure &of, PyObject *g, PyObject *out, bool down);

// The structure of a Point of points.cpp; null for everything else.
const Structure *at_point(PyObject *given);

// The type Point, ready; null with an exception set.
PyObject *point_type();

extern PyMethodDef jacobian_methods[];
extern PyMethodDef point_methods[];

}  // namespace anymax
