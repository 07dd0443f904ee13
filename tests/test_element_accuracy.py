"""Element-wise maps against mpmath: values, derivatives, tails, limits and minima."""

from collections.abc import Callable
from typing import Any, NamedTuple

import mpmath
import numpy as np
import pytest
from mpmath import mp, mpf

from anymax.activation import Activation
from anymax.activations.celu import CELU
from anymax.activations.elu import ELU
from anymax.activations.exp import Exp
from anymax.activations.gelu import GELU
from anymax.activations.hard_sigmoid import HardSigmoid
from anymax.activations.hard_swish import HardSwish
from anymax.activations.hard_tanh import HardTanh
from anymax.activations.identity import Identity
from anymax.activations.leaky_relu import LeakyReLU
from anymax.activations.log_sigmoid import LogSigmoid
from anymax.activations.mish import Mish
from anymax.activations.prelu import PReLU
from anymax.activations.relu import ReLU
from anymax.activations.selu import SELU
from anymax.activations.sigmoid import Sigmoid
from anymax.activations.silu import SiLU
from anymax.activations.soft_cap import SoftCap
from anymax.activations.softplus import Softplus
from anymax.activations.softsign import Softsign
from anymax.activations.swish import Swish
from anymax.activations.tanh import Tanh
from anymax.activations.thresholded_relu import ThresholdedReLU
from anymax.errors import ShapeError
from anymax.losses.cross_entropy import CrossEntropy
from anymax.losses.squared_error import SquaredError
from anymax.map import Arrays
from anymax.monomial import A, Slope
from anymax.pair import Pair
from anymax.sets import REALS
from anymax.trainable import Trainable
from anymax.types import quiet

INF = np.inf
RELATIVE = {np.float64: 1e-13, np.float32: 4e-6}
DIGITS = 420  # so that differences resolve 1 - tanh(1e3)
PLACES = (-1e4, -333, -100, -87.25, -38, -37.5, -16.5, -12.25, -5.5, -3.5, -2.75, -2)
PLACES += (-0.875, -0.4375, -0.03125, -1e-4, -1e-9, 0.0, 1e-9, 1e-4, 0.03125, 0.375)
PLACES += (0.9375, 2, 2.75, 3.5, 5.5, 12.25, 16.5, 37.5, 38, 87.25, 100, 333, 1e4)


class Case(NamedTuple):
    """A map, its formula f, f at -inf and inf, f' there, and where it has a kink.

    `inner` is the argument of exp or tanh where that is not z itself: its rounding is
    multiplied by its size in the tails, which the tolerance grants.
    """

    map: Activation
    formula: Callable[[Any], Any]
    limits: tuple[float, float] = (0, INF)
    slopes: tuple[float, float] = (0, 1)
    kinks: tuple[float, ...] = ()
    inner: Callable[[Any], Any] = lambda z: 0 * z


def softplus(z: Any) -> Any:
    return mpmath.log1p(mpmath.exp(z))


def sigmoid(z: Any) -> Any:
    return 1 / (1 + mpmath.exp(-z))


def exponential_unit(z: Any, height: Any, width: Any = 1, scale: Any = 1) -> Any:
    return scale * (z if z > 0 else height * mpmath.expm1(z / width))


def steep(z: Any) -> Any:
    return np.sqrt(8 / np.pi) * (z + 0.044715 * z**3)


def bent(z: Any) -> Any:
    return mpmath.sqrt(8 / mp.pi) * (z + mpf("0.044715") * z**3)


SELU_NUMBERS = (mpf("1.6732632423543772848"), 1, mpf("1.0507009873554804934"))
SELU_LOW = -1.7580993408473768

