// x^p for x >= 0, few products where p is small and whole; else as `power`.
template <class T> inline V<T> raised(V<T> x, double p) {
    if (p == 0) return splat<T>(1);
    if (p == 1) return x;
    if (p == 2) return x * x;
    if (p == 3) return x * x * x;
    if (p == 0.5) return root(x);
    if (p == -0.5) return splat<T>(1) / root(x);
    if (p == -1) return splat<T>(1) / x;
    if (p == -2) return splat<T>(1) / (x * x);
    return power(x, T(p));
}
