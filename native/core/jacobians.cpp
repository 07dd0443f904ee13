// g J by one call: a Product holds a structure's kernel and its weight; a Bound product
// its g and its output as well, and is called without arguments.

#include "jacobians.h"

#include "plain.h"
#include "targets.h"

namespace anymax {
namespace {

constexpr double COST = 0.15;  // ns a float of g, on one thread

// What all calls for one Jacobian share.
struct Structure {
    const MapKernel<float> *single;
    const MapKernel<double> *twice;
    Numbers numbers;
    PyArrayObject *weight;
};

template <class T>
void multiply(const Structure &of, const MapKernel<T> &kernel, PyArrayObject *g,
              PyArrayObject *out) {
    const Rows rows(g);
    const T *w = data<T>(of.weight), *from = data<T>(g);
    T *to = data<T>(out);
    const double row = COST * double(rows.n) * double(sizeof(T)) / 4;
    const bool past = kernel.vjp_past && past_caches(size_t(PyArray_NBYTES(out)));
    const auto vjp = past ? kernel.vjp_past : kernel.vjp;
    unlocked(row * double(rows.rows), [&] {
        over_rows<T>(rows.rows, row, scratch(rows.n), [&](idx begin, idx end, T *work) {
            const idx at = begin * rows.n;
            vjp(of.numbers, nullptr, w + at, from + at, to + at, work, end - begin, rows.n);
        });
    });
}

void multiply(const Structure &of, PyArrayObject *g, PyArrayObject *out) {
    if (kind(g) == 'f')
        multiply<float>(of, *of.single, g, out);
    else
        multiply<double>(of, *of.twice, g, out);
}

// ---- Product: product(g, out=None) is g J, or NotImplemented

struct Product {
    PyObject_HEAD vectorcallfunc call;
    Structure structure;
};

// The array that g J goes to; null where it is declined.
PyArrayObject *accepted(const Structure &of, PyObject *given, PyObject *out) {
    PyArrayObject *const g = plain(given);
    if (!g || !alike(g, of.weight)) return nullptr;
    PyArrayObject *const to = output(out, g);
    if (!to || apart(to, of.weight)) return to;
    Py_DECREF(object(to));
    return nullptr;
}

PyObject *call_product(PyObject *self, PyObject *const *given, size_t flags,
                       PyObject *names) {
    const size_t count = size_t(PyVectorcall_NARGS(flags));
    if (names || count < 1 || count > 2) return Py_NewRef(Py_NotImplemented);
    const Structure &of = reinterpret_cast<Product *>(self)->structure;
    PyArrayObject *const out = accepted(of, given[0], count == 2 ? given[1] : Py_None);
    if (!out) return PyErr_Occurred() ? nullptr : Py_NewRef(Py_NotImplemented);
    multiply(of, reinterpret_cast<PyArrayObject *>(given[0]), out);
    return object(out);
}

void free_product(PyObject *self) {
    Py_DECREF(object(reinterpret_cast<Product *>(self)->structure.weight));
    Py_TYPE(self)->tp_free(self);
}

PyTypeObject ProductType = [] {
    PyTypeObject type = {PyVarObject_HEAD_INIT(nullptr, 0)};
    type.tp_name = "anymax._core.Product";
    type.tp_basicsize = sizeof(Product);
    type.tp_dealloc = free_product;
    type.tp_call = PyVectorcall_Call;
    type.tp_vectorcall_offset = offsetof(Product, call);
    type.tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_VECTORCALL;
    type.tp_doc = "g J of one Jacobian, or NotImplemented";
    return type;
}();

// ---- Bound: called without arguments it writes g J into its output and returns that

struct Bound {
    PyObject_HEAD vectorcallfunc call;
    Product *product;
    PyArrayObject *g, *out;
};

PyObject *call_bound(PyObject *self, PyObject *const *, size_t flags, PyObject *names) {
    if (names || PyVectorcall_NARGS(flags)) {
        PyErr_SetString(PyExc_TypeError, "a bound product takes no arguments; got some. "
                                         "Write into its arrays, then call it.");
        return nullptr;
    }
    const Bound &bound = *reinterpret_cast<Bound *>(self);
    multiply(bound.product->structure, bound.g, bound.out);
    return Py_NewRef(object(bound.out));
}

void free_bound(PyObject *self) {
    Bound &bound = *reinterpret_cast<Bound *>(self);
    Py_DECREF(reinterpret_cast<PyObject *>(bound.product));
    Py_DECREF(object(bound.g));
    Py_DECREF(object(bound.out));
    Py_TYPE(self)->tp_free(self);
}

PyTypeObject BoundType = [] {
    PyTypeObject type = {PyVarObject_HEAD_INIT(nullptr, 0)};
    type.tp_name = "anymax._core.Bound";
    type.tp_basicsize = sizeof(Bound);
    type.tp_dealloc = free_bound;
    type.tp_call = PyVectorcall_Call;
    type.tp_vectorcall_offset = offsetof(Bound, call);
    type.tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_VECTORCALL;
    type.tp_doc = "g J with its arrays bound";
    return type;
}();

template <class T> T *made(PyTypeObject &type, vectorcallfunc call) {
    if (PyType_Ready(&type) < 0) return nullptr;
    T *const self = PyObject_New(T, &type);
    if (self) self->call = call;
    return self;
}

// product(name, numbers, weight): a Product, or None if there is no kernel for it.
PyObject *product(PyObject *, PyObject *const *given, Py_ssize_t count) {
    if (count != 3 || !PyUnicode_Check(given[0]) || !PyTuple_Check(given[1]))
        Py_RETURN_NONE;
    PyArrayObject *const weight = plain(given[2]);
    const char *name = PyUnicode_AsUTF8(given[0]);
    if (!name) return nullptr;
    if (!weight || Rows(weight).empty()) Py_RETURN_NONE;
    Structure found{find_map<float>(name), find_map<double>(name), {}, weight};
    const Py_ssize_t most = sizeof found.numbers.v / sizeof *found.numbers.v;
    if (!found.single || !found.twice || PyTuple_GET_SIZE(given[1]) > most)
        Py_RETURN_NONE;
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(given[1]); i++) {
        found.numbers.v[i] = PyFloat_AsDouble(PyTuple_GET_ITEM(given[1], i));
        if (PyErr_Occurred()) return nullptr;
    }
    Product *const self = made<Product>(ProductType, call_product);
    if (!self) return nullptr;
    self->structure = found;
    Py_INCREF(given[2]);
    return reinterpret_cast<PyObject *>(self);
}

// bind(product, g, out): a Bound product, or None if the arrays are not plain.
PyObject *bind(PyObject *, PyObject *const *given, Py_ssize_t count) {
    if (count != 3 || Py_TYPE(given[0]) != &ProductType) Py_RETURN_NONE;
    Product *const product = reinterpret_cast<Product *>(given[0]);
    PyArrayObject *const out = accepted(product->structure, given[1], given[2]);
    if (!out && PyErr_Occurred()) return nullptr;
    if (!out) Py_RETURN_NONE;
    Bound *const self = made<Bound>(BoundType, call_bound);
    if (!self) {
        Py_DECREF(object(out));
        return nullptr;
    }
    self->product = reinterpret_cast<Product *>(Py_NewRef(given[0]));
    self->g = reinterpret_cast<PyArrayObject *>(Py_NewRef(given[1]));
    self->out = out;
    return reinterpret_cast<PyObject *>(self);
}

}  // namespace

PyMethodDef jacobian_methods[] = {
    method("product", product, "product(name, numbers, weight): g -> g J, or None"),
    method("bind", bind, "bind(product, g, out): () -> g J written into out, or None"),
    {nullptr, nullptr, 0, nullptr},
};

}  // namespace anymax