CASES = [
    Case(Identity(), lambda z: z, (-INF, INF), (1, 1)),
    Case(ReLU(), lambda z: max(z, 0), kinks=(0,)),
    Case(
        LeakyReLU(negative_slope=0.25),
        lambda z: z if z > 0 else z / 4,
        (-INF, INF),
        (0.25, 1),
        (0,),
    ),
    Case(LeakyReLU(negative_slope=0.0), lambda z: max(z, 0), kinks=(0,)),
    Case(PReLU(), lambda z: z if z > 0 else z / 4, (-INF, INF), (0.25, 1), (0,)),
    Case(ELU(), lambda z: exponential_unit(z, 1), (-1, INF)),
    Case(ELU(alpha=0.5), lambda z: exponential_unit(z, 0.5), (-0.5, INF), kinks=(0,)),
    Case(
        CELU(alpha=3.0),
        lambda z: exponential_unit(z, 3, 3),
        (-3, INF),
        inner=lambda z: np.minimum(z, 0) / 3,
    ),
    Case(
        SELU(),
        lambda z: exponential_unit(z, *SELU_NUMBERS),
        (SELU_LOW, INF),
        (0, 1.0507009873554805),
        (0,),
    ),
    Case(GELU(), lambda z: z * mpmath.erfc(-z / mpmath.sqrt(2)) / 2),
    Case(GELU(approximate="tanh"), lambda z: z * sigmoid(bent(z)), inner=steep),
    Case(SiLU(), lambda z: z * sigmoid(z)),
    Case(
        Swish(beta=1.75),
        lambda z: z * sigmoid(mpf(1.75) * z),
        inner=lambda z: 1.75 * z,
    ),
    Case(Swish(beta=-2.0), lambda z: z * sigmoid(-2 * z), (-INF, 0), (1, 0)),
    Case(Swish(beta=0.0), lambda z: z / 2, (-INF, INF), (0.5, 0.5)),
    Case(Mish(), lambda z: z * mpmath.tanh(softplus(z))),
    Case(Softplus(), softplus),
    Case(Softplus(beta=3.0), lambda z: softplus(3 * z) / 3, inner=lambda z: 3 * z),
    Case(Softsign(), lambda z: z / (1 + abs(z)), (-1, 1), (0, 0)),
    Case(
        HardSigmoid(),
        lambda z: min(max((z + 3) / 6, 0), 1),
        (0, 1),
        (0, 0),
        (-3, 3),
    ),
    Case(HardSwish(), lambda z: z * min(max(z + 3, 0), 6) / 6, kinks=(-3, 3)),
    Case(HardTanh(), lambda z: min(max(z, -1), 1), (-1, 1), (0, 0), (-1, 1)),
    Case(
        HardTanh(min_val=-2.5, max_val=0.5),
        lambda z: min(max(z, -2.5), 0.5),
        (-2.5, 0.5),
        (0, 0),
        (-2.5, 0.5),
    ),
    Case(LogSigmoid(), lambda z: -softplus(-z), (-INF, 0), (1, 0)),
    Case(Tanh(), mpmath.tanh, (-1, 1), (0, 0)),
    Case(Exp(), mpmath.exp, (0, INF), (0, INF)),
    Case(ThresholdedReLU(), lambda z: z if z > 1 else 0 * z, kinks=(1,)),
    Case(
        SoftCap(cap=30.0),
        lambda z: 30 * mpmath.tanh(z / 30),
        (-30, 30),
        (0, 0),
        inner=lambda z: z / 15,
    ),
]
each = pytest.mark.parametrize("case", CASES, ids=lambda case: repr(case.map))
dtypes = pytest.mark.parametrize("dtype", RELATIVE, ids=lambda d: d.__name__)


def reference(case: Case, z: np.ndarray, order: int) -> np.ndarray:
    with mp.workdps(DIGITS):
        if order == 0:
            exact = [case.formula(mpf(float(x))) for x in z]
        else:
            exact = [mpmath.diff(case.formula, mpf(float(x)), order) for x in z]
        return np.array([float(x) for x in exact])


def places(case: Case, dtype: type, order: int) -> np.ndarray:
    z = np.array(PLACES, dtype)
    kinks = np.array([*case.kinks, *((0,) if order else ())])
    near = np.abs(z[:, None] - kinks).min(-1, initial=INF) < 1e-6
    return z[~near] if order else z


def close(found: np.ndarray, exact: np.ndarray, case: Case, z: np.ndarray) -> None:
    """Relative, but for what is below the smallest normal number, where a factor that
    has lost its digits may have been multiplied by z."""
    dtype = found.dtype.type
    info = np.finfo(dtype)
    grant = 1 + np.abs(case.inner(z.astype(float))) / 50
    with np.errstate(over="ignore", invalid="ignore"):
        exact = np.where(np.abs(exact) > info.max, np.copysign(INF, exact), exact)
        below = 8 * (1 + np.abs(z)) * info.smallest_subnormal
        bound = RELATIVE[dtype] * grant * np.abs(exact) + below
        bad = ~((found == exact) | (np.abs(found - exact) <= bound))
    assert not bad.any(), np.c_[z, found, exact][bad]


