// Softmax with cross-entropy from targets as values; from classes, one-class.
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

// ---- what several rows have in common

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

// Up to N<double> rows from `from` on, each of K vectors.
template <class T, int K>
void meet_group(double temperature, double penalty, const Given<T> &y, const T *z,
                const T *scale, T *gradient, T *value, idx from, int rows, idx n) {
    constexpr int G = GROUP<T>;
    const double cold = 1 / temperature;
    Group<T, K> group(z + from * n, n, rows, -INFINITE<T>);
    Scaling<T, true, true> scaling(temperature);
    Sums<T> found;
    V<T> tops[G];
    for (int r = 0; r < G; r++) {
        tops[r] = group.x[r][0];
        for (int j = 1; j < K; j++) tops[r] = maximum<T>(group.x[r][j], tops[r]);
    }
    alignas(64) T best[N<T>];
    const V<T> most = largests(tops);
    store(best, most);
    V<double> others[G], all[G], linear[G];
    double ties[G];
    for (int r = 0; r < G; r++) {
        scaling.shift = scaling.input(splat<T>(best[r]));
        const bool beyond_end = r >= rows;
        const T *target = y.values + (from + (beyond_end ? 0 : r)) * n;
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
            const V<T> t = load_some(target + j * N<T>, k);
            of_y += t;
            of_yd += keep<T>(t != splat<T>(0), t * d);
        }
        ties[r] = double(same - 1);
        others[r] = sum.lanes();
        all[r] = Total<T>(of_y).lanes();
        linear[r] = Total<T>(of_yd).lanes();
    }
    const V<double> tops_of_rows = widened(most);
    store(found.best, tops_of_rows);
    // an infinite largest makes the row NaN, as inf - inf does
    store(found.others,
          sums(others) * UNTOP<T> + load(ties) + (tops_of_rows - tops_of_rows));
    store(found.all, sums(all));
    store(found.linear, sums(linear) * cold);
    store(found.scale, widened(some_rows(scale + from, rows)));
    found.close(cold, penalty);
    for (int r = 0; r < rows; r++) {
        const idx row = from + r;
        const bool counts = found.scale[r] != 0;
        if (value) value[row] = counts ? T(found.value[r]) : T(0);
        if (!gradient) continue;
        const Coefficients<T> c = found.of(r, cold);
        for (int j = 0; j < K; j++) {
            const int k = j < K - 1 ? N<T> : group.last;
            const V<T> target = load_some(y.values + row * n + j * N<T>, k);
            const V<T> slope = slope_at<T>(c, group.x[r][j], target);
            group.write(gradient + row * n, r, j, counts ? slope : V<T>{});
        }
    }
}

// ---- longer rows

// exp((z - max) / T) of one row, lifted, kept in e unless null; its sums into a lane.
template <class T> struct LongRow {
    Scaling<T, true, true> scaling;
    V<T> best;

    struct Lanes {
        V<T> others{}, ties{}, y{}, yd{};
    };

    void take(Lanes &into, const T *z, const T *y, T *e, int k) const {
        const V<T> x = load_some(z, k, -INFINITE<T>), made = scaling.exp(x);
        const I<T> one = made == splat<T>(TOP<T>);
        into.others += keep<T>(~one, made);
        into.ties += keep<T>(one, splat<T>(1));
        if (e) store_some(e, made, k);
        const V<T> target = load_some(y, k);
        into.y += target;
        into.yd += keep<T>(target != splat<T>(0), target * (x - best));
    }

    LongRow(double temperature, Sums<T> &found, const T *z, const T *y, T *e, idx n)
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
                take(one, z + i, y + i, e ? e + i : e, W);
                take(two, z + i + W, y + i + W, e ? e + i + W : e, W);
            }
            for (; i < to; i += W)
                take(one, z + i, y + i, e ? e + i : e, to - i < W ? int(to - i) : W);
            others += double(sum<T>(one.others + two.others));
            ties += double(sum<T>(one.ties + two.ties));
            of_y += double(sum<T>(one.y + two.y));
            of_yd += double(sum<T>(one.yd + two.yd));
        }
        found.best[0] = double(most);
        found.others[0] = others * UNTOP<T> + (ties - 1) + double(most - most);
        found.all[0] = of_y;
        found.linear[0] = of_yd;
    }

    template <bool STREAM>
    void write_gradient(const Coefficients<T> &c, const T *z, const T *e, const T *values,
                        T *out, const T *next, idx n) const {
        write<T, STREAM>(out, n, next, [&](idx i, int k) {
            const V<T> x = e ? load_some(e + i, k) : scaling.exp(load_some(z + i, k));
            return slope_at<T>(c, x, load_some(values + i, k));
        });
    }
};

template <class T, bool STREAM>
void meet_row(double temperature, double penalty, const Given<T> &y, const T *z,
              const T *scale, T *gradient, T *value, T *work, idx row, idx rows, idx n) {
    T *out = gradient ? gradient + row * n : nullptr;
    if (scale[row] == 0) {
        if (value) value[row] = 0;
        if (out) write<T, false>(out, n, nullptr, [](idx, int) { return V<T>{}; });
        return;
    }
    const double cold = 1 / temperature;
    const T *from = z + row * n, *values = y.values + row * n;
    T *kept = !out || n > LONG ? nullptr : between<T, STREAM>(from, out, work);
    Sums<T> found;
    const LongRow<T> of(temperature, found, from, values, kept, n);
    found.scale[0] = scale[row];
    found.linear[0] *= cold;
    found.close(cold, penalty);
    if (value) value[row] = T(found.value[0]);
    if (!out) return;
    const T *next = row + 1 < rows ? z + (row + 1) * n : nullptr;
    of.template write_gradient<STREAM>(found.of(0, cold), from, kept, values, out, next, n);
}

// ---- all rows

template <class T>
void meet_rows(double temperature, double penalty, const Given<T> &y, const T *z,
               const T *scale, T *gradient, T *value, T *work, bool streaming, idx rows,
               idx n) {
    const bool small = narrow<T>(n, [&]<int K>() {
        each_group<T>(rows, [&](idx r, int count) {
            meet_group<T, K>(temperature, penalty, y, z, scale, gradient, value,
                                       r, count, n);
        });
    });
    for (idx r = 0; r < rows && !small; r++)
        if (streaming)
            meet_row<T, true>(temperature, penalty, y, z, scale, gradient, value,
                                        work, r, rows, n);
        else
            meet_row<T, false>(temperature, penalty, y, z, scale, gradient, value,
                                         work, r, rows, n);
    if (streaming) fence();
}

template <class T>
void softmax_cross_entropy(const Numbers &map, const Numbers &loss, const T *,
                           const T *z, const Given<T> &y, const T *scale, T *gradient,
                           T *value, T *work, bool streaming, idx rows, idx n) {
    if (y.values)
        return meet_rows<T>(map.v[0], loss.v[0], y, z, scale, gradient, value, work,
                            streaming, rows, n);
    const OneClass<T> of = {map.v[0], 1 / map.v[0], loss.v[0], y,    z,
                            scale,    gradient,     value,     n};
    if (map.v[0] == 1)
        one_class_rows<T, false>(of, work, streaming, rows);
    else
        one_class_rows<T, true>(of, work, streaming, rows);
}
