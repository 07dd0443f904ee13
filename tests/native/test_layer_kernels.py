"""The kernels of the layers against the layers, by inputs and by parameters."""

import numpy as np
import pytest
from tables import Draw, layer

import anymax as am
from anymax import kernels
from anymax.layers.gaussian_noise import normal

pytestmark = [
    pytest.mark.skipif(kernels.core is None, reason="needs the native module"),
    pytest.mark.parametrize("dtype", [np.float32, np.float64]),
]


@pytest.fixture(autouse=True, params=kernels.core.targets() if kernels.core else [])
def target(request):
    before = kernels.core.target()
    kernels.core.choose(request.param)
    yield
    kernels.core.choose(before)


WIDTHS = (1, 2, 3, 7, 8, 15, 16, 17, 31, 33, 64, 100)


def close(found, expected, scale=1.0):
    """Equal but for the order of additions and contracted products."""
    eps = np.finfo(found.dtype).eps
    np.testing.assert_allclose(found, expected, rtol=60 * eps, atol=60 * eps * scale)


def random(rng, dtype, *shape):
    return rng.normal(size=shape).astype(dtype)


def affine(rng, dtype, n, scale, shift):
    """A gain and a shift, or None, and what the layer takes."""
    gain = random(rng, dtype, n) if scale else None
    offset = random(rng, dtype, n) if shift else None
    return gain, offset, tuple(p for p in (gain, offset) if p is not None)


def grown(rng, dtype, n, wanted):
    """Where gradients are added: what is there before, or null."""
    before = [random(rng, dtype, n) if each else None for each in wanted]
    return before, [None if each is None else each.copy() for each in before]


def gradients_are(after, before, expected, scale):
    pairs = [(a, b) for a, b in zip(after, before, strict=True) if a is not None]
    for (a, b), e in zip(pairs, expected, strict=True):
        close(a - b, e, scale)


@pytest.mark.parametrize("n", WIDTHS)
@pytest.mark.parametrize("scale", [True, False])
@pytest.mark.parametrize("make", [am.LayerNorm, am.RMSNorm])
def test_norms_along_rows(make, scale, n, dtype):
    rng = np.random.default_rng(n)
    centred = make is am.LayerNorm
    net = make(scale=scale, eps=1e-3)
    net.build((n,))
    gain, shift, parameters = affine(rng, dtype, n, scale, centred)
    x, g = random(rng, dtype, 9, n) * 3 + 1, random(rng, dtype, 9, n)
    expected, point = net.linearize((x,), parameters)
    y, by_x, mean, inverse = (
        np.empty_like(x),
        np.empty_like(x),
        x[:, 0] * 0,
        x[:, 0] * 0,
    )
    layer("norm", dtype, centred, 1e-3, x, gain, shift, y, mean, inverse, 9, n)
    (by_input,), by_parameters = point.vjp(g)
    before, after = grown(rng, dtype, n, (scale, centred))
    args = (x, gain, mean, inverse, g, by_x, *after, None, 9, n)
    layer("norm_vjp", dtype, centred, *args)
    close(y, expected, 10)
    # where x is constant along a row, as for n = 1, y is as steep as 1 / sqrt(eps)
    close(by_x, by_input, 40)
    gradients_are(after, before, by_parameters, 100)