@dtypes
@each
def test_values_are_those_of_the_formula(case: Case, dtype: type) -> None:
    z = places(case, dtype, 0)
    found = case.map(z)
    assert found.dtype == dtype
    close(found, reference(case, z, 0), case, z)


@dtypes
@each
def test_derivatives_are_those_of_the_formula(case: Case, dtype: type) -> None:
    z = places(case, dtype, 1)
    found = case.map.jacobian(z).diagonal()
    assert found.dtype == dtype
    close(found, reference(case, z, 1), case, z)


@each
def test_second_derivatives_are_those_of_the_formula(case: Case) -> None:
    z = places(case, np.float64, 2)[1:-1]  # exp(1e4) is inf
    one = np.ones_like(z)
    found = case.map.jacobian(z).vjp_derivative(one, one, 0 * one)
    exact = reference(case, z, 2)
    # these state their weight relative to a: their second derivative is a difference
    relative = isinstance(case.map, Softplus | LogSigmoid)
    atol = 1e-15 if relative else 1e-300
    np.testing.assert_allclose(found, exact, rtol=1e-11, atol=atol)


@dtypes
@each
def test_limits_at_infinity(case: Case, dtype: type) -> None:
    z = np.array([-INF, INF], dtype)
    np.testing.assert_allclose(case.map(z), case.limits, rtol=1e-7)
    slopes = case.map.jacobian(z).diagonal()
    np.testing.assert_allclose(slopes, case.slopes, rtol=1e-6)


@each
def test_nan_stays_in_its_place(case: Case) -> None:
    found = case.map([np.nan, 1.5])
    assert np.isnan(found[0])
    assert np.isfinite(found[1])
    target = case.map([0.25, 0.5])
    gradient = Pair(case.map, SquaredError()).gradient(
        [[np.nan, 1.5], [1.0, 2.0]], [target, target], reduce="none"
    )
    assert np.isnan(gradient[0, 0])
    assert np.isfinite(gradient[1]).all()


@each
def test_the_range_holds_what_comes_out(case: Case) -> None:
    z = np.linspace(-8, 8, 4001)[:, None]
    a = case.map(z)
    hull = case.map.range.hull
    tail = 1e-15 * np.abs(a)
    assert np.all((a >= hull.low - tail) & (a <= hull.high + tail))
    for closed, end, reached in ((0, hull.low, a.min()), (1, hull.high, a.max())):
        if hull.ends[closed] in "[]":
            assert abs(reached - end) < 1e-5


TURNING = [case for case in CASES if isinstance(case.map, GELU | SiLU | Swish | Mish)]


@pytest.mark.parametrize(
    "case",
    [case for case in TURNING if case.map.range != REALS],
    ids=lambda case: repr(case.map),
)
def test_the_closed_end_is_the_extremum(case: Case) -> None:
    hull, beta = case.map.range.hull, getattr(case.map, "beta", 1.0)
    with mp.workdps(40):
        at = mpmath.findroot(lambda t: mpmath.diff(case.formula, t), -1 / beta)
        exact = float(case.formula(at))
    assert (hull.low if beta > 0 else hull.high) == exact


@each
def test_hvp_and_gradient_have_a_certificate(case: Case) -> None:
    rng = np.random.default_rng(3)
    z = 1.3 * rng.normal(size=(6, 4))
    for kink in case.kinks:  # differences reach 2e-3 to each side
        z = np.where(np.abs(z - kink) < 0.01, kink + 0.05, z)
    z = np.where(np.abs(z) < 0.01, 0.05, z)
    y = case.map(rng.normal(size=(6, 4)))
    certificate = Pair(case.map, SquaredError()).certificate(z, y)
    assert certificate.gradient_error < 1e-9
    assert certificate.unfused_error < 1e-14
    assert certificate.hvp_error < 1e-8


# ---- kinks, as PyTorch has them: z, the map, da/dz there


