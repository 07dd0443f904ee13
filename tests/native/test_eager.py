"""The functions and Jacobians on plain arrays, and on those that are not."""

import copy
import pickle
import threading

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import anymax as am
from anymax import kernels

pytestmark = pytest.mark.skipif(kernels.core is None, reason="no native kernels")

FUNCTIONS = [am.softmax, am.log_softmax, am.sparsemax, am.entmax]
names = {"ids": lambda f: f.__name__}


@pytest.fixture
def rng():
    return np.random.default_rng(3)


def by_numpy(f, *args, **kwargs):
    with kernels.numpy_only():
        return f(*args, **kwargs)


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.float16, np.int64])
@pytest.mark.parametrize("f", FUNCTIONS, **names)
def test_every_layout_gives_what_numpy_gives(f, dtype, rng):
    z = (rng.normal(size=(4, 5, 6)) * 3).astype(dtype)
    arrays = [
        z,
        z[::2],
        z[:, ::-1],
        z.T,
        np.asfortranarray(z),
        z[0, 0],
        z[:0],
        z[..., :0],
    ]
    for array in arrays:
        for axis in (-1, 0, None):
            if array.ndim == 1 and axis == 0:
                axis = -1
            found, expected = f(array, axis=axis), by_numpy(f, array, axis=axis)
            assert found.dtype == expected.dtype
            assert found.shape == expected.shape
            assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("f", FUNCTIONS, **names)
def test_a_layout_does_not_change_bits(f, dtype, rng):
    z = rng.normal(size=(6, 40)).astype(dtype)
    wide = np.zeros((6, 80), dtype)
    wide[:, ::2] = z
    for same in (wide[:, ::2], np.asfortranarray(z), z[::-1][::-1], z.tolist()):
        if dtype is np.float32 and isinstance(same, list):
            continue
        assert_array_equal(f(same), f(z))
    assert_array_equal(f(z.T, axis=0).T, f(z))


@pytest.mark.parametrize("f", FUNCTIONS, **names)
def test_out_is_written_and_returned(f, rng):
    z = rng.normal(size=(5, 12)).astype(np.float32)
    expected = f(z)
    for out in (np.empty_like(z), np.empty((5, 24), np.float32)[:, ::2]):
        assert f(z, out=out) is out
        assert_array_equal(out, expected)
    wide = np.empty(z.shape)
    assert f(z, out=wide) is wide
    assert_allclose(wide, expected)
    own = z.copy()
    assert f(own, out=own) is own
    assert_array_equal(own, expected)


def test_an_output_that_overlaps_the_input_is_right(rng):
    memory = rng.normal(size=200).astype(np.float32)
    for shift in (1, 40, 79):
        whole = memory.copy()
        z, out = whole[:80].reshape(2, 40), whole[shift : shift + 80].reshape(2, 40)
        expected = am.softmax(z.copy())
        am.softmax(z, out=out)
        assert_array_equal(out, expected)


@pytest.mark.parametrize("f", FUNCTIONS, **names)
def test_inputs_that_may_not_be_written_stay(f, rng):
    z = rng.normal(size=(5, 12)).astype(np.float32)
    before = z.copy()
    z.setflags(write=False)
    f(z)
    assert_array_equal(z, before)
    with pytest.raises(ValueError, match="read-only"):
        f(z, out=z)


def test_what_is_not_plain_raises_what_numpy_raises():
    z = np.zeros((2, 3), np.float32)
    for call in (
        lambda: am.softmax(z, axis=2),
        lambda: am.softmax(z, axis=1.5),
        lambda: am.softmax(z, axis=(0, 0)),
        lambda: am.softmax(z, out=np.zeros((3, 2), np.float32)),
        lambda: am.softmax(z, out=np.zeros((2, 3), int)),
        lambda: am.entmax(z, alpha=0.5),
        lambda: am.entmax(z, alpha=float("nan")),
        lambda: am.softmax(np.array(["a"])),
        lambda: am.logsumexp(z, axis=5),
    ):
        with pytest.raises((ValueError, TypeError)) as native:
            call()
        with pytest.raises(type(native.value)) as numpy, kernels.numpy_only():
            call()
        assert str(native.value) == str(numpy.value)


