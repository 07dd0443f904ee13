// Standardised inputs: u = (x - mean) inverse, inverse = 1 / sqrt(variance + eps), and
// y = u gain + shift. With M the mean over what was standardised together and h = g gain,
// going down by_x = inverse (h - M h - u M[u h]).

// y = u gain + shift, either of which may be missing, k numbers from j on.
template <class T> inline V<T> scaled(V<T> u, const T *gain, const T *shift, idx j, int k) {
    if (gain) u *= load_some(gain + j, k);
    if (shift) u += load_some(shift + j, k);
    return u;
}

// The sum of f(vector i, how many) over n numbers; f gives 0 in lanes that do not count.
template <class T, class F> inline T total(idx n, const F &f) {
    V<T> even = V<T>{}, odd = V<T>{};
    idx i = 0;
    for (; i + 2 * N<T> <= n; i += 2 * N<T>) {
        even += f(i, N<T>);
        odd += f(i + N<T>, N<T>);
    }
    for (; i < n; i += N<T>) even += f(i, int(n - i < N<T> ? n - i : N<T>));
    return sum<T>(even + odd);
}

// ---- along rows

template <class T>
void norm(bool centred, double eps, const T *x, const T *gain, const T *shift, T *y,
          T *mean, T *inverse, idx rows, idx n) {
    for (idx row = 0; row < rows; row++, x += n, y += n) {
        T middle = 0;
        if (centred)
            middle = total<T>(n, [&](idx j, int k) { return load_some(x + j, k); }) / T(n);
        const V<T> off = splat(middle);
        const T variance = total<T>(n, [&](idx j, int k) {
            const V<T> level = load_some(x + j, k, middle) - off;
            return level * level;
        }) / T(n);
        const T steep = T(1) / root(splat(variance + T(eps)))[0];
        each_vector<T>(n, [&](idx j, int k) {
            const V<T> u = (load_some(x + j, k) - off) * splat(steep);
            store_some(y + j, scaled(u, gain, shift, j, k), k);
        });
        if (mean && centred) mean[row] = middle;
        if (inverse) inverse[row] = steep;
    }
}

template <class T>
void norm_vjp(bool centred, const T *x, const T *gain, const T *mean, const T *inverse,
              const T *g, T *by_x, T *by_gain, T *by_shift, T *, idx rows, idx n) {
    for (idx row = 0; row < rows; row++, x += n, g += n, by_x += n) {
        const V<T> off = splat(centred ? mean[row] : T(0)), steep = splat(inverse[row]);
        const auto u = [&](idx j, int k) { return (load_some(x + j, k) - off) * steep; };
        const auto h = [&](idx j, int k) {
            return scaled<T>(load_some(g + j, k), gain, nullptr, j, k);
        };
        const V<T> level = splat(centred ? total<T>(n, h) / T(n) : T(0));
        const V<T> along =
            splat(total<T>(n, [&](idx j, int k) { return u(j, k) * h(j, k); }) / T(n));
        each_vector<T>(n, [&](idx j, int k) {
            const V<T> standard = u(j, k), down = load_some(g + j, k);
            const V<T> out = steep * (h(j, k) - level - standard * along);
            if (by_gain)
                store_some(by_gain + j, load_some(by_gain + j, k) + down * standard, k);
            if (by_shift) store_some(by_shift + j, load_some(by_shift + j, k) + down, k);
            store_some(by_x + j, out, k);
        });
    }
}

// ---- along columns, which lie `wide` apart

// The sum of f(offset of a vector in the column j) over the rows.
template <class T, class F> inline V<T> down_rows(idx rows, idx wide, idx j, const F &f) {
    V<T> even = V<T>{}, odd = V<T>{};
    idx i = 0;
    for (; i + 2 <= rows; i += 2) {
        even += f(i * wide + j);
        odd += f((i + 1) * wide + j);
    }
    if (i < rows) even += f(i * wide + j);
    return even + odd;
}

