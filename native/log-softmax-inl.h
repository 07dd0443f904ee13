// The logarithm of softmax, and log-sum-exp. The largest of a row is left out of the sum,
// so that the logarithm keeps its digits near 0.

template <class T> constexpr double UNLIFTED = sizeof(T) == 4 ? 0x1p-32 : 0x1p-64;

// What a row's exponentials come to beside that of its largest input, the one of `own`, by
// which all are shifted; each lifted. And how many inputs are as large.
template <class T> struct Others {
    Total<T> sum;
    V<T> own, ties = splat<T>(0);

    explicit Others(V<T> own) : own(own) {}
    template <class S> void add(const S &scaling, V<T> z) {
        const I<T> top = z == own;
        sum.add(keep<T>(~top, scaling.exp(z)));
        ties += keep<T>(top, splat<T>(1));
    }
};

// The sum of the others, the ties among them. Two infinities have no softmax.
template <class T> inline double with_ties(double lifted, double ties, double own) {
    if (ties > 1 && __builtin_isinf(own)) return __builtin_nan("");
    return lifted * UNLIFTED<T> + (ties > 1 ? ties - 1 : 0);
}

// log sum exp: m + log1p(others); m itself where it is infinite and nothing is NaN.
inline double log_total(double best, double lifted, double log) {
    const bool known = __builtin_isinf(best) && lifted == lifted;
    return known ? best : best + log;
}

// z / T by which the exponentials are shifted, in more digits.
template <class S> inline double level_of(const S &scaling) {
    return double(scaling.shift[0]) + double(scaling.shift_rest[0]);
}

// The z of a row whose z / T is the largest.
template <class T, bool TEMPERED>
inline T own_of(const Scaling<T, TEMPERED, true> &scaling, const T *z, idx n, T fill) {
    V<T> top[4];
    for (V<T> &each : top) each = splat<T>(-INFINITE<T>);
    each_four<T>(
        n,
        [&](idx i) {
            for (int j = 0; j < 4; j++)
                top[j] = maximum<T>(scaling.order(load(z + i + j * N<T>)), top[j]);
        },
        [&](idx i, int k) {
            top[0] = maximum<T>(scaling.order(load_some(z + i, k, fill)), top[0]);
        });
    const T most = largest<T>(
        maximum<T>(maximum<T>(top[0], top[1]), maximum<T>(top[2], top[3])));
    return most * scaling.sign[0];
}

// The same for each row of a group.
template <class T, int K, class S>
inline void owns_of(const Group<T, K> &group, const S &scaling, T *own) {
    for (int r = 0; r < GROUP<T>; r++) {
        V<T> top = splat<T>(-INFINITE<T>);
        for (int j = 0; j < K; j++) top = maximum<T>(scaling.order(group.x[r][j]), top);
        own[r] = largest<T>(top) * scaling.sign[0];
    }
}

// The largest inputs of the rows of a group, and what the others come to.
template <class T, int K, bool TEMPERED> struct GroupTotals {
    T own[GROUP<T>];  // the z of their largest z / T
    double level[GROUP<T>];
    double lifted[GROUP<T>], log[GROUP<T>];  // the others' sum, and log1p of it

    GroupTotals(const Group<T, K> &group, Scaling<T, TEMPERED, true> scaling) {
        owns_of(group, scaling, own);
        V<double> total[GROUP<T>], ties[GROUP<T>];
        for (int r = 0; r < GROUP<T>; r++) {
            scaling.shift_by(splat<T>(own[r]));
            level[r] = level_of(scaling);
            Others<T> found(splat<T>(own[r]));
            for (int j = 0; j < K; j++) found.add(scaling, group.x[r][j]);
            total[r] = found.sum.lanes();
            ties[r] = Total<T>(found.ties).lanes();
        }
        store(lifted, sums(total));
        double count[GROUP<T>], others[GROUP<T>];
        store(count, sums(ties));
        for (int r = 0; r < GROUP<T>; r++)
            others[r] = with_ties<T>(lifted[r], count[r], own[r]);
        store(log, log1p(load(others)));
    }
};

