// Softmax with cross-entropy where a row's target is one class k: own there, beside `base`
// at all outputs.
//
// With e = exp(z / T - shift), `others` the sum of e less that of the largest, top, and
// d = (z - max) / T, the value is own (log1p(others / top) - d_k), and for the base the
// sum of such terms over all outputs; the gradient is (a all - y) / T, a = e / (top +
// others) and all = own + n base, but (a (all - y) - y others / (top + others)) / T at k
// if that is the largest. A z-loss adds the square of log sum exp(z / T), and its
// gradient. As in softmax, exponentials need no shift where the row's largest lies
// between LOW and HIGH: then z is read once.

// What all rows have in common.
template <class T> struct OneClass {
    double temperature, cold, penalty;  // cold = 1 / temperature
    const Given<T> &y;
    const T *z, *scale;
    T *gradient, *value;
    idx n;
};

// ---- some rows' numbers, a lane a row

// `rows` numbers in the first lanes, 0 beyond.
template <class T> inline V<T> some_rows(const T *x, int rows) { return load(x, rows); }

inline V<double> widened(V<float> x) { return lower(x); }
inline V<double> widened(V<double> x) { return x; }

// x at[r] + r n for the rows that count, 0 for the others.
template <class T>
inline V<T> gathered(const T *x, const int64_t *at, I<double> counts, int rows, idx n) {
#if defined(__AVX512F__)
    const __mmask8 mask = __mmask8(_mm512_movepi64_mask((__m512i)counts));
    const __m512i from = _mm512_mullo_epi64(_mm512_setr_epi64(0, 1, 2, 3, 4, 5, 6, 7),
                                            _mm512_set1_epi64(n));
    const __m512i place = _mm512_add_epi64(_mm512_maskz_loadu_epi64(mask, at), from);
    if constexpr (sizeof(T) == 4)
        return (V<T>)_mm512_zextps256_ps512(
            _mm512_mask_i64gather_ps(_mm256_setzero_ps(), mask, place, x, 4));
    else
        return (V<T>)_mm512_mask_i64gather_pd(_mm512_setzero_pd(), mask, place, x, 8);
#else
    V<T> found{};
    for (int r = 0; r < rows; r++)
        if (counts[r]) found[r] = x[r * n + at[r]];
    return found;
#endif
}

// What follows from the sums of rows.
template <class T> struct Ends {
    V<double> times, less;  // the value is log1p(others / top) times - less, scaled;
    V<double> factor, off;  // the gradient is e factor - off,
    V<double> own;          // and this at the class
};

// The exponentials of a row's largest, of the class, and the sum of all but the largest.
struct Exponentials {
    V<double> top, at, others;
};

// log1p(others / top) of N<T> rows, or of all that there are.
template <class T> struct Wide {
    typedef double Numbers __attribute__((vector_size(N<T> * sizeof(double))));

    static Numbers read(const double *x) {
        Numbers numbers;
        __builtin_memcpy(&numbers, x, sizeof numbers);
        return numbers;
    }
    static V<T> narrow(Numbers x) { return __builtin_convertvector(x, V<T>); }
    static Numbers logs(Numbers others, Numbers top) {
        return __builtin_convertvector(log1p(V<T>(narrow(others) / narrow(top))), Numbers);
    }
};

template <class T> inline V<double> logs_of(const Exponentials &e) {
    alignas(64) double others[N<T>] = {}, top[N<T>] = {};
    store(others, e.others);
    store(top, e.top);
    const auto logs = Wide<T>::logs(Wide<T>::read(others), Wide<T>::read(top));
    V<double> some;
    __builtin_memcpy(&some, &logs, sizeof some);
    return some;
}

// `away`: the class's z less the largest; `spread`: the sum of that over all outputs.
template <class T>
inline Ends<T> ends(const OneClass<T> &of, const Exponentials &e, V<double> best,
                    V<double> away, V<double> spread, V<double> weight, V<double> scale) {
    const V<double> none{};
    const double cold = of.cold;
    const V<double> share = 1 / (e.top + e.others);
    const V<double> own = weight * double(of.y.extra), base = weight * double(of.y.base);
    const V<double> times = own + base * double(of.n);
    V<double> less = keep<double>(own != none, own * away) * cold, all = times;
    if (of.y.base != 0) less += keep<double>(base != none, base * spread) * cold;
    if (of.penalty != 0) {
        const V<double> level = best * cold + logs_of<T>(e);
        less -= of.penalty * level * level;
        all += 2 * of.penalty * level;
    }
    const V<double> y = own + base, a = e.at * share, slope = scale * cold;
    const V<double> largest = a * (all - y) - y * (e.others * share);
    const V<double> at = select<double>(e.at == e.top, largest, a * all - y);
    return {times * scale, less * scale, share * all * slope, base * slope, at * slope};
}

