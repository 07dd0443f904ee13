// Counter-based random numbers, those of anymax.noise bit for bit: Philox4x64-10.

constexpr int ROUNDS = 10;
constexpr uint64_t MULTIPLIERS[] = {0xD2E7470EE14C6C93, 0xCA5A826395121157};
constexpr uint64_t WEYL[] = {0x9E3779B97F4A7C15, 0xBB67AE8584CAA73B};
constexpr int BLOCK = 64;  // numbers drawn at a time

// The four words at counter (block, row, step, 0).
inline void philox(const Draw &draw, uint64_t row, uint64_t block, uint64_t *words) {
    uint64_t c0 = block, c1 = row, c2 = draw.step, c3 = 0;
    uint64_t k0 = draw.seed, k1 = draw.layer;
    for (int round = 0; round < ROUNDS; round++) {
        const auto one = (unsigned __int128)MULTIPLIERS[0] * c0;
        const auto two = (unsigned __int128)MULTIPLIERS[1] * c2;
        c0 = uint64_t(two >> 64) ^ c1 ^ k0;
        c2 = uint64_t(one >> 64) ^ c3 ^ k1;
        c1 = uint64_t(two);
        c3 = uint64_t(one);
        k0 += WEYL[0];
        k1 += WEYL[1];
    }
    words[0] = c0;
    words[1] = c1;
    words[2] = c2;
    words[3] = c3;
}

// Words become numbers in (0, 1): their upper 23 or 52 bits and a half, exactly.
inline void spread(const uint64_t *words, float *u) {
    int32_t high[BLOCK];
    for (int i = 0; i < BLOCK; i++) high[i] = int32_t(words[i] >> 41);
    for (int i = 0; i < BLOCK; i += N<float>) {
        I<float> whole;
        __builtin_memcpy(&whole, high + i, BYTES);
        store(u + i, (convert<float>(whole) + splat(0.5f)) * splat(0x1p-23f));
    }
}
inline void spread(const uint64_t *words, double *u) {
    constexpr int64_t above = 0x4330000000000000;  // 2^52, whose last bit is worth 1
    for (int i = 0; i < BLOCK; i += N<double>) {
        I<double> whole;
        for (int j = 0; j < N<double>; j++) whole[j] = int64_t(words[i + j] >> 12) | above;
        const V<double> number = from_bits<double>(whole) - splat(0x1p52);
        store(u + i, (number + splat(0.5)) * splat(0x1p-52));
    }
}

// Call body(j, count, u) for the numbers u of a row of n, BLOCK at a time.
template <class T, class Body>
inline void drawn(const Draw &draw, idx row, idx n, const Body &body) {
    alignas(64) T u[BLOCK];
    uint64_t words[BLOCK];
    for (idx j = 0; j < n; j += BLOCK) {
        const idx count = n - j < BLOCK ? n - j : BLOCK;
        for (idx i = 0; i < count; i += 4)
            philox(draw, draw.row + uint64_t(row), uint64_t(j + i) / 4, words + i);
        for (idx i = (count + 3) / 4 * 4; i < BLOCK; i++) words[i] = 0;
        spread(words, u);
        body(j, count, u);
    }
}

template <class T> void uniform(const Draw &draw, T *out, idx rows, idx n) {
    for (idx row = 0; row < rows; row++)
        drawn<T>(draw, row, n, [&](idx j, idx count, const T *u) {
            each_vector<T>(count, [&](idx i, int k) {
                store_some(out + row * n + j + i, load(u + i), k);
            });
        });
}

template <class T>
void dropout(const Draw &draw, double rate, const T *x, T *y, uint8_t *kept, idx rows,
             idx n) {
    const V<T> low = splat(T(rate)), share = splat(T(1 - rate));
    for (idx row = 0; row < rows; row++)
        drawn<T>(draw, row, n, [&](idx j, idx count, const T *u) {
            each_vector<T>(count, [&](idx i, int k) {
                const idx at = row * n + j + i;
                const I<T> keeps = load(u + i) >= low;
                store_some(y + at, keep<T>(keeps, load_some(x + at, k) / share), k);
                put_flags<T>(kept + at, keeps, k);
            });
        });
}

template <class T>
void dropout_vjp(double rate, const uint8_t *kept, const T *g, T *out, idx count) {
    const V<T> share = splat(T(1 - rate));
    each_vector<T>(count, [&](idx i, int k) {
        const V<T> whole = load_some(g + i, k) / share;
        store_some(out + i, keep<T>(where<T>(kept + i, k), whole), k);
    });
}

// cos(2 pi u), 0 <= u <= 1: with the nearest quarter turn taken off, exactly, the
// polynomials of fdlibm for |x| <= pi / 4. Error at most 2 ulp, of 1 where cos is small.
template <class T> inline V<T> cosine_of_turns(V<T> u) {
    const V<T> four = u * splat(T(4)) + splat(T(0.5));
    const I<T> quarter = __builtin_convertvector(four, I<T>);
    const V<T> x = (u - convert<T>(quarter) * splat(T(0.25))) * splat(T(6.283185307179586));
    const V<T> z = x * x;
    const T sine[] = {T(1.58969099521155010221e-10), T(-2.50507602534068634195e-08),
                      T(2.75573137070700676789e-06), T(-1.98412698298579493134e-04),
                      T(8.33333333332248946124e-03), T(-1.66666666666666324348e-01)};
    const T cosine[] = {T(-1.13596475577881948265e-11), T(2.08757232129817482790e-09),
                        T(-2.75573143513906633035e-07), T(2.48015872894767294178e-05),
                        T(-1.38888888888741095749e-03), T(4.16666666666666019037e-02)};
    V<T> s = splat(sine[0]), c = splat(cosine[0]);
    for (int i = 1; i < 6; i++) {
        s = s * z + splat(sine[i]);
        c = c * z + splat(cosine[i]);
    }
    s = x + x * z * s;
    c = splat(T(1)) - splat(T(0.5)) * z + z * z * c;
    const I<T> odd = (quarter & 1) != 0, minus = ((quarter + 1) & 2) != 0;
    const V<T> size = select<T>(odd, s, c);
    return select<T>(minus, -size, size);
}

// Box and Muller: e = sqrt(-2 log u) cos(2 pi u'), u' being n numbers after u.
template <class T>
void gaussian(const Draw &draw, double deviation, const T *x, T *y, T *work, idx rows,
              idx n) {
    const V<T> size = splat(T(deviation));
    for (idx row = 0; row < rows; row++, x += n, y += n) {
        drawn<T>(draw, row, 2 * n, [&](idx j, idx count, const T *u) {
            each_vector<T>(count, [&](idx i, int k) {
                store_some(work + j + i, load(u + i), k);
            });
        });
        each_vector<T>(n, [&](idx j, int k) {
            const V<T> length = root(splat(T(-2)) * log(load_some(work + j, k, T(0.5))));
            const V<T> e = length * cosine_of_turns<T>(load_some(work + n + j, k));
            store_some(y + j, load_some(x + j, k) + size * e, k);
        });
    }
}

template <class T> void gumbel(const Draw &draw, const T *z, T *y, idx rows, idx n) {
    for (idx row = 0; row < rows; row++)
        drawn<T>(draw, row, n, [&](idx j, idx count, const T *u) {
            each_vector<T>(count, [&](idx i, int k) {
                const idx at = row * n + j + i;
                const V<T> noise = log(-log(load(u + i)));
                store_some(y + at, load_some(z + at, k) - noise, k);
            });
        });
}
