// Softmax with cross-entropy, from class indices or from targets as values.
//
// With d = (z - max) / T and `others` the sum of exp(d) less the 1 of the largest, the
// value is sum y (log1p(others) - d) and the gradient (a sum(y) - y) / T, a = exp(d) /
// (1 + others); where d = 0 it is (a (sum(y) - y) - y others / (1 + others)) / T. A
// z-loss adds the square of log sum exp(z / T), and its gradient.

// Exponentials are lifted: this is exp(0).
template <class T> constexpr T TOP = sizeof(T) == 4 ? T(0x1p32) : T(0x1p64);
template <class T> constexpr double UNTOP = sizeof(T) == 4 ? 0x1p-32 : 0x1p-64;

constexpr idx LONG = 49152;  // beyond it exponentials are computed twice and not kept

// What is multiplied into a row's exponentials, and what is taken off.
template <class T> struct Coefficients {
    T share, rest;  // 1 / sum exp; 1 - share of the largest
    T all, scale;   // sum y, with what a z-loss pulls; the row's scale / T
};

// The gradient at lifted exponentials e with targets y.
template <class T>
inline V<T> slope_at(const Coefficients<T> &c, V<T> e, V<T> y) {
    const V<T> share = e * c.share;
    const V<T> plain = share * c.all - y;
    const V<T> top = share * (c.all - y) - y * c.rest;
    return select<T>(e == splat<T>(TOP<T>), top, plain) * c.scale;
}

// How many lanes are true.
template <class T> inline int lanes_in(I<T> mask) {
#if defined(__AVX512F__)
    if constexpr (sizeof(T) == 4)
        return __builtin_popcount(_mm512_movepi32_mask((__m512i)mask));
    else
        return __builtin_popcount(_mm512_movepi64_mask((__m512i)mask));
#elif defined(__AVX2__)
    return __builtin_popcount(_mm256_movemask_epi8((__m256i)mask)) / int(sizeof(T));
#else
    int total = 0;
    for (int i = 0; i < N<T>; i++) total -= int(mask[i]);
    return total;
#endif
}

// ---- what several rows have in common

// A class index's own target beside the base that all outputs get.
template <class T> struct Hot {
    T own, base;
};

template <class T> inline Hot<T> hot(const Given<T> &y, idx row) {
    const T weight = y.weight ? y.weight[y.index[row]] : T(1);
    return {weight * y.extra, weight * y.base};
}

// Sums of some rows, then what follows from them, a lane a row.
template <class T> struct Sums {
    static constexpr int ROWS = N<double>;
    alignas(64) double best[ROWS] = {}, others[ROWS] = {}, all[ROWS] = {};
    alignas(64) double linear[ROWS] = {}, scale[ROWS] = {};  // sum y d; of the row
    alignas(64) double log[ROWS], share[ROWS], value[ROWS];

    // log1p(others), 1 / sum exp and the values; `all` gets what the z-loss pulls.
    void close(double cold, double penalty) {
        const V<double> beside = load(others), logs = log1p(beside);
        store(log, logs);
        store(share, 1 / (1 + beside));
        V<double> total = load(all) * logs - load(linear);
        if (penalty != 0) {
            const V<double> level = load(best) * cold + logs;
            total += penalty * level * level;
            store(all, load(all) + 2 * penalty * level);
        }
        store(value, total * load(scale));
    }

    Coefficients<T> of(int r, double cold) const {
        return {T(share[r] * UNTOP<T>), T(others[r] * share[r]), T(all[r]),
                T(scale[r] * cold)};
    }
};

// ---- rows of a few vectors, several at once

