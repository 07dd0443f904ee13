"""Plans whose threads own tiles of columns take the steps that NumPy takes."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from trajectories import compared, taken

import anymax as am
from anymax import kernels

pytestmark = pytest.mark.skipif(kernels.core is None, reason="no native kernels")

WIDTH, CLASSES, ROWS = 70, 10, 250


@pytest.fixture(params=[1, 2, 3, 5], ids="threads={}".format)
def threads(request):
    before = kernels.core.threads()
    am.set_num_threads(request.param)
    yield request.param
    am.set_num_threads(before)


@pytest.fixture
def two():
    before = kernels.core.threads()
    am.set_num_threads(2)
    yield
    am.set_num_threads(before)


def data(rows=ROWS):
    rng = np.random.default_rng(0)
    return rng.normal(size=(rows, WIDTH)), rng.integers(CLASSES, size=rows)


def chain(*maps):
    return lambda: am.Chain(*(make() for make in maps), am.Dense(CLASSES), am.Softmax())


def dense(n, **options):
    return lambda: am.Dense(n, **options)


NETS = {
    "one between": chain(dense(128), am.ReLU),
    "widths that no line divides": chain(dense(101), am.Tanh, dense(83), am.GELU),
    "wide": chain(dense(600), am.ReLU, dense(530), am.SiLU),
    "without a bias": chain(dense(128, bias=False), am.ReLU),
    "without a map": chain(dense(128), dense(96)),
    "two maps": chain(dense(128), am.Tanh, am.Softplus, dense(80), am.ReLU),
    "a narrow middle": chain(dense(128), am.ReLU, dense(12), am.ReLU, dense(128)),
    "a norm between": chain(dense(128), am.LayerNorm, am.ReLU, dense(96), am.ReLU),
    "a batch norm": chain(dense(128), am.ReLU, dense(96), am.BatchNorm, am.ReLU),
    "a row map": chain(dense(128), am.Softmax, dense(96), am.ReLU),
    "noise": chain(dense(128), am.ReLU, lambda: am.Dropout(0.3), dense(96), am.ReLU),
    "a trained map": chain(dense(128), am.PReLU, dense(96), am.ReLU),
    "a residual": chain(
        dense(128), lambda: am.Residual(am.Dense(128), am.ReLU()), dense(96), am.ReLU
    ),
}
IN_TILES = ("one between", "widths that no line divides", "wide", "two maps")


@pytest.mark.parametrize("batch", [64, 100])  # the last one shorter, or of one part
@pytest.mark.parametrize("name", NETS)
def test_steps_are_those_of_numpy(name, batch, threads):
    steps = 12 if name == "wide" else 40
    x, y = data()
    compared(NETS[name], am.CrossEntropy(), x, y, batch=batch, steps=steps)


@pytest.mark.parametrize("name", IN_TILES)
def test_these_are_in_tiles(name, two):
    net = NETS[name]().build(WIDTH, seed=0)
    said = str(am.Plan(net, am.CrossEntropy(), batch=64))
    assert "native, tiles" in said, said


OPTIMIZERS = {
    "momentum": am.SGD(0.05, momentum=0.9),
    "adamw": am.AdamW(decay=0.1),
    "clip value": am.SGD(0.1, clip_value=0.01),
    "average": am.Adam(average=0.9),
    # what needs the whole gradient first
    "clip norm": am.Adam(clip_norm=0.05),
}


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_steps_within_the_gradient_are_those_of_the_optimizer(name, threads):
    x, y = data()
    net, loss = NETS["two maps"], am.CrossEntropy()
    compared(net, loss, x, y, batch=64, steps=40, optimizer=OPTIMIZERS[name])


@pytest.mark.parametrize("penalty", [{"l2": 1e-3}, {"l1": 1e-4}])
def test_penalties(penalty, threads):
    x, y = data()
    compared(NETS["two maps"], am.CrossEntropy(), x, y, batch=64, steps=20, **penalty)


def test_targets_that_are_values_and_rows_that_count_nothing(threads):
    x, y = data()
    weight = np.random.default_rng(1).integers(0, 3, ROWS).astype(float)
    weight[64:128] = 0
    x[70] = np.nan
    for loss, target in (
        (am.CrossEntropy(ignore_index=3), y),
        (am.SquaredError(), np.eye(CLASSES)[y]),
    ):
        compared(
            NETS["one between"],
            loss,
            x,
            target,
            batch=64,
            steps=20,
            sample_weight=weight,
        )


def test_gradients_near_the_largest_number_are_taken_whole(threads):
    """x^T g is finite, but no bound by the sizes of x and g says so."""
    x, y = data()
    x *= 1e-150
    x[3, 0] = 1e200
    start = am.SGD(1e-210)  # finite steps, however large the gradient

    def make():
        return am.Chain(
            am.Dense(128, kernel="zeros"), am.Tanh(), am.Dense(CLASSES), am.Softmax()
        )

    target = 1e120 * np.eye(CLASSES)[y]
    target[3] = 0
    compared(make, am.SquaredError(), x, target, batch=64, steps=2, optimizer=start)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", IN_TILES)
def test_a_run_repeats_bit_for_bit(name, dtype, threads):
    x, y = data()
    given = {"steps": 9, "batch": 64, "dtype": dtype}
    first = taken(NETS[name], am.CrossEntropy(), x, y, **given)
    for _ in range(3):
        again = taken(NETS[name], am.CrossEntropy(), x, y, **given)
        for one, other in zip(first, again, strict=True):
            assert_array_equal(one, other)


@pytest.mark.parametrize("bad", [np.nan, np.inf, 1e38])
def test_what_is_not_finite_stops_before_the_step(bad, threads):
    x, y = data()
    x[70, 5] = bad  # in the second step; 1e38 overflows in float32
    net, other = (NETS["one between"]().build(WIDTH, seed=0) for _ in range(2))
    plan = am.Plan(net, am.CrossEntropy(), batch=64)
    with pytest.raises(FloatingPointError, match=r"in step 2\b"):
        plan.epoch(x * 10, y)
    am.Plan(other, am.CrossEntropy(), batch=64).epoch(x[:64] * 10, y[:64])
    assert_array_equal(net.parameters, other.parameters)