// The values of rows, put off until there are enough for a whole vector of logarithms.
template <class T> struct Values {
    T *value;  // of the first row that is held; null if nobody asks
    int held = 0;
    alignas(64) double others[N<T>], top[N<T>], times[N<T>], less[N<T>];

    explicit Values(T *value) : value(value) {}

    // Rows that do not count are worth 0, whatever they are.
    void add(const Exponentials &e, const Ends<T> &end, I<double> counts, int rows) {
        if (!value) return;
        store(others + held, keep<double>(counts, e.others));
        store(top + held, select<double>(counts, e.top, splat<double>(1)));
        store(times + held, end.times);
        store(less + held, keep<double>(counts, end.less));
        held += rows;
        if (held + GROUP<T> > N<T>) flush();
    }

    void flush() {
        if (held == 0) return;
        using W = Wide<T>;
        const auto found = W::logs(W::read(others), W::read(top)) * W::read(times);
        store(value, W::narrow(found - W::read(less)), held);
        value += held;
        held = 0;
    }
};

// ---- rows of a few vectors, several at once

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

// What is left of each row's sum without its largest: `top` times how often that is
// there beside the first.
template <class T, int K>
__attribute__((noinline)) V<double> ties(const Group<T, K> &group, const T *top) {
    V<double> found;
    for (int r = 0; r < GROUP<T>; r++) {
        int same = -1;
        for (int j = 0; j < K; j++)
            same += lanes_in<T>(group.x[r][j] == splat<T>(top[r]));
        found[r] = double(same) * double(top[r]);
    }
    return found;
}

// The sum of z less the largest in each row.
template <class T, int K>
__attribute__((noinline)) V<double> spreads(const Group<T, K> &group, const T *best) {
    V<double> found[GROUP<T>];
    for (int r = 0; r < GROUP<T>; r++) {
        Total<T> total;
        for (int j = 0; j < K; j++) {
            const V<T> away = group.x[r][j] - splat<T>(best[r]);
            total.add(j < K - 1 ? away : keep<T>(first<T>(group.last), away));
        }
        found[r] = total.lanes();
    }
    return sums(found);
}

template <class T, int K, bool TEMPERED, bool SHIFTED>
inline void one_class_group(const OneClass<T> &of, Group<T, K> &group, Values<T> &values,
                            idx from, int rows) {
    constexpr int G = GROUP<T>;
    const idx n = of.n;
    Scaling<T, TEMPERED, SHIFTED> scaling(of.temperature);
    V<T> tops[G];
    for (int r = 0; r < G; r++) {
        tops[r] = group.x[r][0];
        for (int j = 1; j < K; j++) tops[r] = maximum<T>(group.x[r][j], tops[r]);
    }
    const V<T> most = largests(tops);
    alignas(64) T best[N<T>], top[N<T>], shift[N<T>];
    if constexpr (SHIFTED) {
        const V<T> by = shifts(group, scaling, most);
        scaling.shift_by(by);
        store(shift, by);
    }
    const V<T> highest = scaling.exp(most);
    store(best, most);
    store(top, highest);

    const V<double> scale = widened(some_rows(of.scale + from, rows));
    const I<double> counts = scale != V<double>{};
    const int64_t *index = of.y.index + from;
    const V<T> chosen = gathered(of.z + from * n, index, counts, rows, n);
    V<double> weight = splat<double>(1), spread{};
    if (of.y.weight)
        weight = widened(gathered(of.y.weight, index, counts, rows, idx(0)));
    if (of.y.base != 0) spread = spreads(group, best);
    Exponentials e{widened(highest), widened(scaling.exp(chosen)), {}};

    V<double> others[G];
    int largest_ones = 0;
    for (int r = 0; r < G; r++) {
        if constexpr (SHIFTED) scaling.shift_by(splat<T>(shift[r]));
        Total<T> total;
        for (int j = 0; j < K; j++) {
            group.x[r][j] = scaling.exp(group.x[r][j]);
            const I<T> one = group.x[r][j] == splat<T>(top[r]);
            largest_ones += lanes_in<T>(one);
            total.add(keep<T>(~one, group.x[r][j]));
        }
        others[r] = total.lanes();
    }
    e.others = sums(others);
    if (largest_ones != G) e.others += ties<T, K>(group, top);
    const V<double> level = widened(most);
    if constexpr (SHIFTED) e.others += level - level;  // NaN where that is infinite

    const Ends<T> end =
        ends(of, e, level, widened(chosen) - level, spread, weight, scale);
    values.add(e, end, counts, rows);
    if (!of.gradient) return;
    const PerRow<T> factor(end.factor), off(end.off), own(end.own);
    for (int r = 0; r < rows; r++) {
        T *out = of.gradient + (from + r) * n;
        const bool counted = of.scale[from + r] != 0;
        for (int j = 0; j < K; j++)
            group.write(out, r, j,
                        counted ? V<T>(group.x[r][j] * factor[r] - off[r]) : V<T>{});
        if (counted) out[index[r]] = own.v[r];
    }
}