template <class T>
void batch_norm(double eps, const T *x, const T *gain, const T *shift, T *y, T *mean,
                T *variance, T *inverse, idx rows, idx n, idx wide) {
    const V<T> count = splat(T(rows > 0 ? rows : 1));
    each_vector<T>(n, [&](idx j, int k) {
        const V<T> middle =
            down_rows<T>(rows, wide, j, [&](idx at) { return load_some(x + at, k); }) /
            count;
        const V<T> spread = down_rows<T>(rows, wide, j, [&](idx at) {
            const V<T> level = load_some(x + at, k) - middle;
            return level * level;
        }) / count;
        const V<T> steep = splat(T(1)) / root(spread + splat(T(eps)));
        for (idx at = j; at < rows * wide; at += wide) {
            const V<T> u = (load_some(x + at, k) - middle) * steep;
            store_some(y + at, scaled(u, gain, shift, j, k), k);
        }
        store_some(mean + j, middle, k);
        store_some(variance + j, spread, k);
        store_some(inverse + j, steep, k);
    });
}

template <class T>
void batch_norm_vjp(const T *x, const T *gain, const T *mean, const T *inverse, const T *g,
                    T *by_x, T *by_gain, T *by_shift, T *, idx rows, idx n, idx wide) {
    const V<T> count = splat(T(rows > 0 ? rows : 1)), one = splat(T(1));
    each_vector<T>(n, [&](idx j, int k) {
        const V<T> middle = load_some(mean + j, k), steep = load_some(inverse + j, k);
        const auto u = [&](idx at) { return (load_some(x + at, k) - middle) * steep; };
        const V<T> flat =
            down_rows<T>(rows, wide, j, [&](idx at) { return load_some(g + at, k); });
        const V<T> along = down_rows<T>(rows, wide, j, [&](idx at) {
            return load_some(g + at, k) * u(at);
        });
        const V<T> slope = steep * scaled<T>(one, gain, nullptr, j, k);
        for (idx at = j; at < rows * wide; at += wide) {
            const V<T> level = load_some(g + at, k) - flat / count - u(at) * (along / count);
            store_some(by_x + at, slope * level, k);
        }
        if (by_gain) store_some(by_gain + j, load_some(by_gain + j, k) + along, k);
        if (by_shift) store_some(by_shift + j, load_some(by_shift + j, k) + flat, k);
    });
}

template <class T> void move(double momentum, const T *batch, T *running, idx n) {
    const V<T> keep_share = splat(T(momentum)), share = splat(T(1 - momentum));
    each_vector<T>(n, [&](idx j, int k) {
        const V<T> now = load_some(running + j, k), other = load_some(batch + j, k);
        store_some(running + j, keep_share * now + share * other, k);
    });
}

template <class T>
void held_norm(double eps, const T *x, const T *gain, const T *shift, const T *mean,
               const T *variance, T *y, T *inverse, idx rows, idx n) {
    each_vector<T>(n, [&](idx j, int k) {
        const V<T> spread = load_some(variance + j, k, T(1)) + splat(T(eps));
        store_some(inverse + j, splat(T(1)) / root(spread), k);
    });
    for (idx row = 0; row < rows; row++)
        each_vector<T>(n, [&](idx j, int k) {
            const V<T> level = load_some(x + row * n + j, k) - load_some(mean + j, k);
            const V<T> u = level * load_some(inverse + j, k);
            store_some(y + row * n + j, scaled(u, gain, shift, j, k), k);
        });
}

template <class T>
void held_norm_vjp(const T *x, const T *gain, const T *mean, const T *inverse, const T *g,
                   T *by_x, T *by_gain, T *by_shift, idx rows, idx n) {
    for (idx row = 0; row < rows; row++)
        each_vector<T>(n, [&](idx j, int k) {
            const idx at = row * n + j;
            const V<T> down = load_some(g + at, k), steep = load_some(inverse + j, k);
            const V<T> u = (load_some(x + at, k) - load_some(mean + j, k)) * steep;
            if (by_gain) store_some(by_gain + j, load_some(by_gain + j, k) + down * u, k);
            if (by_shift) store_some(by_shift + j, load_some(by_shift + j, k) + down, k);
            store_some(by_x + at, steep * scaled<T>(down, gain, nullptr, j, k), k);
        });
}
