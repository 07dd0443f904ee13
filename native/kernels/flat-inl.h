// What is done to flat vectors of parameters and gradients beside an optimizer's step.

typedef float HalfFloats __attribute__((vector_size(BYTES / 2)));

// N of type double, from either type.
inline V<double> doubles(const double *p) { return load(p); }
inline V<double> doubles(const float *p) {
    HalfFloats x;
    __builtin_memcpy(&x, p, BYTES / 2);
    return __builtin_convertvector(x, V<double>);
}

template <class T> double squares(const T *g, double bound, idx begin, idx end) {
    constexpr int n = N<double>;
    const V<double> high = splat(bound), low = splat(-bound);
    V<double> even = V<double>{}, odd = V<double>{};
    const auto of = [&](const T *p) {
        const V<double> x = minimum<double>(high, maximum<double>(low, doubles(p)));
        return x * x;
    };
    idx i = begin;
    for (; i + 2 * n <= end; i += 2 * n) {
        even += of(g + i);
        odd += of(g + i + n);
    }
    double total = sum<double>(even + odd);
    for (; i < end; i++) {
        const double x = g[i] < -bound ? -bound : g[i] > bound ? bound : double(g[i]);
        total += x * x;
    }
    return total;
}

// Of positive numbers the bits are in the order of the numbers, those of NaN last.
template <class T> double largest(const T *g, idx begin, idx end) {
    I<T> most = I<T>{}, more = I<T>{};
    const auto of = [&](idx i, int k) { return bits(absolute(load_some(g + begin + i, k))); };
    const idx n = end - begin;
    idx i = 0;
    for (; i + 2 * N<T> <= n; i += 2 * N<T>) {
        const I<T> one = of(i, N<T>), two = of(i + N<T>, N<T>);
        most = one > most ? one : most;
        more = two > more ? two : more;
    }
    most = more > most ? more : most;
    each_vector<T>(n - i, [&](idx j, int k) {
        const I<T> one = of(i + j, k);
        most = one > most ? one : most;
    });
    Int<T> found = 0;
    for (int lane = 0; lane < N<T>; lane++) found = most[lane] > found ? most[lane] : found;
    T size;
    __builtin_memcpy(&size, &found, sizeof size);
    return size == size ? double(size) : __builtin_inf();
}

template <class T>
double penalty(double l1, double l2, const T *w, const bool *decays, T *g, idx begin,
               idx end) {
    constexpr idx part = 64 * N<T>;  // summed up in T before it is in double
    const V<T> one = splat(T(l1)), two = splat(T(l2)), none = V<T>{};
    double sizes = 0, squared = 0;
    for (idx from = begin; from < end; from += part) {
        V<T> size = none, square = none;
        each_vector<T>(end - from < part ? end - from : part, [&](idx j, int k) {
            const idx i = from + j;
            const V<T> x = keep<T>(where<T>(decays + i, k), load_some(w + i, k));
            const V<T> up = select<T>(x > none, one, none);
            const V<T> sign = select<T>(x < none, -one, up);
            size += absolute(x);
            square += x * x;
            store_some(g + i, load_some(g + i, k) + (sign + two * x), k);
        });
        sizes += sum<T>(size);
        squared += sum<T>(square);
    }
    return l1 * sizes + l2 / 2 * squared;
}

template <class T> void freeze(const bool *frozen, T *g, idx begin, idx end) {
    each_vector<T>(end - begin, [&](idx j, int k) {
        const idx i = begin + j;
        store_some(g + i, keep<T>(~where<T>(frozen + i, k), load_some(g + i, k)), k);
    });
}
