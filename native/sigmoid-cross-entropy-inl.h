// Sigmoid with binary cross-entropy: with e = exp(-|z|) and softplus(z) = max(z, 0) +
// log(1 + e), the value is p y softplus(-z) + (1 - y) softplus(z), the gradient
// a (1 - y) - p y (1 - a), p being what a yes counts for.
template <class T> struct SigmoidAt {
    V<T> z, e, up, down;  // logits, exp(-|z|), softplus of both signs but for its log1p
    V<T> no, yes;         // 1 - y, p y

    V<T> value() const {
        const V<T> more = log1p_unit<T>(e), zero{};
        return keep<T>(~(yes == zero), yes * (down + more)) +
               keep<T>(~(no == zero), no * (up + more));
    }

    V<T> slope() const {
        const V<T> inverse = splat<T>(1) / (splat<T>(1) + e), small = e * inverse;
        const I<T> above = z >= splat<T>(0);
        const V<T> a = select<T>(above, inverse, small);
        return a * no - yes * select<T>(above, small, inverse);
    }
};

constexpr idx PART = 2048;  // numbers that wait in the first cache for being streamed

template <class T>
void sigmoid_cross_entropy(const Numbers &, const Numbers &loss, const T *scaling,
                           const T *z, const Given<T> &y, const T *scale, T *gradient,
                           T *value, T *work, bool streaming, idx rows, idx n) {
    const V<T> zero{}, every = splat<T>(T(loss.v[EVERY]));
    for (idx r = 0; r < rows; r++) {
        const T *from = z + r * n, *target = y.values + r * n;
        const bool counts = scale[r] != 0;
        const V<T> by = splat<T>(scale[r]);
        Total<T> total;
        const auto at = [&](idx i, int k) {
            SigmoidAt<T> x;
            x.z = load_some(from + i, k);
            x.e = exp(-absolute(x.z));
            x.up = maximum<T>(zero, x.z);
            x.down = maximum<T>(zero, -x.z);
            const V<T> t = load_some(target + i, k);
            x.no = splat<T>(1) - t;
            x.yes = (scaling ? load_some(scaling + i, k) : every) * t;
            return x;
        };
        const auto add = [&](V<T> term, int k) {
            total.add(k == N<T> ? term : keep<T>(first<T>(k), term));
        };
        const auto both = [&](idx i, int k) {
            const SigmoidAt<T> x = at(i, k);
            if (value) add(x.value(), k);
            return counts ? x.slope() * by : zero;
        };
        // the order of the sum must not depend on where the output lies
        T *out = gradient ? gradient + r * n : nullptr;
        if (!out)
            each_vector<T>(n, [&](idx i, int k) { add(at(i, k).value(), k); });
        for (idx begin = 0; out && begin < n; begin += PART) {
            const idx some = n - begin < PART ? n - begin : PART;
            T *to = streaming ? work : out + begin;
            each_vector<T>(some, [&](idx i, int k) {
                store_some(to + i, both(begin + i, k), k);
            });
            if (streaming)
                write<T, true>(out + begin, some, nullptr,
                               [&](idx i, int k) { return load_some(work + i, k); });
        }
        if (value) value[r] = counts ? scale[r] * T(total.value()) : T(0);
    }
    if (streaming) fence();
}
