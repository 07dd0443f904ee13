// The bindings of programs.

#pragma once

#include <nanobind/nanobind.h>

namespace anymax {

void add_program(nanobind::module_ &m);

extern PyMethodDef program_methods[];  // what is on the way of one

}  // namespace anymax
