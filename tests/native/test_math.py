"""The vector functions: their errors against mpmath, their edges, every size."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import mpmath
import numpy as np
import pytest
from mpmath import mp, mpf

from anymax import kernels

pytestmark = pytest.mark.skipif(kernels.core is None, reason="needs native kernels")
HEADER = Path(__file__).parents[2] / "native" / "math-inl.h"
STATED = {
    name: {"f": float(single), "d": float(double)}
    for name, single, double in re.findall(
        r"ULP: (\w+) float ([\d.]+) double ([\d.]+)", HEADER.read_text()
    )
}
INF, NAN = np.inf, np.nan
TINY = 5e-324


class Case(NamedTuple):
    """A function, its formula, and the arguments it is measured on: uniform in these
    intervals, and of all sizes between these two, of either sign where asked."""

    name: str
    formula: Callable[[Any], Any]
    intervals: tuple[tuple[float, float], ...]
    sizes: tuple[float, float] = (1e-30, 1)
    negative: bool = True
    edges: tuple[tuple[float, float], ...] = ()


def gauss(z: Any) -> Any:
    return mpmath.exp(-z * z / 2)


def normal_cdf(z: Any) -> Any:
    return mpmath.erfc(-z / mpmath.sqrt(2)) / 2


def power(p: float) -> Callable[[Any], Any]:
    return lambda x: x**p if x or p > 0 else mpf(INF)


ZERO = ((0.0, 0.0), (-0.0, -0.0))
CASES = [
    Case(
        "exp",
        mpmath.exp,
        ((-110, 89), (-750, 710), (-1, 1)),
        edges=((-INF, 0), (INF, INF), (0, 1), (-0.0, 1), (1e30, INF), (-1e30, 0)),
    ),
    Case(
        "log",
        mpmath.log,
        ((0.5, 2), (0.99, 1.01)),
        (TINY, 1e308),
        negative=False,
        edges=((0, -INF), (-0.0, -INF), (INF, INF), (-1, NAN), (-INF, NAN), (1, 0)),
    ),
    Case(
        "log1p",
        lambda x: mpmath.log1p(x) if x >= -1 else mpf(NAN),
        ((-1, 3), (-0.5, 0.5), (0.3, 0.5)),
        (1e-30, 1e308),
        edges=(*ZERO, (-1, -INF), (-1.5, NAN), (INF, INF), (-INF, NAN)),
    ),
    Case(
        "log1p_unit", mpmath.log1p, ((0, 1), (0.3, 0.5)), negative=False, edges=ZERO[:1]
    ),
    Case(
        "expm1",
        mpmath.expm1,
        ((-40, 89), (-750, 710), (-1, 1)),
        (TINY, 1),
        edges=(*ZERO, (-INF, -1), (INF, INF), (-1e30, -1), (1e30, INF)),
    ),
    Case(
        "expm1_up",
        mpmath.expm1,
        ((0, 40), (0, 1)),
        (TINY, 1),
        negative=False,
        edges=ZERO[:1],
    ),
    Case(
        "tanh",
        mpmath.tanh,
        ((-1, 1), (-20, 20)),
        (TINY, 1e30),
        edges=(*ZERO, (INF, 1), (-INF, -1)),
    ),
    Case("gauss", gauss, ((-14, 14), (-38, 38)), edges=((INF, 0), (-INF, 0), (0, 1))),
    Case(
        "normal_cdf",
        normal_cdf,
        ((-13, 13), (-37, 9), (-1, 1)),
        edges=((INF, 1), (-INF, 0), (0, 0.5)),
    ),
    Case(
        "sigmoid",
        lambda x: 1 / (1 + mpmath.exp(-x)),
        ((-87, 87), (-708, 30), (-1, 1)),
        edges=((INF, 1), (-INF, 0), (0, 0.5)),
    ),
    Case(
        "softplus",
        lambda x: mpmath.log1p(mpmath.exp(x)),
        ((-87, 87), (-708, 30), (-1, 1)),
        edges=((INF, INF), (-INF, 0)),
    ),
    Case(
        "power 1.75",
        power(1.75),
        ((0, 1), (0.5, 2)),
        (1e-17, 1e17),
        negative=False,
        edges=((0, 0), (-0.0, 0), (INF, INF), (1, 1), (-1, NAN)),
    ),
    Case(
        "power -3",
        power(-3),
        ((0.01, 1), (0.5, 2)),
        (1e-11, 1e11),
        negative=False,
        edges=((0, INF), (INF, 0), (1, 1)),
    ),
]
each = pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
dtypes = pytest.mark.parametrize("dtype", [np.float32, np.float64])


@pytest.fixture(autouse=True, params=kernels.core.targets() if kernels.core else [])
def target(request: pytest.FixtureRequest) -> Iterator[None]:
    before = kernels.core.target()
    kernels.core.choose(request.param)
    yield
    kernels.core.choose(before)


def call(case: Case, x: np.ndarray) -> np.ndarray:
    y = np.full_like(x, 7)
    assert kernels.core.math(case.name, x, y)
    return y


def arguments(case: Case, dtype: type, count: int) -> np.ndarray:
    rng = np.random.default_rng(1)
    info = np.finfo(dtype)
    parts = [rng.uniform(low, high, count) for low, high in case.intervals]
    low = max(case.sizes[0], float(info.smallest_subnormal))
    high = min(case.sizes[1], float(info.max))
    sizes = np.exp(rng.uniform(np.log(low), np.log(high), count))
    sign = rng.choice([-1, 1], count) if case.negative else 1
    return np.concatenate([*parts, sizes * sign]).astype(dtype)


def exact(case: Case, x: np.ndarray) -> np.ndarray:
    """Of long doubles, each correctly rounded from fifty digits."""
    with mp.workdps(50):
        found = [case.formula(mpf(float(value))) for value in x]
        heads = np.array([float(y) for y in found])
        finite = np.isfinite(heads)
        rests = [
            float(y - h) if f else 0.0
            for y, h, f in zip(found, heads, finite, strict=True)
        ]
        return heads.astype(np.longdouble) + np.array(rests)


def ulps(found: np.ndarray, true: np.ndarray) -> np.ndarray:
    """|found - true| in units of the last place of the rounded true value."""
    info = np.finfo(found.dtype)
    largest = np.nextafter(info.max, found.dtype.type(0))
    with np.errstate(all="ignore"):
        rounded = true.astype(found.dtype)
        unit = np.spacing(np.minimum(np.abs(rounded), largest)).astype(np.longdouble)
        away = np.abs(found.astype(np.longdouble) - true) / unit
    same = (found == rounded) | (np.isnan(found) & np.isnan(true))
    return np.where(same, np.fmin(away, 0.5), np.where(np.isnan(away), INF, away))


@dtypes
@each
def test_the_error_is_within_the_number_beside_the_function(
    case: Case, dtype: type
) -> None:
    x = arguments(case, dtype, 400)
    error = ulps(call(case, x), exact(case, x))
    worst = int(np.argmax(error))
    bound = STATED[case.name.split()[0]][np.dtype(dtype).char]
    assert error[worst] <= bound, (x[worst], error[worst])


@dtypes
@each
def test_edges_and_nan(case: Case, dtype: type) -> None:
    x = np.array([*(given for given, _ in case.edges), NAN], dtype)
    true = np.array([*(to for _, to in case.edges), NAN], dtype)
    found = call(case, x)
    np.testing.assert_array_equal(found, true)
    zero = (true == 0) & (x == 0)
    np.testing.assert_array_equal(np.signbit(found[zero]), np.signbit(true[zero]))


@dtypes
def test_every_size_gives_the_same_bits_and_writes_no_further(dtype: type) -> None:
    case = CASES[0]
    x = np.random.default_rng(2).normal(size=70).astype(dtype)
    whole = call(case, x)
    for n in range(70):
        y = np.full(n + 1, 7, dtype)
        assert kernels.core.math("exp", x[:n], y[:n])
        np.testing.assert_array_equal(y[:n], whole[:n])
        assert y[n] == 7


def test_exp_of_every_513th_float() -> None:
    bits = np.arange(0, 0x7F800000, 513, dtype=np.uint32).view(np.float32)
    near = bits[(bits > 1e-8) & (bits < 110)]
    x = np.concatenate([near, -near])
    with np.errstate(all="ignore"):
        true = np.exp(x.astype(np.float64))
    error = ulps(call(CASES[0], x), true.astype(np.longdouble))
    assert error.max() <= STATED["exp"]["f"]


def test_an_unknown_function_is_declined() -> None:
    x = np.zeros(3)
    assert not kernels.core.math("nothing", x, x)
    assert not kernels.core.math("exp", x[::2], x[:2])
    assert not kernels.core.math("exp", x, x.astype(np.float32))
