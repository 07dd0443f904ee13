// Sums and largest entries of single rows, in an order that their width alone decides.

// The sum of n vectors' lanes value(i, k), those beyond k left out; folded every 64.
template <class T, class Value> inline double summed_wide(idx n, Value value) {
    V<T> total{};
    double folded = 0;
    idx filled = 0;
    each_vector<T>(n, [&](idx i, int k) {
        const V<T> x = value(i, k);
        total += k == N<T> ? x : keep<T>(first<T>(k), x);
        if (++filled < 64) return;
        folded += double(sum<T>(total));
        total = V<T>{};
        filled = 0;
    });
    return folded + double(sum<T>(total));
}

template <class T, class Value> inline T summed(idx n, Value value) {
    return T(summed_wide<T>(n, value));
}

// The sum of all n numbers but the one at a place.
template <class T> inline T others_of(const T *x, idx at, idx n) {
    const auto part = [](const T *from, idx size) {
        return summed<T>(size, [&](idx i, int k) { return load_some(from + i, k); });
    };
    return part(x, at) + part(x + at + 1, n - at - 1);
}

// The largest of n numbers, of NaN only the others; -inf of none.
template <class T> inline T most(const T *x, idx n) {
    V<T> best = splat<T>(-__builtin_inf());
    each_vector<T>(n, [&](idx i, int k) {
        best = maximum<T>(load_some(x + i, k, T(-__builtin_inf())), best);
    });
    return largest<T>(best);
}

// The first place of a number in a row; n where there is none.
template <class T> inline idx place_of(T number, const T *x, idx n) {
    for (idx i = 0; i < n; i += N<T>) {
        const int k = n - i < N<T> ? int(n - i) : N<T>;
        if (!any<T>(load_some(x + i, k, x[i]) == splat<T>(number))) continue;
        for (int j = 0; j < k; j++)
            if (x[i + j] == number) return i + j;
    }
    return n;
}

// Where the first of the largest entries of a row is; 0 where all are NaN.
template <class T> inline idx top_of(const T *x, idx n) {
    const idx at = place_of(most(x, n), x, n);
    return at < n ? at : 0;
}