// (A temperature of 1 changes no bits: one function does for all.)
template <class T, int K>
__attribute__((noinline)) void one_class_shifted(const OneClass<T> &of, Group<T, K> &group,
                                                 Values<T> &values, idx from, int rows) {
    one_class_group<T, K, true, true>(of, group, values, from, rows);
}

// ---- longer rows

// The sum of a row's exponentials but for the first largest.
template <class T> inline double others_than(T top, const T *e, idx n) {
    Total<T> total;
    double same = -1;
    each_vector<T>(n, [&](idx i, int k) {
        const V<T> x = load_some(e + i, k);
        const I<T> one = x == splat<T>(top);
        if (any<T>(one)) same += lanes_in<T>(one);
        total.add(keep<T>(~one, x));
    });
    return total.value() + same * double(top);
}

// e of a row at z, with its largest and the class's; gives the gradient's last step, and
// the value where it is asked for.
template <class T, bool TEMPERED, bool SHIFTED>
inline Ends<T> one_class_ends(const OneClass<T> &of,
                              const Scaling<T, TEMPERED, SHIFTED> &scaling, const T *z,
                              const T *e, double total, T best, idx row) {
    const idx n = of.n, at = of.y.index[row];
    const T top = scaling.exp(splat<T>(best))[0], own = scaling.exp(splat<T>(z[at]))[0];
    double others = total - double(top);
    if (others < double(top)) others = others_than(top, e, n);
    if (SHIFTED) others += double(best) - double(best);
    double spread = 0;
    if (of.y.base != 0)
        spread = summed_wide<T>(n, [&](idx i, int k) {
            return load_some(z + i, k, best) - splat<T>(best);
        });
    const Exponentials parts{splat<double>(top), splat<double>(own),
                             splat<double>(others)};
    const Ends<T> end =
        ends(of, parts, splat<double>(best), splat<double>(double(z[at]) - double(best)),
             splat<double>(spread), splat<double>(of.y.weight ? of.y.weight[at] : 1),
             splat<double>(of.scale[row]));
    if (of.value)
        of.value[row] = T((end.times * logs_of<T>(parts) - end.less)[0]);
    return end;
}

template <class T, bool TEMPERED, bool STREAM>
inline void one_class_long(const OneClass<T> &of, T *work, idx rows) {
    const idx n = of.n;
    const Scaling<T, TEMPERED, false> plain(of.temperature);
    Later<T, Sharing<T>> later;
    T own = 0, *place = &own;  // what has its own last step, and where
    for (idx row = 0; row < rows; row++) {
        const T *z = of.z + row * n;
        T *out = of.gradient ? of.gradient + row * n : nullptr;
        if (of.scale[row] == 0) {
            if (of.value) of.value[row] = 0;
            if (out) write<T, false>(out, n, nullptr, [](idx, int) { return V<T>{}; });
            continue;
        }
        T *e = out ? between<T, STREAM>(z, out, work) : work;
        T best;
        const double total = exponentials(plain, z, e, n, -INFINITE<T>, best, [&](idx i) {
            if (STREAM) expect(z + i), later.upto(i);
        });
        Ends<T> end;
        if (level(plain.input(splat<T>(best))[0])) {
            end = one_class_ends(of, plain, z, e, total, best, row);
        } else {
            Scaling<T, true, true> shifted(of.temperature);
            shifted.shift_by(splat<T>(best));
            const double sum = shifted_exponentials(shifted, z, e, n, -INFINITE<T>);
            end = one_class_ends(of, shifted, z, e, sum, best, row);
        }
        if (!out) continue;
        const Sharing<T> share = {e, splat<T>(T(end.factor[0])), splat<T>(T(end.off[0]))};
        if (STREAM)
            *place = own, later = {share, out, n};
        else
            write<T, false>(out, n, nullptr, share);
        own = T(end.own[0]), place = out + of.y.index[row];
        if (!STREAM) *place = own;
    }
    if (STREAM) later.upto(n), *place = own, fence();
}

// ---- all rows

template <class T, bool TEMPERED>
void one_class_rows(const OneClass<T> &of, T *work, bool streaming, idx rows) {
    const Scaling<T, TEMPERED, false> scaling(of.temperature);
    Values<T> values(of.value);
    const bool small = narrow<T>(of.n, [&]<int K>() {
        each_group<T>(rows, [&](idx r, int count) {
            Group<T, K> group(of.z + r * of.n, of.n, count, -INFINITE<T>);
            if (group.within(NEAR<T>, [&](V<T> x) { return scaling.input(x); }))
                one_class_group<T, K, TEMPERED, false>(of, group, values, r, count);
            else
                one_class_shifted<T, K>(of, group, values, r, count);
        });
    });
    if (small) return values.flush();
    if (streaming && of.gradient)
        one_class_long<T, TEMPERED, true>(of, work, rows);
    else
        one_class_long<T, TEMPERED, false>(of, work, rows);
}
