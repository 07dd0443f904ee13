// Pairs as Python holds them.

#pragma once

#include <nanobind/nanobind.h>

#include "pairs.h"

namespace anymax {

// The recipe that Python's `recipe` of a pair says.
Recipe recipe_of(const nanobind::dict &said);

// The kernels of a bound pair, what `bind_pair` returned; null where it has none for T.
template <class T> const PairKernel<T> *pair_of(PyObject *bound);

// Add what binds and calls pairs to the module.
void define_pairs(nanobind::module_ &m);

}  // namespace anymax
