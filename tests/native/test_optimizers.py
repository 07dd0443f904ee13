"""Every optimizer's kernel against the optimizer itself, with every option."""

import ctypes
from dataclasses import fields

import numpy as np
import pytest
from tables import Span, Update, at, numbers, optimizers

import anymax as am
from anymax import kernels
from anymax.optim.optimizer import MOMENT

pytestmark = pytest.mark.skipif(kernels.core is None, reason="needs the native module")


@pytest.fixture(autouse=True, params=kernels.core.targets() if kernels.core else [])
def target(request):
    before = kernels.core.target()
    kernels.core.choose(request.param)
    yield
    kernels.core.choose(before)


OWN = (
    am.SGD(0.05),
    am.SGD(0.05, momentum=0.9),
    am.SGD(0.05, momentum=0.9, nesterov=True),
    am.Adam(0.01),
    am.Adam(0.01, betas=(0.0, 0.5), eps=1e-3),
    am.AdamW(0.01, decay=0.1),
    am.Lion(0.01, decay=0.1, betas=(0.8, 0.95)),
    am.Lion(0.01),
    am.RMSProp(0.01),
    am.RMSProp(0.01, rho=0.8, momentum=0.9),
    am.RMSProp(0.01, centered=True),
    am.RMSProp(0.01, centered=True, momentum=0.5, eps=1e-4),
    am.AdaDelta(),
    am.AdaDelta(0.5, rho=0.8, eps=1e-3),
    am.Adagrad(0.05),
    am.Adagrad(0.05, initial=0.3, eps=1e-5),
)
OPTIONS = ({}, {"clip_value": 0.7}, {"clip_norm": 2.0}, {"average": 0.9})
TOGETHER = {"clip_value": 0.7, "clip_norm": 2.0, "average": 0.9}


def spans(size, across=5, left=3):
    """A third as it lies, the rest as a matrix whose columns two threads share."""
    begin = size // 3
    rows, rest = divmod(size - begin, across)
    yield Span(0, begin, 1, 0)
    yield Span(begin, left, rows, across)
    yield Span(begin + left, across - left, rows, across)
    yield Span(size - rest, rest, 1, 0)


class Native:
    """An optimizer whose steps its kernel takes, in parts as threads would."""

    def __init__(self, optimizer, size, dtype):
        self.optimizer, self.steps = optimizer, 0
        self.kernel = optimizers(dtype)[type(optimizer).__name__]
        named = [f.name for f in fields(optimizer) if f.metadata == MOMENT]
        count = len([name for name in named if name != "smoothed"])
        self.moments = [np.zeros(size, dtype) for _ in range(count)]
        self.averaged = None if optimizer.average is None else np.zeros(size, dtype)

    def step(self, parameters, gradient, decays):
        of, self.steps = self.optimizer, self.steps + 1
        average = of.average or 0.0
        update = Update(
            at(parameters),
            None,
            (ctypes.c_void_p * 3)(*map(at, self.moments)),
            at(decays),
            at(self.averaged),
            of.lr(self.steps - 1) if callable(of.lr) else of.lr,
            of.decay,
            (1 - average) / (1 - average**self.steps),
            np.inf if of.clip_value is None else of.clip_value,
            self.scale(gradient),
            self.steps,
        )
        for span in spans(len(parameters)):
            steps = np.arange(span.rows)[:, None] * span.stride + np.arange(span.width)
            own = np.ascontiguousarray(gradient[span.begin + steps])
            update.gradient = at(own)
            self.kernel.step(numbers(of.numbers), update, span)

    def scale(self, gradient):
        """What brings the length of the bounded gradient to clip_norm."""
        of = self.optimizer
        if of.clip_norm is None:
            return 1.0
        bound = np.inf if of.clip_value is None else of.clip_value
        length = np.linalg.norm(np.clip(gradient.astype(float), -bound, bound))
        return min(1.0, of.clip_norm / length)


def trajectories(optimizer, dtype, decays, steps=200, size=67):
    """The parameters after so many steps, by the optimizer and by its kernel."""
    rng = np.random.default_rng(0)
    start = rng.normal(size=size).astype(dtype)
    one, two, spec = start.copy(), start.copy(), optimizer.fresh()
    native = Native(optimizer, size, dtype)
    for _ in range(steps):
        gradient = rng.normal(size=size).astype(dtype) * dtype(rng.uniform(0.1, 2))
        gradient[rng.random(size) < 0.1] = 0
        spec.step(one, gradient, decays)
        native.step(two, gradient, decays)
    return spec, native, one, two


def with_options(optimizer, options):
    made = optimizer.fresh()
    for name, value in options.items():
        setattr(made, name, value)
    return made


def compare(optimizer, dtype, decays):
    spec, native, one, two = trajectories(optimizer, dtype, decays)
    # float32 keeps the rounding of 200 steps; where an Adagrad or a root of a small
    # mean divides, it is of the size of the step
    tolerance = 1e-10 if dtype is np.float64 else 3e-4
    np.testing.assert_allclose(two, one, rtol=tolerance, atol=tolerance)
    if optimizer.average is not None:
        average = spec.averaged
        np.testing.assert_allclose(
            native.averaged, average, rtol=tolerance, atol=tolerance
        )


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("optimizer", OWN, ids=repr)
def test_200_steps_are_those_of_the_optimizer(optimizer, dtype):
    compare(optimizer, dtype, None)
    compare(optimizer, dtype, np.random.default_rng(1).random(67) < 0.5)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("options", [*OPTIONS[1:], TOGETHER], ids=repr)
@pytest.mark.parametrize("optimizer", OWN[::2], ids=repr)
def test_options_are_those_of_the_optimizer(optimizer, options, dtype):
    compare(with_options(optimizer, options), dtype, None)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("optimizer", OWN, ids=repr)
def test_one_step_differs_by_rounding_only(optimizer, dtype):
    _, _, one, two = trajectories(optimizer, dtype, None, steps=1)
    np.testing.assert_allclose(two, one, rtol=0, atol=8 * np.finfo(dtype).eps)


@pytest.mark.parametrize("optimizer", OWN, ids=repr)
def test_a_gradient_that_is_no_number_stays_visible(optimizer):
    made = with_options(optimizer, {"clip_value": 1.0})
    theta, gradient = np.ones(5), np.array([1.0, np.nan, -1.0, 0.0, 2.0])
    Native(made, 5, np.float64).step(theta, gradient, None)
    assert np.isnan(theta).tolist() == [False, True, False, False, False]


def test_every_optimizer_of_the_flat_vector_has_a_kernel():
    named = {type(optimizer).__name__ for optimizer in OWN}
    assert set(optimizers(np.float32)) == set(optimizers(np.float64)) == named


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    "optimizer", [am.Adam(1.0), am.RMSProp(1.0), am.Adagrad(1.0)], ids=repr
)
def test_gradients_of_any_size_give_the_same_step(optimizer, dtype):
    """Also where squares vanish or overflow."""
    info = np.finfo(dtype)
    sizes = np.geomspace(info.smallest_subnormal, info.max, 500, dtype=np.longdouble)
    gradient = np.concatenate([sizes, -sizes, [0]]).astype(dtype)
    one, two = np.zeros((2, len(gradient)), dtype)
    with np.errstate(all="ignore"):
        optimizer.fresh().step(one, gradient, None)
    Native(optimizer, len(gradient), dtype).step(two, gradient, None)
    normal = abs(one) >= info.tiny
    np.testing.assert_allclose(two[normal], one[normal], rtol=8 * info.eps)
    np.testing.assert_allclose(two[~normal], one[~normal], rtol=0, atol=info.tiny)
