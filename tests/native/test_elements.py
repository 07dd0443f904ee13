"""Element-wise kernels: errors against mpmath, edges and questions against NumPy.

The bounds in ULP stand beside the kernels, and are read from there.
"""

import re
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import mpmath
import numpy as np
import pytest
from mpmath import mp, mpf

import anymax as am
from anymax import activations, kernels, registry
from anymax.types import quiet

pytestmark = pytest.mark.skipif(kernels.core is None, reason="needs native kernels")
NATIVE = Path(__file__).parents[2] / "native"
STATED = {
    name: (float(value), float(slope))
    for file in NATIVE.glob("elements-*-inl.h")
    for name, value, slope in re.findall(
        r"ULP: (\w+) value ([\d.]+) slope ([\d.]+)", file.read_text()
    )
}
INF, NAN = np.inf, np.nan
LARGEST_LANES = 16


class Case(NamedTuple):
    """A map and its formula; `inner` is the size of the argument that exp gets where
    that is not z itself, since its rounding is multiplied by its size."""

    map: Any
    formula: Callable[[Any], Any]
    inner: Callable[[Any], Any] = lambda z: 0 * z


def softplus(z: Any) -> Any:
    return mpmath.log1p(mpmath.exp(z))


def sigmoid(z: Any) -> Any:
    return 1 / (1 + mpmath.exp(-z))


def unit(z: Any, height: Any, width: Any = 1, scale: Any = 1) -> Any:
    return scale * (z if z > 0 else height * mpmath.expm1(z / width))


def steep(z: Any, root: Any = np.sqrt) -> Any:
    return root(8 / mp.pi if root is mpmath.sqrt else 8 / np.pi) * (
        z + (mpf("0.044715") if root is mpmath.sqrt else 0.044715) * z**3
    )


def held(z: Any, low: float, high: float) -> Any:
    return min(max(z, low), high)


CASES = [
    Case(am.Identity(), lambda z: z),
    Case(am.ReLU(), lambda z: max(z, 0 * z)),
    Case(am.ThresholdedReLU(theta=0.75), lambda z: z if z > 0.75 else 0 * z),
    Case(
        am.LeakyReLU(negative_slope=0.3125), lambda z: z if z > 0 else mpf(0.3125) * z
    ),
    Case(am.LeakyReLU(negative_slope=0.0), lambda z: max(z, 0 * z)),
    Case(am.HardTanh(min_val=-2.5, max_val=0.5), lambda z: held(z, -2.5, 0.5)),
    Case(am.HardSigmoid(), lambda z: held((z + 3) / 6, 0, 1)),
    Case(am.HardSwish(), lambda z: z * held(z + 3, 0, 6) / 6),
    Case(am.Softsign(), lambda z: z / (1 + abs(z))),
    Case(am.ELU(alpha=0.5), lambda z: unit(z, 0.5)),
    Case(am.CELU(alpha=3.0), lambda z: unit(z, 3, 3), lambda z: np.minimum(z, 0) / 3),
    Case(
        am.SELU(),
        lambda z: unit(
            z, mpf("1.6732632423543772848"), 1, mpf("1.0507009873554804934")
        ),
    ),
    Case(am.Sigmoid(), sigmoid),
    Case(am.Tanh(), mpmath.tanh),
    Case(am.SoftCap(cap=30.0), lambda z: 30 * mpmath.tanh(z / 30), lambda z: z / 15),
    Case(am.Exp(), mpmath.exp),
    Case(am.Softplus(), softplus),
    Case(am.Softplus(beta=3.0), lambda z: softplus(3 * z) / 3, lambda z: 3 * z),
    Case(am.LogSigmoid(), lambda z: -softplus(-z)),
    Case(am.SiLU(), lambda z: z * sigmoid(z)),
    Case(
        am.Swish(beta=-1.75), lambda z: z * sigmoid(-mpf(1.75) * z), lambda z: 1.75 * z
    ),
    Case(am.Swish(beta=0.0), lambda z: z / 2),
    Case(am.GELU(), lambda z: z * mpmath.erfc(-z / mpmath.sqrt(2)) / 2),
    Case(
        am.GELU(approximate="tanh"),
        lambda z: z * sigmoid(steep(z, mpmath.sqrt)),
        lambda z: 2 * steep(z),
    ),
    Case(am.Mish(), lambda z: z * mpmath.tanh(softplus(z))),
]
GATES = (am.SiLU, am.Swish, am.GELU, am.Mish)  # slope = a / z + what may cancel it
each = pytest.mark.parametrize("case", CASES, ids=lambda case: repr(case.map))
dtypes = pytest.mark.parametrize("dtype", [np.float32, np.float64])


