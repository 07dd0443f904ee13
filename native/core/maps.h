// Activations by their handles, and lists of methods: what Python calls on arrays.

#pragma once

#include "abi.h"
#include "arrays.h"

namespace anymax {

// An activation and its numbers.
struct Handle {
    const MapKernel<float> *single;
    const MapKernel<double> *twice;
    Numbers numbers;
    template <class T> const MapKernel<T> &of() const {
        if constexpr (sizeof(T) == 4)
            return *single;
        else
            return *twice;
    }
};

// The handle of what find gave, or of an activation; null if there is none, perhaps with
// an exception.
const Handle *handle(PyObject *given);

// Look for all activations anew: another instruction set was chosen.
void forget_handles();

// a = f(z); plain arrays of one shape and type.
void forward(const Handle &of, PyArrayObject *z, PyArrayObject *a);

extern PyMethodDef maps_methods[];
extern PyMethodDef math_methods[];

}  // namespace anymax
