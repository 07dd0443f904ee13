// Matrix products on one thread, row-major; who wants more threads splits them.

#pragma once

#include <string>

#include "layers.h"

namespace anymax {

// C (m, n) = A B, added onto what is there; A is (m, k), or (k, m) if `turn_a`; B is (k, n),
// or (n, k) if `turn_b`. The leading dimensions are those of the arrays as they lie.
template <class T>
void product(bool turn_a, bool turn_b, idx m, idx n, idx k, const T *a, idx lda,
             const T *b, idx ldb, T *c, idx ldc, Onto<T> onto = {});

// Open a private copy of OpenBLAS at this path; false if it cannot be. Without one, own
// kernels do all products.
bool open_blas(const std::string &path);

// What does the larger products: "own", or OpenBLAS with its version and core.
std::string blas();

}  // namespace anymax
