// The losses that couple a row. Each meets rows one by one, `work` holding n numbers.

// What one row of a coupling loss is: n numbers each.
template <class T> struct RowOf {
    const T *a, *y;
    T scale;
    double *value;  // or null
    T *top;         // or null
};

// Call body(row) for the rows of a loss.
template <class T, class Body>
inline void each_met(const Outputs<T> &of, const Answer<T> &into, idx rows, idx n,
                     Body body) {
    for (idx r = 0; r < rows; r++)
        body(RowOf<T>{of.a + r * n, of.y + r * n, of.scale[r],
                      into.value ? into.value + r : nullptr,
                      into.top ? into.top + r * n : nullptr});
}

// sum y max(0, 1 + rival - a).
template <class T> struct CategoricalHinge {
    static constexpr unsigned for_value = 0, for_slope = 0;

    static T rival_of_first(const T *a, idx first, idx n, idx &second) {
        const T left = most(a, first), right = most(a + first + 1, n - first - 1);
        const T best = right > left ? right : left;
        second = place_of(best, a, first);
        if (second == first)
            second = first + 1 + place_of(best, a + first + 1, n - first - 1);
        return best;
    }

    static void meet(const Numbers &, const Outputs<T> &of, const Answer<T> &into, T *,
                     idx rows, idx n) {
        each_met<T>(of, into, rows, n, [&](const RowOf<T> &row) {
            // NaN anywhere makes every rival NaN
            const T nan = summed<T>(n, [&](idx i, int k) {
                const V<T> a = load_some(row.a + i, k);
                return keep<T>(~(a == a), a);
            });
            const idx first = top_of(row.a, n);
            idx second = n;
            const T behind = rival_of_first(row.a, first, n, second) + nan;
            const T ahead = row.a[first] + nan;
            const auto excess = [&](idx i, int k) {
                V<T> x = 1 + (splat<T>(ahead) - load_some(row.a + i, k));
                if (first >= i && first < i + k) x[int(first - i)] = 1 + (behind - ahead);
                return x;
            };
            if (row.value)
                *row.value += summed_wide<T>(n, [&](idx i, int k) {
                    const V<T> short_by = maximum<T>(splat<T>(0), excess(i, k));
                    return times<T>(load_some(row.y + i, k), short_by);
                });
            if (!row.top) return;
            each_vector<T>(n, [&](idx i, int k) {
                const V<T> x = excess(i, k), y = load_some(row.y + i, k);
                const V<T> step = keep<T>(x > splat<T>(0), splat<T>(1));
                const V<T> pulled = times<T>(y, select<T>(x == x, step, x));
                store_some(row.top + i, -row.scale * pulled, k);
            });
            const T own = row.top[first];  // what the strongest rival gets
            row.top[first] = own - others_of(row.top, first, n);
            if (second < n) row.top[second] -= own;
        });
    }
};

// - sum y log p, p = h / sum h, h = (a + shift)^2 + floor^2, from the root of h.
template <class T>
void meet_squares(T shift, T floor, const Outputs<T> &of, const Answer<T> &into, T *roots,
                  idx rows, idx n) {
    each_met<T>(of, into, rows, n, [&](const RowOf<T> &row) {
        each_vector<T>(n, [&](idx i, int k) {
            const V<T> size = absolute(load_some(row.a + i, k) + shift);
            const V<T> big = maximum<T>(splat<T>(floor), size);
            const V<T> share = minimum<T>(splat<T>(floor), size) / big;
            store_some(roots + i, big * root(1 + share * share), k);
        });
        const T best = most(roots, n);
        const auto ratio = [&](idx i, int k) {
            return load_some(roots + i, k) / splat<T>(best);
        };
        const T total = summed<T>(n, [&](idx i, int k) {
            const V<T> x = ratio(i, k);
            return x * x;
        });
        if (row.value) {
            const T level = log(splat<T>(total))[0];
            *row.value += summed_wide<T>(n, [&](idx i, int k) {
                return times<T>(load_some(row.y + i, k), level - 2 * log(ratio(i, k)));
            });
        }
        if (!row.top) return;
        const T all = summed<T>(n, [&](idx i, int k) { return load_some(row.y + i, k); });
        each_vector<T>(n, [&](idx i, int k) {
            const V<T> h = load_some(roots + i, k, T(1)), x = ratio(i, k);
            const V<T> rate = 2 * ((load_some(row.a + i, k) + shift) / h / h);
            const V<T> share = x * x / splat<T>(total);
            const V<T> slope = rate * (share * all - load_some(row.y + i, k));
            store_some(row.top + i, row.scale * slope, k);
        });
    });
}

template <class T> struct LogSpherical {
    static constexpr unsigned for_value = 0, for_slope = 0;
    static void meet(const Numbers &numbers, const Outputs<T> &of, const Answer<T> &into,
                     T *work, idx rows, idx n) {
        meet_squares<T>(0, T(__builtin_sqrt(numbers.v[0])), of, into, work, rows, n);
    }
};

template <class T> struct LogTaylor {
    static constexpr unsigned for_value = 0, for_slope = 0;
    static void meet(const Numbers &, const Outputs<T> &of, const Answer<T> &into,
                     T *work, idx rows, idx n) {
        meet_squares<T>(1, 1, of, into, work, rows, n);
    }
};

