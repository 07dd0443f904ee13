// A compiled network: its operations, going up only, on rows as they lie.

#include "predict.h"

#include <algorithm>
#include <atomic>

#include "arrays.h"
#include "blocks.h"
#include "pool.h"
#include "program_python.h"

namespace nb = nanobind;

namespace anymax {
namespace {

const char *const NAME = "anymax.predictor";

using Shape = std::vector<npy_intp>;

// What one thread does in a nanosecond, about: multiplications in products, and numbers
// in maps; used only to choose slices and threads.
constexpr double PRODUCTS = 60, NUMBERS = 2;
constexpr double WITH_LOCK = 20e3;   // nanoseconds below which the lock is kept
constexpr idx ROWS = 8;              // of a slice, or a multiple: the height of a tile
constexpr idx MOST_ROWS = 512;       // of a slice,
constexpr double SLICE = 40e3;       // or as many as take so many nanoseconds
constexpr idx MATRIX = 300'000;      // numbers of a matrix that every slice reads again

// A program whose first buffers are the caller's arrays and whose last is the result.
struct Predictor {
    Holder *holder;
    nb::object keeps;  // the program
    std::vector<Shape> shapes;  // of one example of each input
    Shape gives;                // and of the output
    int output;
    double cost = 0;  // nanoseconds of a row
    idx largest = 0, batch = 0;
    std::atomic<bool> busy{false};
};

template <class T> void measure(Predictor &predictor, Program<T> &program) {
    predictor.batch = program.batch;
    for (const auto &each : program.operations) {
        const Wiring<T> &wiring = each->wiring();
        predictor.cost += double(each->matrix() * wiring.middle) / PRODUCTS +
                          double(wiring.gives->n) / NUMBERS;
        predictor.largest = std::max(predictor.largest, each->matrix());
    }
    predictor.cost *= double(sizeof(T)) / 4;
}

// How many rows pass together: what each thread has, so that matrices are brought near
// once; of very many no more than stay in the caches between operations, unless every
// slice would read a large matrix again.
idx slice_rows(const Predictor &predictor, idx rows) {
    if (predictor.cost * double(rows) < WITH_LOCK) return rows;
    const idx fair = (rows + threads() - 1) / threads();
    const idx most = std::max(MOST_ROWS, idx(SLICE / predictor.cost));
    const idx wanted = predictor.largest > MATRIX ? fair : std::min(fair, most);
    return (wanted + ROWS - 1) / ROWS * ROWS;
}

// All operations on rows as they lie; false if NumPy has to say what is wrong with them.
template <class T>
bool rise(Predictor &predictor, T *const *inputs, T *output, idx rows) {
    Program<T> &program = predictor.holder->of<T>();
    for (size_t i = 0; i < program.inputs.size(); i++)
        program.buffers[size_t(program.inputs[i])].value = inputs[i];
    program.buffers[size_t(predictor.output)].value = output;
    const idx some = slice_rows(predictor, rows);
    const Step step{rows, 0, 0};
    idx work = 0;
    for (const auto &each : program.operations) work = std::max(work, each->work(some));
    std::atomic<bool> good{true};
    const auto pass = [&](int slice) {
        const Part part{slice * some, std::min((slice + 1) * some, rows), 0};
        T *memory = scratch_memory<T>(work);
        for (const auto &each : program.operations)
            if (!each->forward(step, part, memory))
                return good.store(false, std::memory_order_relaxed);
    };
    const int slices = int((rows + some - 1) / some);
    if (slices < 2)
        pass(0);
    else
        parallel(slices, pass, predictor.cost * double(rows));
    return good.load(std::memory_order_relaxed);
}

// How many rows an array has for examples of this shape: -1 for one example without an
// axis for rows, -2 if it does not fit.
idx rows_of(PyArrayObject *array, const Shape &shape) {
    const int more = PyArray_NDIM(array) - int(shape.size());
    if (more < 0 || more > 1) return -2;
    for (size_t i = 0; i < shape.size(); i++)
        if (PyArray_DIM(array, int(i) + more) != shape[i]) return -2;
    return more ? PyArray_DIM(array, 0) : -1;
}

// The array if it is plain, numbers T in C order, aligned; else null.
template <class T> PyArrayObject *plain(PyObject *object) {
    if (!PyArray_CheckExact(object)) return nullptr;
    auto *array = reinterpret_cast<PyArrayObject *>(object);
    return kind(array) == (sizeof(T) == 4 ? 'f' : 'd') && PyArray_ISCARRAY_RO(array)
               ? array
               : nullptr;
}

template <class T> bool overlap(PyArrayObject *one, PyArrayObject *two) {
    const auto *a = data<char>(one), *b = data<char>(two);
    return a < b + PyArray_NBYTES(two) && b < a + PyArray_NBYTES(one);
}

constexpr size_t MOST = 8;  // inputs

// The outputs: a new array, or `out` if it fits and lies apart. Null without an exception
// if it is not for us.
template <class T>
PyObject *output_of(const Predictor &predictor, PyObject *out, PyArrayObject *const *inputs,
                    size_t count, idx rows) {
    npy_intp shape[NPY_MAXDIMS];
    int dimensions = 0;
    if (rows >= 0) shape[dimensions++] = rows;
    for (npy_intp n : predictor.gives) shape[dimensions++] = n;
    const int type = sizeof(T) == 4 ? NPY_FLOAT : NPY_DOUBLE;
    if (out == Py_None) return new_output(type, dimensions, shape);
    PyArrayObject *array = plain<T>(out);
    if (!array || !PyArray_ISWRITEABLE(array) ||
        rows_of(array, predictor.gives) != rows)
        return nullptr;
    for (size_t i = 0; i < count; i++)
        if (overlap<T>(array, inputs[i])) return nullptr;
    return Py_NewRef(out);
}

// Rise with the interpreter's lock, or without it where that takes long. Nothing here has
// a destructor: at exit a daemon thread may end while it waits for the lock.
template <class T> bool risen(Predictor &predictor, T *const *inputs, T *output, idx rows) {
    if (predictor.cost * double(rows) < WITH_LOCK)
        return rise(predictor, inputs, output, rows);
    PyThreadState *state = PyEval_SaveThread();
    const bool good = rise(predictor, inputs, output, rows);
    PyEval_RestoreThread(state);
    return good;
}

template <class T>
PyObject *predicted(Predictor &predictor, PyObject *out, PyObject *const *given,
                    size_t count) {
    PyArrayObject *arrays[MOST];
    T *inputs[MOST];
    idx rows = -1;
    for (size_t i = 0; i < count; i++) {
        arrays[i] = plain<T>(given[i]);
        if (!arrays[i]) Py_RETURN_NONE;
        const idx own = rows_of(arrays[i], predictor.shapes[i]);
        if (own < -1 || own == 0 || own > predictor.batch || (i && own != rows))
            Py_RETURN_NONE;
        rows = own;
        inputs[i] = data<T>(arrays[i]);
    }
    if (predictor.busy.exchange(true)) Py_RETURN_NONE;
    PyObject *result = output_of<T>(predictor, out, arrays, count, rows);
    const bool good = result && risen(predictor, inputs,
                                      data<T>(reinterpret_cast<PyArrayObject *>(result)),
                                      rows < 0 ? 1 : rows);
    predictor.busy.store(false);
    if (good) return result;
    Py_XDECREF(result);
    if (PyErr_Occurred()) return nullptr;
    Py_RETURN_NONE;
}

// predict(predictor, out, x, ...): the outputs; None if NumPy has to do it.
PyObject *predict(PyObject *, PyObject *const *given, Py_ssize_t count) {
    if (count < 2) {
        PyErr_SetString(PyExc_TypeError, "predict takes a predictor, out, and inputs");
        return nullptr;
    }
    auto *predictor = static_cast<Predictor *>(PyCapsule_GetPointer(given[0], NAME));
    if (!predictor) return nullptr;
    const size_t inputs = size_t(count) - 2;
    if (inputs != predictor->shapes.size() || inputs > MOST) Py_RETURN_NONE;
    return predictor->holder->single ? predicted<float>(*predictor, given[1], given + 2, inputs)
                                     : predicted<double>(*predictor, given[1], given + 2, inputs);
}

Shape shape_of(nb::handle numbers) {
    Shape shape;
    for (nb::handle each : numbers) shape.push_back(nb::cast<npy_intp>(each));
    return shape;
}

void let_go(void *predictor) noexcept { delete static_cast<Predictor *>(predictor); }

// The shapes of one example: of the inputs, and of the output, which is this buffer.
nb::capsule predictor(nb::capsule program, nb::tuple inputs, nb::tuple gives, int output) {
    auto *holder = static_cast<Holder *>(PyCapsule_GetPointer(program.ptr(), HOLDER));
    auto made = std::make_unique<Predictor>();
    made->holder = holder;
    made->keeps = program;
    for (nb::handle each : inputs) made->shapes.push_back(shape_of(each));
    made->gives = shape_of(gives);
    made->output = output;
    if (holder->single)
        measure(*made, *holder->single);
    else
        measure(*made, *holder->twice);
    return nb::capsule(made.release(), NAME, let_go);
}

}  // namespace

void add_predict(nb::module_ &m) { m.def("predictor", predictor); }

PyMethodDef predict_methods[] = {
    method("predict", predict, nullptr),
    {nullptr, nullptr, 0, nullptr},
};

}  // namespace anymax