def test_a_large_axis_is_refused_as_any_other():
    with pytest.raises((am.ShapeError, OverflowError)):
        am.softmax(np.zeros((2, 3)), axis=10**30)


@pytest.mark.parametrize("n", [1, 10, 16, 17, 48, 49, 1000])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_logsumexp_is_that_of_numpy(n, dtype, rng):
    z = (rng.normal(size=(3, 4, n)) * 30).astype(dtype)
    for keepdims in (False, True):
        found = am.logsumexp(z, keepdims=keepdims)
        expected = by_numpy(am.logsumexp, z.astype(np.float64), keepdims=keepdims)
        assert found.dtype == dtype
        assert_allclose(found, expected, rtol=4 * np.finfo(dtype).eps)
    assert isinstance(am.logsumexp(z[0, 0]), dtype)
    assert_allclose(
        am.logsumexp(z, axis=0), by_numpy(am.logsumexp, z, axis=0), rtol=1e-5
    )


def test_logsumexp_of_what_is_not_finite():
    for row in (
        [-np.inf] * 3,
        [np.inf, 0, 1],
        [np.inf, np.inf, -np.inf],
        [np.nan, 1, 2],
    ):
        found, expected = am.logsumexp(row), by_numpy(am.logsumexp, row)
        assert_array_equal(found, expected)
    assert np.isnan(am.logsumexp([np.nan, -np.inf]))


# ---- Jacobians


MAPS = [
    am.Softmax(),
    am.Softmin(temperature=2.0),
    am.Sparsemax(),
    am.Entmax(),
    am.Tanh(),
    am.ReLU(),
    am.GELU(),
    am.TaylorSoftmax(),
    am.Standardize(),
]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("n", [2, 10, 16, 33, 100])
@pytest.mark.parametrize("f", MAPS, ids=repr)
def test_vjp_and_bound_products_are_numpy_s(f, n, dtype, rng):
    z, g, other = (rng.normal(size=(3, 9, n)).astype(dtype) for _ in range(3))
    J = f.jacobian(z)
    wide = f.structured(z.astype(float))
    tolerance = {"rtol": 1e-4, "atol": 2e-6} if dtype is np.float32 else {"atol": 1e-13}
    if type(f) is am.Standardize:  # whose rows of two have J = 0, a difference
        tolerance["atol"] *= 2 / z.std(-1).min()
    expected = wide.vjp(g.astype(float))
    assert_allclose(J.vjp(g), expected, **tolerance)
    assert_allclose(J.jvp(g), wide.jvp(g.astype(float)), **tolerance)
    out = np.empty_like(g)
    assert J.vjp(g, out) is out
    assert_array_equal(out, J.vjp(g))
    assert_allclose(J.vjp(g[..., ::-1][..., ::-1]), expected, **tolerance)
    down = J.bind(g, out)
    out[:] = 0
    assert down() is out
    assert_allclose(out, expected, **tolerance)
    g[:] = other
    assert_array_equal(down(), J.vjp(other))


@pytest.mark.parametrize("f", MAPS, ids=repr)
def test_a_jacobian_answers_what_its_structure_does(f, rng):
    z, v = rng.normal(size=(2, 4, 5))
    J = f.jacobian(z)
    S = f.structured(z, J.a)
    assert (J.shape, J.dtype, J.coupled) == (S.shape, S.dtype, S.coupled)
    assert repr(J) == repr(S)
    assert isinstance(J, type(S))
    assert isinstance(J, am.Jacobian)
    near = {"atol": 1e-15}
    assert_allclose(J.dense(), S.dense(), **near)
    assert_allclose(J.diagonal(), S.diagonal(), **near)
    assert_allclose(J.trace(), S.trace(), **near)
    assert_allclose(J.row(1), S.row(1), **near)
    assert_allclose(J.solve(v, damping=0.1), S.solve(v, damping=0.1), **near)
    assert_allclose((J @ J).vjp(v), (S @ S).vjp(v), atol=1e-14)
    assert_allclose(v @ J, S.vjp(v), atol=1e-14)
    assert_allclose(J.vjp_derivative(v, v, v), S.vjp_derivative(v, v, v), **near)
    for again in (copy.copy(J), copy.deepcopy(J), pickle.loads(pickle.dumps(J))):
        assert_array_equal(again.vjp(v), J.vjp(v))
    with kernels.numpy_only():
        assert_array_equal(J.vjp(v), S.vjp(v))
        assert_array_equal(J.jvp(v), S.jvp(v))
    for wrong in (v[:, :4], v[0, :1]):
        with pytest.raises(am.ShapeError) as ours:
            J.vjp(wrong)
        with pytest.raises(am.ShapeError) as theirs:
            S.vjp(wrong)
        assert str(ours.value) == str(theirs.value)
    with pytest.raises(AttributeError):
        J.weigth  # noqa: B018


