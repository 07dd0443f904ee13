"""Row maps: each kernel against the specification in NumPy, in double."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import anymax as am
from anymax import kernels

pytestmark = [
    pytest.mark.skipif(kernels.core is None, reason="no native kernels"),
    pytest.mark.filterwarnings("ignore::RuntimeWarning"),  # NumPy's, on what is odd
]

MAPS = [
    am.Softmax(),
    am.Softmax(temperature=0.3),
    am.Softmin(temperature=2.0),
    am.GumbelSoftmax(temperature=0.7),
    am.LogSoftmax(),
    am.LogSoftmax(temperature=3.0),
    am.Sparsemax(),
    am.Sparsemax(temperature=0.5),
    am.Entmax(),
    am.Entmax(alpha=1.2, temperature=2.0),
    am.Entmax(alpha=2.5),
    am.Entmax(alpha=1),
    am.TaylorSoftmax(),
    am.TaylorSoftmax(order=6),
    am.SphericalSoftmax(eps=0.1),
    am.NormalizedSigmoid(),
    am.L2Normalize(),
    am.Standardize(),
]
WIDTHS = [1, 2, 3, 7, 8, 9, 15, 16, 17, 31, 32, 33, 47, 48, 49, 63, 64, 65, 129, 1000]
# How far float and double may be off, in units of the largest number of a row: what is
# written beside the kernels, in ULP, with room for alpha 2.5 whose outputs near 0 are
# roots of a difference.
TOLERANCE = {np.float32: 2e-6, np.float64: 4e-15}
DTYPES = list(TOLERANCE)


@pytest.fixture
def rng():
    return np.random.default_rng(5)


def close(found, expected, scale, dtype, roots=False):
    assert found.dtype == dtype
    error = np.abs(found - expected)
    bound = TOLERANCE[dtype] * np.maximum(scale, np.abs(expected))
    if roots:
        bound = bound + np.finfo(dtype).eps ** (2 / 3) * scale
    assert np.all(error <= bound), (error / bound).max()


def rows(rng, n, dtype, spread, level=0.0):
    return (rng.normal(size=(11, n)) * spread + level).astype(dtype)


def handle(f):
    found = kernels.handle(f)
    assert found is not None
    return found


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n", WIDTHS)
@pytest.mark.parametrize("f", MAPS, ids=repr)
def test_outputs_are_the_specification(f, n, dtype, rng):
    for spread, level in ((0.1, 0), (1, 0), (4, 0), (4, 60), (2, -60)):
        z = rows(rng, n, dtype, spread, level)
        found = kernels.core.apply(handle(f), z)
        expected = f.apply(z.astype(np.longdouble))
        scale = np.abs(expected).max(-1, keepdims=True)
        if type(f) is am.LogSoftmax:
            scale = scale + 1
        if type(f) is am.Standardize:  # a row far from 0 is a difference
            deviation = z.std(-1, keepdims=True) if n > 1 else np.inf
            scale = scale * (1 + np.abs(z).max(-1, keepdims=True) / deviation)
        close(found, expected, scale, dtype, roots=isinstance(f, am.Entmax))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n", WIDTHS)
@pytest.mark.parametrize("f", MAPS, ids=repr)
def test_products_are_those_of_the_structure(f, n, dtype, rng):
    for spread in (0.1, 1, 4):
        z = rows(rng, n, dtype, spread)
        g = rows(rng, n, dtype, 1)
        a = kernels.core.apply(handle(f), z)
        with kernels.numpy_only():
            J = f.jacobian(z.astype(np.float64), a.astype(np.float64))
            down, up = J.vjp(g.astype(np.float64)), J.jvp(g.astype(np.float64))
            size = np.abs(J.dense()) @ np.abs(g.astype(np.float64))[..., None]
        scale = size.max((-1, -2))[:, None] + np.abs(J.dense()).max((-1, -2))[:, None]
        if type(f) is am.Standardize:  # whose rows of two have J = 0, a difference
            scale = scale + 1 / z.std(-1, keepdims=True)
        close(kernels.core.vjp(handle(f), z, a, g), down, 8 * scale, dtype)
        close(kernels.core.jvp(handle(f), z, a, g), up, 8 * scale, dtype)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("f", MAPS, ids=repr)
def test_rows_are_the_same_bits_whatever_comes_with_them(f, dtype, rng):
    for n in (3, 10, 16, 20, 40, 100, 1000):
        z = rows(rng, n, dtype, 3)
        z[3] *= 20  # these take another way than the rows beside them
        z[5] -= 12
        z[6] += 40
        a = kernels.core.apply(handle(f), z)
        g = rows(rng, n, dtype, 1)
        down = kernels.core.vjp(handle(f), z, a, g)
        for i in range(len(z)):
            one = slice(i, i + 1)
            alone = kernels.core.apply(handle(f), z[one].copy())
            assert_array_equal(alone, a[one])
            below = kernels.core.vjp(handle(f), *(x[one].copy() for x in (z, a, g)))
            assert_array_equal(below, down[one])


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_threads_do_not_change_bits(threads, rng):
    z = rng.normal(size=(700, 300)).astype(np.float32)
    before = kernels.core.threads()
    expected = [f(z[i : i + 1]) for f in MAPS for i in (0, 350, 699)]
    kernels.core.set_threads(threads)
    try:
        found = [f(z)[i : i + 1] for f in MAPS for i in (0, 350, 699)]
    finally:
        kernels.core.set_threads(before)
    for x, y in zip(found, expected, strict=True):
        assert_array_equal(x, y)


SPECIAL = [
    [np.inf, 0],
    [np.inf, np.inf],
    [-np.inf, -np.inf],
    [-np.inf, 2],
    [np.nan, 1],
    [np.nan, -np.inf],
    [np.nan, np.inf],
    [-50, -90],
    [1000, -1000],
    [0, 0],
    [-0.0, 0],
    [1e-40, -1e-40],
]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n", [2, 20, 60])
@pytest.mark.parametrize("f", MAPS, ids=repr)
def test_special_values_are_as_the_specification(f, n, dtype):
    for odd, usual in SPECIAL:
        if type(f) is am.Standardize and 0 < abs(odd) < 1e-30:
            continue  # the mean of the smallest numbers has no digits
        z = np.full(n, usual, dtype)
        z[n // 2] = odd
        with kernels.numpy_only():
            expected = f(z)
        found = f(z)
        assert_array_equal(np.isnan(found), np.isnan(expected), f"{odd} {usual}")
        assert_allclose(found, expected, rtol=2e-5, atol=1e-7, err_msg=f"{odd} {usual}")


@pytest.mark.parametrize("f", MAPS, ids=repr)
def test_a_row_of_nan_stays_alone(f, rng):
    z = rows(rng, 12, np.float32, 1)
    expected = f(z)
    z[4, 5] = np.nan
    found = f(z)
    assert np.isnan(found[4]).all()
    rest = np.arange(len(z)) != 4
    assert_array_equal(found[rest], expected[rest])


@pytest.mark.parametrize("f", MAPS, ids=repr)
@pytest.mark.parametrize("n", [5, 40, 200])
def test_the_output_may_be_the_input(f, n, rng):
    z = rows(rng, n, np.float32, 2)
    expected = kernels.core.apply(handle(f), z)
    assert kernels.core.apply(handle(f), z, z) is z
    assert_array_equal(z, expected)


def test_a_confident_softmax_keeps_the_digits_of_its_derivative():
    z = np.array([[0, -20, -30, -40], [-40, 0, -25, -20]], np.float32)
    g = np.array([[0.3, -0.7, 1.1, 0.2], [0.4, -0.2, 0.9, 1.3]], np.float32)
    J = am.Softmax().jacobian(z)
    with kernels.numpy_only():
        a = am.Softmax()(z.astype(np.float64))
        expected = am.Softmax().jacobian(z.astype(np.float64), a).vjp(g)
    assert_allclose(J.vjp(g), expected, rtol=2e-6)


# ---- softmax against the exact softmax of the same numbers


def exact(z, temperature=1.0):
    x = z.astype(np.longdouble) / temperature
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


@pytest.mark.parametrize(("dtype", "ulp"), [(np.float32, 4), (np.float64, 6)])
@pytest.mark.parametrize("n", [*WIDTHS, 4097, 32769])
def test_softmax_is_within_its_bound(n, dtype, ulp, rng):
    """Without the |z - max| ULP that rounding z - max costs: it is carried along."""
    for spread in (1, 5, 20, 100):
        z = rng.normal(size=(max(3, 2000 // n), n)) * spread
        z = (z + rng.choice([0, 50, -70], (len(z), 1))).astype(dtype)
        expected = exact(z)
        error = np.abs(am.softmax(z) - expected) / np.spacing(expected.astype(dtype))
        assert error.max() <= ulp


@pytest.mark.parametrize("n", [33, 1000, 32769])
def test_many_equal_small_terms_do_not_add_up_to_an_error(n):
    z = np.full((1, n), -9.87, np.float32)
    z[0, 0] = 0
    expected = exact(z)
    error = np.abs(am.softmax(z) - expected) / np.spacing(expected.astype(np.float32))
    assert error.max() <= 4


@pytest.mark.parametrize("dtype", DTYPES)
def test_log_softmax_keeps_its_digits_near_zero(dtype):
    z = np.array([[0, -30, -25.5], [-40, 0, -60]], dtype)
    others = np.exp([-30.0, -40.0]) + np.exp([-25.5, -60.0])
    expected = -np.log1p(others)
    found = am.log_softmax(z)[[0, 1], [0, 1]]
    assert_allclose(found, expected, rtol=8 * np.finfo(dtype).eps)


# ---- sparse maps: the simplex, and the conditions of the projection


@pytest.mark.parametrize("alpha", [1.5, 2.0])
@pytest.mark.parametrize("spread", [1e-3, 0.1, 1, 30])
@pytest.mark.parametrize("n", [2, 16, 33, 1000, 32769])
def test_sparse_outputs_meet_their_conditions(n, spread, alpha, rng):
    """On the support f^-1(a) = (alpha - 1) z - tau for one tau; off it z lies below."""
    z = rng.normal(size=(3, n)) * spread
    z[1] = np.round(z[1], 1)  # ties
    a = am.entmax(z, alpha)
    assert_allclose(a.sum(-1), 1, rtol=1e-12)
    for row, p in zip(z, a, strict=True):
        assert p.min() >= 0
        tau = (alpha - 1) * row - p ** (alpha - 1)
        inside = p > 0
        level = tau[inside].max()
        assert_allclose(tau[inside], level, atol=1e-11 * max(1, np.abs(row).max()))
        assert ((alpha - 1) * row[~inside] <= level + 1e-11).all()
    assert_array_equal(a[1][z[1] == z[1].max()], a[1].max())


@pytest.mark.parametrize(("name", "alpha"), [("sparsemax", 2.0), ("entmax15", 1.5)])
@pytest.mark.parametrize("spread", [0.01, 1])
def test_the_entmax_package_agrees(name, alpha, spread, rng):
    entmax, torch = pytest.importorskip("entmax"), pytest.importorskip("torch")
    z = rng.normal(size=(4, 500)) * spread
    expected = getattr(entmax, name)(torch.from_numpy(z), dim=-1).numpy()
    assert_allclose(am.entmax(z, alpha), expected, atol=1e-12)


# ---- what a loss may ask


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("f", MAPS, ids=repr)
def test_answers_are_those_of_the_map(f, dtype, rng):
    for n in (3, 16, 40, 300):
        z = rows(rng, n, dtype, 2)
        a = kernels.core.apply(handle(f), z)
        twice = z.astype(np.float64), a.astype(np.float64)
        log = kernels.core.ask(handle(f), "log", z, a)
        if log is not None:
            with kernels.numpy_only():
                expected = f.log(*twice)
            on = np.isfinite(expected) & (expected > -10)
            close(log[on], expected[on], np.abs(expected[on]) + 1, dtype, roots=True)
        potential = kernels.core.ask(handle(f), "potential", z, a)
        if potential is not None:
            with kernels.numpy_only():
                expected = f.potential(*twice)
            close(potential, expected, np.abs(expected) + 8, dtype)
