// g J by one call: a Product holds a structure's kernel and its weight; a Bound product
// its g and its output as well, and is called without arguments.

#include "jacobians.h"

#include "plain.h"
#include "targets.h"

namespace anymax {
namespace {

constexpr double COST = 0.15;  // ns a float of g, on one thread

template <class T> const MapKernel<T> &kernel_of(const Structure &of) {
    if constexpr (sizeof(T) == 4)
        return *of.single;
    else
        return *of.twice;
}

template <class T>
void multiply(const Structure &of, PyArrayObject *g, PyArrayObject *out, bool down) {
    const MapKernel<T> &kernel = kernel_of<T>(of);
    const Rows rows(g);
    const T *z = of.z ? data<T>(of.z) : nullptr, *a = data<T>(of.a), *from = data<T>(g);
    T *to = data<T>(out);
    const double row = COST * double(rows.n) * double(sizeof(T)) / 4;
    const bool past = kernel.vjp_past && past_caches(size_t(PyArray_NBYTES(out)));
    const auto product = !down ? kernel.jvp : past ? kernel.vjp_past : kernel.vjp;
    unlocked(row * double(rows.rows), [&] {
        over_rows<T>(rows.rows, row, scratch(rows.n), [&](idx begin, idx end, T *work) {
            const idx at = begin * rows.n;
            product(of.numbers, z ? z + at : nullptr, a + at, from + at, to + at, work,
                    end - begin, rows.n);
        });
    });
}

void multiply(const Structure &of, PyArrayObject *g, PyArrayObject *out,
              bool down = true) {
    kind(g) == 'f' ? multiply<float>(of, g, out, down)
                   : multiply<double>(of, g, out, down);
}

// The array that a product of g goes to; null where it is declined.
PyArrayObject *accepted(const Structure &of, PyObject *given, PyObject *out) {
    PyArrayObject *const g = plain(given);
    if (!g || !alike(g, of.a)) return nullptr;
    PyArrayObject *const to = output(out, g);
    if (!to || (apart(to, of.a) && (!of.z || apart(to, of.z)))) return to;
    Py_DECREF(object(to));
    return nullptr;
}

}  // namespace

PyObject *multiplied(const Structure &of, PyObject *g, PyObject *out, bool down) {
    PyArrayObject *const to = accepted(of, g, out);
    if (to) multiply(of, reinterpret_cast<PyArrayObject *>(g), to, down);
    return to ? object(to) : nullptr;
}

namespace {

// ---- Product: product(g, out=None) is g J, or NotImplemented

struct Product {
    PyObject_HEAD vectorcallfunc call;
    Structure structure;
};

PyObject *call_product(PyObject *self, PyObject *const *given, size_t flags,
                       PyObject *names) {
    const size_t count = size_t(PyVectorcall_NARGS(flags));
    if (names || count < 1 || count > 2) return Py_NewRef(Py_NotImplemented);
    const Structure &of = reinterpret_cast<Product *>(self)->structure;
    PyObject *const out = multiplied(of, given[0], count == 2 ? given[1] : Py_None, true);
    return out || PyErr_Occurred() ? out : Py_NewRef(Py_NotImplemented);
}

void free_product(PyObject *self) {
    Py_DECREF(object(reinterpret_cast<Product *>(self)->structure.a));
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
    PyObject *owner;  // of the structure's arrays
    const Structure *structure;
    PyArrayObject *g, *out;
};

PyObject *call_bound(PyObject *self, PyObject *const *, size_t flags, PyObject *names) {
    if (names || PyVectorcall_NARGS(flags)) {
        PyErr_SetString(PyExc_TypeError, "a bound product takes no arguments; got some. "
                                         "Write into its arrays, then call it.");
        return nullptr;
    }
    const Bound &bound = *reinterpret_cast<Bound *>(self);
    multiply(*bound.structure, bound.g, bound.out);
    return Py_NewRef(object(bound.out));
}

void free_bound(PyObject *self) {
    Bound &bound = *reinterpret_cast<Bound *>(self);
    Py_DECREF(bound.owner);
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
    Structure found{find_map<float>(name), find_map<double>(name), {}, nullptr,
                    weight};
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

const Structure *structure_of(PyObject *given) {
    if (Py_TYPE(given) == &ProductType)
        return &reinterpret_cast<Product *>(given)->structure;
    return at_point(given);
}

// bind(product, g, out): a Bound product, or None if the arrays are not plain; a Point
// does as the product.
PyObject *bind(PyObject *, PyObject *const *given, Py_ssize_t count) {
    const Structure *const of = count == 3 ? structure_of(given[0]) : nullptr;
    if (!of) Py_RETURN_NONE;
    PyArrayObject *const out = accepted(*of, given[1], given[2]);
    if (!out && PyErr_Occurred()) return nullptr;
    if (!out) Py_RETURN_NONE;
    Bound *const self = made<Bound>(BoundType, call_bound);
    if (!self) {
        Py_DECREF(object(out));
        return nullptr;
    }
    self->owner = Py_NewRef(given[0]);
    self->structure = of;
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
