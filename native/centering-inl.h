// The centering J = diag(w) - w w^T / sum(w) of rows, times a row: w (g - S), where S is
// the mean of g weighted by w; 0 where a row has no weight at all.
//
// Where one weight is over half of all, g - S cancels there: g is taken from that entry's
// own first, which J does not see, and the others' small share keeps its digits.

// What counts where w = 0: everything (a covector), g in no mean (a tangent), nothing,
// the result included (a map with a support).
enum Meets { COVECTOR, TANGENT, SUPPORT };

// Where a weight over half of all is looked for: nowhere, above 1/2, above half the sum.
enum Own { NEVER, HALF, SHARE };

template <class T, Meets MEETS> inline V<T> weighted(V<T> w, V<T> g) {
    return MEETS == COVECTOR ? w * g : keep<T>(w != splat<T>(0), w * g);
}

template <class T, Meets MEETS> inline V<T> centered(V<T> w, V<T> away) {
    return MEETS == SUPPORT ? keep<T>(w != splat<T>(0), w * away) : w * away;
}

// The one lane of x where the mask is true, in all lanes; 0 if it is nowhere.
template <class T> inline V<T> only(I<T> mask, V<T> x) {
#if defined(__AVX512F__)
    if constexpr (sizeof(T) == 4) {
        const __mmask16 where = _mm512_movepi32_mask((__m512i)mask);
        const __m512 packed = _mm512_maskz_compress_ps(where, (__m512)x);
        return (V<T>)_mm512_broadcastss_ps(_mm512_castps512_ps128(packed));
    } else {
        const __mmask8 where = _mm512_movepi64_mask((__m512i)mask);
        const __m512d packed = _mm512_maskz_compress_pd(where, (__m512d)x);
        return (V<T>)_mm512_broadcastsd_pd(_mm512_castpd512_pd128(packed));
    }
#else
    return any<T>(mask) ? splat<T>(sum<T>(keep<T>(mask, x))) : splat<T>(0);
#endif
}

inline V<double> mean_of(V<double> moment, V<double> total) {
    return keep<double>(total != splat<double>(0), moment / total);
}

// Rows of at most K vectors: w and g are theirs, g is used up. after(r, j, value) is the
// last step.
template <class T, int K, Meets MEETS, Own OWN, class F>
inline void center_group(const Group<T, K> &w, Group<T, K> &g, T factor, T *out, idx n,
                         int rows, F after) {
    V<double> total[GROUP<T>], moment[GROUP<T>];
    for (int r = 0; r < GROUP<T>; r++) {
        V<T> all = w.x[r][0];
        for (int j = 1; j < K; j++) all += w.x[r][j];
        total[r] = Total<T>(all).lanes();
    }
    const V<double> whole = sums(total);
    const PerRow<T> half(whole * 0.5);
    for (int r = 0; r < GROUP<T>; r++) {
        const V<T> limit = OWN == SHARE ? half[r] : splat<T>(T(0.5));
        V<T> own = splat<T>(0);
        for (int j = 0; j < K && OWN != NEVER; j++)
            own += only<T>(w.x[r][j] > limit, g.x[r][j]);
        V<T> product = splat<T>(0);
        for (int j = 0; j < K; j++) {
            if (OWN != NEVER) g.x[r][j] -= own;
            product += weighted<T, MEETS>(w.x[r][j], g.x[r][j]);
        }
        moment[r] = Total<T>(product).lanes();
    }
    const PerRow<T> mean(mean_of(sums(moment), whole));
    for (int r = 0; r < GROUP<T>; r++) {
        if (r >= rows) break;
        for (int j = 0; j < K; j++) {
            const V<T> away = g.x[r][j] - mean[r];
            w.write(out + r * n, r, j,
                    after(r, j, centered<T, MEETS>(w.x[r][j], away) * factor));
        }
    }
}

// The weighted sum of g - own in a row, in more than the precision of T.
template <class T, Meets MEETS, class W, class G>
inline double moment_from(idx n, V<T> own, W weight, G g) {
    Total<T> total;
    const auto one = [&](idx i, int k) {
        return weighted<T, MEETS>(weight(i, k), g(i, k) - own);
    };
    each_four<T>(
        n,
        [&](idx i) {
            V<T> x[4];
            for (int j = 0; j < 4; j++) x[j] = one(i + j * N<T>, N<T>);
            total.add(x[0], x[1], x[2], x[3]);
        },
        [&](idx i, int k) { total.add(one(i, k)); });
    return total.value();
}

// The sums of w and of w g, and what no w is above if none is below 0.
template <class T> struct Moments {
    double total, moment;
    T bound;
};