@pytest.mark.parametrize("n", WIDTHS)
@pytest.mark.parametrize(("scale", "shift"), [(True, True), (False, False)])
def test_batch_norm_while_training(scale, shift, n, dtype):
    rng = np.random.default_rng(n)
    net = am.BatchNorm(scale=scale, shift=shift, momentum=0.7)
    net.build((n,))
    gain, offset, parameters = affine(rng, dtype, n, scale, shift)
    x, g = random(rng, dtype, 21, n) + 1, random(rng, dtype, 21, n)
    state = (random(rng, dtype, n), np.abs(random(rng, dtype, n)))
    expected, point = net.linearize((x,), parameters, state, training=True)
    y, by_x = np.empty_like(x), np.empty_like(x)
    mean, variance, inverse = (np.empty(n, dtype) for _ in range(3))
    (by_input,), by_parameters = point.vjp(g)
    before, after = grown(rng, dtype, n, (scale, shift))
    half = n // 2  # as two threads would share the columns
    for cut in (slice(0, half), slice(half, n)):
        some = [None if p is None else p[cut] for p in (gain, offset, *after)]
        statistics = [each[cut] for each in (mean, variance, inverse)]
        width = cut.stop - cut.start
        whole = [Part(each, cut.start) for each in (x, y, g, by_x)]
        args = (1e-5, whole[0], *some[:2], whole[1], *statistics, 21, width, n)
        layer("batch_norm", dtype, *map(address, args))
        args = (whole[0], some[0], *statistics[::2], *whole[2:], *some[2:], None)
        layer("batch_norm_vjp", dtype, *map(address, (*args, 21, width, n)))
    close(y, expected, 10)
    close(by_x, by_input, 10)
    gradients_are(after, before, by_parameters, 200)
    for now, batch, new in zip(state, (mean, variance), point.state, strict=True):
        moved = now.copy()
        layer("move", dtype, 0.7, batch, moved, n)
        close(moved, new)


class Part:
    """The columns of an array from one on."""

    def __init__(self, whole, start):
        self.at = whole.ctypes.data + start * whole.itemsize


def address(value):
    return value.at if isinstance(value, Part) else value


@pytest.mark.parametrize("n", WIDTHS)
@pytest.mark.parametrize(("scale", "shift"), [(True, True), (False, False)])
def test_batch_norm_afterwards(scale, shift, n, dtype):
    rng = np.random.default_rng(n)
    net = am.BatchNorm(scale=scale, shift=shift)
    net.build((n,))
    gain, offset, parameters = affine(rng, dtype, n, scale, shift)
    x, g = random(rng, dtype, 5, n), random(rng, dtype, 5, n)
    mean, variance = random(rng, dtype, n), np.abs(random(rng, dtype, n))
    expected, point = net.linearize((x,), parameters, (mean, variance))
    y, by_x, inverse = np.empty_like(x), np.empty_like(x), np.empty(n, dtype)
    layer("held_norm", dtype, 1e-5, x, gain, offset, mean, variance, y, inverse, 5, n)
    (by_input,), by_parameters = point.vjp(g)
    before, after = grown(rng, dtype, n, (scale, shift))
    layer("held_norm_vjp", dtype, x, gain, mean, inverse, g, by_x, *after, 5, n)
    # (x - mean) / sqrt(variance) may be large where the variance is small
    size = float(abs(point.standard.u).max())
    close(y, expected, 10 * size)
    close(by_x, by_input, 10 * float(inverse.max()))
    gradients_are(after, before, by_parameters, 100 * size)


KEYS = (
    am.Key(seed=0),
    am.Key(seed=2**64 - 1, layer=3, step=2**63, first_row=2**40),
)


def draw(key, each=1):
    """Where the kernels draw what a key draws, `each` rows an example."""
    return Draw(key.seed, key.layer, key.step, key.first_row * each)


@pytest.mark.parametrize("n", [*WIDTHS, 63, 65, 130])
@pytest.mark.parametrize("key", KEYS, ids=str)
def test_uniform_numbers_are_those_of_the_key(key, n, dtype):
    u = np.empty((5, n), dtype)
    layer("uniform", dtype, draw(key), u, 5, n)
    np.testing.assert_array_equal(u, key.uniform((5, n), dtype))
    u = np.empty((6, n), dtype)
    layer("uniform", dtype, draw(key, 3), u, 6, n)
    np.testing.assert_array_equal(u.reshape(2, 3, n), key.uniform((2, 3, n), dtype))


@pytest.mark.parametrize("n", WIDTHS)
@pytest.mark.parametrize("rate", [0.1, 0.5, 0.9])
def test_dropout_keeps_what_the_layer_keeps(rate, n, dtype):
    rng, key = np.random.default_rng(n), KEYS[0]
    x, g = random(rng, dtype, 6, n), random(rng, dtype, 6, n)
    x[0, 0], x[1, 0] = np.inf, np.nan
    args = {"training": True, "key": key}
    expected, point = am.Dropout(rate).linearize((x,), (), **args)
    y, back, kept = np.empty_like(x), np.empty_like(x), np.empty(x.shape, np.uint8)
    layer("dropout", dtype, draw(key), rate, x, y, kept, 6, n)
    layer("dropout_vjp", dtype, rate, kept, g, back, x.size)
    np.testing.assert_array_equal(y, expected)
    np.testing.assert_array_equal(back, point.vjp(g)[0][0])