@pytest.mark.parametrize(
    ("map", "z", "slope"),
    [
        (ReLU(), 0.0, 0),
        (LeakyReLU(), 0.0, 0.01),
        (PReLU(), 0.0, 0.25),
        (ELU(alpha=2.0), 0.0, 2),
        (SELU(), 0.0, -SELU_LOW),
        (CELU(alpha=2.0), 0.0, 1),
        (HardSigmoid(), -3.0, 0),
        (HardSigmoid(), 3.0, 0),
        (HardSwish(), -3.0, 0),
        (HardSwish(), 3.0, 1),
        (HardTanh(), -1.0, 0),
        (HardTanh(), 1.0, 0),
        (ThresholdedReLU(), 1.0, 0),
        (Softsign(), 0.0, 1),
    ],
)
def test_the_slope_at_a_kink_is_that_of_pytorch(
    map: Activation, z: float, slope: float
) -> None:
    np.testing.assert_allclose(map.jacobian([z]).diagonal(), [slope], rtol=1e-15)


# ---- what losses ask, in the tails


@dtypes
@pytest.mark.parametrize("beta", [1.0, 0.5, 3.0])
def test_log_of_softplus_is_finite_in_the_tail(dtype: type, beta: float) -> None:
    z = np.array([-1e4, -120, -37, -36, -16, -15.5, -9, -2, 4, 60], dtype)
    with mp.workdps(60):
        exact = [mpmath.log(softplus(beta * mpf(float(x))) / beta) for x in z]
    map = Softplus(beta=beta)
    found = quiet(map.log)(z, map(z))
    assert found.dtype == dtype
    np.testing.assert_allclose(found, np.array(exact, float), rtol=2 * RELATIVE[dtype])


@dtypes
@pytest.mark.parametrize("beta", [1.0, 3.0])
def test_softplus_cancels_where_it_underflows(dtype: type, beta: float) -> None:
    map = Softplus(beta=beta)
    z = np.array([[-1e4, -120, -40, -17, -10, -3, -1, 0, 2, 30]], dtype)
    y = np.ones_like(z)
    pair = Pair(map, CrossEntropy())
    with mp.workdps(DIGITS):
        points = [mpf(float(x)) for x in z[0]]

        def cost(t: Any) -> Any:
            return -mpmath.log(softplus(beta * t))

        first = [float(mpmath.diff(cost, t)) for t in points]
        second = [float(mpmath.diff(cost, t, 2)) for t in points]
    tolerance = 20 * RELATIVE[dtype]
    np.testing.assert_allclose(pair.gradient(z, y)[0], first, rtol=tolerance)
    atol = 8 * np.finfo(dtype).smallest_subnormal
    np.testing.assert_allclose(pair.hvp(z, y, y)[0], second, rtol=tolerance, atol=atol)


def test_poisson_slope_after_softplus_is_exact_far_below() -> None:
    z = np.array([-120.0], np.float32)
    map = Softplus()
    a = map(z)
    assert a == 0
    np.testing.assert_array_equal(map.jacobian(z).vjp(Slope(a - 3, A)), [-3])


@dtypes
def test_the_logs_of_hard_sigmoid_and_tanh_keep_their_digits(dtype: type) -> None:
    eps = np.finfo(dtype).eps
    z = np.array([-3 * (1 - eps), -2.5, 0.1, 2.5, 3 * (1 - eps)], dtype)
    map, a = HardSigmoid(), HardSigmoid()(z)
    with mp.workdps(60):
        share = [(mpf(float(x)) + 3) / 6 for x in z]
        log = np.array([mpmath.log(s) for s in share], float)
        log_not = np.array([mpmath.log(1 - s) for s in share], float)
        gap = [mpmath.log(1 - mpmath.tanh(mpf(float(x) * 3))) for x in z]
    np.testing.assert_allclose(map.log(z, a), log, rtol=RELATIVE[dtype])
    np.testing.assert_allclose(map.log_not(z, a), log_not, rtol=RELATIVE[dtype])
    wide = 3 * z
    found = Tanh().log_not(wide, Tanh()(wide))
    np.testing.assert_allclose(found, np.array(gap, float), rtol=2 * RELATIVE[dtype])