// The largest lane of each of N<double> vectors, by halves.
inline void largests(const V<float> *x, float *out) {
#if defined(__AVX512F__)
    V<float> y[8];
    for (int i = 0; i < 4; i++)
        y[i] = maximum<float>(
            __builtin_shufflevector(x[i], x[i + 4], 0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19,
                                    20, 21, 22, 23),
            __builtin_shufflevector(x[i], x[i + 4], 8, 9, 10, 11, 12, 13, 14, 15, 24, 25,
                                    26, 27, 28, 29, 30, 31));
    for (int i = 0; i < 2; i++)
        y[i] = maximum<float>(
            __builtin_shufflevector(y[i], y[i + 2], 0, 1, 2, 3, 8, 9, 10, 11, 16, 17, 18,
                                    19, 24, 25, 26, 27),
            __builtin_shufflevector(y[i], y[i + 2], 4, 5, 6, 7, 12, 13, 14, 15, 20, 21, 22,
                                    23, 28, 29, 30, 31));
    const V<float> z = maximum<float>(
        __builtin_shufflevector(y[0], y[1], 0, 1, 4, 5, 8, 9, 12, 13, 16, 17, 20, 21, 24,
                                25, 28, 29),
        __builtin_shufflevector(y[0], y[1], 2, 3, 6, 7, 10, 11, 14, 15, 18, 19, 22, 23, 26,
                                27, 30, 31));
    alignas(64) float two[16];
    store(two, maximum<float>(z, __builtin_shufflevector(z, z, 1, 0, 3, 2, 5, 4, 7, 6, 9,
                                                         8, 11, 10, 13, 12, 15, 14)));
    // the halving leaves the rows in the order of their numbers' bits turned round
    for (int r = 0; r < 8; r++)
        out[r] = two[2 * ((r & 1) * 4 + (r >> 1 & 1) * 2 + (r >> 2))];
#else
    for (int r = 0; r < N<double>; r++) out[r] = largest<float>(x[r]);
#endif
}
inline void largests(const V<double> *x, double *out) {
    for (int r = 0; r < N<double>; r++) out[r] = largest<double>(x[r]);
}

// A place in a row as lanes: 0, 1, …
template <class T> inline I<T> places() {
    I<T> at;
    for (int i = 0; i < N<T>; i++) at[i] = i;
    return at;
}

// Up to N<double> rows from `from` on, each of K vectors.
template <class T, int K, bool VALUES, bool TEMPERED>
void meet_group(double temperature, double penalty, const Given<T> &y, const T *z,
                const T *scale, T *gradient, T *value, idx from, int rows, idx n) {
    constexpr int G = GROUP<T>;
    const double cold = 1 / temperature;
    Group<T, K> group(z + from * n, n, rows, -INFINITE<T>);
    Scaling<T, TEMPERED, true> scaling(temperature);
    Sums<T> found;
    V<T> tops[G];
    for (int r = 0; r < G; r++) {
        tops[r] = group.x[r][0];
        for (int j = 1; j < K; j++) tops[r] = maximum<T>(group.x[r][j], tops[r]);
    }
    T best[G];
    largests(tops, best);
    V<double> others[G], all[G], linear[G];
    double ties[G];
    for (int r = 0; r < G; r++) {
        scaling.shift = scaling.input(splat<T>(best[r]));
        const bool beyond_end = r >= rows;
        const T *target = VALUES ? y.values + (from + (beyond_end ? 0 : r)) * n : nullptr;
        V<T> of_y{}, of_yd{};
        Total<T> sum;
        int same = 0;
        for (int j = 0; j < K; j++) {
            const int k = j < K - 1 ? N<T> : group.last;
            const V<T> x = group.x[r][j];
            group.x[r][j] = scaling.exp(x);
            const I<T> one = group.x[r][j] == splat<T>(TOP<T>);
            same += lanes_in<T>(one);
            sum.add(keep<T>(~one, group.x[r][j]));
            const V<T> d = x - splat<T>(best[r]);
            if constexpr (VALUES) {
                const V<T> t = load_some(target + j * N<T>, k);
                of_y += t;
                of_yd += keep<T>(t != splat<T>(0), t * d);
            } else if (y.base != 0) {
                of_yd += keep<T>(first<T>(k), d);
            }
        }
        ties[r] = double(same - 1);
        others[r] = sum.lanes();
        if (VALUES) all[r] = Total<T>(of_y).lanes();
        if (VALUES || y.base != 0) linear[r] = Total<T>(of_yd).lanes();
    }
    V<double> tops_of_rows{};
    for (int r = 0; r < G; r++) tops_of_rows[r] = best[r];
    store(found.best, tops_of_rows);
    // an infinite largest makes the row NaN, as inf - inf does
    store(found.others,
          sums(others) * UNTOP<T> + load(ties) + (tops_of_rows - tops_of_rows));
    if (VALUES) store(found.all, sums(all));
    if (VALUES || y.base != 0) store(found.linear, sums(linear) * cold);
    for (int r = 0; r < rows; r++) {
        found.scale[r] = scale[from + r];
        if (VALUES || scale[from + r] == 0) continue;
        const Hot<T> own = hot(y, from + r);
        const double d = (z[(from + r) * n + y.index[from + r]] - best[r]) * cold;
        found.all[r] = double(own.own) + double(n) * own.base;
        found.linear[r] = (own.base != 0 ? own.base * found.linear[r] : 0) +
                          (own.own != 0 ? own.own * d : 0);
    }
    found.close(cold, penalty);
    for (int r = 0; r < rows; r++) {
        const idx row = from + r;
        const bool counts = found.scale[r] != 0;
        if (value) value[row] = counts ? T(found.value[r]) : T(0);
        if (!gradient) continue;
        const Coefficients<T> c = found.of(r, cold);
        const Hot<T> own = VALUES || !counts ? Hot<T>{0, 0} : hot(y, row);
        const Int<T> at = VALUES || !counts ? Int<T>(-1) : Int<T>(y.index[row]);
        for (int j = 0; j < K; j++) {
            const int k = j < K - 1 ? N<T> : group.last;
            V<T> target = splat<T>(own.base);
            if constexpr (VALUES)
                target = load_some(y.values + row * n + j * N<T>, k);
            else
                target += keep<T>(places<T>() + Int<T>(j * N<T>) == splat_int<T>(at),
                                  splat<T>(own.own));
            const V<T> slope = slope_at<T>(c, group.x[r][j], target);
            group.write(gradient + row * n, r, j, counts ? slope : V<T>{});
        }
    }
}

