#include "program_python.h"

namespace anymax {
namespace {

// Call a method that takes whole numbers; a new reference, null for an error. The lock
// is held.
PyObject *call(PyObject *hand, const char *name, const Step *step) {
    if (!step) return PyObject_CallMethod(hand, name, nullptr);
    return PyObject_CallMethod(hand, name, "nK", Py_ssize_t(step->rows),
                               static_cast<unsigned long long>(step->number));
}

// The same from without the lock, for what gives nothing. Nothing here has a destructor:
// a daemon thread that waits for the lock at exit ends in the middle of it.
bool done(PyObject *hand, const char *name, const Step *step) {
    const PyGILState_STATE state = PyGILState_Ensure();
    PyObject *result = call(hand, name, step);
    const bool good = result != nullptr;
    Py_XDECREF(result);
    PyGILState_Release(state);
    return good;
}

template <class T> class PythonOperation final : public Operation<T> {
  public:
    PythonOperation(Wiring<T> wiring, PyObject *hand)
        : Operation<T>(std::move(wiring)), hand_(hand) {}
    bool forward(const Step &step, Part, T *) override {
        return done(hand_, "forward", &step);
    }
    bool backward(const Step &step, Part, T *) override {
        return done(hand_, "backward", &step);
    }
    bool keep(const Step &step) override { return done(hand_, "keep", &step); }
    Mode mode(bool) const override { return Mode::alone; }
    bool native() const override { return false; }
    idx work(idx) const override { return 0; }

  private:
    PyObject *hand_;
};

}  // namespace

const char *const HOLDER = "anymax.program";

bool Interpreter::meet(const Step &step, double &loss) {
    const PyGILState_STATE state = PyGILState_Ensure();
    PyObject *result = call(hand_, "meet", &step);
    loss = result ? PyFloat_AsDouble(result) : 0;
    const bool good = result && !PyErr_Occurred();
    Py_XDECREF(result);
    PyGILState_Release(state);
    return good;
}

bool Interpreter::update() { return done(hand_, "update", nullptr); }

bool Interpreter::attend() {
    if (!main_) return true;
    const PyGILState_STATE state = PyGILState_Ensure();
    const bool good = PyErr_CheckSignals() == 0;
    PyGILState_Release(state);
    return good;
}

template <class T> Made<T> make_python(Wiring<T> wiring, PyObject *hand) {
    return std::make_unique<PythonOperation<T>>(std::move(wiring), hand);
}

template Made<float> make_python(Wiring<float>, PyObject *);
template Made<double> make_python(Wiring<double>, PyObject *);

}  // namespace anymax
