// Sigmoid with binary cross-entropy: with e = exp(-|z|) and softplus(z) = max(z, 0) +
// log(1 + e), the value is p y softplus(-z) + (1 - y) softplus(z), the gradient
// a (1 - y) - p y (1 - a), p being what a yes counts for.
template <class T>
void sigmoid_cross_entropy(const Numbers &, const Numbers &loss, const T *scaling,
                           const T *z, const Given<T> &y, const T *scale, T *gradient,
                           T *value, T *, bool streaming, idx rows, idx n) {
    const V<T> zero{}, one = splat<T>(1), every = splat<T>(T(loss.v[EVERY]));
    for (idx r = 0; r < rows; r++) {
        const T *from = z + r * n, *target = y.values + r * n;
        const auto yes = [&](idx i, int k) {
            const V<T> by = scaling ? load_some(scaling + i, k) : every;
            return by * load_some(target + i, k);
        };
        if (value && scale[r] != 0) {
            Total<T> total;
            each_vector<T>(n, [&](idx i, int k) {
                const V<T> x = load_some(from + i, k);
                const V<T> more = log1p_unit<T>(exp(-absolute(x)));
                const V<T> up = maximum<T>(zero, x) + more, down = maximum<T>(zero, -x);
                const V<T> no = one - load_some(target + i, k), of = yes(i, k);
                const V<T> term = keep<T>(~(of == zero), of * (down + more)) +
                                  keep<T>(~(no == zero), no * up);
                total.add(k == N<T> ? term : keep<T>(first<T>(k), term));
            });
            value[r] = scale[r] * T(total.value());
        } else if (value) {
            value[r] = 0;
        }
        if (!gradient) continue;
        const V<T> by = splat<T>(scale[r]);
        const auto slope = [&](idx i, int k) {
            const V<T> x = load_some(from + i, k), e = exp(-absolute(x));
            const V<T> inverse = one / (one + e), small = e * inverse;
            const I<T> up = x >= zero;
            const V<T> a = select<T>(up, inverse, small);
            const V<T> less = select<T>(up, small, inverse);
            const V<T> top = a * (one - load_some(target + i, k)) - yes(i, k) * less;
            return keep<T>(~(by == zero), top * by);
        };
        if (streaming)
            write<T, true>(gradient + r * n, n, nullptr, slope);
        else
            write<T, false>(gradient + r * n, n, nullptr, slope);
    }
    if (streaming) fence();
}
