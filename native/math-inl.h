// Functions of vectors. (Lane by lane with the C library until the polynomials are in.)

template <class T, class F> inline V<T> lanes(V<T> x, F f) {
    V<T> y;
    for (int i = 0; i < N<T>; i++) y[i] = T(f(x[i]));
    return y;
}

inline V<float> exp(V<float> x) {
    return lanes<float>(x, [](float v) { return __builtin_expf(v); });
}
inline V<double> exp(V<double> x) {
    return lanes<double>(x, [](double v) { return __builtin_exp(v); });
}
inline V<float> log(V<float> x) {
    return lanes<float>(x, [](float v) { return __builtin_logf(v); });
}
inline V<double> log(V<double> x) {
    return lanes<double>(x, [](double v) { return __builtin_log(v); });
}
inline V<float> log1p(V<float> x) {
    return lanes<float>(x, [](float v) { return __builtin_log1pf(v); });
}
inline V<double> log1p(V<double> x) {
    return lanes<double>(x, [](double v) { return __builtin_log1p(v); });
}
inline V<float> expm1(V<float> x) {
    return lanes<float>(x, [](float v) { return __builtin_expm1f(v); });
}
inline V<double> expm1(V<double> x) {
    return lanes<double>(x, [](double v) { return __builtin_expm1(v); });
}
inline V<float> tanh(V<float> x) {
    return lanes<float>(x, [](float v) { return __builtin_tanhf(v); });
}
inline V<double> tanh(V<double> x) {
    return lanes<double>(x, [](double v) { return __builtin_tanh(v); });
}
// x^p for x >= 0.
inline V<float> power(V<float> x, float p) {
    return lanes<float>(x, [p](float v) { return __builtin_powf(v, p); });
}
inline V<double> power(V<double> x, double p) {
    return lanes<double>(x, [p](double v) { return __builtin_pow(v, p); });
}
