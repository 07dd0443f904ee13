// Arrays as kernels take them, C-contiguous rows of float or double, and long work
// without the interpreter's lock.

#pragma once

#include "arrays.h"
#include "blocks.h"
#include "slices.h"

namespace anymax {

constexpr double UNLOCK = 20e3;  // ns of work from which other Python threads may run

// An array of ours to read: contiguous, of float or double; null otherwise.
inline PyArrayObject *plain(PyObject *object) {
    if (!PyArray_CheckExact(object)) return nullptr;
    PyArrayObject *const array = reinterpret_cast<PyArrayObject *>(object);
    const int needed = NPY_ARRAY_C_CONTIGUOUS | NPY_ARRAY_ALIGNED;
    return PyArray_CHKFLAGS(array, needed) && kind(array) ? array : nullptr;
}

// Rows of an array (rows, n).
struct Rows {
    idx rows, n;
    explicit Rows(PyArrayObject *z) {
        const int dimensions = PyArray_NDIM(z);
        n = dimensions ? PyArray_DIM(z, dimensions - 1) : 0;
        rows = n ? PyArray_SIZE(z) / n : 0;
    }
    bool empty() const { return !rows || !n; }
};

inline bool alike(PyArrayObject *a, PyArrayObject *b) {
    return PyArray_TYPE(a) == PyArray_TYPE(b) && PyArray_SAMESHAPE(a, b);
}

// Whether writing into `out` leaves z as it is, but for z being `out` itself.
inline bool apart(PyArrayObject *out, PyArrayObject *z) {
    const char *a = PyArray_BYTES(out), *b = PyArray_BYTES(z);
    const idx bytes = PyArray_NBYTES(z);
    return a == b || a + bytes <= b || b + bytes <= a;
}

// The array for results like z: `out` or, for None, a new one; null if it is declined. An
// exception may be set.
inline PyArrayObject *output(PyObject *out, PyArrayObject *z) {
    if (out == Py_None)
        return reinterpret_cast<PyArrayObject *>(
            new_output(PyArray_TYPE(z), PyArray_NDIM(z), PyArray_DIMS(z)));
    PyArrayObject *const given = plain(out);
    if (!given || !alike(given, z) || !PyArray_ISWRITEABLE(given) || !apart(given, z))
        return nullptr;
    Py_INCREF(out);
    return given;
}

inline PyObject *object(PyArrayObject *array) {
    return reinterpret_cast<PyObject *>(array);
}

// Run work() without the interpreter's lock if it takes long.
template <class Work> void unlocked(double nanoseconds, const Work &work) {
    if (nanoseconds < UNLOCK) return work();
    PyThreadState *const state = PyEval_SaveThread();
    work();
    PyEval_RestoreThread(state);
}

}  // namespace anymax