@pytest.mark.parametrize("n", WIDTHS)
def test_gaussian_noise_is_the_layer_s(n, dtype):
    rng, key = np.random.default_rng(n), KEYS[1]
    x, work = random(rng, dtype, 6, n), np.empty(2 * n + 64, dtype)
    y = np.empty_like(x)
    layer("gaussian", dtype, draw(key), 0.3, x, y, work, 6, n)
    close(y, x + dtype(0.3) * normal(key, x), 3)


def test_gaussian_noise_in_float64_is_that_of_exact_cosines(dtype):
    mpmath = pytest.importorskip("mpmath")
    key, x = KEYS[0], np.zeros((40, 10), dtype)
    y, work = np.empty_like(x), np.empty(84, dtype)
    layer("gaussian", dtype, draw(key), 1.0, x, y, work, 40, 10)
    u = key.uniform((40, 20), dtype)
    with mpmath.workprec(200):
        for row in range(40):
            for j in range(10):
                one, two = (
                    mpmath.mpf(float(u[row, j])),
                    mpmath.mpf(float(u[row, 10 + j])),
                )
                length = mpmath.sqrt(-2 * mpmath.log(one))
                exact = length * mpmath.cos(2 * mpmath.pi * two)
                error = abs(mpmath.mpf(float(y[row, j])) - exact)
                assert error <= 8 * np.finfo(dtype).eps * length


@pytest.mark.parametrize("n", WIDTHS)
def test_gumbel_noise_is_the_map_s(n, dtype):
    rng, key = np.random.default_rng(n), KEYS[1]
    z = random(rng, dtype, 6, n)
    y = np.empty_like(z)
    layer("gumbel", dtype, draw(key), z, y, 6, n)
    # -log u keeps no more digits than u has near 1
    close(y, am.GumbelSoftmax().perturb(z, key=key), 20)


@pytest.mark.parametrize("n", WIDTHS)
def test_rows_are_summed_up(n, dtype):
    rng = np.random.default_rng(n)
    x, total = random(rng, dtype, 7, n), random(rng, dtype, n)
    added, fresh = total.copy(), total.copy()
    layer("column_sums", dtype, x, added, True, 7, n)
    layer("column_sums", dtype, x, fresh, False, 7, n)
    close(added, total + x.sum(0))
    np.testing.assert_array_equal(fresh, x.sum(0))


@pytest.mark.parametrize("n", WIDTHS)
def test_parts_are_copied_added_multiplied_and_taken(n, dtype):
    rng = np.random.default_rng(n)
    wide, y = random(rng, dtype, 5, n + 3), random(rng, dtype, 5, n)
    before = wide.copy()
    layer("copy", dtype, y, n, wide, n + 3, 5, n)
    np.testing.assert_array_equal(wide, np.concatenate([y, before[:, n:]], 1))
    layer("add", dtype, before, n + 3, y, n, 5, n)
    np.testing.assert_array_equal(y, wide[:, :n] + before[:, :n])
    x, w, out = (random(rng, dtype, 5 * n) for _ in range(3))
    sums = out.copy()
    layer("multiply", dtype, x, w, out, False, 5 * n)
    np.testing.assert_array_equal(out, x * w)
    layer("multiply", dtype, x, w, sums, True, 5 * n)
    order = rng.permutation(5)[:4].astype(np.int64)
    taken = np.empty((4, n), dtype)
    layer("take", dtype, y, n, order, taken, 4, n)
    np.testing.assert_array_equal(taken, y[order])
    some = np.empty((4, n), dtype)  # columns of wider rows
    layer("take", dtype, wide, n + 3, order, some, 4, n)
    np.testing.assert_array_equal(some, wide[order, :n])
    layer("take", dtype, wide, n + 3, None, some, 4, n)
    np.testing.assert_array_equal(some, wide[:4, :n])


