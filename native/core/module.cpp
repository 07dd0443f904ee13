// The module anymax._core: what Python may ask of the native side.
//
// Calls that are frequent or let go of the interpreter's lock are plain METH_FASTCALL
// functions, each list of them in the file of its subject; the rest goes by nanobind.

#include <nanobind/nanobind.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#define ANYMAX_IMPORT_ARRAY
#include "arrays.h"
#include "blocks.h"
#include "eager.h"
#include "jacobians.h"
#include "maps.h"
#include "pair_calls.h"
#include "pool.h"
#include "predict.h"
#include "program_make.h"
#include "products.h"
#include "targets.h"

namespace nb = nanobind;
using namespace anymax;

// Where the kernels lie that are plain C, for tests that call them one by one.
static nb::dict tables() {
    const auto at = [](auto *p) { return reinterpret_cast<size_t>(p); };
    nb::dict found;
    found["layers"] = at(target().layers);
    found["optimizers"] = at(target().optimizers);
    found["product_float32"] = at(product<float>);
    found["product_float64"] = at(product<double>);
    return found;
}

NB_MODULE(_core, m) {
    if (_import_array() < 0) throw nb::python_error();
    m.def("target", [] { return std::string(target().name); });
    m.def("targets", fitting);
    m.def("choose", [](const std::string &name) {
        choose(name);
        forget_handles();
    });
    m.def("threads", threads);
    m.def("set_threads", set_threads);
    m.def("open_blas", open_blas);
    m.def("blas", blas);
    m.def("tables", tables);
    m.def("trim", trim);
    m.def("kept", kept);
    if (!point_type()) throw nb::python_error();
    m.attr("Point") = nb::borrow(point_type());
    add_program(m);
    define_pairs(m);
    add_predict(m);
    for (PyMethodDef *each :
         {maps_methods, math_methods, eager_methods, jacobian_methods, point_methods,
          program_methods, predict_methods})
        if (PyModule_AddFunctions(m.ptr(), each) < 0) throw nb::python_error();
}
