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

// The largest lane of each of GROUP vectors, in the first lanes; by halves.
inline V<float> largests(const V<float> *x) {
#if defined(__AVX512F__)
    V<float> y[4];
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
    const V<float> both = maximum<float>(
        z, __builtin_shufflevector(z, z, 1, 0, 3, 2, 5, 4, 7, 6, 9, 8, 11, 10, 13, 12, 15,
                                   14));
    // the halving left the rows in the order of their numbers' bits turned round
    return __builtin_shufflevector(both, both, 0, 8, 4, 12, 2, 10, 6, 14, 0, 8, 4, 12, 2,
                                   10, 6, 14);
#else
    V<float> best{};
    for (int r = 0; r < GROUP<float>; r++) best[r] = largest<float>(x[r]);
    return best;
#endif
}
inline V<double> largests(const V<double> *x) {
    V<double> best;
    for (int r = 0; r < GROUP<double>; r++) best[r] = largest<double>(x[r]);
    return best;
}

// Whether a narrow row needs no shift: its own numbers say so, not those beside it.
template <class T> constexpr T NEAR = 20;

// What each row of a group is shifted by: `most`, its largest, or 0 where all its z / T
// are NEAR 0.
template <class T, int K, class S>
inline V<T> shifts(const Group<T, K> &group, const S &scaling, V<T> most) {
    V<T> wide[GROUP<T>];
    for (int r = 0; r < GROUP<T>; r++) {
        wide[r] = absolute(scaling.input(group.x[r][K - 1]));
        wide[r] = keep<T>(first<T>(group.last), wide[r]);
        for (int j = 0; j < K - 1; j++)
            wide[r] = maximum<T>(absolute(scaling.input(group.x[r][j])), wide[r]);
        // as `within` takes it, NaN is near
        wide[r] = maximum<T>(wide[r], splat<T>(0));
    }
    return keep<T>(largests(wide) > splat<T>(NEAR<T>), most);
}

// (A temperature of 1 changes no bits: one function does for all.)
template <class T, int K>
__attribute__((noinline)) void softmax_group_shifted(double temperature, const T *z, T *a,
                                                     idx n, int rows) {
    Group<T, K> group(z, n, rows, beyond<T>(temperature));
    const Scaling<T, true, false> scaling(temperature);
    V<T> tops[GROUP<T>], shift[GROUP<T>];
    for (int r = 0; r < GROUP<T>; r++) {
        tops[r] = splat<T>(-INFINITE<T>);
        for (int j = 0; j < K; j++)
            tops[r] = maximum<T>(scaling.order(group.x[r][j]), tops[r]);
    }
    const V<T> by = scaling.input(shifts(group, scaling, scaling.order(largests(tops))));
    for (int r = 0; r < GROUP<T>; r++) shift[r] = splat<T>(by[r]);
    share<T, K, true, true>(group, shift, temperature, a, n, rows);
}

template <class T, int K, bool TEMPERED>
inline void softmax_groups(double temperature, const T *z, T *a, idx rows, idx n) {
    const Scaling<T, TEMPERED, false> scaling(temperature);
    each_group<T>(rows, [&](idx r, int count) {
        Group<T, K> group(z + r * n, n, count, beyond<T>(temperature));
        if (group.within(NEAR<T>, [&](V<T> x) { return scaling.input(x); }))
            share<T, K, TEMPERED, false>(group, nullptr, temperature, a + r * n, n, count);
        else
            softmax_group_shifted<T, K>(temperature, z + r * n, a + r * n, n, count);
    });
}

// The last step of a row of exponentials.
template <class T> struct Sharing {
    const T *e;
    V<T> factor, off;
    V<T> operator()(idx i, int k) const { return load_some(e + i, k) * factor - off; }
};

// e = exp(z / T - shift) of a row; gives its sum, and where the shift is 0 the z whose
// z / T is the largest. before(i) is called before anything below e + i changes.
template <class T, bool TEMPERED, bool SHIFTED, class F>
inline double exponentials(const Scaling<T, TEMPERED, SHIFTED> &scaling, const T *z, T *e,
                           idx n, T fill, T &best, F before) {
    Total<T> total;
    V<T> top = splat<T>(-INFINITE<T>), other = top;
    const auto some = [&]<int MANY>(idx i) {
        before(i + MANY * N<T>);
        V<T> x[MANY];
        for (int j = 0; j < MANY; j++) {
            x[j] = load(z + i + j * N<T>);
            V<T> &most = j % 2 ? top : other;
            if (!SHIFTED) most = maximum<T>(scaling.order(x[j]), most);
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
            before(i + k);
            const V<T> x = load_some(z + i, k, fill);
            if (!SHIFTED) top = maximum<T>(scaling.order(x), top);
            const V<T> value = scaling.exp(x);
            store_some(e + i, value, k);
            total.add(value);
        });
    if (!SHIFTED) best = scaling.order(splat<T>(largest<T>(maximum<T>(other, top))))[0];
    return total.value();
}

// The same of a row that is shifted, which is rare.
template <class T>
__attribute__((noinline)) double shifted_exponentials(const Scaling<T, true, true> &scaling,
                                                      const T *z, T *e, idx n, T fill) {
    T best;
    return exponentials(scaling, z, e, n, fill, best, [](idx) {});
}

template <class T, bool TEMPERED, bool STREAM>
inline void softmax_rows(double temperature, const T *z, T *a, T *work, idx rows, idx n) {
    const T fill = beyond<T>(temperature);
    const Scaling<T, TEMPERED, false> scaling(temperature);
    Later<T, Sharing<T>> later;
    for (idx r = 0; r < rows; r++, z += n, a += n) {
        T *e = between<T, STREAM>(z, a, work);
        T best;
        double total = exponentials(scaling, z, e, n, fill, best, [&](idx i) {
            if (STREAM) expect(z + i), later.upto(i);
        });
        const V<T> most = scaling.input(splat<T>(best));
        if (!level(most[0])) {
            Scaling<T, true, true> shifted(temperature);
            shifted.shift = most;
            total = shifted_exponentials(shifted, z, e, n, fill);
        }
        const Sharing<T> share = {e, splat<T>(T(1 / total)), V<T>{}};
        if (STREAM)
            later = {share, a, n};
        else
            write<T, false>(a, n, nullptr, share);
    }
    if (STREAM) later.upto(n), fence();
}

template <class T, bool TEMPERED, bool STREAM>
inline void softmax_tempered(double temperature, const T *z, T *a, T *work, idx rows,
                             idx n) {
    const bool small = narrow<T>(n, [&]<int K>() {
        softmax_groups<T, K, TEMPERED>(temperature, z, a, rows, n);
    });
    if (!small) softmax_rows<T, TEMPERED, STREAM>(temperature, z, a, work, rows, n);
}

// a = softmax(z / T) for rows of n; at most 4 ULP, double 6. T < 0 makes it softmin.
template <class T, bool STREAM>
void softmax(double temperature, const T *z, T *a, T *work, idx rows, idx n) {
    if (n == 0) return;
    if (n == 1)  // all of a row of one, to the last digit
        return each_vector<T>(rows, [&](idx i, int k) {
            const V<T> x = load_some(z + i, k);
            store_some(a + i, (x - x) + T(1), k);
        });
    if (temperature == 1)
        softmax_tempered<T, false, STREAM>(1, z, a, work, rows, n);
    else
        softmax_tempered<T, true, STREAM>(temperature, z, a, work, rows, n);
}
