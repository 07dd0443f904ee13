// Activations by their handles: their kernels on NumPy's arrays.
//
// What is not plain (an exact ndarray of float or double, shapes that fit) is declined
// with None, and Python does it.

#include "maps.h"

#include <string>
#include <utility>

#include "arrays.h"
#include "blocks.h"
#include "slices.h"
#include "targets.h"

namespace anymax {
namespace {

constexpr const char *CAPSULE = "anymax.map";
constexpr double ELEMENT = 0.2, ROW = 0.3;  // what a float costs, in ns on one thread
constexpr double UNLOCK = 20e3;  // ns of work from which other Python threads may run

void forget(PyObject *capsule) {
    delete static_cast<Handle *>(PyCapsule_GetPointer(capsule, CAPSULE));
}

// None, or the exception that is set.
PyObject *declined() {
    if (PyErr_Occurred()) return nullptr;
    Py_RETURN_NONE;
}

// ---- activations that were seen before

PyObject *finder = nullptr;  // activation -> what find gave, or None

// A class and attributes that an activation of it had, and what was found for them.
struct Seen {
    PyObject *kind = nullptr, *attributes = nullptr, *found = nullptr;
    void clear() {
        Py_CLEAR(kind);
        Py_CLEAR(attributes);
        Py_CLEAR(found);
    }
};
Seen seen[32];
int last_seen = 0;

// The attributes of an object, borrowed; null where it has none.
PyObject *attributes_of(PyObject *object) {
    PyObject *const found = PyObject_GenericGetDict(object, nullptr);
    if (!found) return PyErr_Clear(), nullptr;
    Py_DECREF(found);  // the object holds it
    return found;
}

// Whether two dictionaries hold the very same objects under the same names in one order.
bool same(PyObject *one, PyObject *other) {
    if (PyDict_GET_SIZE(one) != PyDict_GET_SIZE(other)) return false;
    PyObject *names[2], *values[2];
    Py_ssize_t at[2] = {};
    while (PyDict_Next(one, &at[0], &names[0], &values[0])) {
        PyDict_Next(other, &at[1], &names[1], &values[1]);
        if (names[0] != names[1] || values[0] != values[1]) return false;
    }
    return true;
}

// What Python finds for an activation, asked once for all of the same class with the same
// attributes: borrowed, null with an exception set.
PyObject *found_for(PyObject *activation) {
    PyObject *const attributes = attributes_of(activation);
    PyObject *const kind = reinterpret_cast<PyObject *>(Py_TYPE(activation));
    if (!attributes || !finder) return Py_None;
    for (const Seen &each : seen)
        if (each.kind == kind && same(each.attributes, attributes)) return each.found;
    Seen now{Py_NewRef(kind), PyDict_Copy(attributes),
             PyObject_CallOneArg(finder, activation)};
    const bool good = now.attributes && now.found;
    if (good) std::swap(now, seen[last_seen]);
    now.clear();
    if (!good) return nullptr;
    PyObject *const found = seen[last_seen].found;
    last_seen = (last_seen + 1) % int(sizeof seen / sizeof *seen);
    return found;
}

// handles(function): activation -> what find gave; asked where an activation is new.
PyObject *handles(PyObject *, PyObject *const *given, Py_ssize_t count) {
    if (count == 1) Py_XSETREF(finder, Py_NewRef(given[0]));
    Py_RETURN_NONE;
}

}  // namespace

void forget_handles() {
    for (Seen &each : seen) each.clear();
}

const Handle *handle(PyObject *given) {
    if (!PyCapsule_CheckExact(given)) given = found_for(given);
    if (!given || !PyCapsule_IsValid(given, CAPSULE)) return nullptr;
    return static_cast<const Handle *>(PyCapsule_GetPointer(given, CAPSULE));
}

namespace {

// find(name, numbers): the handle of an activation, or None.
PyObject *find(PyObject *, PyObject *const *given, Py_ssize_t count) {
    if (count != 2 || !PyUnicode_Check(given[0]) || !PyTuple_Check(given[1]))
        Py_RETURN_NONE;
    const char *name = PyUnicode_AsUTF8(given[0]);
    if (!name) return nullptr;
    Handle found{find_map<float>(name), find_map<double>(name), {}};
    const Py_ssize_t most = sizeof found.numbers.v / sizeof *found.numbers.v;
    if (!found.single || !found.twice || PyTuple_GET_SIZE(given[1]) > most)
        Py_RETURN_NONE;
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(given[1]); i++) {
        found.numbers.v[i] = PyFloat_AsDouble(PyTuple_GET_ITEM(given[1], i));
        if (PyErr_Occurred()) return nullptr;
    }
    return PyCapsule_New(new Handle(found), CAPSULE, forget);
}

// The rows an activation works on: its own, or all numbers as rows of one.
struct Rows {
    idx rows, n;
    Rows(PyArrayObject *z, bool coupled) {
        const int dimensions = PyArray_NDIM(z);
        const idx size = PyArray_SIZE(z);
        n = coupled ? (dimensions ? PyArray_DIM(z, dimensions - 1) : 0) : 1;
        rows = n ? size / n : 0;
    }
};

// Call body(begin, rows, work) for slices of the rows; long work without the lock.
template <class T, class Body> void each_slice(const Rows &of, bool coupled, Body body) {
    const double row = (coupled ? ROW : ELEMENT) * double(of.n) * double(sizeof(T)) / 4;
    const double all = row * double(of.rows);
    const auto slices = [&] {
        over_rows<T>(of.rows, row, coupled ? scratch(of.n) : 0,
                     [&](idx begin, idx end, T *work) { body(begin, end - begin, work); });
    };
    if (all < UNLOCK) return slices();
    PyThreadState *const state = PyEval_SaveThread();
    slices();
    PyEval_RestoreThread(state);
}

// The array as C-contiguous and aligned, a copy if it must be: a new reference, or null,
// perhaps with an exception.
PyArrayObject *plain(PyObject *given) {
    if (!PyArray_CheckExact(given)) return nullptr;
    auto *array = reinterpret_cast<PyArrayObject *>(given);
    if (!kind(array) || !PyArray_NDIM(array)) return nullptr;
    constexpr int flags = NPY_ARRAY_C_CONTIGUOUS | NPY_ARRAY_ALIGNED;
    return reinterpret_cast<PyArrayObject *>(PyArray_FromArray(array, nullptr, flags));
}

// Up to three arrays of one shape and number type, all plain.
struct Plain {
    PyArrayObject *array[3] = {};
    int count;
    Plain(PyObject *const *given, int count) : count(count) {
        for (int i = 0; i < count; i++) {
            array[i] = plain(given[i]);
            if (!array[i] || !fits(i)) return;
        }
        good = true;
    }
    bool fits(int i) const {
        return kind(array[i]) == kind(array[0]) && PyArray_SAMESHAPE(array[i], array[0]);
    }
    void release() {
        for (PyArrayObject *each : array) Py_XDECREF(each);
    }
    bool good = false;
};

PyArrayObject *fresh(PyArrayObject *like, int dimensions) {
    return reinterpret_cast<PyArrayObject *>(
        new_output(PyArray_TYPE(like), dimensions, PyArray_DIMS(like)));
}

PyObject *object(PyArrayObject *array) { return reinterpret_cast<PyObject *>(array); }

template <class T> void forward(const Handle &of, PyArrayObject *z, PyArrayObject *a) {
    const MapKernel<T> &kernel = of.of<T>();
    const Rows rows(z, kernel.row);
    const T *from = data<const T>(z);
    T *to = data<T>(a);
    const bool past = kernel.forward_past && past_caches(size_t(PyArray_NBYTES(z)));
    const auto map = past ? kernel.forward_past : kernel.forward;
    each_slice<T>(rows, kernel.row, [&](idx begin, idx count, T *work) {
        const idx at = begin * rows.n;
        map(of.numbers, from + at, to + at, work, count, rows.n);
    });
}

}  // namespace

