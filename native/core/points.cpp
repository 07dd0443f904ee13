// Point: the Jacobian of an activation at its inputs, as far as kernels know it. Python's
// `At` inherits from it; one is made for every eager `jacobian`, so that this is short.

#include "blocks.h"
#include "jacobians.h"
#include "maps.h"
#include "plain.h"

namespace anymax {
namespace {

struct Point {
    PyObject_HEAD PyObject *activation;
    Structure structure;
};

// A part as an attribute; one that was not made by `at` has none.
PyObject *part(PyObject *held) {
    if (held) return Py_NewRef(held);
    PyErr_SetString(PyExc_AttributeError, "a Point needs to be made by jacobian(z).");
    return nullptr;
}

template <PyArrayObject *Structure::*WHICH> PyObject *array_of(PyObject *self, void *) {
    return part(object(reinterpret_cast<Point *>(self)->structure.*WHICH));
}

PyObject *activation_of(PyObject *self, void *) {
    return part(reinterpret_cast<Point *>(self)->activation);
}

PyGetSetDef attributes[] = {
    {"activation", activation_of, nullptr, "the map", nullptr},
    {"z", array_of<&Structure::z>, nullptr, "its inputs", nullptr},
    {"a", array_of<&Structure::a>, nullptr, "its outputs", nullptr},
    {nullptr, nullptr, nullptr, nullptr, nullptr},
};

template <bool DOWN>
PyObject *product(PyObject *self, PyObject *const *given, Py_ssize_t count) {
    const Structure &of = reinterpret_cast<Point *>(self)->structure;
    if (count < 1 || count > 2 || !of.a) return Py_NewRef(Py_NotImplemented);
    PyObject *const out = multiplied(of, given[0], count == 2 ? given[1] : Py_None, DOWN);
    return out || PyErr_Occurred() ? out : Py_NewRef(Py_NotImplemented);
}

PyMethodDef products[] = {
    method("down", product<true>, "down(g, out=None): g J, or NotImplemented"),
    method("up", product<false>, "up(v): J v, or NotImplemented"),
    {nullptr, nullptr, 0, nullptr},
};

void free_point(PyObject *self) {
    Point *const point = reinterpret_cast<Point *>(self);
    Py_XDECREF(point->activation);
    Py_XDECREF(reinterpret_cast<PyObject *>(point->structure.z));
    Py_XDECREF(reinterpret_cast<PyObject *>(point->structure.a));
    Py_TYPE(self)->tp_free(self);
}

PyTypeObject PointType = [] {
    PyTypeObject type = {PyVarObject_HEAD_INIT(nullptr, 0)};
    type.tp_name = "anymax._core.Point";
    type.tp_basicsize = sizeof(Point);
    type.tp_dealloc = free_point;
    type.tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE;
    type.tp_getset = attributes;
    type.tp_methods = products;
    type.tp_doc = "the Jacobian of an activation at its inputs; made by `at` alone";
    return type;
}();

// The outputs at z: those given, or new ones for None; null where they do not fit.
PyArrayObject *outputs(const Handle &of, PyArrayObject *z, PyObject *given) {
    if (given != Py_None) {
        PyArrayObject *const a = plain(given);
        if (!a || !alike(a, z)) return nullptr;
        Py_INCREF(given);
        return a;
    }
    PyArrayObject *const a = output(Py_None, z);
    if (a) forward(of, z, a);
    return a;
}

// at(kind, activation, z, a): a `kind`, which inherits from Point; None where no
// kernel knows the Jacobian or the arrays are not plain. A None as `a` is computed.
PyObject *at(PyObject *, PyObject *const *given, Py_ssize_t count) {
    if (count != 4 || !PyType_Check(given[0])) Py_RETURN_NONE;
    PyTypeObject *const type = reinterpret_cast<PyTypeObject *>(given[0]);
    PyArrayObject *const z = plain(given[2]);
    if (!PyType_IsSubtype(type, &PointType) || !z || Rows(z).empty()) Py_RETURN_NONE;
    const Handle *const of = handle(given[1]);
    PyArrayObject *a = nullptr;
    if (of && of->single->vjp && of->single->jvp) a = outputs(*of, z, given[3]);
    if (!a && PyErr_Occurred()) return nullptr;
    if (!a) Py_RETURN_NONE;
    PyObject *const self = type->tp_alloc(type, 0);
    if (!self) {
        Py_DECREF(object(a));
        return nullptr;
    }
    Point *const point = reinterpret_cast<Point *>(self);
    point->activation = Py_NewRef(given[1]);
    Py_INCREF(given[2]);
    point->structure = {of->single, of->twice, of->numbers, z, a};
    return self;
}

}  // namespace

const Structure *at_point(PyObject *given) {
    if (!PyObject_TypeCheck(given, &PointType)) return nullptr;
    const Structure &of = reinterpret_cast<Point *>(given)->structure;
    return of.a ? &of : nullptr;
}

PyObject *point_type() {
    if (PyType_Ready(&PointType) < 0) return nullptr;
    return reinterpret_cast<PyObject *>(&PointType);
}

PyMethodDef point_methods[] = {
    method("at", at, "at(kind, activation, z, a): a Point, or None"),
    {nullptr, nullptr, 0, nullptr},
};

}  // namespace anymax
