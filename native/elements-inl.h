// From the formulas of an element-wise activation to its kernels.
//
// An activation is a struct of formulas on vectors, made from its numbers:
//
//     value(z)          a
//     slope(z, a)       da/dz, which keeps its digits in the tails
//     both(z, slope)    instead of these two, if they share work: a, and da/dz. What is
//                       added to a product must not depend on what else is asked for:
//                       no product is added in one place and used in another, since then
//                       the compiler fuses the two here and not there
//     support(z)        if it has one: where the slope counts; off it products are 0
//     factor(z, a)      if it states its slope as a monomial of a times this
//     COVERED = true    if the monomial alone is the slope
//     log_of, log_not_of, less_of (z, a)    log a, log(1 - a), 1 - a, if better from z
//     potential_of(z, a)                    whose derivative by z is a, if it is known
//
// What is asked for and not there is a null pointer in the table.

// y x, and 0 where y is 0, whatever x is.
template <class T> inline V<T> times(V<T> y, V<T> x) { return keep<T>(y != T(0), y * x); }

// x, or 0 off the support.
template <class T, class F> inline V<T> supported(const F &f, V<T> z, V<T> x) {
    if constexpr (requires { f.support(z); })
        return keep<T>(f.support(z), x);
    else
        return x;
}

template <class T, class F> inline V<T> value_of(const F &f, V<T> z) {
    if constexpr (requires { &F::both; }) {
        V<T> unused;
        return f.both(z, unused);
    } else {
        return f.value(z);
    }
}

template <class T, class F> inline V<T> slope_of(const F &f, V<T> z, V<T> a) {
    if constexpr (requires { &F::both; }) {
        V<T> slope;
        f.both(z, slope);
        return slope;
    } else {
        return f.slope(z, a);
    }
}

template <class F, class T>
void forward(const Numbers &numbers, const T *z, T *a, T *, idx rows, idx n) {
    const F f(numbers);
    each_vector<T>(rows * n, [&](idx i, int k) __attribute__((always_inline)) {
        store_some(a + i, value_of<T>(f, load_some(z + i, k)), k);
    });
}

template <class F, class T>
void both(const Numbers &numbers, const T *z, T *a, T *slope, const T *soon, idx count) {
    const F f(numbers);
    each_vector<T>(count, [&](idx i, int k) __attribute__((always_inline)) {
        V<T> rate;
        __builtin_prefetch(soon + i, 0, 2);
        store_some(a + i, f.both(load_some(z + i, k), rate), k);
        store_some(slope + i, rate, k);
    });
}

// da/dz g, which is da/dz v too.
template <class F, class T>
void product(const Numbers &numbers, const T *z, const T *a, const T *g, T *out, T *,
             idx rows, idx n) {
    const F f(numbers);
    each_vector<T>(rows * n, [&](idx i, int k) __attribute__((always_inline)) {
        const V<T> x = load_some(z + i, k);
        const V<T> slope = slope_of<T>(f, x, load_some(a + i, k));
        store_some(out + i, supported<T>(f, x, slope * load_some(g + i, k)), k);
    });
}

// A question, answered entry by entry: which is a function of the formulas, z and a.
template <class F, class T, class Which>
void answer(const Numbers &numbers, const T *z, const T *a, T *out, idx size,
            Which which) {
    const F f(numbers);
    each_vector<T>(size, [&](idx i, int k) __attribute__((always_inline)) {
        const V<T> x = load_some(z + i, k);
        store_some(out + i, which(f, x, load_some(a + i, k)), k);
    });
}

template <class F, class T>
void factor(const Numbers &numbers, const T *z, const T *a, T *out, T *, idx rows,
            idx n) {
    answer<F, T>(numbers, z, a, out, rows * n, [](const F &f, V<T> x, V<T> y) {
        if constexpr (requires { f.factor(x, y); })
            return f.factor(x, y);
        else
            return supported<T>(f, x, slope_of<T>(f, x, y));
    });
}

template <class F, class T>
void log_of(const Numbers &numbers, const T *z, const T *a, T *out, T *, idx rows,
            idx n) {
    answer<F, T>(numbers, z, a, out, rows * n,
                 [](const F &f, V<T> x, V<T> y) { return f.log_of(x, y); });
}

template <class F, class T>
void log_not_of(const Numbers &numbers, const T *z, const T *a, T *out, T *, idx rows,
                idx n) {
    answer<F, T>(numbers, z, a, out, rows * n,
                 [](const F &f, V<T> x, V<T> y) { return f.log_not_of(x, y); });
}

template <class F, class T>
void less_of(const Numbers &numbers, const T *z, const T *a, T *out, T *, idx rows,
             idx n) {
    answer<F, T>(numbers, z, a, out, rows * n,
                 [](const F &f, V<T> x, V<T> y) { return f.less_of(x, y); });
}

// The sum over each row, (rows,).
template <class F, class T>
void potential(const Numbers &numbers, const T *z, const T *a, T *out, T *, idx rows,
               idx n) {
    const F f(numbers);
    for (idx row = 0; row < rows; row++, z += n, a += n) {
        V<T> total{};
        each_vector<T>(n, [&](idx i, int k) {
            const V<T> term = f.potential_of(load_some(z + i, k), load_some(a + i, k));
            total += k == N<T> ? term : keep<T>(first<T>(k), term);
        });
        out[row] = sum<T>(total);
    }
}

// The kernels of an activation.
template <class F, class T> constexpr MapKernel<T> element(const char *name) {
    MapKernel<T> made{};
    made.name = name;
    made.forward = forward<F, T>;
    made.vjp = product<F, T>;
    made.jvp = product<F, T>;
    if constexpr (requires { &F::both; }) made.both = both<F, T>;
    if constexpr (!requires { F::COVERED; }) made.factor = factor<F, T>;
    if constexpr (requires { &F::log_of; }) made.log = log_of<F, T>;
    if constexpr (requires { &F::log_not_of; }) made.log_not = log_not_of<F, T>;
    if constexpr (requires { &F::less_of; }) made.less = less_of<F, T>;
    if constexpr (requires { &F::potential_of; }) made.potential = potential<F, T>;
    return made;
}
