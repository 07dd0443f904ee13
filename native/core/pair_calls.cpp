// Pair.value, gradient and value_and_gradient: what is plain runs here, all else is
// declined with None, so that NumPy computes it and says what is wrong with it.

#include "pair_calls.h"

#include <nanobind/stl/pair.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <atomic>
#include <cmath>
#include <cstdlib>

#include "arrays.h"
#include "blocks.h"
#include "slices.h"

namespace nb = nanobind;

namespace anymax {
namespace {

constexpr const char *NAME = "anymax.pair";
constexpr double COST = 0.7;      // nanoseconds of a number, roughly
constexpr idx RELEASE = 1 << 14;  // numbers from which on the lock is let go

// A pair in Python's hands: its kernels, and what its parts were when it was bound.
struct Bound {
    std::unique_ptr<PairKernel<float>> single;
    std::unique_ptr<PairKernel<double>> twice;
    nb::object activation, loss, seen;
    const PairKernel<float> *of(float) const { return single.get(); }
    const PairKernel<double> *of(double) const { return twice.get(); }
};

Bound *bound_of(PyObject *capsule) {
    return static_cast<Bound *>(PyCapsule_GetPointer(capsule, NAME));
}

// Whether an object's attributes are the very ones in `seen` from `at` on.
bool same(PyObject *object, PyObject *seen, Py_ssize_t &at) {
    PyObject *attributes = PyObject_GenericGetDict(object, nullptr);
    if (!attributes) return PyErr_Clear(), false;
    Py_DECREF(attributes);  // the object holds it
    PyObject *key, *value;
    Py_ssize_t step = 0;
    while (PyDict_Next(attributes, &step, &key, &value))
        if (at >= PyTuple_GET_SIZE(seen) || PyTuple_GET_ITEM(seen, at++) != value)
            return false;
    return true;
}

bool current(const Bound &bound, PyObject *activation, PyObject *loss) {
    if (bound.activation.ptr() != activation || bound.loss.ptr() != loss) return false;
    Py_ssize_t at = 0;
    PyObject *seen = bound.seen.ptr();
    return same(activation, seen, at) && same(loss, seen, at) &&
           at == PyTuple_GET_SIZE(seen);
}

// ---- one call

enum Reduce { MEAN, SUM, NONE };

// What a call works on; `bad` once targets are found that the loss does not take.
template <class T> struct Call {
    const PairKernel<T> *kernel;
    const T *z;
    Targets<T> y;
    T *scale, *value, *gradient;
    idx rows, n;
    bool streaming, weighed;  // whether `scale` holds sample weights
    std::atomic<bool> bad{false};
};

// Some of the rows, the targets checked while they pass.
template <class T> void pass(Call<T> &call, idx from, idx to, T *work) {
    T *const gradient = call.gradient ? call.gradient + from * call.n : nullptr;
    T *const value = call.value ? call.value + from : nullptr;
    if (!work || !call.kernel->rows(call.z + from * call.n, call.y.from(from, call.n),
                                    call.scale + from, gradient, value, work, to - from,
                                    call.n, call.streaming, true))
        call.bad.store(true, std::memory_order_relaxed);
}

// The sum of `rows` numbers of(r), several at a time.
template <class F> double summed(idx rows, F of) {
    double part[4] = {};
    idx r = 0;
    for (; r + 4 <= rows; r += 4)
        for (int i = 0; i < 4; i++) part[i] += of(r + i);
    for (; r < rows; r++) part[0] += of(r);
    return (part[0] + part[1]) + (part[2] + part[3]);
}

// Sample weights, with what rows count for in a mean, made the factors of the rows.
template <class T> void scale_rows(Call<T> &call, Reduce reduce, T *weight) {
    if (!call.weighed && call.kernel->even()) {
        const T each = reduce == MEAN ? T(1 / double(call.rows)) : T(1);
        for (idx r = 0; r < call.rows; r++) call.scale[r] = each;
        return;
    }
    if (!call.weighed)
        for (idx r = 0; r < call.rows; r++) call.scale[r] = 1;
    call.kernel->drop(call.y, call.scale, call.rows);
    if (reduce != MEAN) return;
    call.kernel->weights(call.y, weight, call.rows, call.n);
    const double total = summed(call.rows, [&](idx r) {
        return call.scale[r] == 0 ? 0 : double(call.scale[r] * weight[r]);
    });
    for (idx r = 0; r < call.rows; r++)
        call.scale[r] = total > 0 ? T(double(call.scale[r]) / total) : T(0);
}

// Everything that needs no interpreter; false where the targets are not taken.
template <class T> bool compute(Call<T> &call, Reduce reduce, T *weight) {
    if (call.y.index && !call.kernel->takes(call.y.index, call.rows, call.n)) return false;
    scale_rows(call, reduce, weight);
    over_rows<T>(call.rows, COST * double(call.n), call.kernel->work(call.n),
                 [&](idx from, idx to, T *work) { pass(call, from, to, work); });
    return !call.bad.load();
}

// ---- what comes from Python

bool leading(PyArrayObject *x, PyArrayObject *z) {
    return PyArray_NDIM(x) == PyArray_NDIM(z) - 1 &&
           PyArray_CompareLists(PyArray_DIMS(x), PyArray_DIMS(z), PyArray_NDIM(x));
}

bool shaped(PyArrayObject *x, PyArrayObject *z) {
    return PyArray_NDIM(x) == PyArray_NDIM(z) &&
           PyArray_CompareLists(PyArray_DIMS(x), PyArray_DIMS(z), PyArray_NDIM(x));
}

// x as a contiguous array of a type; itself where it is one. A new reference.
PyArrayObject *as_type(PyArrayObject *x, int type) {
    if (PyArray_TYPE(x) == type && PyArray_ISCARRAY_RO(x)) {
        Py_INCREF(x);
        return x;
    }
    return reinterpret_cast<PyArrayObject *>(
        PyArray_FromArray(x, PyArray_DescrFromType(type),
                          NPY_ARRAY_CARRAY_RO | NPY_ARRAY_FORCECAST));
}

bool whole(PyArrayObject *x) {
    return PyArray_ISINTEGER(x) || PyArray_ISBOOL(x);
}

bool plain(PyArrayObject *x) {
    const int type = PyArray_TYPE(x);
    return whole(x) || type == NPY_FLOAT || type == NPY_DOUBLE;
}

template <class T> constexpr int TYPE = sizeof(T) == 4 ? NPY_FLOAT : NPY_DOUBLE;

// Targets in the form the kernels take; null where they are not plain.
template <class T>
PyArrayObject *targets(PyObject *given, PyArrayObject *z, Targets<T> &y) {
    if (!PyArray_CheckExact(given)) return nullptr;
    PyArrayObject *array = reinterpret_cast<PyArrayObject *>(given);
    const bool values = shaped(array, z) && plain(array);
    const idx n = PyArray_DIM(z, PyArray_NDIM(z) - 1);
    if (!values && !(leading(array, z) && whole(array) && n > 1)) return nullptr;
    PyArrayObject *made = as_type(array, values ? TYPE<T> : NPY_INT64);
    if (!made) return PyErr_Clear(), nullptr;
    if (values)
        y.values = static_cast<const T *>(PyArray_DATA(made));
    else
        y.index = static_cast<const int64_t *>(PyArray_DATA(made));
    return made;
}

// Fill `scale` with sample weights if there are any; false where they are not plain.
template <class T> bool weigh(PyObject *given, PyArrayObject *z, T *scale, idx rows) {
    if (given == Py_None) return true;
    if (!PyArray_CheckExact(given)) return false;
    PyArrayObject *array = reinterpret_cast<PyArrayObject *>(given);
    if (!leading(array, z) || !PyArray_ISCARRAY_RO(array)) return false;
    const bool single = PyArray_TYPE(array) == NPY_FLOAT;
    if (!single && PyArray_TYPE(array) != NPY_DOUBLE) return false;
    const void *data = PyArray_DATA(array);
    for (idx r = 0; r < rows; r++) {
        const double w = single ? double(static_cast<const float *>(data)[r])
                                : static_cast<const double *>(data)[r];
        scale[r] = T(w);
        if (!(w >= 0) || !std::isfinite(w) || !std::isfinite(scale[r])) return false;
    }
    return true;
}

bool reduce_of(PyObject *word, Reduce &reduce) {
    if (!PyUnicode_Check(word)) return false;
    const char *names[] = {"mean", "sum", "none"};
    for (int i = 0; i < 3; i++)
        if (PyUnicode_CompareWithASCIIString(word, names[i]) == 0)
            return reduce = Reduce(i), true;
    return false;
}

// The value as Python gets it: a number, or one a row.
template <class T>
PyObject *value_of(const Call<T> &call, Reduce reduce, PyArrayObject *z) {
    if (reduce == NONE) {
        PyObject *array = PyArray_SimpleNew(PyArray_NDIM(z) - 1, PyArray_DIMS(z), TYPE<T>);
        if (!array) return nullptr;
        T *out = static_cast<T *>(PyArray_DATA(reinterpret_cast<PyArrayObject *>(array)));
        for (idx r = 0; r < call.rows; r++) out[r] = call.value[r];
        return array;
    }
    T number = T(summed(call.rows, [&](idx r) { return double(call.value[r]); }));
    PyArray_Descr *type = PyArray_DescrFromType(TYPE<T>);
    PyObject *scalar = PyArray_Scalar(&number, type, nullptr);
    Py_DECREF(type);
    return scalar;
}

PyObject *decline() { Py_RETURN_NONE; }

// What is asked, as bits.
constexpr long VALUE = 1, GRADIENT = 2;

template <class T>
PyObject *meet(const PairKernel<T> *kernel, long wanted, PyArrayObject *z, PyObject *given,
               PyObject *sample_weight, Reduce reduce) {
    if (!kernel) return decline();
    const idx n = PyArray_DIM(z, PyArray_NDIM(z) - 1), numbers = PyArray_SIZE(z);
    if (numbers == 0 || !kernel->fits(n)) return decline();
    Call<T> call{};
    call.kernel = kernel;
    call.z = static_cast<const T *>(PyArray_DATA(z));
    call.n = n;
    call.rows = numbers / n;
    PyArrayObject *y = targets<T>(given, z, call.y);
    if (!y) return decline();
    T few[3 * 512];
    T *rows = 3 * call.rows <= idx(sizeof few / sizeof *few)
                  ? few
                  : static_cast<T *>(std::malloc(size_t(3 * call.rows) * sizeof(T)));
    PyObject *gradient = nullptr, *answer = nullptr;
    bool good = rows && weigh(sample_weight, z, rows, call.rows);
    if (good && (wanted & GRADIENT)) {
        gradient = new_output(TYPE<T>, PyArray_NDIM(z), PyArray_DIMS(z));
        good = gradient != nullptr;
    }
    if (good) {
        call.scale = rows;
        call.weighed = sample_weight != Py_None;
        call.value = (wanted & VALUE) ? rows + call.rows : nullptr;
        if (gradient)
            call.gradient = static_cast<T *>(
                PyArray_DATA(reinterpret_cast<PyArrayObject *>(gradient)));
        call.streaming = gradient && past_caches(size_t(numbers) * sizeof(T));
        PyThreadState *state = numbers >= RELEASE ? PyEval_SaveThread() : nullptr;
        good = compute(call, reduce, rows + 2 * call.rows);
        if (state) PyEval_RestoreThread(state);
    }
    if (good && (wanted & VALUE)) answer = value_of(call, reduce, z);
    if (rows != few) std::free(rows);
    Py_DECREF(y);
    if (!good) {
        Py_XDECREF(gradient);
        return PyErr_Clear(), decline();
    }
    if (wanted == VALUE) return answer;
    if (wanted == GRADIENT) return gradient;
    PyObject *both = answer ? PyTuple_Pack(2, answer, gradient) : nullptr;
    Py_XDECREF(answer);
    Py_DECREF(gradient);
    return both;
}

// pair_meet(bound, activation, loss, wanted, z, y, sample_weight, reduce): False where
// the pair was bound to something else, None where the call is not plain.
PyObject *pair_meet(PyObject *, PyObject *const *given, Py_ssize_t count) {
    if (count != 8) {
        PyErr_SetString(PyExc_TypeError, "pair_meet needs 8 arguments");
        return nullptr;
    }
    if (given[0] == Py_None) Py_RETURN_FALSE;
    const Bound *bound = bound_of(given[0]);
    if (!bound) return nullptr;
    if (!current(*bound, given[1], given[2])) Py_RETURN_FALSE;
    const long wanted = PyLong_AsLong(given[3]);
    Reduce reduce;
    if (!PyArray_CheckExact(given[4]) || !reduce_of(given[7], reduce)) return decline();
    PyArrayObject *z = reinterpret_cast<PyArrayObject *>(given[4]);
    if (PyArray_NDIM(z) < 1 || !PyArray_ISCARRAY_RO(z)) return decline();
    if (PyArray_TYPE(z) == NPY_FLOAT)
        return meet(bound->of(float()), wanted, z, given[5], given[6], reduce);
    if (PyArray_TYPE(z) == NPY_DOUBLE)
        return meet(bound->of(double()), wanted, z, given[5], given[6], reduce);
    return decline();
}

PyMethodDef methods[] = {
    method("pair_meet", pair_meet, "Value, gradient or both of a pair at plain arrays."),
    {nullptr, nullptr, 0, nullptr},
};

// ---- binding

Numbers numbers_of(const std::vector<double> &given) {
    Numbers numbers;
    for (size_t i = 0; i < given.size() && i < 8; i++) numbers.v[i] = given[i];
    return numbers;
}

Powers powers_of(const std::vector<double> &given) {
    return {given[0], given[1], given[2]};
}

}  // namespace

Recipe recipe_of(const nb::dict &said) {
    Recipe recipe;
    const auto take = [&](const char *name, auto &into) {
        into = nb::cast<std::decay_t<decltype(into)>>(said[name]);
    };
    std::vector<double> list;
    take("map", recipe.map);
    take("loss", recipe.loss);
    take("map_numbers", list), recipe.map_numbers = numbers_of(list);
    take("loss_numbers", list), recipe.loss_numbers = numbers_of(list);
    take("every", recipe.every), recipe.loss_numbers.v[EVERY] = recipe.every;
    take("scaling", recipe.scaling);
    take("class_weight", recipe.class_weight);
    take("ignores", recipe.ignores);
    take("ignored", recipe.ignored);
    take("smoothing", recipe.smoothing);
    take("dialect", recipe.dialect);
    take("z_loss", recipe.z_loss);
    take("structure", recipe.structure);
    take("left", list), recipe.left = powers_of(list);
    take("weight", list), recipe.weight = powers_of(list);
    take("over", list), recipe.over = powers_of(list);
    take("logged", recipe.logged);
    take("simplex", recipe.simplex);
    take("classes", recipe.classes);
    take("low", recipe.low);
    take("high", recipe.high);
    take("low_in", recipe.low_in);
    take("high_in", recipe.high_in);
    take("signs", recipe.signs);
    take("sums", recipe.sums);
    take("narrowest", recipe.narrowest);
    take("width", recipe.width);
    return recipe;
}

namespace {

// (bound, why): the pair of a recipe, or of none; `seen` the attributes of its parts.
std::pair<nb::object, std::string> bind_pair(nb::object activation, nb::object loss,
                                             nb::tuple seen, nb::object said) {
    auto bound = std::make_unique<Bound>();
    std::string why;
    if (!said.is_none()) {
        const Recipe recipe = recipe_of(nb::cast<nb::dict>(said));
        bound->single = make_pair_kernel<float>(recipe, why);
        bound->twice = make_pair_kernel<double>(recipe, why);
    }
    bound->activation = activation;
    bound->loss = loss;
    bound->seen = seen;
    PyObject *capsule = PyCapsule_New(bound.get(), NAME, [](PyObject *held) {
        delete bound_of(held);
    });
    if (!capsule) throw nb::python_error();
    bound.release();
    return {nb::steal(capsule), why};
}

}  // namespace

template <class T> const PairKernel<T> *pair_of(PyObject *bound) {
    return bound_of(bound)->of(T());
}

template const PairKernel<float> *pair_of<float>(PyObject *);
template const PairKernel<double> *pair_of<double>(PyObject *);

void define_pairs(nb::module_ &m) {
    PyModule_AddFunctions(m.ptr(), methods);
    m.def("bind_pair", bind_pair, nb::arg("activation"), nb::arg("loss"), nb::arg("seen"),
          nb::arg("recipe").none());
}

}  // namespace anymax
