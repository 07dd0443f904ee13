// Softmax of rows. Exponentials of z / T are taken without a shift where the row's
// largest lies between LOW and HIGH: then z is read once and nothing is rounded off it.
// Other rows are shifted by their largest, with the rounding of that carried along.

// Whether a row with this largest input needs no shift.
inline bool level(double best) { return best >= LOW && best <= HIGH; }

// What lies beyond a row's end: z / T is -inf there.
template <class T> inline T beyond(double temperature) {
    return temperature < 0 ? INFINITE<T> : -INFINITE<T>;
}

// a = exp(z / T - shift) over its sum in each row of a group.
template <class T, int K, bool TEMPERED, bool SHIFTED>
inline void share(Group<T, K> &group, const V<T> *shift, double temperature, T *a, idx n,
                  int rows) {
    Scaling<T, TEMPERED, SHIFTED> scaling(temperature);
    V<double> total[GROUP<T>];
    for (int r = 0; r < GROUP<T>; r++) {
        if constexpr (SHIFTED) scaling.shift = shift[r];
        for (int j = 0; j < K; j++) group.x[r][j] = scaling.exp(group.x[r][j]);
        Total<T> sum(group.x[r][0]);
        for (int j = 1; j < K; j++) sum.add(group.x[r][j]);
        total[r] = sum.lanes();
    }
    const PerRow<T> inverse(1 / sums(total));
    for (int r = 0; r < GROUP<T>; r++) {
        if (r >= rows) break;
        for (int j = 0; j < K; j++)
            group.write(a + r * n, r, j, group.x[r][j] * inverse[r]);
    }
}

// The largest z / T of each row of a group.
template <class T, int K, class S>
inline void largest_inputs(const Group<T, K> &group, const S &scaling, T *best) {
    for (int r = 0; r < GROUP<T>; r++) {
        V<T> top = splat<T>(-INFINITE<T>);
        for (int j = 0; j < K; j++) top = maximum<T>(scaling.input(group.x[r][j]), top);
        best[r] = largest<T>(top);
    }
}

template <class T, int K, bool TEMPERED>
__attribute__((noinline)) void softmax_group_shifted(double temperature, const T *z, T *a,
                                                     idx n, int rows) {
    Group<T, K> group(z, n, rows, beyond<T>(temperature));
    T best[GROUP<T>];
    largest_inputs(group, Scaling<T, TEMPERED, false>(temperature), best);
    V<T> shift[GROUP<T>];
    for (int r = 0; r < GROUP<T>; r++)
        shift[r] = splat<T>(level(best[r]) ? T(0) : best[r]);
    share<T, K, TEMPERED, true>(group, shift, temperature, a, n, rows);
}

template <class T, int K, bool TEMPERED>
inline void softmax_groups(double temperature, const T *z, T *a, idx rows, idx n) {
    const Scaling<T, TEMPERED, false> scaling(temperature);
    each_group<T>(rows, [&](idx r, int count) {
        Group<T, K> group(z + r * n, n, count, beyond<T>(temperature));
        if (group.within(20, [&](V<T> x) { return scaling.input(x); }))
            share<T, K, TEMPERED, false>(group, nullptr, temperature, a + r * n, n, count);
        else
            softmax_group_shifted<T, K, TEMPERED>(temperature, z + r * n, a + r * n, n,
                                                  count);
    });
}

// e = exp(z / T - shift) of a row; gives its sum, and the largest z / T.
template <class T, bool TEMPERED, bool SHIFTED>
inline double exponentials(const Scaling<T, TEMPERED, SHIFTED> &scaling, const T *z, T *e,
                           idx n, T fill, T &best) {
    Total<T> total;
    V<T> top = splat<T>(-INFINITE<T>), other = top;
    const auto some = [&]<int MANY>(idx i) {
        V<T> x[MANY];
        for (int j = 0; j < MANY; j++) {
            x[j] = load(z + i + j * N<T>);
            V<T> &most = j % 2 ? top : other;
            if (!SHIFTED) most = maximum<T>(scaling.input(x[j]), most);
            x[j] = scaling.exp(x[j]);
            store(e + i + j * N<T>, x[j]);
        }
        for (int j = 4; j < MANY; j++) x[j - 4] += x[j];
        total.add(x[0], x[1], x[2], x[3]);
    };
    idx done = 0;
    for (; done + 8 * N<T> <= n; done += 8 * N<T>) some.template operator()<8>(done);
    each_four<T>(
        n - done, [&](idx i) { some.template operator()<4>(done + i); },
        [&](idx i, int k) {
            i += done;
            const V<T> x = load_some(z + i, k, fill);
            if (!SHIFTED) top = maximum<T>(scaling.input(x), top);
            const V<T> value = scaling.exp(x);
            store_some(e + i, value, k);
            total.add(value);
        });
    if (!SHIFTED) best = largest<T>(maximum<T>(other, top));
    return total.value();
}

template <class T, bool TEMPERED, bool STREAM>
inline void softmax_row(double temperature, const T *z, T *a, T *work, const T *next,
                        idx n) {
    const T fill = beyond<T>(temperature);
    T *e = between<T, STREAM>(z, a, work);
    T best;
    double total =
        exponentials(Scaling<T, TEMPERED, false>(temperature), z, e, n, fill, best);
    if (!level(best)) {
        Scaling<T, TEMPERED, true> shifted(temperature);
        shifted.shift = splat<T>(best);
        total = exponentials(shifted, z, e, n, fill, best);
    }
    const V<T> inverse = splat<T>(T(1 / total));
    write<T, STREAM>(a, n, next,
                     [&](idx i, int k) { return load_some(e + i, k) * inverse; });
}

template <class T, bool TEMPERED, bool STREAM>
inline void softmax_tempered(double temperature, const T *z, T *a, T *work, idx rows,
                             idx n) {
    const bool small = narrow<T>(n, [&]<int K>() {
        softmax_groups<T, K, TEMPERED>(temperature, z, a, rows, n);
    });
    if (small) return;
    for (idx r = 0; r < rows; r++)
        softmax_row<T, TEMPERED, STREAM>(temperature, z + r * n, a + r * n, work,
                                         r + 1 < rows ? z + (r + 1) * n : nullptr, n);
    if (STREAM) fence();
}

// a = softmax(z / T) for rows of n; at most 4 ULP, double 6. T < 0 makes it softmin.
template <class T, bool STREAM>
void softmax(double temperature, const T *z, T *a, T *work, idx rows, idx n) {
    if (n == 0) return;
    if (temperature == 1)
        softmax_tempered<T, false, STREAM>(1, z, a, work, rows, n);
    else
        softmax_tempered<T, true, STREAM>(temperature, z, a, work, rows, n);
}
