// The functions with SciPy's arguments, where everything is plain: C-contiguous arrays of
// float or double, the last axis. Anything else is declined with NotImplemented.

#include "eager.h"

#include "plain.h"
#include "targets.h"

namespace anymax {
namespace {

PyObject *declined() { return Py_NewRef(Py_NotImplemented); }

// Whether the axis is the last of so many.
bool last(PyObject *axis, int dimensions) {
    if (!PyLong_CheckExact(axis)) return false;
    const long at = PyLong_AsLong(axis);
    if (at == -1 && PyErr_Occurred()) {
        PyErr_Clear();
        return false;
    }
    return at == -1 || at == dimensions - 1;
}

// Rows through a map's forward kernel.
template <class T>
void apply(const MapKernel<T> &kernel, const Numbers &numbers, double cost, const Rows &of,
           const T *z, T *a) {
    const double row = cost * double(of.n) * double(sizeof(T)) / 4;
    const bool past = kernel.forward_past && past_caches(sizeof(T) * of.rows * of.n);
    const auto forward = past ? kernel.forward_past : kernel.forward;
    unlocked(row * double(of.rows), [&] {
        over_rows<T>(of.rows, row, scratch(of.n), [&](idx begin, idx end, T *work) {
            forward(numbers, z + begin * of.n, a + begin * of.n, work, end - begin, of.n);
        });
    });
}

// One function: a map of rows with its numbers; cost in ns a float on one thread.
struct Function {
    const char *map;
    double cost;
    const MapKernel<float> *single = nullptr;
    const MapKernel<double> *twice = nullptr;
    const Target *of = nullptr;

    bool found() {
        if (of == &target()) return true;
        single = find_map<float>(map);
        twice = find_map<double>(map);
        if (!single || !twice) return false;
        of = &target();
        return true;
    }

    // The log-normaliser of every row, (rows,).
    template <class T>
    void totals(const MapKernel<T> &kernel, const Rows &of, const T *z, T *value) {
        const double row = cost * double(of.n) * double(sizeof(T)) / 4;
        unlocked(row * double(of.rows), [&] {
            over_rows<T>(of.rows, row, scratch(of.n), [&](idx begin, idx end, T *work) {
                kernel.normalizer({{1}}, z + begin * of.n, nullptr, value + begin, work,
                                  end - begin, of.n);
            });
        });
    }

    // Results for z over its last axis, into `out` if it is not None.
    PyObject *operator()(const Numbers &numbers, PyObject *array, PyObject *axis,
                         PyObject *out) {
        PyArrayObject *const z = plain(array);
        if (!z || !last(axis, PyArray_NDIM(z)) || !found()) return declined();
        const Rows rows(z);
        if (rows.empty()) return declined();
        PyArrayObject *const a = output(out, z);
        if (!a) return PyErr_Occurred() ? nullptr : declined();
        if (kind(z) == 'f')
            apply<float>(*single, numbers, cost, rows, data<float>(z), data<float>(a));
        else
            apply<double>(*twice, numbers, cost, rows, data<double>(z), data<double>(a));
        return object(a);
    }
};

constexpr Numbers UNIT{{1}};  // a temperature of 1

PyObject *softmax(PyObject *, PyObject *const *given, Py_ssize_t count) {
    static Function function{"Softmax", 0.2};
    return count == 3 ? function(UNIT, given[0], given[1], given[2]) : declined();
}

PyObject *log_softmax(PyObject *, PyObject *const *given, Py_ssize_t count) {
    static Function function{"LogSoftmax", 0.3};
    return count == 3 ? function(UNIT, given[0], given[1], given[2]) : declined();
}

PyObject *sparsemax(PyObject *, PyObject *const *given, Py_ssize_t count) {
    static Function function{"Sparsemax", 0.5};
    return count == 3 ? function(UNIT, given[0], given[1], given[2]) : declined();
}

PyObject *entmax(PyObject *, PyObject *const *given, Py_ssize_t count) {
    static Function function{"Entmax", 0.7};
    if (count != 4 || !(PyFloat_CheckExact(given[1]) || PyLong_CheckExact(given[1])))
        return declined();
    const double alpha = PyFloat_AsDouble(given[1]);
    if (PyErr_Occurred()) PyErr_Clear();
    if (!(alpha >= 1) || __builtin_isinf(alpha)) return declined();
    return function({{alpha, 1}}, given[0], given[2], given[3]);
}

// A number a row: of shape (..., 1) with `keep`, else (...).
PyObject *logsumexp(PyObject *, PyObject *const *given, Py_ssize_t count) {
    static Function function{"Softmax", 0.25};
    PyArrayObject *const z = count == 3 ? plain(given[0]) : nullptr;
    if (!z || !last(given[1], PyArray_NDIM(z)) || !function.found()) return declined();
    const Rows rows(z);
    if (rows.empty()) return declined();
    npy_intp shape[NPY_MAXDIMS];
    const int dimensions = PyArray_NDIM(z);
    std::copy_n(PyArray_DIMS(z), dimensions, shape);
    shape[dimensions - 1] = 1;
    const int keep = PyObject_IsTrue(given[2]);
    if (keep < 0) return nullptr;
    PyObject *const made = new_output(PyArray_TYPE(z), dimensions - !keep, shape);
    if (!made) return nullptr;
    PyArrayObject *const value = reinterpret_cast<PyArrayObject *>(made);
    if (kind(z) == 'f')
        function.totals<float>(*function.single, rows, data<float>(z), data<float>(value));
    else
        function.totals<double>(*function.twice, rows, data<double>(z),
                                data<double>(value));
    return PyArray_Return(value);
}

}  // namespace

PyMethodDef eager_methods[] = {
    method("softmax", softmax, "softmax(z, axis, out)"),
    method("log_softmax", log_softmax, "log_softmax(z, axis, out)"),
    method("sparsemax", sparsemax, "sparsemax(z, axis, out)"),
    method("entmax", entmax, "entmax(z, alpha, axis, out)"),
    method("logsumexp", logsumexp, "logsumexp(z, axis, keepdims)"),
    {nullptr, nullptr, 0, nullptr},
};

}  // namespace anymax
