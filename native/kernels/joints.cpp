// A map and a loss in one go: softmax with cross-entropy, sigmoid with binary
// cross-entropy. The values and gradients are those of the composition.

#include "kernel.h"
#include "losses.h"

namespace anymax {
namespace {

constexpr idx BLOCK = 1024;   // numbers whose sums are folded before they are added
constexpr idx LONG = 32768;   // beyond it exp is computed twice and not kept

// How many lanes are true.
template <class T> inline int count(I<T> mask) {
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

// What a row of logits gives before the gradient is written: with d = (z - max) / T,
// `others` = sum exp(d) less the 1 of the largest, sums of y, y d and d.
template <class T> struct Row {
    T largest, others, sum_y, sum_yd, sum_d;
};

// The largest of n numbers; of NaN only the others count.
template <class T> inline T largest_of(const T *z, idx n) {
    constexpr int W = N<T>;
    V<T> best[4];
    for (auto &each : best) each = splat<T>(-__builtin_inf());
    idx i = 0;
    for (; i + 4 * W <= n; i += 4 * W)
        for (int j = 0; j < 4; j++) best[j] = maximum<T>(load(z + i + j * W), best[j]);
    for (; i + W <= n; i += W) best[0] = maximum<T>(load(z + i), best[0]);
    if (i < n)
        best[1] = maximum<T>(load(z + i, int(n - i), T(-__builtin_inf())), best[1]);
    const V<T> low = maximum<T>(best[0], best[1]), high = maximum<T>(best[2], best[3]);
    return largest<T>(maximum<T>(low, high));
}

// Lanes whose sums a row needs, for one accumulator.
template <class T> struct Lanes {
    V<T> others{}, y{}, yd{}, d{};
    int ties = 0;
};

// One vector of a row: exp((z - max) / T), kept in e unless null, and its sums. What
// rounds to 1 is the largest, or tied with it.
template <class T, bool VALUES>
inline void take(Lanes<T> &into, const T *z, const T *y, T *e, V<T> best, V<T> cold,
                 bool all, int k) {
    const V<T> d = (load_some(z, k, T(-__builtin_inf())) - best) * cold;
    const V<T> x = exp(d);
    const I<T> one = x == splat<T>(1);
    into.others += keep<T>(~one, x);
    into.ties += count<T>(one);
    if (e) store_some(e, x, k);
    if constexpr (VALUES) {
        const V<T> target = load_some(y, k);
        into.y += target;
        into.yd += keep<T>(target != splat<T>(0), target * d);
    } else if (all) {
        into.d += k == N<T> ? d : keep<T>(first<T>(k), d);
    }
}

template <class T, bool VALUES>
Row<T> gathered(const T *z, const T *y, T *e, T cold, bool all, idx n) {
    constexpr int W = N<T>;
    const T best = largest_of(z, n);
    double others = 0, of_y = 0, of_yd = 0, of_d = 0;
    idx ties = 0;
    for (idx from = 0; from < n; from += BLOCK) {
        const idx to = from + BLOCK < n ? from + BLOCK : n;
        Lanes<T> one, two;
        idx i = from;
        for (; i + 2 * W <= to; i += 2 * W) {
            take<T, VALUES>(one, z + i, y + i, e ? e + i : e, splat<T>(best),
                            splat<T>(cold), all, W);
            take<T, VALUES>(two, z + i + W, y + i + W, e ? e + i + W : e,
                            splat<T>(best), splat<T>(cold), all, W);
        }
        for (; i < to; i += W)
            take<T, VALUES>(one, z + i, y + i, e ? e + i : e, splat<T>(best),
                            splat<T>(cold), all, to - i < W ? int(to - i) : W);
        others += sum<T>(one.others + two.others);
        ties += one.ties + two.ties;
        if constexpr (VALUES) {
            of_y += sum<T>(one.y + two.y);
            of_yd += sum<T>(one.yd + two.yd);
        } else if (all) {
            of_d += sum<T>(one.d + two.d);
        }
    }
    // an infinite largest makes the row NaN, as inf - inf does
    return {best, T(others + double(ties - 1)) + (best - best), T(of_y), T(of_yd),
            T(of_d)};
}

// What is multiplied into a row's exponentials, and what is taken off.
template <class T> struct Coefficients {
    T share;       // 1 / sum exp
    T rest;        // 1 - share of the largest
    T all, scale;  // sum y, plus what the z-loss pulls; the row's scale / T
};

// The gradient where e = exp(d) and the target is y: (a (sum y) - y) scale; of the
// largest, with 1 - a as the sum of the others, so that no digit is lost near 1.
template <class T>
inline V<T> slope_at(const Coefficients<T> &c, V<T> e, V<T> y) {
    const V<T> share = e * c.share;
    const V<T> plain = share * c.all - y;
    const V<T> top = share * (c.all - y) - y * c.rest;
    return select<T>(e == splat<T>(1), top, plain) * c.scale;
}

// Write n numbers body(i, k), past the caches if asked to.
template <class T, class Body>
inline void written(T *out, bool streaming, idx n, Body body) {
    if (!streaming) {
        each_vector<T>(n, [&](idx i, int k) { store_some(out + i, body(i, k), k); });
        return;
    }
    const idx off = idx((uintptr_t(out) / sizeof(T)) % N<T>);
    const idx head = off ? N<T> - off : 0;
    idx i = head < n ? head : n;
    if (i) store(out, body(0, int(i)), int(i));
    for (; i + N<T> <= n; i += N<T>) stream(out + i, body(i, N<T>));
    if (i < n) store(out + i, body(i, int(n - i)), int(n - i));
}

template <class T> struct SoftmaxCrossEntropy {
    T cold, penalty;  // 1 / T, weight of the squared log-normaliser
    const Given<T> &y;
    bool streaming;
    idx n;

    // What stands beside a class index in row r: its own target, that of the others.
    struct Hot {
        T own, base;
    };
    Hot hot(idx r) const {
        const T weight = y.weight ? y.weight[y.index[r]] : T(1);
        return {weight * y.extra, weight * y.base};
    }

    template <bool VALUES>
    void gradient_row(const T *z, const T *e, idx r, const Coefficients<T> &c, T best,
                      T *out) const {
        const T *values = VALUES ? y.values + r * n : nullptr;
        const auto exponential = [&](idx i, int k) {
            if (e) return load_some(e + i, k);
            return exp((load_some(z + i, k) - splat<T>(best)) * cold);
        };
        if constexpr (VALUES) {
            written<T>(out, streaming, n, [&](idx i, int k) {
                return slope_at<T>(c, exponential(i, k), load_some(values + i, k));
            });
        } else {
            const Hot target = hot(r);
            const idx at = idx(y.index[r]);
            const T own = e ? e[at] : exp((splat<T>(z[at]) - splat<T>(best)) * cold)[0];
            if (target.base == 0)
                written<T>(out, streaming, n, [&](idx i, int k) {
                    return exponential(i, k) * c.share * c.all * c.scale;
                });
            else
                written<T>(out, streaming, n, [&](idx i, int k) {
                    return slope_at<T>(c, exponential(i, k), splat<T>(target.base));
                });
            const T full = target.own + target.base;
            out[at] = slope_at<T>(c, splat<T>(own), splat<T>(full))[0];
        }
    }

    // A few rows: their sums, then what takes a logarithm or a division side by side,
    // then their gradients. `kept` holds the exponentials, null where they are not.
    template <bool VALUES>
    void group(const T *z, const T *scale, T *gradient, T *value, T *kept, idx from,
               int rows) const {
        constexpr int W = N<T>;
        Row<T> found[W] = {};
        T others[W] = {}, logs[W], shares[W];
        for (int r = 0; r < rows; r++) {
            if (scale[from + r] == 0) continue;
            const T *target = VALUES ? y.values + (from + r) * n : nullptr;
            found[r] = gathered<T, VALUES>(z + (from + r) * n, target,
                                           kept ? kept + r * n : nullptr, cold,
                                           y.base != 0, n);
            others[r] = found[r].others;
        }
        store(logs, log1p(load(others)));
        store(shares, splat<T>(1) / (load(others) + splat<T>(1)));
        for (int r = 0; r < rows; r++) {
            const idx row = from + r;
            T *out = gradient ? gradient + row * n : nullptr;
            if (scale[row] == 0) {
                if (value) value[row] = 0;
                if (out) each_vector<T>(n, [&](idx i, int k) {
                    store_some(out + i, V<T>{}, k);
                });
                continue;
            }
            const Row<T> &x = found[r];
            const T level = x.largest * cold + logs[r];  // log sum exp(z / T)
            T all = x.sum_y, linear = x.sum_yd;
            if constexpr (!VALUES) {
                const Hot target = hot(row);
                const T d = (z[row * n + y.index[row]] - x.largest) * cold;
                all = target.own + T(n) * target.base;
                linear = (target.own != 0 ? target.own * d : T(0)) +
                         (target.base != 0 ? target.base * x.sum_d : T(0));
            }
            if (value)
                value[row] = scale[row] * (all * logs[r] - linear +
                                           (penalty != 0 ? penalty * level * level : 0));
            if (!out) continue;
            if (penalty != 0) all += 2 * penalty * level;
            const Coefficients<T> c = {shares[r], x.others * shares[r], all,
                                       scale[row] * cold};
            gradient_row<VALUES>(z + row * n, kept ? kept + r * n : nullptr, row, c,
                                 x.largest, out);
        }
    }
};

template <class T>
void softmax_cross_entropy(const Numbers &map, const Numbers &loss, const T *,
                           const T *z, const Given<T> &y, const T *scale, T *gradient,
                           T *value, T *work, bool streaming, idx rows, idx n) {
    const SoftmaxCrossEntropy<T> pair = {T(1 / map.v[0]), T(loss.v[0]), y, streaming, n};
    idx size = 8192 / n;
    size = size < 1 ? 1 : size > N<T> ? N<T> : size;
    if (streaming && size > 4) size = 4;  // what the scratch memory holds
    const bool keep_them = gradient && n <= LONG;
    for (idx from = 0; from < rows; from += size) {
        const int some = int(rows - from < size ? rows - from : size);
        T *kept = !keep_them ? nullptr : streaming ? work : gradient + from * n;
        if (y.values)
            pair.template group<true>(z, scale, gradient, value, kept, from, some);
        else
            pair.template group<false>(z, scale, gradient, value, kept, from, some);
    }
    if (streaming) fence();
}

template <class T> constexpr JointKernel<T> joints[] = {
    {"Softmax", "CrossEntropy", softmax_cross_entropy<T>},
    {"LogSoftmax", "NegativeLogLikelihood", softmax_cross_entropy<T>},
};

}  // namespace

EXPORT(JointFamily, joints) = {
    {joints<float>, sizeof joints<float> / sizeof *joints<float>},
    {joints<double>, sizeof joints<double> / sizeof *joints<double>},
};

}  // namespace anymax