void forward(const Handle &of, PyArrayObject *z, PyArrayObject *a) {
    kind(z) == 'f' ? forward<float>(of, z, a) : forward<double>(of, z, a);
}

namespace {

// Whether results may be written into `out` while z is read: the same array or another.
bool writable(PyArrayObject *out, PyArrayObject *z) {
    if (kind(out) != kind(z) || !PyArray_ISCARRAY(out) || !PyArray_SAMESHAPE(out, z))
        return false;
    const char *a = PyArray_BYTES(out), *b = PyArray_BYTES(z);
    const idx bytes = PyArray_NBYTES(z);
    return a == b || a + bytes <= b || b + bytes <= a;
}

// apply(handle, z, out=None): a = f(z), into out if it is given.
PyObject *apply(PyObject *, PyObject *const *given, Py_ssize_t count) {
    const Handle *const of = count == 2 || count == 3 ? handle(given[0]) : nullptr;
    if (!of) return declined();
    PyArrayObject *const z = plain(given[1]);
    if (!z) return declined();
    PyArrayObject *a = nullptr;
    if (count == 2 || given[2] == Py_None)
        a = fresh(z, PyArray_NDIM(z));
    else if (PyArray_CheckExact(given[2]))
        a = reinterpret_cast<PyArrayObject *>(Py_NewRef(given[2]));
    if (a && writable(a, z)) {
        forward(*of, z, a);
    } else {
        Py_CLEAR(a);
    }
    Py_DECREF(z);
    return a ? object(a) : declined();
}

template <class T>
void product(const Handle &of, const Plain &in, PyArrayObject *out, bool down) {
    const MapKernel<T> &kernel = of.of<T>();
    const Rows rows(in.array[0], kernel.row);
    const T *z = data<const T>(in.array[0]), *a = data<const T>(in.array[1]);
    const T *g = data<const T>(in.array[2]);
    T *to = data<T>(out);
    const bool past = kernel.vjp_past && past_caches(size_t(PyArray_NBYTES(out)));
    const auto multiply = !down ? kernel.jvp : past ? kernel.vjp_past : kernel.vjp;
    each_slice<T>(rows, kernel.row, [&](idx begin, idx count, T *work) {
        const idx at = begin * rows.n;
        multiply(of.numbers, z + at, a + at, g + at, to + at, work, count, rows.n);
    });
}

// The product of g, or v, with the Jacobian at z and a.
PyObject *multiply(PyObject *const *given, Py_ssize_t count, bool down) {
    const Handle *const of = count == 4 ? handle(given[0]) : nullptr;
    if (!of || !(down ? of->single->vjp : of->single->jvp)) return declined();
    Plain in(given + 1, 3);
    PyArrayObject *out = nullptr;
    if (in.good) out = fresh(in.array[0], PyArray_NDIM(in.array[0]));
    if (out)
        kind(out) == 'f' ? product<float>(*of, in, out, down)
                         : product<double>(*of, in, out, down);
    in.release();
    return out ? object(out) : declined();
}

PyObject *vjp(PyObject *, PyObject *const *given, Py_ssize_t count) {
    return multiply(given, count, true);
}

PyObject *jvp(PyObject *, PyObject *const *given, Py_ssize_t count) {
    return multiply(given, count, false);
}

// The question of this name, and whether its answer is one number a row.
template <class T>
typename MapKernel<T>::Ask question(const MapKernel<T> &kernel, const std::string &name,
                                    bool &number) {
    number = name == "potential" || name == "normalizer";
    if (name == "log") return kernel.log;
    if (name == "log_not") return kernel.log_not;
    if (name == "less") return kernel.less;
    if (name == "factor") return kernel.factor;
    if (name == "potential") return kernel.potential;
    return name == "normalizer" ? kernel.normalizer : nullptr;
}

template <class T> PyArrayObject *answer(const Handle &of, const char *name, Plain &in) {
    bool number = false;
    const auto asked = question(of.of<T>(), name, number);
    PyArrayObject *const z = in.array[0];
    const Rows rows(z, true);
    if (!asked || !rows.rows) return nullptr;
    PyArrayObject *const out = fresh(z, PyArray_NDIM(z) - number);
    if (out)
        asked(of.numbers, data<const T>(z), data<const T>(in.array[1]), data<T>(out),
              static_cast<T *>(scratch_memory(sizeof(T) * size_t(scratch(rows.n)))), rows.rows,
              rows.n);
    return out;
}

// ask(handle, question, z, a): factor, log, log_not, less, potential or normalizer.
PyObject *ask(PyObject *, PyObject *const *given, Py_ssize_t count) {
    const Handle *const of = count == 4 ? handle(given[0]) : nullptr;
    if (!of || !PyUnicode_Check(given[1])) return declined();
    const char *name = PyUnicode_AsUTF8(given[1]);
    if (!name) return nullptr;
    Plain in(given + 2, 2);
    PyArrayObject *out = nullptr;
    if (in.good)
        out = kind(in.array[0]) == 'f' ? answer<float>(*of, name, in)
                                       : answer<double>(*of, name, in);
    in.release();
    return out ? object(out) : declined();
}

}  // namespace

PyMethodDef maps_methods[] = {
    method("find", find, "find(name, numbers): the handle of an activation, or None"),
    method("handles", handles, "handles(function): what find gave for an activation"),
    method("apply", apply, "apply(handle, z, out=None): a = f(z), or None"),
    method("vjp", vjp, "vjp(handle, z, a, g): g J, or None"),
    method("jvp", jvp, "jvp(handle, z, a, v): J v, or None"),
    method("ask", ask, "ask(handle, question, z, a): what a loss may ask, or None"),
    {nullptr, nullptr, 0, nullptr},
};

}  // namespace anymax
