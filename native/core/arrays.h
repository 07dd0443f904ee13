// NumPy's arrays by their C interface; module.cpp alone imports it, for all files.

#pragma once

#define PY_SSIZE_T_CLEAN
#define NPY_NO_DEPRECATED_API NPY_2_0_API_VERSION
#define PY_ARRAY_UNIQUE_SYMBOL anymax_numpy
#ifndef ANYMAX_IMPORT_ARRAY
#define NO_IMPORT_ARRAY
#endif
#include <Python.h>
#include <numpy/arrayobject.h>

namespace anymax {

// One function of a list of methods.
template <class F>
inline PyMethodDef method(const char *name, F *function, const char *text) {
    return {name, reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(function)),
            METH_FASTCALL, text};
}

// The numbers of an array; 'f', 'd', or 0 if they are of another type or byte order.
inline char kind(PyArrayObject *array) {
    if (!PyArray_ISNOTSWAPPED(array)) return 0;
    const int type = PyArray_TYPE(array);
    return type == NPY_FLOAT ? 'f' : type == NPY_DOUBLE ? 'd' : 0;
}

template <class T> inline T *data(PyArrayObject *array) {
    return static_cast<T *>(PyArray_DATA(array));
}

}  // namespace anymax
