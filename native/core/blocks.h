// New arrays, and the blocks of memory kept behind the large ones.
//
// A fresh block of 100 MB costs more page faults than most kernels cost time, so blocks
// of freed arrays are kept and given again to arrays of the same size.

#pragma once

#include <Python.h>

#include <cstddef>

namespace anymax {

// A new C-contiguous array, its numbers not set; null with an exception. It owns its
// memory as any array does. To be called with the interpreter's lock.
PyObject *new_output(int type, int dimensions, const ssize_t *shape);

// Give the blocks that are kept back to the system.
void trim();

// How many bytes are kept.
size_t kept();

}  // namespace anymax
