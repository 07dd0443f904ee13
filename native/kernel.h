// First in every file of kernels: the only headers there are, and the vectors.
//
//     #include "kernel.h"
//     namespace anymax { namespace { #include "…-inl.h" … } }
//     namespace anymax { EXPORT(MapFamily, elements) = {…}; }
//
// Everything between lies in an unnamed namespace, since an inline function that two
// targets share would be linked once, with the instructions of either of them.

#pragma once

#if defined(__x86_64__) || defined(__i386__)
#include <immintrin.h>
#endif

#include "abi.h"

namespace anymax {
namespace {
#include "vec-inl.h"
#include "math-inl.h"
}  // namespace
}  // namespace anymax
