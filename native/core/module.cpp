// The module anymax._core: what Python may ask of the native side.
//
// Calls that are frequent or let go of the interpreter's lock are plain METH_FASTCALL
// functions, each list of them in the file of its subject; the rest goes by nanobind.

#include <nanobind/nanobind.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <cstdlib>

#include "pool.h"
#include "targets.h"

namespace nb = nanobind;
using namespace anymax;

NB_MODULE(_core, m) {
    if (const char *name = std::getenv("ANYMAX_TARGET"); name && *name) choose(name);
    m.def("target", [] { return std::string(target().name); });
    m.def("targets", fitting);
    m.def("threads", threads);
    m.def("set_threads", set_threads);
}
