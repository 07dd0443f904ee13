// Predictors: the operations of a network going up only.

#pragma once

#include <nanobind/nanobind.h>

namespace anymax {

void add_predict(nanobind::module_ &m);

extern PyMethodDef predict_methods[];  // what is on the way of one

}  // namespace anymax
