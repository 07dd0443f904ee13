// L2Normalize and Standardize: rows of a given length.
//
// forward: at most 4 ULP of the output; Standardize plus 1 ULP of the row's mean over its
// deviation. vjp, jvp: at most 8 ULP of (|g| + sum |a| |g| / sum a^2) / norm(z).

#include "kernel.h"

namespace anymax {
namespace {

#include "rows-inl.h"

// Two sums at once over a row: x and x y, for x(i, k) and y(i, k), 0 beyond the end.
template <class T, class X> inline double sum_of(idx n, X x) {
    Total<T> total;
    each_four<T>(
        n,
        [&](idx i) {
            V<T> part[4];
            for (int j = 0; j < 4; j++) part[j] = x(i + j * N<T>, N<T>);
            total.add(part[0], part[1], part[2], part[3]);
        },
        [&](idx i, int k) { total.add(x(i, k)); });
    return total.value();
}

template <class T> inline double sum_of(const T *x, idx n) {
    return sum_of<T>(n, [&](idx i, int k) { return load_some(x + i, k); });
}

template <class T> inline double sum_of_products(const T *x, const T *y, idx n) {
    return sum_of<T>(
        n, [&](idx i, int k) { return load_some(x + i, k) * load_some(y + i, k); });
}

// The length of a row by its largest |z|: neither overflows nor underflows.
template <class T> struct Length {
    T size;        // the largest |z|
    double share;  // the length of z / size; the length is size share

    Length(const T *z, idx n) {
        V<T> wide = splat<T>(0);
        each_vector<T>(
            n, [&](idx i, int k) { wide = maximum<T>(absolute(load_some(z + i, k)), wide); });
        size = largest<T>(wide);
        const V<T> unit = splat<T>(size == 0 ? T(1) : size);
        share = __builtin_sqrt(sum_of<T>(n, [&](idx i, int k) {
            const V<T> x = load_some(z + i, k) / unit;
            return x * x;
        }));
    }
    bool flat() const { return share == 0; }
    double value() const { return size * share; }
    double inverse() const { return flat() ? 0 : 1 / value(); }
};

// out = z scale / length, 0 for a row of zeros.
template <class T>
inline void turned(const T *z, T *out, idx n, const Length<T> &length, double scale) {
    const V<T> size = splat<T>(length.flat() ? T(1) : length.size);
    const V<T> factor = splat<T>(T(length.flat() ? 0 : scale / length.share));
    each_vector<T>(n, [&](idx i, int k) {
        store_some(out + i, (load_some(z + i, k) / size) * factor, k);
    });
}

// out = factor (g - a sum(a g) / square), square the sum of a^2 of a row that is not flat.
template <class T>
inline void across(const T *a, const T *g, T *out, idx n, double factor, double square) {
    const double inner = sum_of_products(a, g, n) / square;
    const V<T> along = splat<T>(T(inner)), scale = splat<T>(T(factor));
    each_vector<T>(n, [&](idx i, int k) {
        const V<T> away = load_some(g + i, k) - load_some(a + i, k) * along;
        store_some(out + i, away * scale, k);
    });
}

template <class T> struct L2Normalize {
    static void forward(const Numbers &, const T *z, T *a, T *, idx rows, idx n) {
        for (idx r = 0; r < rows; r++, z += n, a += n)
            turned(z, a, n, Length<T>(z, n), 1);
    }
    static void vjp(const Numbers &, const T *z, const T *a, const T *g, T *out, T *,
                    idx rows, idx n) {
        for (idx r = 0; r < rows; r++, z += n, a += n, g += n, out += n)
            across(a, g, out, n, Length<T>(z, n).inverse(), 1);
    }
    static void potential(const Numbers &, const T *z, const T *, T *out, T *, idx rows,
                          idx n) {
        for (idx r = 0; r < rows; r++) out[r] = T(Length<T>(z + r * n, n).value());
    }
};

// out = x - mean(x), exactly 0 where all are equal.
template <class T> inline void centre(const T *x, T *out, idx n) {
    V<T> low = splat<T>(x[0]), high = low;
    each_vector<T>(n, [&](idx i, int k) {
        const V<T> value = load_some(x + i, k, x[0]);
        low = minimum<T>(value, low);
        high = maximum<T>(value, high);
    });
    const bool same = -largest<T>(V<T>(-low)) == largest<T>(high);
    const double mean = sum_of(x, n) / double(n);
    const T near = same && mean == mean ? x[0] : T(mean);
    const V<T> level = splat<T>(near), rest = splat<T>(same ? T(0) : T(mean - near));
    each_vector<T>(n, [&](idx i, int k) {
        store_some(out + i, (load_some(x + i, k) - level) - rest, k);
    });
}

// a = sqrt(n) times the direction of z - mean(z).
template <class T> struct Standardize {
    static void forward(const Numbers &, const T *z, T *a, T *, idx rows, idx n) {
        for (idx r = 0; r < rows && n; r++, z += n, a += n) {
            centre(z, a, n);
            turned(a, a, n, Length<T>(a, n), __builtin_sqrt(double(n)));
        }
    }
    static void vjp(const Numbers &, const T *z, const T *a, const T *g, T *out, T *work,
                    idx rows, idx n) {
        for (idx r = 0; r < rows && n; r++, z += n, a += n, g += n, out += n) {
            across(a, g, out, n, inverse(z, work, n), double(n));
            centre(out, out, n);
        }
    }
    static void jvp(const Numbers &, const T *z, const T *a, const T *v, T *out, T *work,
                    idx rows, idx n) {
        for (idx r = 0; r < rows && n; r++, z += n, a += n, v += n, out += n) {
            const double factor = inverse(z, work, n);
            centre(v, work, n);
            across(a, work, out, n, factor, double(n));
        }
    }
    static void potential(const Numbers &, const T *z, const T *, T *out, T *work,
                          idx rows, idx n) {
        for (idx r = 0; r < rows && n; r++) {
            centre(z + r * n, work, n);
            out[r] = T(__builtin_sqrt(double(n)) * Length<T>(work, n).value());
        }
    }
    // 1 / the standard deviation, 0 for a constant row.
    static double inverse(const T *z, T *work, idx n) {
        centre(z, work, n);
        return __builtin_sqrt(double(n)) * Length<T>(work, n).inverse();
    }
};

template <class T> constexpr MapKernel<T> unit_maps[] = {
    {.name = "L2Normalize",
     .row = true,
     .forward = L2Normalize<T>::forward,
     .vjp = L2Normalize<T>::vjp,
     .jvp = L2Normalize<T>::vjp,
     .potential = L2Normalize<T>::potential},
    {.name = "Standardize",
     .row = true,
     .forward = Standardize<T>::forward,
     .vjp = Standardize<T>::vjp,
     .jvp = Standardize<T>::jvp,
     .potential = Standardize<T>::potential},
};

}  // namespace

EXPORT(MapFamily, units) = {
    {unit_maps<float>, sizeof unit_maps<float> / sizeof *unit_maps<float>},
    {unit_maps<double>, sizeof unit_maps<double> / sizeof *unit_maps<double>},
};

}  // namespace anymax
