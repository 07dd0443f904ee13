// What Python calls while a program runs: plain functions that let go of its lock.

#include <limits>

#include "arrays.h"
#include "program_python.h"

namespace anymax {
namespace {

Holder *held(PyObject *capsule) {
    return static_cast<Holder *>(PyCapsule_GetPointer(capsule, HOLDER));
}

// The memory of an array that Python's side has checked; null for None.
template <class T> T *memory(PyObject *array) {
    if (array == Py_None) return nullptr;
    return static_cast<T *>(PyArray_DATA(reinterpret_cast<PyArrayObject *>(array)));
}

// What `program_epoch` is given, in its order.
enum Given {
    PROGRAM, INPUTS, VALUES, INDEX, SCALE, COUNT, ORDER, FIRST, ROWS,
    RATES, LOSSES, COUNTED, DONE, STOP, BEFORE, HAND, MAIN, ALL
};

template <class T> void fill(Lesson<T> &lesson, PyObject *const *given) {
    const idx first = PyLong_AsSsize_t(given[FIRST]);
    const Py_ssize_t count = PyTuple_GET_SIZE(given[INPUTS]);
    for (Py_ssize_t i = 0; i < count; i++)
        lesson.inputs.push_back(memory<T>(PyTuple_GET_ITEM(given[INPUTS], i)));
    lesson.targets.values = memory<T>(given[VALUES]);
    lesson.targets.index = memory<int64_t>(given[INDEX]);
    lesson.scale = memory<T>(given[SCALE]);
    lesson.count = memory<T>(given[COUNT]);
    lesson.order = memory<int64_t>(given[ORDER]);
    if (lesson.order) lesson.order += first;
    lesson.rows = PyLong_AsSsize_t(given[ROWS]);
    lesson.rates = memory<double>(given[RATES]);
    lesson.losses = memory<double>(given[LOSSES]);
    lesson.counted = memory<double>(given[COUNTED]);
    lesson.done = reinterpret_cast<std::atomic<int64_t> *>(memory<int64_t>(given[DONE]));
    lesson.stop = reinterpret_cast<std::atomic<uint8_t> *>(memory<uint8_t>(given[STOP]));
}

template <class T> Outcome run_epoch(Holder *holder, PyObject *const *given) {
    // On the heap: no destructor stands around the part without the lock.
    auto *lesson = new Lesson<T>;
    fill(*lesson, given);
    const int64_t before = PyLong_AsLongLong(given[BEFORE]);
    auto *outside = new Interpreter(given[HAND], given[MAIN] == Py_True);
    PyThreadState *state = PyEval_SaveThread();
    const Outcome outcome = holder->of<T>().epoch(*lesson, before, *outside);
    PyEval_RestoreThread(state);
    delete outside;
    delete lesson;
    return outcome;
}

// program_epoch(program, inputs, values, index, scale, count, order, first, rows, rates,
// losses, counted, done, stop, before, hand, main): steps over rows of an order; which
// way it ended, in a word.
PyObject *program_epoch(PyObject *, PyObject *const *given, Py_ssize_t count) {
    static const char *const words[] = {"done", "stopped", "declined"};
    if (count != ALL) {
        PyErr_SetString(PyExc_TypeError, "program_epoch takes 17 arguments");
        return nullptr;
    }
    Holder *holder = held(given[PROGRAM]);
    if (!holder) return nullptr;
    if (holder->busy.exchange(true)) return PyUnicode_FromString("busy");
    const Outcome outcome = holder->single ? run_epoch<float>(holder, given)
                                           : run_epoch<double>(holder, given);
    holder->busy.store(false);
    if (PyErr_Occurred() || outcome == Outcome::failed) return nullptr;
    return PyUnicode_FromString(words[int(outcome)]);
}

// Whether an array lies as plain rows of T, as many in all as `like` at most.
template <class T> bool plain(PyObject *given, PyArrayObject *like) {
    if (!PyArray_CheckExact(given)) return false;
    auto *array = reinterpret_cast<PyArrayObject *>(given);
    const int dimensions = PyArray_NDIM(array);
    if (kind(array) != (sizeof(T) == 4 ? 'f' : 'd') || !PyArray_ISCARRAY_RO(array) ||
        dimensions != PyArray_NDIM(like) || PyArray_DIM(array, 0) < 1 ||
        PyArray_DIM(array, 0) > PyArray_DIM(like, 0))
        return false;
    for (int i = 1; i < dimensions; i++)
        if (PyArray_DIM(array, i) != PyArray_DIM(like, i)) return false;
    return true;
}

// Targets that need no encoding: class indices that are all known.
template <class T>
bool indices(PyObject *given, const Program<T> &program, idx rows, Lesson<T> &lesson) {
    if (!PyArray_CheckExact(given) || program.lines != 1) return false;
    auto *array = reinterpret_cast<PyArrayObject *>(given);
    if (PyArray_TYPE(array) != NPY_INT64 || !PyArray_ISCARRAY_RO(array) ||
        PyArray_NDIM(array) != 1 || PyArray_DIM(array, 0) != rows)
        return false;
    lesson.targets.index = memory<int64_t>(given);
    return program.pair->takes(lesson.targets.index, rows, program.width);
}

// One step over plain rows; its loss, or NaN where NumPy has to look at it.
template <class T> double one_step(Holder *holder, PyObject *const *given) {
    Program<T> &program = holder->of<T>();
    auto *like = reinterpret_cast<PyArrayObject *>(given[5]);
    const double nothing = std::numeric_limits<double>::quiet_NaN();
    if (!program.pair || !plain<T>(given[1], like)) return nothing;
    const idx rows = PyArray_DIM(reinterpret_cast<PyArrayObject *>(given[1]), 0);
    auto *lesson = new Lesson<T>;
    double loss = nothing, counted;
    if (indices(given[2], program, rows, *lesson)) {
        std::atomic<int64_t> done{0};
        const double rate = PyFloat_AsDouble(given[3]);
        lesson->inputs.push_back(memory<T>(given[1]));
        lesson->rows = rows;
        lesson->rates = &rate;
        lesson->losses = &loss;
        lesson->counted = &counted;
        lesson->done = &done;
        auto *outside = new Interpreter(nullptr, false);
        const int64_t before = PyLong_AsLongLong(given[4]);
        PyThreadState *state = PyEval_SaveThread();
        const Outcome outcome = program.epoch(*lesson, before, *outside);
        PyEval_RestoreThread(state);
        if (outcome != Outcome::done) loss = nothing;
        delete outside;
    }
    delete lesson;
    return loss;
}

// program_step(program, x, y, rate, before, like): the loss of one step over plain rows
// of the shape of `like`, class indices being the targets; None for what is not plain.
PyObject *program_step(PyObject *, PyObject *const *given, Py_ssize_t count) {
    if (count != 6) {
        PyErr_SetString(PyExc_TypeError, "program_step takes 6 arguments");
        return nullptr;
    }
    Holder *holder = held(given[0]);
    if (!holder) return nullptr;
    if (holder->busy.exchange(true)) Py_RETURN_NONE;
    const double loss =
        holder->single ? one_step<float>(holder, given) : one_step<double>(holder, given);
    holder->busy.store(false);
    if (PyErr_Occurred()) return nullptr;
    if (loss != loss) Py_RETURN_NONE;
    return PyFloat_FromDouble(loss);
}

template <class T> void learn(Learning<T> &learning, PyObject *const *given) {
    const char *name = PyUnicode_AsUTF8(given[1]);
    learning.kernel = *name ? find_optimizer<T>(name) : nullptr;
    learning.numbers = {};
    for (Py_ssize_t i = 0; i < std::min<Py_ssize_t>(PyTuple_GET_SIZE(given[2]), 8); i++)
        learning.numbers.v[i] = PyFloat_AsDouble(PyTuple_GET_ITEM(given[2], i));
    for (Py_ssize_t i = 0; i < 3; i++)
        learning.moments[i] = i < PyTuple_GET_SIZE(given[3])
                                  ? memory<T>(PyTuple_GET_ITEM(given[3], i))
                                  : nullptr;
    learning.averaged = memory<T>(given[4]);
    learning.averages = learning.averaged != nullptr;
    learning.average = PyFloat_AsDouble(given[5]);
    learning.decay = PyFloat_AsDouble(given[6]);
    learning.clip_norm = PyFloat_AsDouble(given[7]);
    learning.clip_value = PyFloat_AsDouble(given[8]);
}

// program_learn(program, name, numbers, moments, averaged, average, decay, clip_norm,
// clip_value): the optimizer from now on; "" for one of Python.
PyObject *program_learn(PyObject *, PyObject *const *given, Py_ssize_t count) {
    if (count != 9) {
        PyErr_SetString(PyExc_TypeError, "program_learn takes 9 arguments");
        return nullptr;
    }
    Holder *holder = held(given[0]);
    if (!holder) return nullptr;
    if (holder->single)
        learn(holder->single->learning, given);
    else
        learn(holder->twice->learning, given);
    if (PyErr_Occurred()) return nullptr;
    Py_RETURN_NONE;
}

}  // namespace

PyMethodDef program_methods[] = {
    method("program_epoch", program_epoch, nullptr),
    method("program_step", program_step, nullptr),
    method("program_learn", program_learn, nullptr),
    {nullptr, nullptr, 0, nullptr},
};

}  // namespace anymax