@pytest.fixture(autouse=True, params=kernels.core.targets() if kernels.core else [])
def target(request: pytest.FixtureRequest) -> Iterator[None]:
    before = kernels.core.target()
    kernels.core.choose(request.param)
    kernels.find.cache_clear()
    yield
    kernels.core.choose(before)
    kernels.find.cache_clear()


def places(dtype: type) -> np.ndarray:
    """Logits of all sizes; kinks are left out, they have a test of their own."""
    rng = np.random.default_rng(4)
    wide = np.exp(rng.uniform(np.log(1e-9), np.log(60), 40)) * rng.choice([-1, 1], 40)
    return np.concatenate([rng.uniform(-6, 6, 40), wide]).astype(dtype)


@cache
def references(index: int, dtype: type) -> tuple[np.ndarray, np.ndarray]:
    """Values and slopes in long double."""
    formula = CASES[index].formula

    def both(x: Any) -> tuple[np.longdouble, np.longdouble]:
        step = mpf(10) ** -60
        slope = (formula(x + step) - formula(x - step)) / (2 * step)
        return longdouble(formula(x)), longdouble(slope)

    with mp.workdps(150):
        pairs = [both(mpf(float(z))) for z in places(dtype)]
    return np.array([v for v, _ in pairs]), np.array([s for _, s in pairs])


def longdouble(x: Any) -> np.longdouble:
    head = float(x)
    return np.longdouble(head) + np.longdouble(float(x - head))


def within(
    found: np.ndarray, true: np.ndarray, unit: np.ndarray, bound: np.ndarray
) -> None:
    """At most `bound` units in the last place of `unit` away, or below all numbers."""
    info = np.finfo(found.dtype)
    place = np.spacing(np.minimum(np.abs(unit), info.max / 4).astype(found.dtype))
    error = np.abs(found.astype(np.longdouble) - true) / place.astype(np.longdouble)
    worst = int(np.argmax(error - bound))
    assert error[worst] <= bound[worst], (error[worst], bound[worst], true[worst])


@dtypes
@each
def test_value_and_slope_are_within_the_bound_beside_the_kernel(
    case: Case, dtype: type
) -> None:
    z = places(dtype)
    value, slope = references(CASES.index(case), dtype)
    by_value, by_slope = STATED[case.map.name]
    grant = np.abs(case.inner(z.astype(float)))
    found = case.map(z)
    within(found, value, value, by_value + grant)
    one = np.ones_like(z)
    handle = kernels.handle(case.map)
    part = np.abs(value / z) if isinstance(case.map, GATES) else np.abs(slope)
    unit = np.maximum(part, np.abs(slope))
    for product in (kernels.core.vjp, kernels.core.jvp):
        within(product(handle, z, found, one), slope, unit, by_slope + 2 * grant)


def edges(dtype: type) -> np.ndarray:
    info = np.finfo(dtype)
    tiny, small = float(info.smallest_subnormal), float(info.tiny) / 4
    far = [0.0, tiny, small, 1.0, 3.0, 30.0, 88.5, 120.0, 709.5, 1e30, info.max, INF]
    kinks = [0.5, -2.5, 0.75]
    return np.array([*far, *(-x for x in far), *kinks, NAN], dtype)


def same(found: np.ndarray, expected: np.ndarray) -> None:
    """Equal but for roundings, with zeros, infinities and NaN where NumPy has them."""
    eps = np.finfo(found.dtype).eps
    below = 8 * np.finfo(found.dtype).smallest_subnormal
    assert found.dtype == expected.dtype
    np.testing.assert_allclose(found, expected, rtol=100 * eps, atol=100 * below)


@dtypes
@each
def test_edges_are_those_of_numpy(case: Case, dtype: type) -> None:
    z = edges(dtype)
    handle = kernels.handle(case.map)
    with kernels.numpy_only():
        a = case.map(z)
        jacobian = case.map.jacobian(z, a)
        expected = {g: jacobian.vjp(np.full_like(z, g)) for g in (1.0, -2.0, 0.0, INF)}
    same(case.map(z), a)
    for g, product in expected.items():
        same(kernels.core.vjp(handle, z, a, np.full_like(z, g)), product)


@dtypes
@each
def test_the_factor_is_what_stands_beside_the_monomial(case: Case, dtype: type) -> None:
    z = np.concatenate([edges(dtype), places(dtype)])
    with kernels.numpy_only():
        a = case.map(z)
        weight = quiet(case.map.structure)(z, a).weight
    found = kernels.core.ask(kernels.handle(case.map), "factor", z, a)
    expected = weight.on(np.broadcast_to(weight.factor, z.shape).astype(dtype))
    same(np.ones_like(z) if found is None else found, expected)


