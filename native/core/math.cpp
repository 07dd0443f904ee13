// The functions of vectors of the target in use, for tests of their errors.

#include <string>

#include "arrays.h"
#include "maps.h"
#include "targets.h"

namespace anymax {
namespace {

template <class T>
bool apply(const MathFamily &family, const std::string &name, PyArrayObject *from,
           PyArrayObject *to) {
    const MathFunctions<T> &all = family.of(T());
    for (int i = 0; i < all.count; i++) {
        if (name != all.begin[i].name) continue;
        all.begin[i].apply(data<const T>(from), data<T>(to), PyArray_SIZE(from));
        return true;
    }
    return false;
}

// math(name, x, y) writes y = f(x), contiguous arrays of the same dtype; says whether
// there is such a function.
PyObject *math(PyObject *, PyObject *const *given, Py_ssize_t count) {
    if (count != 3 || !PyUnicode_Check(given[0]) || !PyArray_Check(given[1]) ||
        !PyArray_Check(given[2]))
        Py_RETURN_FALSE;
    const char *name = PyUnicode_AsUTF8(given[0]);
    if (!name) return nullptr;
    auto *from = reinterpret_cast<PyArrayObject *>(given[1]);
    auto *to = reinterpret_cast<PyArrayObject *>(given[2]);
    if (!PyArray_ISCARRAY_RO(from) || !PyArray_ISCARRAY(to) || kind(to) != kind(from) ||
        PyArray_SIZE(from) != PyArray_SIZE(to))
        Py_RETURN_FALSE;
    const MathFamily &family = *target().math;
    const bool found = kind(from) == 'f'   ? apply<float>(family, name, from, to)
                       : kind(from) == 'd' ? apply<double>(family, name, from, to)
                                           : false;
    return PyBool_FromLong(found);
}

}  // namespace

PyMethodDef math_methods[] = {
    method("math", math, "Write a function of vectors of x into y."),
    {nullptr, nullptr, 0, nullptr}};

}  // namespace anymax