// ---- longer rows

// exp((z - max) / T) of one row, lifted, kept in e unless null; its sums into a lane.
template <class T, bool VALUES, bool TEMPERED> struct LongRow {
    Scaling<T, TEMPERED, true> scaling;
    V<T> best;

    struct Lanes {
        V<T> others{}, ties{}, y{}, yd{};
    };

    void take(Lanes &into, const T *z, const T *y, T *e, bool all, int k) const {
        const V<T> x = load_some(z, k, -INFINITE<T>), made = scaling.exp(x);
        const I<T> one = made == splat<T>(TOP<T>);
        into.others += keep<T>(~one, made);
        into.ties += keep<T>(one, splat<T>(1));
        if (e) store_some(e, made, k);
        if constexpr (VALUES) {
            const V<T> target = load_some(y, k);
            into.y += target;
            into.yd += keep<T>(target != splat<T>(0), target * (x - best));
        } else if (all) {
            into.yd += k == N<T> ? x - best : keep<T>(first<T>(k), x - best);
        }
    }

    LongRow(double temperature, Sums<T> &found, int r, const T *z, const T *y, T *e,
            bool all, idx n)
        : scaling(temperature) {
        constexpr idx W = N<T>, BLOCK = 64 * W;  // sums are folded that often
        V<T> top[4];
        for (V<T> &each : top) each = splat<T>(-INFINITE<T>);
        each_four<T>(
            n,
            [&](idx i) {
                for (int j = 0; j < 4; j++)
                    top[j] = maximum<T>(load(z + i + j * W), top[j]);
            },
            [&](idx i, int k) {
                top[0] = maximum<T>(load_some(z + i, k, -INFINITE<T>), top[0]);
            });
        const T most = largest<T>(
            maximum<T>(maximum<T>(top[0], top[1]), maximum<T>(top[2], top[3])));
        best = splat<T>(most);
        scaling.shift = scaling.input(best);
        double others = 0, ties = 0, of_y = 0, of_yd = 0;
        for (idx from = 0; from < n; from += BLOCK) {
            const idx to = from + BLOCK < n ? from + BLOCK : n;
            Lanes one, two;
            idx i = from;
            for (; i + 2 * W <= to; i += 2 * W) {
                take(one, z + i, y + i, e ? e + i : e, all, W);
                take(two, z + i + W, y + i + W, e ? e + i + W : e, all, W);
            }
            for (; i < to; i += W)
                take(one, z + i, y + i, e ? e + i : e, all, to - i < W ? int(to - i) : W);
            others += double(sum<T>(one.others + two.others));
            ties += double(sum<T>(one.ties + two.ties));
            if (VALUES) of_y += double(sum<T>(one.y + two.y));
            if (VALUES || all) of_yd += double(sum<T>(one.yd + two.yd));
        }
        found.best[r] = double(most);
        found.others[r] = others * UNTOP<T> + (ties - 1) + double(most - most);
        found.all[r] = of_y;
        found.linear[r] = of_yd;
    }

    // The gradient of a row whose targets are values, or one class.
    template <bool STREAM>
    void write_gradient(const Coefficients<T> &c, const T *z, const T *e, const T *values,
                        Hot<T> own, idx at, T *out, const T *next, idx n) const {
        const auto exponential = [&](idx i, int k) {
            return e ? load_some(e + i, k) : scaling.exp(load_some(z + i, k));
        };
        if constexpr (VALUES) {
            write<T, STREAM>(out, n, next, [&](idx i, int k) {
                return slope_at<T>(c, exponential(i, k), load_some(values + i, k));
            });
            return;
        }
        const V<T> here = e ? splat<T>(e[at]) : scaling.exp(splat<T>(z[at]));
        const V<T> factor = splat<T>(c.share * c.all * c.scale);
        if (own.base == 0)
            write<T, STREAM>(out, n, next,
                             [&](idx i, int k) { return exponential(i, k) * factor; });
        else
            write<T, STREAM>(out, n, next, [&](idx i, int k) {
                return slope_at<T>(c, exponential(i, k), splat<T>(own.base));
            });
        out[at] = slope_at<T>(c, here, splat<T>(own.own + own.base))[0];
    }
};