// before(i) is called before anything below i is read.
template <class T, Meets MEETS, class W, class G, class F>
inline Moments<T> moments(idx n, W weight, G g, F before) {
    Total<T> total, moment;
    V<T> bound = splat<T>(0);
    const auto some = [&]<int MANY>(idx i) {
        before(i + MANY * N<T>);
        V<T> w[MANY], x[MANY];
        for (int j = 0; j < MANY; j++) {
            w[j] = weight(i + j * N<T>, N<T>);
            x[j] = weighted<T, MEETS>(w[j], g(i + j * N<T>, N<T>));
        }
        for (int j = 4; j < MANY; j++) w[j - 4] += w[j], x[j - 4] += x[j];
        const V<T> sum = (w[0] + w[1]) + (w[2] + w[3]);
        bound = maximum<T>(sum, bound);
        total.add(sum);
        moment.add(x[0], x[1], x[2], x[3]);
    };
    idx done = 0;
    for (; done + 8 * N<T> <= n; done += 8 * N<T>) some.template operator()<8>(done);
    each_four<T>(
        n - done, [&](idx i) { some.template operator()<4>(done + i); },
        [&](idx i, int k) {
            before(done + i + k);
            const V<T> w = weight(done + i, k);
            bound = maximum<T>(w, bound);
            total.add(w);
            moment.add(weighted<T, MEETS>(w, g(done + i, k)));
        });
    return {total.value(), moment.value(), largest<T>(bound)};
}

template <class T, class W> inline T largest_weight(idx n, W weight) {
    V<T> top = splat<T>(0);
    each_vector<T>(n, [&](idx i, int k) { top = maximum<T>(weight(i, k), top); });
    return largest<T>(top);
}

// g where the weight is the largest.
template <class T, class W, class G>
inline V<T> at_largest(idx n, T largest_weight, W weight, G g) {
    V<T> own = splat<T>(0);
    each_vector<T>(n, [&](idx i, int k) {
        const I<T> here = weight(i, k) == splat<T>(largest_weight);
        if (any<T>(here)) own = only<T>(here, g(i, k));
    });
    return own;
}

// Bytes of a row up to which its last step is put off until the next one is read.
constexpr idx PUT_OFF = idx(1) << 18;

// What is taken off a row's g: that of a weight over half of all, and the mean beside it.
template <class T> struct Centre {
    V<T> own, mean;
};

// weight(i, k), g(i, k) give a row's vectors, 0 beyond the end.
template <class T, Meets MEETS, class W, class G, class F>
inline Centre<T> centre_of(idx n, W weight, G g, F before) {
    const Moments<T> found = moments<T, MEETS>(n, weight, g, before);
    const auto mean = [&](double moment) {
        return splat<T>(T(found.total == 0 ? 0 : moment / found.total));
    };
    const double half = 0.5 * found.total;
    const T top = found.bound > half ? largest_weight<T>(n, weight) : T(0);
    if (!(top > half)) return {V<T>{}, mean(found.moment)};
    const V<T> own = at_largest<T>(n, top, weight, g);
    return {own, mean(moment_from<T, MEETS>(n, own, weight, g))};
}

// One row of any width; after(i, k, value) is the last step.
template <class T, Meets MEETS, bool STREAM, class W, class G, class F>
inline void center_row(idx n, T *out, const T *next, T factor, W weight, G g, F after) {
    const Centre<T> centre = centre_of<T, MEETS>(n, weight, g, [](idx) {});
    write<T, STREAM>(out, n, next, [&](idx i, int k) {
        const V<T> away = (g(i, k) - centre.own) - centre.mean;
        return after(i, k, centered<T, MEETS>(weight(i, k), away) * factor);
    });
}

// The last step of a row w with covector g.
template <class T, Meets MEETS> struct Centering {
    const T *w, *g;
    Centre<T> centre;
    T factor;
    V<T> operator()(idx i, int k) const {
        const V<T> away = (load_some(g + i, k) - centre.own) - centre.mean;
        return centered<T, MEETS>(load_some(w + i, k), away) * factor;
    }
};

// w (g - S) factor for rows of a few vectors.
template <class T, int K, Meets MEETS, Own OWN>
inline void center_groups(T factor, const T *w, const T *g, T *out, idx rows, idx n) {
    each_group<T>(rows, [&](idx r, int count) {
        const Group<T, K> weight(w + r * n, n, count, 0);
        Group<T, K> slope(g + r * n, n, count, 0);
        center_group<T, K, MEETS, OWN>(weight, slope, factor, out + r * n, n, count,
                                       [](int, int, V<T> x) { return x; });
    });
}

// For longer ones. A step is put off only while the second cache holds two rows.
template <class T, Meets MEETS, bool STREAM>
__attribute__((noinline)) void center_long(T factor, const T *w, const T *g, T *out,
                                           idx rows, idx n) {
    const bool off = STREAM && n * idx(sizeof(T)) <= PUT_OFF;
    Later<T, Centering<T, MEETS>> later;
    for (idx r = 0; r < rows; r++, w += n, g += n, out += n) {
        const Centre<T> centre = centre_of<T, MEETS>(
            n, [&](idx i, int k) { return load_some(w + i, k); },
            [&](idx i, int k) { return load_some(g + i, k); },
            [&](idx i) {
                if (off) expect(w + i), expect(g + i), later.upto(i);
            });
        const Centering<T, MEETS> step = {w, g, centre, factor};
        if (off)
            later = {step, out, n};
        else
            write<T, STREAM>(out, n, nullptr, step);
    }
    later.upto(later.n);
    if (STREAM) fence();
}

template <class T, Meets MEETS, Own OWN, bool STREAM>
inline void center_rows(T factor, const T *w, const T *g, T *out, idx rows, idx n) {
    const bool small = narrow<T>(n, [&]<int K>() {
        center_groups<T, K, MEETS, OWN>(factor, w, g, out, rows, n);
    });
    if (!small) center_long<T, MEETS, STREAM>(factor, w, g, out, rows, n);
}