@dtypes
@each
@pytest.mark.parametrize("question", ["log", "log_not", "less", "potential"])
def test_answers_are_those_of_the_class(case: Case, dtype: type, question: str) -> None:
    own = question in vars(type(case.map)) or question == "potential"
    if not own or (question == "potential" and not case.map.knows(question)):
        return
    z = places(dtype).reshape(4, 20)
    with kernels.numpy_only():
        a = case.map(z)
        expected = quiet(getattr(case.map, question))(z, a)
    found = kernels.core.ask(kernels.handle(case.map), question, z, a)
    eps = np.finfo(dtype).eps
    np.testing.assert_allclose(found, expected, rtol=30 * eps, atol=eps)


@dtypes
@each
def test_every_size_gives_the_same_bits(case: Case, dtype: type) -> None:
    z = places(dtype)
    handle = kernels.handle(case.map)
    whole, one = case.map(z), np.ones_like(z)
    product = kernels.core.vjp(handle, z, whole, one)
    for n in range(3 * LARGEST_LANES + 2):
        part = z[1 : n + 1].copy()
        out = np.full(n + 1, 7, dtype)
        kernels.core.apply(handle, part, out[:n])
        np.testing.assert_array_equal(out[:n], whole[1 : n + 1])
        assert out[n] == 7
        found = kernels.core.vjp(handle, part, whole[1 : n + 1], one[:n])
        np.testing.assert_array_equal(found, product[1 : n + 1])


@dtypes
@each
def test_inputs_of_any_layout_are_left_alone(case: Case, dtype: type) -> None:
    z = places(dtype).reshape(8, 10)
    whole = case.map(z)
    raw = np.zeros(z.nbytes + 1, np.uint8)
    odd = raw[1:].view(dtype).reshape(z.shape)  # misaligned
    odd[...] = z
    fixed = z.copy()
    fixed.flags.writeable = False
    wide = np.repeat(z, 2, -1)
    for given in (odd, fixed, wide[:, ::2], np.asfortranarray(z), z.astype(">f8")):
        before = given.tobytes()
        found = case.map(given)
        assert given.tobytes() == before
        if given.dtype == z.dtype:
            np.testing.assert_array_equal(found, whole)
    np.testing.assert_array_equal(case.map(z.T), whole.T)
    np.testing.assert_array_equal(case.map(z[::-1, ::-2]), whole[::-1, ::-2])
    inside = z.copy()
    assert kernels.core.apply(kernels.handle(case.map), inside, inside) is inside
    np.testing.assert_array_equal(inside, whole)


@dtypes
def test_threads_change_no_bit(dtype: type) -> None:
    z = np.random.default_rng(6).normal(size=200_003).astype(dtype)
    map = am.GELU()
    whole = map(z)
    for begin in range(0, z.size, 30_000):
        part = slice(begin, begin + 30_000)
        np.testing.assert_array_equal(map(z[part]), whole[part])


def test_what_is_not_plain_is_declined() -> None:
    handle = kernels.handle(am.ReLU())
    apply, vjp = kernels.core.apply, kernels.core.vjp
    z = np.zeros((2, 3))
    for given in ([1.0], 1.0, np.float64(1), np.array(1.0), np.zeros(3, int), None):
        assert apply(handle, given) is None
    assert apply(handle, np.zeros(3, ">f8")) is None
    assert apply(handle, np.zeros(3, np.float16)) is None
    assert apply(handle, np.ma.zeros(3)) is None
    assert apply(handle, z, np.zeros((3, 2))) is None
    assert apply(handle, z, np.zeros((2, 3), np.float32)) is None
    both = np.zeros(7)
    assert apply(handle, both[:6], both[1:]) is None
    assert apply(None, z) is None
    assert vjp(handle, z, z, np.zeros(3)) is None
    assert vjp(handle, z, z, z.astype(np.float32)) is None
    assert apply(handle, np.zeros((0, 3))).shape == (0, 3)
    assert kernels.core.find("Nothing", ()) is None


def test_every_element_wise_activation_without_parameters_has_a_kernel() -> None:
    maps = registry.samples(activations).values()
    missing = [m for m in maps if m.coupling == "element" and not kernels.handle(m)]
    assert [m.name for m in missing] == ["PReLU"]
    tested = {case.map.name for case in CASES}
    assert tested == set(STATED)
    assert kernels.handle(am.Swish(beta=am.Trainable(1.0))) is None