@pytest.mark.parametrize("flat", [ReLU(), LeakyReLU(negative_slope=0.0)], ids=repr)
def test_a_flat_side_has_gradient_0_whatever_the_loss(flat: Activation) -> None:
    pair, z, y = Pair(flat, CrossEntropy()), [[-1.0, 0.5]], [[0.5, 0.5]]
    assert np.isposinf(pair.value(z, y))
    np.testing.assert_allclose(pair.gradient(z, y), [[0, -1]])
    np.testing.assert_allclose(pair.hvp(z, y, np.ones((1, 2))), [[0, 2]])


# ---- potentials: the gradient is a, and the conjugate is the conjugate

MATCHED = [case for case in CASES if case.map.knows("potential")]
UNMATCHED = {"LeakyReLU", "PReLU", "GELU", "SiLU", "Swish", "Mish", "HardSwish"}
UNMATCHED |= {"ThresholdedReLU", "Softplus", "LogSigmoid"}
matched = pytest.mark.parametrize("case", MATCHED, ids=lambda case: repr(case.map))


def test_who_has_a_potential() -> None:
    refused = {case.map.name for case in CASES if case not in MATCHED}
    assert refused == UNMATCHED
    for case in CASES:
        if case not in MATCHED:
            with pytest.raises(TypeError, match="Matching needs"):
                case.map.require("potential")


@matched
def test_the_gradient_of_the_potential_is_the_map(case: Case) -> None:
    z = np.array([-4.3, -2.1, -0.6, 0.4, 0.7, 1.9, 3.6])[:, None]
    step = 1e-5
    up, down = z + step, z - step
    rise = case.map.potential(up, case.map(up)) - case.map.potential(
        down, case.map(down)
    )
    np.testing.assert_allclose(rise / (2 * step), case.map(z)[:, 0], atol=1e-9)


@matched
def test_potential_and_conjugate_meet_at_the_map(case: Case) -> None:
    """Fenchel and Young: equality at y = a, and never below it."""
    z = np.linspace(-4, 4, 33)[:, None]
    a = case.map(z)

    def gap(y: np.ndarray) -> np.ndarray:
        return case.map.potential(z, a) + case.map.conjugate(y) - (y * z)[:, 0]

    np.testing.assert_allclose(gap(a), 0, atol=2e-12)
    assert np.all(gap(a[::-1]) >= -2e-12)


@matched
def test_a_target_out_of_reach_costs_inf(case: Case) -> None:
    hull = case.map.range.hull
    with np.errstate(all="ignore"):
        for end, side in ((hull.low, -1), (hull.high, 1)):
            if np.isfinite(end):
                assert np.isposinf(case.map.conjugate(np.array([end + side * 0.1])))
                assert not np.isnan(case.map.conjugate(np.array([end])))


# ---- trainable hyper-parameters

TRAINED = [
    (PReLU(), np.array(0.3)),
    (PReLU(num_parameters=4), np.array([0.3, -0.1, 0.25, 1.5])),
    (Swish(beta=Trainable(1.0)), np.array(0.8)),
    (Swish(beta=Trainable(1.0, lower=0)), np.array(-0.4)),
    (Swish(beta=Trainable([1.0, 2.0, 0.5, 1.0])), np.array([0.8, -0.5, 1.5, 0.1])),
]


@pytest.mark.parametrize(("map", "theta"), TRAINED, ids=lambda x: repr(x)[:40])
def test_training_a_hyper_parameter_agrees_with_differences(
    map: Activation, theta: np.ndarray
) -> None:
    rng = np.random.default_rng(5)
    z, g, dg, v = rng.normal(size=(4, 3, 4))
    z = np.where(np.abs(z) < 0.01, 0.05, z)
    e = rng.normal(size=theta.shape)
    h = 1e-5

    def at(t: float) -> tuple[np.ndarray, Any]:
        return map.linearize((z + t * v,), (theta + t * e,))

    def vjp(t: float) -> list[np.ndarray]:
        (by_z,), (by_theta,) = at(t)[1].vjp(g + t * dg)
        return [by_z, by_theta]

    point = at(0.0)[1]
    da = (at(h)[0] - at(-h)[0]) / (2 * h)
    np.testing.assert_allclose(point.jvp((v,), (e,)), da, atol=1e-9)
    by_z, by_theta = vjp(0.0)
    np.testing.assert_allclose((by_z * v).sum() + (by_theta * e).sum(), (g * da).sum())
    moved: tuple[Arrays, Arrays] = point.vjp_derivative((v,), (e,), g, dg)
    for found, up, down in zip((*moved[0], *moved[1]), vjp(h), vjp(-h), strict=True):
        np.testing.assert_allclose(found, (up - down) / (2 * h), atol=1e-8)