template <class T, int K, bool TEMPERED>
inline void log_softmax_groups(double temperature, const T *z, T *out, idx rows, idx n) {
    Scaling<T, TEMPERED, true> scaling(temperature);
    each_group<T>(rows, [&](idx at, int count) {
        const Group<T, K> group(z + at * n, n, count, beyond<T>(temperature));
        const GroupTotals<T, K, TEMPERED> totals(group, scaling);
        for (int r = 0; r < count; r++) {
            scaling.shift_by(splat<T>(totals.own[r]));
            const V<T> log = splat<T>(T(totals.log[r]));
            for (int j = 0; j < K; j++) {
                const Split<T> at_z = scaling.split(group.x[r][j]);
                group.write(out + (at + r) * n, r, j, (at_z.x - log) + at_z.rest);
            }
        }
    });
}

template <class T, int K>
inline void log_total_groups(double temperature, const T *z, T *out, idx rows, idx n) {
    const Scaling<T, true, true> scaling(temperature);
    each_group<T>(rows, [&](idx at, int count) {
        const Group<T, K> group(z + at * n, n, count, beyond<T>(temperature));
        const GroupTotals<T, K, true> totals(group, scaling);
        for (int r = 0; r < count; r++)
            out[at + r] =
                T(log_total(totals.level[r], totals.lifted[r], totals.log[r]));
    });
}

// The same for one row of any width; leaves its largest z / T in scaling.shift.
template <class T, bool TEMPERED> struct RowTotals {
    double level, lifted, log;

    RowTotals(Scaling<T, TEMPERED, true> &scaling, const T *z, idx n, T fill) {
        const T own = own_of(scaling, z, n, fill);
        scaling.shift_by(splat<T>(own));
        level = level_of(scaling);
        Others<T> found(splat<T>(own));
        each_four<T>(
            n,
            [&](idx i) {
                V<T> e[4];
                for (int j = 0; j < 4; j++) {
                    const V<T> x = load(z + i + j * N<T>);
                    const I<T> top = x == found.own;
                    e[j] = keep<T>(~top, scaling.exp(x));
                    found.ties += keep<T>(top, splat<T>(1));
                }
                found.sum.add(e[0], e[1], e[2], e[3]);
            },
            [&](idx i, int k) { found.add(scaling, load_some(z + i, k, fill)); });
        lifted = found.sum.value();
        const double others =
            with_ties<T>(lifted, Total<T>(found.ties).value(), own);
        log = log1p(splat<double>(others))[0];
    }
};

template <class T, bool TEMPERED, bool STREAM>
inline void log_softmax_rows(double temperature, const T *z, T *out, idx rows, idx n) {
    const T fill = beyond<T>(temperature);
    for (idx r = 0; r < rows; r++) {
        const T *row = z + r * n;
        Scaling<T, TEMPERED, true> scaling(temperature);
        const RowTotals<T, TEMPERED> totals(scaling, row, n, fill);
        const V<T> log = splat<T>(T(totals.log));
        write<T, STREAM>(out + r * n, n, r + 1 < rows ? row + n : nullptr,
                         [&](idx i, int k) {
                             const Split<T> at = scaling.split(load_some(row + i, k));
                             return (at.x - log) + at.rest;
                         });
    }
    if (STREAM) fence();
}

template <class T, bool TEMPERED, bool STREAM>
inline void log_softmax_tempered(double temperature, const T *z, T *out, idx rows, idx n) {
    const bool small = narrow<T>(n, [&]<int K>() {
        log_softmax_groups<T, K, TEMPERED>(temperature, z, out, rows, n);
    });
    if (!small) log_softmax_rows<T, TEMPERED, STREAM>(temperature, z, out, rows, n);
}

// log softmax(z / T) for rows of n, -inf where it is 0.
template <class T, bool STREAM>
void log_softmax(double temperature, const T *z, T *out, idx rows, idx n) {
    if (n == 0) return;
    if (temperature == 1)
        log_softmax_tempered<T, false, STREAM>(1, z, out, rows, n);
    else
        log_softmax_tempered<T, true, STREAM>(temperature, z, out, rows, n);
}

// log sum exp(z / T) of rows of n, (rows,).
template <class T>
void logsumexp(double temperature, const T *z, T *out, idx rows, idx n) {
    if (n == 0) return;
    const bool small = narrow<T>(n, [&]<int K>() {
        log_total_groups<T, K>(temperature, z, out, rows, n);
    });
    if (small) return;
    for (idx r = 0; r < rows; r++) {
        Scaling<T, true, true> scaling(temperature);
        const RowTotals<T, true> totals(scaling, z + r * n, n, beyond<T>(temperature));
        out[r] = T(log_total(totals.level, totals.lifted, totals.log));
    }
}