def test_nobody_makes_such_a_jacobian_without_a_map():
    with pytest.raises(TypeError, match="cannot create"):
        type(am.Softmax().jacobian(np.zeros((1, 2))))()


def test_an_activation_that_changes_is_found_anew(rng):
    z = rng.normal(size=(6, 7))
    f = am.Softmax()
    before = f(z)
    f.temperature = 2.0
    assert_allclose(f(z), am.Softmax(temperature=2.0)(z), rtol=1e-15)
    assert_allclose(
        f.jacobian(z).dense(), am.Softmax(temperature=2.0).jacobian(z).dense()
    )
    f.axis = 0
    assert_allclose(f(z).sum(0), 1)
    f.axis, f.temperature = -1, 1.0
    assert_array_equal(f(z), before)
    many = [am.Softmax(temperature=1 + i / 10) for i in range(60)]
    for g in many + many:
        assert_allclose(g(z), by_numpy(g, z), rtol=1e-12)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_row_of_one_is_one(dtype, rng):
    z = (rng.normal(size=(1000, 1)) * 3).astype(dtype)
    for f in (am.Softmax(), am.Softmax(temperature=0.3), am.Sparsemax(), am.Entmax()):
        assert_array_equal(f(z), np.ones_like(z))


def test_a_bound_product_keeps_its_arrays_alive(rng):
    z = rng.normal(size=(50, 20))
    g = rng.normal(size=z.shape)
    expected = am.Softmax().jacobian(z).vjp(g)
    down = am.Softmax().jacobian(z.copy()).bind(g.copy())
    junk = [rng.normal(size=z.shape) for _ in range(50)]
    assert_array_equal(down(), expected)
    assert len(junk) == 50


def test_a_bound_product_takes_no_arguments(rng):
    z = rng.normal(size=(5, 4))
    down = am.Softmax().jacobian(z).bind(z)
    with pytest.raises(TypeError):
        down(z)


def test_shapes_and_dtypes_that_differ_go_the_general_way(rng):
    z = rng.normal(size=(5, 4)).astype(np.float32)
    J = am.Softmax().jacobian(z)
    g = rng.normal(size=(5, 4))
    assert J.vjp(g).dtype == np.float64
    assert_allclose(J.vjp(g[0]), by_numpy(J.vjp, g[0]), rtol=1e-6)
    with pytest.raises(am.ShapeError, match="vjp needs g of shape"):
        J.vjp(g[:, :3])
    with pytest.raises(am.ShapeError, match="out needs shape"):
        J.vjp(g.astype(np.float32), np.empty((4, 5), np.float32))


def test_eight_threads_at_once_get_the_same(rng):
    z = rng.normal(size=(300, 200)).astype(np.float32)
    g = rng.normal(size=z.shape).astype(np.float32)
    J = am.Softmax().jacobian(z)
    expected = [am.softmax(z), am.entmax(z), J.vjp(g)]
    wrong = []

    def work():
        for _ in range(20):
            found = [am.softmax(z), am.entmax(z), J.vjp(g)]
            for x, y in zip(found, expected, strict=True):
                if not np.array_equal(x, y):
                    wrong.append(1)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