// - sum y u with u = a / norm(a), rows divided by their largest output first.
template <class T> struct SphericalScore {
    static constexpr unsigned for_value = 0, for_slope = 0;
    static void meet(const Numbers &, const Outputs<T> &of, const Answer<T> &into, T *unit,
                     idx rows, idx n) {
        each_met<T>(of, into, rows, n, [&](const RowOf<T> &row) {
            T best = most(row.a, n);
            best = best == 0 ? T(1) : best;
            T length = summed<T>(n, [&](idx i, int k) {
                const V<T> x = load_some(row.a + i, k) / splat<T>(best);
                return x * x;
            });
            length = length == 0 ? T(1) : root(splat<T>(length))[0];
            const double along = summed_wide<T>(n, [&](idx i, int k) {
                const V<T> x = load_some(row.a + i, k) / splat<T>(best);
                const V<T> u = x / splat<T>(length);
                store_some(unit + i, u, k);
                return times<T>(load_some(row.y + i, k), u);
            });
            if (row.value) *row.value -= along;
            if (!row.top) return;
            each_vector<T>(n, [&](idx i, int k) {
                const V<T> u = load_some(unit + i, k);
                const V<T> slope = u * (u * T(along) - load_some(row.y + i, k));
                store_some(row.top + i, row.scale * slope, k);
            });
        });
    }
};

// sum y log(1 + exp(A (B - s))) / A, s the standardised outputs.
template <class T> struct ZLoss {
    static constexpr unsigned for_value = 0, for_slope = 0;

    // s of a row; returns the standard deviation.
    static T standard(const T *a, T *s, idx n) {
        const T best = most(a, n);
        const T mean = summed<T>(n, [&](idx i, int k) {
            return load_some(a + i, k) - splat<T>(best);
        }) / T(n);
        V<T> sizes{};
        each_vector<T>(n, [&](idx i, int k) {
            const V<T> middle = load_some(a + i, k) - splat<T>(best) - splat<T>(mean);
            store_some(s + i, middle, k);
            const V<T> size = absolute(middle);
            sizes = maximum<T>(k == N<T> ? size : keep<T>(first<T>(k), size), sizes);
        });
        const T size = largest<T>(sizes);
        const T square = summed<T>(n, [&](idx i, int k) {
            const V<T> x = load_some(s + i, k) / splat<T>(size);
            return x * x;
        });
        const T spread = root(splat<T>(square / T(n)))[0];
        each_vector<T>(n, [&](idx i, int k) {
            const V<T> x = load_some(s + i, k) / splat<T>(size);
            store_some(s + i, x / splat<T>(spread), k);
        });
        return size * spread;
    }

    static void meet(const Numbers &numbers, const Outputs<T> &of, const Answer<T> &into,
                     T *s, idx rows, idx n) {
        const T sharpness = T(numbers.v[0]), offset = T(numbers.v[1]);
        each_met<T>(of, into, rows, n, [&](const RowOf<T> &row) {
            const T deviation = standard(row.a, s, n);
            if (row.value)
                *row.value += summed_wide<T>(n, [&](idx i, int k) {
                    const V<T> behind = sharpness * (offset - load_some(s + i, k));
                    const V<T> y = load_some(row.y + i, k);
                    return times<T>(y, log_one_plus_exp<T>(behind)) / sharpness;
                });
            if (!row.top) return;
            double along = 0;
            const T mean = summed<T>(n, [&](idx i, int k) {
                const V<T> ahead = sharpness * (load_some(s + i, k) - offset);
                const V<T> share = exp(-log_one_plus_exp<T>(ahead));
                const V<T> w = -times<T>(load_some(row.y + i, k), share);
                store_some(row.top + i, w, k);
                return w;
            }) / T(n);
            along = summed_wide<T>(n, [&](idx i, int k) {
                return load_some(row.top + i, k) * load_some(s + i, k);
            }) / double(n);
            each_vector<T>(n, [&](idx i, int k) {
                const V<T> w = load_some(row.top + i, k);
                const V<T> left = w - mean - load_some(s + i, k) * T(along);
                store_some(row.top + i, row.scale * (left / splat<T>(deviation)), k);
            });
        });
    }
};

// potential(z) + conjugate(y) - <y, z>; top is dL/dz itself, a - y.
template <class T> struct Matching {
    static constexpr unsigned for_value = POTENTIAL | CONJUGATE, for_slope = 0;
    static void meet(const Numbers &, const Outputs<T> &of, const Answer<T> &into, T *,
                     idx rows, idx n) {
        for (idx r = 0; r < rows && into.value; r++)
            into.value[r] += double(of.conjugate[r]) + double(of.potential[r]) -
                             summed_wide<T>(n, [&](idx i, int k) {
                                 return times<T>(load_some(of.y + r * n + i, k),
                                                 load_some(of.z + r * n + i, k));
                             });
        for (idx r = 0; r < rows && into.top; r++)
            each_vector<T>(n, [&](idx i, int k) {
                const V<T> past = load_some(of.a + r * n + i, k) -
                                  load_some(of.y + r * n + i, k);
                store_some(into.top + r * n + i, of.scale[r] * past, k);
            });
    }
};