@pytest.mark.parametrize("n", WIDTHS)
def test_rows_are_looked_up_and_added_back(n, dtype):
    rng = np.random.default_rng(n)
    net = am.Embedding(6, n)
    w, x = random(rng, dtype, 6, n), rng.integers(0, 6, 11).astype(dtype)
    expected, point = net.linearize((x,), (w,))
    y, g, by_w = np.empty((11, n), dtype), random(rng, dtype, 11, n), np.zeros_like(w)
    assert layer("embed", dtype, x, w, y, 11, 6, n) == -1
    np.testing.assert_array_equal(y, expected)
    layer("embed_vjp", dtype, x, g, by_w, 11, n)
    close(by_w, point.vjp(g)[1][0], 4)


@pytest.mark.parametrize("bad", [-1, 6, 2.5, np.nan, np.inf, -np.inf, 1e30])
def test_what_is_no_row_is_found(bad, dtype):
    x, w, y = np.array([0, 5, bad, 7], dtype), np.ones((6, 2), dtype), np.ones((4, 2))
    assert layer("embed", dtype, x, w, y.astype(dtype), 4, 6, 2) == 2


def test_columns_are_those_of_the_layer(dtype):
    rng = np.random.default_rng(0)
    x, g = random(rng, dtype, 5, 4), random(rng, dtype, 5, 4)
    expected, point = am.Columns((3, 0, 3, -1)).linearize((x,), ())
    at, y, by_x = np.array([3, 0, 3, 3]), np.empty((5, 4), dtype), np.empty_like(x)
    layer("columns", dtype, x, at, y, 5, 4, 4)
    layer("columns_vjp", dtype, g, at, by_x, 5, 4, 4)
    np.testing.assert_array_equal(y, expected)
    close(by_x, point.vjp(g)[0][0])


@pytest.mark.parametrize("n", [*WIDTHS, 5000])
def test_flat_vectors(n, dtype):
    rng = np.random.default_rng(n)
    w, g, flags = random(rng, dtype, n), random(rng, dtype, n), rng.random(n) < 0.5
    w[::3] = 0
    begin, exact = n // 3, g.astype(float)
    squares = layer("squares", dtype, g, 0.8, begin, n)
    expected = (np.clip(exact[begin:], -0.8, 0.8) ** 2).sum()
    np.testing.assert_allclose(squares, expected, rtol=1e-12)
    slope = np.where(flags, 0.3 * np.sign(w) + 0.2 * w, 0)
    added = g.copy()
    value = layer("penalty", dtype, 0.3, 0.2, w, flags, added, begin, n)
    close(added[begin:], (g + slope)[begin:])
    np.testing.assert_array_equal(added[:begin], g[:begin])
    part = w[begin:][flags[begin:]].astype(float)
    expected = 0.3 * abs(part).sum() + 0.1 * (part**2).sum()
    np.testing.assert_allclose(value, expected, rtol=20 * np.finfo(dtype).eps)
    layer("freeze", dtype, flags, added, 0, n)
    assert np.all(added[flags] == 0)
    assert np.all(added[~flags] != 0)


@pytest.mark.parametrize("n", WIDTHS)
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_what_is_not_finite_is_seen_wherever_it_is(bad, n, dtype):
    g = np.ones(n, dtype)
    for i in range(n):
        g[i] = bad
        assert layer("largest", dtype, g, 0, n) == np.inf
        assert layer("largest", dtype, g, i + 1, n) == (i + 1 < n)
        assert not np.isfinite(layer("squares", dtype, g, np.inf, 0, n))
        g[i] = 1


@pytest.mark.parametrize("n", WIDTHS)
def test_the_largest_is_of_either_sign_and_wherever_it_is(n, dtype):
    g = np.random.default_rng(n).normal(size=n).astype(dtype)
    tiny = np.finfo(dtype).smallest_subnormal
    for i in range(n):
        assert layer("largest", dtype, g[i:], 0, n - i) == np.abs(g[i:]).max()
        assert (
            layer("largest", dtype, -g[: i + 1], 0, i + 1) == np.abs(g[: i + 1]).max()
        )
    assert layer("largest", dtype, np.array([0, -tiny, 0], dtype), 0, 3) == tiny
