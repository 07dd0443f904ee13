// Where a program meets the interpreter: operations, pairs and optimizers by NumPy.

#pragma once

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "program_operations.h"

namespace anymax {

// An operation of Python, `hand.forward(rows, step)` and `hand.backward(rows)`, taken for
// all rows at once with the interpreter's lock. Borrows `hand`.
template <class T> Made<T> make_python(Wiring<T> wiring, PyObject *hand);

// `hand.meet(rows, step)`, which gives the loss, `hand.update()`, and signals. Borrows
// `hand`. Signals are Python's main thread's affair.
class Interpreter final : public Outside {
  public:
    Interpreter(PyObject *hand, bool main) : hand_(hand), main_(main) {}
    bool meet(const Step &step, double &loss) override;
    bool update() override;
    bool attend() override;

  private:
    PyObject *hand_;
    bool main_;
};

// A program in either number type, as Python holds it.
struct Holder {
    std::unique_ptr<Program<float>> single;
    std::unique_ptr<Program<double>> twice;
    std::atomic<bool> busy{false};
    PyObject *said = nullptr;  // what it was made from: the owners of all its memory
    template <class T> Program<T> &of();
};

template <> inline Program<float> &Holder::of<float>() { return *single; }
template <> inline Program<double> &Holder::of<double>() { return *twice; }

extern const char *const HOLDER;  // the name of its capsules

}  // namespace anymax
