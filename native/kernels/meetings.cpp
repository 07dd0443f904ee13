// What pairs are made of beside maps and losses: targets as values, logs that follow
// from outputs, monomials, centerings.

#include "kernel.h"
#include "losses.h"

namespace anymax {
namespace {

#include "power-inl.h"
#include "sums-inl.h"

// Call body(r, i, k) for the vectors of each row.
template <class T, class Body> inline void each_row(idx rows, idx n, Body body) {
    for (idx r = 0; r < rows; r++)
        each_vector<T>(n, [&](idx i, int k) { body(r, r * n + i, k); });
}

// ---- targets

template <class T>
void encode_row(const Encoding<T> &by, const T *values, T total, T weighed, T *out,
                idx n) {
    const T eps = T(by.smoothing);
    const T even = T(by.smoothing / double(n));
    const T others = T(by.smoothing / double(n > 1 ? n - 1 : 1));
    each_vector<T>(n, [&](idx i, int k) {
        const V<T> y = load_some(values + i, k);
        const V<T> w = by.weight ? load_some(by.weight + i, k) : splat<T>(1);
        V<T> made;
        if (by.dialect == 0) {
            made = (1 - eps) * w * y + even * w;
        } else {
            const V<T> share = total != 0 ? y / splat<T>(total) : V<T>{};
            const V<T> spread = by.dialect == 1 ? splat<T>(even) : others * (1 - share);
            made = weighed * ((1 - eps) * share + spread);
        }
        store_some(out + i, made, k);
    });
}

template <class T>
void encode(const Encoding<T> &by, const T *values, const int64_t *index, T *out,
            idx rows, idx n) {
    for (idx r = 0; r < rows; r++) {
        T *row = out + r * n;
        const T *given = row;
        if (values) {
            given = values + r * n;
        } else {
            each_vector<T>(n, [&](idx i, int k) { store_some(row + i, V<T>{}, k); });
            if (by.ignores && index[r] == by.ignored) continue;
            row[index[r]] = 1;
        }
        T total = 1, weighed = 1;
        if (by.dialect && values)
            total = summed<T>(n, [&](idx i, int k) { return load_some(given + i, k); });
        if (by.dialect)
            weighed = !by.weight ? total
                      : index    ? by.weight[index[r]]
                                 : summed<T>(n, [&](idx i, int k) {
                                    return load_some(given + i, k) *
                                           load_some(by.weight + i, k);
                                });
        encode_row(by, given, total, weighed, row, n);
    }
}

constexpr double SUM_TOLERANCE = 0.999e-3;  // a little less than the sets' own

template <class T>
bool within(const Bounds<T> &in, const T *values, idx rows, idx n) {
    const V<T> low = splat<T>(in.low), high = splat<T>(in.high);
    I<T> bad{};
    each_vector<T>(rows * n, [&](idx i, int k) {
        const V<T> y = load_some(values + i, k, in.sums || in.signs ? T(1) : values[i]);
        bad |= (in.low_in ? y < low : y <= low) | (in.high_in ? y > high : y >= high);
        if (in.signs) bad |= ~(absolute(y) == splat<T>(1)) & (y == y);
    });
    if (any<T>(bad)) return false;
    for (idx r = 0; in.sums && r < rows; r++) {
        const T *row = values + r * n;
        const T total = summed<T>(n, [&](idx i, int k) { return load_some(row + i, k); });
        const double off = double(total) - 1;
        if (off > SUM_TOLERANCE || off < -SUM_TOLERANCE)
            if (!(in.zeros && total == 0)) return false;  // NaN passes
    }
    return true;
}

// ---- what follows from the outputs

template <class T> void log_of(const T *a, T *out, idx count) {
    each_vector<T>(count, [&](idx i, int k) {
        store_some(out + i, log(load_some(a + i, k)), k);
    });
}

// log(1 - a); on the simplex log1p(-a), and of the largest the log of the others' sum.
template <class T>
void log_not(const T *a, const T *logs, bool simplex, T *out, idx rows, idx n) {
    each_vector<T>(rows * n, [&](idx i, int k) {
        store_some(out + i, log1p(-load_some(a + i, k)), k);
    });
    for (idx r = 0; simplex && r < rows; r++) {
        const T *row = logs + r * n;
        const idx at = top_of(row, n), after = n - at - 1;
        const T one = most(row, at), two = most(row + at + 1, after);
        const T best = one > two ? one : two;
        const T shift = best - best == 0 ? best : T(0);
        const auto part = [&](const T *from, idx size) {
            return summed<T>(size, [&](idx i, int k) {
                return exp(load_some(from + i, k) - splat<T>(shift));
            });
        };
        const T total = part(row, at) + part(row + at + 1, after);
        out[r * n + at] = log(splat<T>(total))[0] + shift;
    }
}

// 1 - a; on the simplex that of the largest as the sum of the others.
template <class T> void less(const T *a, bool simplex, T *out, idx rows, idx n) {
    each_vector<T>(rows * n, [&](idx i, int k) {
        store_some(out + i, splat<T>(1) - load_some(a + i, k), k);
    });
    for (idx r = 0; simplex && r < rows; r++) {
        const T *row = a + r * n;
        const idx at = top_of(row, n);
        out[r * n + at] = others_of(row, at, n);
    }
}

// ---- monomials

// a^p (1-a)^q (1+a)^r of k numbers.
template <class T>
inline V<T> monomial(const Powers &m, const Places<T> &at, idx i, int k) {
    const V<T> a = load_some(at.a + i, k, T(0.5));
    V<T> value = splat<T>(1);
    if (m.p != 0) {
        const bool broken = at.log && m.p != T(long(m.p));
        value = broken ? exp(T(m.p) * load_some(at.log + i, k)) : raised<T>(a, m.p);
    }
    if (m.q != 0) {
        const V<T> one_less = at.less ? load_some(at.less + i, k, T(0.5)) : 1 - a;
        value *= raised<T>(one_less, m.q);
    }
    if (m.r != 0) value *= raised<T>(1 + a, m.r);
    return value;
}

template <class T>
inline V<T> factor_at(const Places<T> &at, idx i, int k) {
    return at.factor ? load_some(at.factor + i, k) : splat<T>(1);
}

// w = factor m(a), 0 off the support.
template <class T>
inline V<T> weight_at(const Powers &m, const Places<T> &at, idx i, int k) {
    const V<T> c = factor_at(at, i, k);
    return keep<T>(~(c == splat<T>(0)), c * monomial(m, at, i, k));
}

template <class T>
void cancelled(const Powers &m, const Places<T> &at, T *top, idx rows, idx n) {
    const bool unbounded = m.p < 0 || m.q < 0 || m.r < 0;
    each_vector<T>(rows * n, [&](idx i, int k) {
        const V<T> x = load_some(top + i, k);
        V<T> t = x * weight_at(m, at, i, k);
        const V<T> c = factor_at(at, i, k);
        I<T> none = c == splat<T>(0);
        if (unbounded) none |= x * c == splat<T>(0);
        store_some(top + i, keep<T>(~none, t), k);
    });
}

template <class T>
void resolved(const Powers &m, const Places<T> &at, T *top, idx rows, idx n) {
    each_vector<T>(rows * n, [&](idx i, int k) {
        store_some(top + i, load_some(top + i, k) / monomial(m, at, i, k), k);
    });
}

// ---- centerings

// t - share sum t with share = w / sum w; the largest share's entry as
// t (1 - share) - share (sum of the other t), 1 - share being the others' sum.
template <class T>
void center_row(const T *w, T *t, T total, idx n) {
    const T inverse = total != 0 ? 1 / total : T(0);
    const idx at = top_of(w, n);  // w is of one sign, here > 0
    const T own = t[at];
    const T others = others_of(t, at, n);
    const T rest = others_of(w, at, n) * inverse;
    const T whole = own + others;
    each_vector<T>(n, [&](idx i, int k) {
        const V<T> share = load_some(w + i, k) * inverse;
        store_some(t + i, load_some(t + i, k) - share * whole, k);
    });
    t[at] = own * rest - w[at] * inverse * others;
}

template <class T>
void centered(const Powers &m, const Places<T> &at, T *t, T *work, idx rows, idx n) {
    for (idx r = 0; r < rows; r++) {
        const T total = summed<T>(n, [&](idx i, int k) {
            const V<T> w = absolute(weight_at(m, at, r * n + i, k));
            store_some(work + i, w, k);
            return w;
        });
        center_row(work, t + r * n, total, n);
    }
}

// t - a sum t - tau q, q the softmax of what is not at k: from the outputs, or from
// their logs where the others all but underflow.
template <class T>
void turn(const T *a, const T *logs, T others, idx k_at, T total, T tau, T *t, idx n) {
    constexpr T TINY = sizeof(T) == 4 ? T(1e-30) : T(1e-290);
    if (others > TINY || !logs) {
        each_vector<T>(n, [&](idx i, int k) {
            const V<T> share = load_some(a + i, k);
            const V<T> q = others != 0 ? share / splat<T>(others) : V<T>{};
            store_some(t + i, load_some(t + i, k) - share * total - q * tau, k);
        });
        t[k_at] = (others != 0 ? tau : T(0)) - a[k_at] * total;
        return;
    }
    const T one = most(logs, k_at), two = most(logs + k_at + 1, n - k_at - 1);
    const T best = one > two ? one : two;
    if (best - best != 0) return void(t[k_at] = -a[k_at] * total);  // k is alone
    const auto part = [&](const T *from, idx size) {
        return summed<T>(size, [&](idx i, int k) {
            return exp(load_some(from + i, k) - splat<T>(best));
        });
    };
    const T sum = part(logs, k_at) + part(logs + k_at + 1, n - k_at - 1);
    each_vector<T>(n, [&](idx i, int k) {
        const V<T> q = exp(load_some(logs + i, k) - splat<T>(best)) / splat<T>(sum);
        const V<T> left = load_some(t + i, k) - load_some(a + i, k) * total;
        store_some(t + i, left - q * tau, k);
    });
    t[k_at] = tau - a[k_at] * total;
}

// r = t - a sum t + tau (e_k - q): k the largest output, q the softmax of the others,
// t = top m off k, tau = top m (1 - a) at k; m holds a negative power of 1 - a.
template <class T>
void left_out(const Powers &m, const Places<T> &at, T *top, T *work, idx rows, idx n) {
    for (idx r = 0; r < rows; r++) {
        const T *a = at.a + r * n;
        T *t = top + r * n;
        const idx k_at = top_of(a, n);
        const Places<T> here = {a, at.less ? at.less + r * n : nullptr,
                                at.log ? at.log + r * n : nullptr,
                                at.factor ? at.factor + r * n : nullptr};
        const T others = others_of(a, k_at, n);
        const Places<T> one = {here.a + k_at, &others, here.log ? here.log + k_at : nullptr,
                               here.factor ? here.factor + k_at : nullptr};
        const Powers cleared = {m.p, m.q + 1, m.r};
        const T tau = t[k_at] * weight_at(cleared, one, 0, 1)[0];
        t[k_at] = 0;
        cancelled(m, here, t, 1, n);
        t[k_at] = 0;
        const T total = summed<T>(n, [&](idx i, int k) { return load_some(t + i, k); });
        turn(a, here.log, others, k_at, total, tau, t, n);
    }
}

// ---- rows with one target

template <class T>
bool pick(const T *a, const int64_t *index, const T *scale, T *picked, T *less, T *logs,
          idx rows, idx n) {
    constexpr T TINY = sizeof(T) == 4 ? T(1e-30) : T(1e-290);
    bool good = true;
    for (idx r = 0; r < rows; r++) {
        picked[r] = less[r] = T(0.5);
        if (scale[r] == 0) continue;
        const idx at = idx(index[r]);
        picked[r] = a[r * n + at];
        less[r] = picked[r] > T(0.5) ? others_of(a + r * n, at, n) : 1 - picked[r];
        good &= !(picked[r] < TINY);
    }
    each_vector<T>(rows, [&](idx i, int k) {
        const V<T> x = load_some(picked + i, k), rest = load_some(less + i, k);
        const V<T> near = log1p(-rest);
        store_some(logs + i, select<T>(x > splat<T>(0.5), near, log(x)), k);
    });
    return good;
}

template <class T>
void single(const T *a, const int64_t *index, const T *t, const T *less, const T *scale,
            T *out, idx rows, idx n) {
    for (idx r = 0; r < rows; r++) {
        const V<T> by = splat<T>(scale[r] == 0 ? T(0) : -t[r]);
        const bool counts = scale[r] != 0;
        each_vector<T>(n, [&](idx i, int k) {
            const V<T> share = load_some(a + r * n + i, k);
            store_some(out + r * n + i, counts ? share * by : V<T>{}, k);
        });
        if (counts) out[r * n + idx(index[r])] = t[r] * less[r];
    }
}

// ---- the last pass

template <class T> void stretch(T c, const T *by, T *x, idx rows, idx n) {
    each_row<T>(rows, n, [&](idx r, idx i, int k) {
        const V<T> v = load_some(x + i, k);
        const V<T> moved = v * (c * by[r]);
        store_some(x + i, keep<T>(~(v == splat<T>(0)), moved), k);
    });
}

template <class T>
void finish(const T *past, const T *scale, T *out, idx rows, idx n) {
    for (idx r = 0; r < rows; r++) {
        if (!past && scale[r] != 0) continue;
        const T s = scale[r];
        each_vector<T>(n, [&](idx i, int k) {
            V<T> x{};
            if (s != 0) x = load_some(out + r * n + i, k) + load_some(past + r * n + i, k);
            store_some(out + r * n + i, x, k);
        });
    }
}

template <class T> void move(const T *x, T *out, idx count) {
    const idx off = idx((uintptr_t(out) / sizeof(T)) % N<T>);
    idx i = off ? N<T> - off : 0;
    i = i < count ? i : count;
    if (i) store(out, load(x, int(i)), int(i));
    for (; i + N<T> <= count; i += N<T>) stream(out + i, load(x + i));
    if (i < count) store(out + i, load(x + i, int(count - i)), int(count - i));

}

template <class T>
constexpr MeetingKernels<T> meetings = {
    encode<T>,    within<T>,   log_of<T>,   log_not<T>, less<T>,
    cancelled<T>, resolved<T>, centered<T>, left_out<T>, pick<T>,
    single<T>,    stretch<T>,  finish<T>,   move<T>,    fence,
};

}  // namespace

EXPORT(MeetingFamily, meetings) = {meetings<float>, meetings<double>};

}  // namespace anymax