def test_a_trained_slope_keeps_float32() -> None:
    z = np.array([[-1.0, 2.0]], np.float32)
    for map in (PReLU(), PReLU(num_parameters=2), Swish(beta=Trainable(1.0))):
        assert map(z).dtype == np.float32
        raw = tuple(np.zeros(p.shape) for p in map.parameters)
        assert map.linearize((z,), raw)[0].dtype == np.float32


def test_the_range_of_swish_follows_beta() -> None:
    assert Swish(beta=2.0).range.hull.low == Swish().range.hull.low / 2
    assert Swish(beta=-2.0).range.hull.high == -Swish().range.hull.low / 2
    assert Swish(beta=0.0).range == REALS
    assert Swish(beta=Trainable(1.0)).range == REALS
    assert Swish(beta=Trainable(1.0, lower=0.5)).range.hull.low == pytest.approx(
        -0.5569, rel=1e-4
    )


# ---- hyper-parameters


@pytest.mark.parametrize(
    ("make", "named"),
    [
        (lambda: ELU(alpha=0.0), "alpha > 0; got 0"),
        (lambda: CELU(alpha=-1.0), "alpha > 0; got -1"),
        (lambda: SoftCap(cap=np.nan), "finite cap; got nan"),
        (lambda: Softplus(beta=np.inf), "finite beta; got inf"),
        (lambda: LeakyReLU(negative_slope=np.nan), "finite negative_slope"),
        (lambda: HardTanh(min_val=1.0, max_val=1.0), "min_val < max_val; got 1 and 1"),
        (lambda: ThresholdedReLU(theta=-1.0), "theta >= 0; got -1"),
        (lambda: GELU(approximate="erf"), "'erf'"),
        (lambda: PReLU(num_parameters=0), "num_parameters >= 1; got 0"),
        (lambda: Swish(beta=np.inf), "finite beta"),
    ],
)
def test_bad_hyper_parameters_are_refused(make: Callable[[], Any], named: str) -> None:
    with pytest.raises(ValueError, match=named):
        make()


def test_a_trainable_where_none_fits_is_refused() -> None:
    with pytest.raises(TypeError, match="ELU needs a number for alpha"):
        ELU(alpha=Trainable(1.0))  # type: ignore[arg-type]


def test_prelu_names_the_width_it_needs() -> None:
    with pytest.raises(ShapeError, match="8 channels on the last axis"):
        PReLU(num_parameters=8)([[1.0, 2.0]])


def test_numpy_scalars_as_hyper_parameters_keep_float32() -> None:
    z = np.array([-1.0, 1.0], np.float32)
    for map in (ELU(alpha=np.float64(0.5)), SoftCap(cap=np.float64(3))):
        assert map(z).dtype == np.float32
        assert map.jacobian(z).vjp(z).dtype == np.float32


@pytest.mark.parametrize(
    "map",
    [
        PReLU(),
        PReLU(num_parameters=8),
        PReLU(init=0.5),
        Swish(beta=Trainable(1.0)),
        Swish(beta=2.0),
        GELU(approximate="tanh"),
        HardTanh(min_val=-2.0, max_val=3.0),
        SoftCap(cap=50.0),
        LeakyReLU(),
    ],
    ids=repr,
)
def test_repr_reads_back(map: Activation) -> None:
    names = {**globals(), "Trainable": Trainable}
    assert repr(eval(repr(map), names)) == repr(map)


def test_sigmoid_and_its_log_agree() -> None:
    z = np.linspace(-30, 30, 61)
    np.testing.assert_allclose(LogSigmoid()(z), Sigmoid().log(z, Sigmoid()(z)))


def test_identity_returns_a_copy() -> None:
    z = np.ones(3)
    assert not np.shares_memory(Identity()(z), z)