template <class T, bool VALUES, bool TEMPERED, bool STREAM>
void meet_row(double temperature, double penalty, const Given<T> &y, const T *z,
              const T *scale, T *gradient, T *value, T *work, idx row, idx rows, idx n) {
    T *out = gradient ? gradient + row * n : nullptr;
    if (scale[row] == 0) {
        if (value) value[row] = 0;
        if (out) write<T, false>(out, n, nullptr, [](idx, int) { return V<T>{}; });
        return;
    }
    const double cold = 1 / temperature;
    const T *from = z + row * n, *values = VALUES ? y.values + row * n : nullptr;
    T *kept = !out || n > LONG ? nullptr : STREAM || out == from ? work : out;
    Sums<T> found;
    const LongRow<T, VALUES, TEMPERED> of(temperature, found, 0, from, values, kept,
                                          y.base != 0, n);
    const idx at = VALUES ? 0 : idx(y.index[row]);
    const Hot<T> own = VALUES ? Hot<T>{0, 0} : hot(y, row);
    found.scale[0] = scale[row];
    found.linear[0] *= cold;
    if (!VALUES) {
        const double d = double(from[at] - of.best[0]) * cold;
        found.all[0] = double(own.own) + double(n) * own.base;
        found.linear[0] = (own.base != 0 ? own.base * found.linear[0] : 0) +
                          (own.own != 0 ? own.own * d : 0);
    }
    found.close(cold, penalty);
    if (value) value[row] = T(found.value[0]);
    if (!out) return;
    const T *next = row + 1 < rows ? z + (row + 1) * n : nullptr;
    of.template write_gradient<STREAM>(found.of(0, cold), from, kept, values, own, at, out,
                                       next, n);
}

// ---- all rows

template <class T, bool VALUES, bool TEMPERED>
void meet_rows(double temperature, double penalty, const Given<T> &y, const T *z,
               const T *scale, T *gradient, T *value, T *work, bool streaming, idx rows,
               idx n) {
    const bool small = narrow<T>(n, [&]<int K>() {
        each_group<T>(rows, [&](idx r, int count) {
            meet_group<T, K, VALUES, TEMPERED>(temperature, penalty, y, z, scale, gradient,
                                               value, r, count, n);
        });
    });
    for (idx r = 0; r < rows && !small; r++)
        if (streaming)
            meet_row<T, VALUES, TEMPERED, true>(temperature, penalty, y, z, scale, gradient,
                                                value, work, r, rows, n);
        else
            meet_row<T, VALUES, TEMPERED, false>(temperature, penalty, y, z, scale,
                                                 gradient, value, work, r, rows, n);
    if (streaming) fence();
}

template <class T>
void softmax_cross_entropy(const Numbers &map, const Numbers &loss, const T *,
                           const T *z, const Given<T> &y, const T *scale, T *gradient,
                           T *value, T *work, bool streaming, idx rows, idx n) {
    const auto meet = [&]<bool VALUES, bool TEMPERED>() {
        meet_rows<T, VALUES, TEMPERED>(map.v[0], loss.v[0], y, z, scale, gradient, value,
                                       work, streaming, rows, n);
    };
    if (map.v[0] == 1)
        y.values ? meet.template operator()<true, false>()
                 : meet.template operator()<false, false>();
    else
        y.values ? meet.template operator()<true, true>()
                 : meet.template operator()<false, true>();
}
