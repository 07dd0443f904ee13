// The functions of vectors one by one, for the tests of their errors.

#include "kernel.h"

namespace anymax {
namespace {

template <class T, V<T> (*f)(V<T>)> void apply(const T *x, T *y, idx n) {
    each_vector<T>(n, [&](idx i, int k) {
        store_some(y + i, f(load_some(x + i, k)), k);
    });
}

template <class T> V<T> cdf(V<T> x) {
    V<T> bell;
    return normal_cdf<T>(x, bell);
}

template <class T> V<T> power_broken(V<T> x) { return power(x, T(1.75)); }
template <class T> V<T> power_negative(V<T> x) { return power(x, T(-3)); }

template <class T> constexpr MathFunction<T> functions[] = {
    {"exp", apply<T, exp>},
    {"log", apply<T, log>},
    {"log1p", apply<T, log1p>},
    {"log1p_unit", apply<T, log1p_unit<T>>},
    {"expm1", apply<T, expm1>},
    {"expm1_up", apply<T, expm1_up<T>>},
    {"tanh", apply<T, tanh>},
    {"gauss", apply<T, gauss<T>>},
    {"normal_cdf", apply<T, cdf<T>>},
    {"sigmoid", apply<T, sigmoid<T>>},
    {"softplus", apply<T, softplus<T>>},
    {"power 1.75", apply<T, power_broken<T>>},
    {"power -3", apply<T, power_negative<T>>},
};

}  // namespace

EXPORT(MathFamily, math) = {
    {functions<float>, sizeof functions<float> / sizeof *functions<float>},
    {functions<double>, sizeof functions<double> / sizeof *functions<double>},
};

}  // namespace anymax
