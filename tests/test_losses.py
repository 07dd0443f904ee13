"""Each loss against its formula, its differences and the rules class losses share."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import mpmath
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.special import gammaln, huber, rel_entr, xlog1py, xlogy

from anymax.activations.sigmoid import Sigmoid
from anymax.activations.softmax import Softmax
from anymax.differences import along, by_each
from anymax.errors import DomainError, ShapeError
from anymax.loss import Loss
from anymax.losses.absolute_error import AbsoluteError
from anymax.losses.binary_cross_entropy import BinaryCrossEntropy
from anymax.losses.brier import Brier
from anymax.losses.categorical_hinge import CategoricalHinge
from anymax.losses.cross_entropy import CrossEntropy
from anymax.losses.focal import Focal
from anymax.losses.generalized_cross_entropy import GeneralizedCrossEntropy
from anymax.losses.hinge import Hinge
from anymax.losses.huber import Huber
from anymax.losses.jensen_shannon import JensenShannon
from anymax.losses.kl_divergence import KLDivergence
from anymax.losses.log_cosh import LogCosh
from anymax.losses.log_spherical import LogSpherical
from anymax.losses.log_taylor import LogTaylor
from anymax.losses.matching import Matching
from anymax.losses.mean_squared_error import MeanSquaredError
from anymax.losses.negative_log_likelihood import NegativeLogLikelihood
from anymax.losses.poisson import Poisson
from anymax.losses.poly import Poly
from anymax.losses.reverse_kl import ReverseKL
from anymax.losses.spherical_score import SphericalScore
from anymax.losses.squared_error import SquaredError
from anymax.losses.z_loss import ZLoss
from anymax.monomial import Point
from anymax.output import Given, Tangent
from anymax.pair import Pair

N = 5
# rows and slope are called here without the callers that keep log 0 quiet
pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")


# ---- drawing outputs and targets, the edges of the targets included


def reals(rng: np.random.Generator, shape: tuple[int, int]) -> np.ndarray:
    return 1.5 * rng.normal(size=shape)


def positive(rng: np.random.Generator, shape: tuple[int, int]) -> np.ndarray:
    return 0.1 + rng.gamma(2.0, 1.0, shape)


def unit(rng: np.random.Generator, shape: tuple[int, int]) -> np.ndarray:
    return rng.uniform(0.05, 0.95, shape)


def simplex(rng: np.random.Generator, shape: tuple[int, int]) -> np.ndarray:
    return rng.dirichlet(np.full(shape[1], 2.0), shape[0])


def logs(rng: np.random.Generator, shape: tuple[int, int]) -> np.ndarray:
    return np.log(simplex(rng, shape))


def one_hot(rng: np.random.Generator, shape: tuple[int, int]) -> np.ndarray:
    return np.eye(shape[1])[rng.integers(shape[1], size=shape[0])]


def shares(rng: np.random.Generator, shape: tuple[int, int]) -> np.ndarray:
    """Half the rows one-hot, one entry of the others 0."""
    inner = simplex(rng, shape)
    inner[:, 0] = 0
    inner /= inner.sum(-1, keepdims=True)
    return np.where(np.arange(shape[0])[:, None] % 2, inner, one_hot(rng, shape))


def answers(rng: np.random.Generator, shape: tuple[int, int]) -> np.ndarray:
    return rng.choice([0.0, 0.3, 1.0], shape)


def counts(rng: np.random.Generator, shape: tuple[int, int]) -> np.ndarray:
    return rng.poisson(1.0, shape).astype(float)


def signs(rng: np.random.Generator, shape: tuple[int, int]) -> np.ndarray:
    return rng.choice([-1.0, 1.0], shape)


# ---- the formulas, a row at a time, written as in the papers


def crammer_singer(a: np.ndarray, y: np.ndarray) -> float:
    return sum(
        y[c] * max(0.0, *(1 + a[j] - a[c] for j in range(len(a)) if j != c))
        for c in range(len(a))
    )


def jensen_shannon(a: np.ndarray, y: np.ndarray) -> float:
    m = (a + y) / 2
    return (rel_entr(y, m).sum() + rel_entr(a, m).sum()) / 2


def log_cosh(a: np.ndarray, y: np.ndarray) -> float:
    return float(sum(mpmath.log(mpmath.cosh(mpmath.mpf(r))) for r in a - y))


def log_taylor(a: np.ndarray, y: np.ndarray) -> float:
    f = 1 + a + a**2 / 2
    return (y * (np.log(f.sum()) - np.log(f))).sum()


def log_spherical(eps: float) -> Callable[[np.ndarray, np.ndarray], float]:
    return lambda a, y: (
        y * (np.log((a**2).sum() + len(a) * eps) - np.log(a**2 + eps))
    ).sum()


def z_loss(A: float, B: float) -> Callable[[np.ndarray, np.ndarray], float]:
    def value(a: np.ndarray, y: np.ndarray) -> float:
        z = (a - a.mean()) / a.std()
        return sum(
            y[c] * math.log1p(math.exp(A * (B - z[c]))) / A for c in range(len(a))
        )

    return value


def binary(p: float) -> Callable[[np.ndarray, np.ndarray], float]:
    return lambda a, y: -(p * xlogy(y, a) + xlog1py(1 - y, -a)).sum()


@dataclass(frozen=True)
class Case:
    loss: Loss
    formula: Callable[[np.ndarray, np.ndarray], float]
    outputs: Callable[..., np.ndarray]
    targets: Callable[..., np.ndarray]

    def draw(self, rows: int = 12) -> tuple[np.ndarray, np.ndarray]:
        rng = np.random.default_rng(7)
        return self.outputs(rng, (rows, N)), self.targets(rng, (rows, N))


ALPHA = np.array([0.1, 0.5, 1.0, 2.0, 0.3])
CASES = [
    Case(SquaredError(), lambda a, y: ((a - y) ** 2).sum(), reals, reals),
    Case(Brier(), lambda a, y: ((a - y) ** 2).sum(), simplex, one_hot),
    Case(MeanSquaredError(), lambda a, y: ((a - y) ** 2).mean(), reals, reals),
    Case(AbsoluteError(), lambda a, y: abs(a - y).sum(), reals, reals),
    Case(Huber(), lambda a, y: huber(1.0, a - y).sum(), reals, reals),
    Case(Huber(delta=0.3), lambda a, y: huber(0.3, a - y).sum(), reals, reals),
    Case(LogCosh(), log_cosh, reals, reals),
    Case(Hinge(), lambda a, y: sum(max(0, 1 - t) for t in y * a), reals, signs),
    Case(CategoricalHinge(), crammer_singer, reals, shares),
    Case(Poisson(), lambda a, y: (a - xlogy(y, a)).sum(), positive, counts),
    Case(CrossEntropy(), lambda a, y: -xlogy(y, a).sum(), simplex, shares),
    Case(NegativeLogLikelihood(), lambda a, y: -(y * a).sum(), logs, shares),
    Case(BinaryCrossEntropy(), binary(1.0), unit, answers),
    Case(BinaryCrossEntropy(pos_weight=3.0), binary(3.0), unit, answers),
    Case(BinaryCrossEntropy(pos_weight=ALPHA), binary(ALPHA), unit, answers),
    Case(KLDivergence(), lambda a, y: rel_entr(y, a).sum(), simplex, shares),
    Case(ReverseKL(), lambda a, y: rel_entr(a, y).sum(), simplex, simplex),
    Case(JensenShannon(), jensen_shannon, simplex, shares),
    *(
        Case(
            Focal(gamma=g),
            lambda a, y, g=g: -(y * (1 - a) ** g * np.log(a)).sum(),
            unit,
            shares,
        )
        for g in (0.0, 0.5, 1.0, 2.0)
    ),
    Case(
        Focal(gamma=2, alpha=ALPHA),
        lambda a, y: -(ALPHA * y * (1 - a) ** 2 * np.log(a)).sum(),
        simplex,
        shares,
    ),
    *(
        Case(
            GeneralizedCrossEntropy(q=q),
            lambda a, y, q=q: (y * (1 - a**q) / q).sum(),
            simplex,
            shares,
        )
        for q in (0.2, 0.7, 1.0)
    ),
    *(
        Case(
            Poly(epsilon=e),
            lambda a, y, e=e: (y * (e * (1 - a) - np.log(a))).sum(),
            simplex,
            shares,
        )
        for e in (-1.0, 0.0, 2.0)
    ),
    Case(SphericalScore(), lambda a, y: -(y @ a) / np.linalg.norm(a), positive, shares),
    Case(LogTaylor(), log_taylor, reals, shares),
    Case(LogSpherical(), log_spherical(0.01), reals, shares),
    Case(LogSpherical(eps=1.0), log_spherical(1.0), reals, shares),
    Case(ZLoss(), z_loss(1.0, 0.0), reals, shares),
    Case(ZLoss(sharpness=0.4, offset=2.0), z_loss(0.4, 2.0), reals, shares),
]
CLASS_LOSSES = [
    CrossEntropy,
    NegativeLogLikelihood,
    Focal,
    GeneralizedCrossEntropy,
    Poly,
    SphericalScore,
    CategoricalHinge,
    LogTaylor,
    LogSpherical,
    ZLoss,
]
LOG_LOSSES = [
    CrossEntropy(),
    BinaryCrossEntropy(),
    BinaryCrossEntropy(pos_weight=3.0),
    KLDivergence(),
    ReverseKL(),
    JensenShannon(),
    Focal(gamma=0.0),
    Focal(gamma=0.5),
    Focal(gamma=2.0),
    GeneralizedCrossEntropy(),
    Poly(),
    Poisson(),
    SphericalScore(),
]
each_case = pytest.mark.parametrize("case", CASES, ids=lambda case: repr(case.loss))
each_class_loss = pytest.mark.parametrize("kind", CLASS_LOSSES)


def slope_at(loss: Loss, a: np.ndarray, y: np.ndarray) -> np.ndarray:
    """dL/da as one array; it knows nothing past the Jacobian."""
    slope = loss.slope(Given().output(a), y)
    assert slope.past is None
    return slope.resolve(Point(a)).top


@each_case
def test_value_is_the_formula(case):
    a, y = case.draw()
    expected = [case.formula(*row) for row in zip(a, y, strict=True)]
    assert_allclose(case.loss.value(a, y), expected, rtol=1e-12, atol=1e-14)


@each_case
def test_slope_is_the_derivative_of_the_value(case):
    a, y = case.draw()
    expected = by_each(lambda x: case.loss.rows(Given().output(x), y), a, 1e-4)
    assert_allclose(slope_at(case.loss, a, y), expected, rtol=1e-8, atol=1e-9)


@each_case
def test_slope_derivative_is_the_derivative_of_the_slope(case):
    a, y = case.draw()
    v = np.random.default_rng(1).normal(size=a.shape)
    expected = along(lambda x: slope_at(case.loss, x, y), a, v, 1e-4)
    out = Given().output(a)
    change = case.loss.slope_derivative(out, y, Tangent(v, v, None))
    found = case.loss.slope(out, y).resolve_derivative(change, Point(a), v).top
    assert_allclose(found, expected, rtol=1e-7, atol=1e-8)


@each_case
def test_slope_and_its_derivative_are_over_the_same(case):
    a, y = case.draw()
    out = Given().output(a)
    change = case.loss.slope_derivative(out, y, Tangent(a, a, None))
    assert change.over == case.loss.slope(out, y).over


@each_case
def test_convex_in_its_outputs_where_it_says_so(case):
    a, y = case.draw(40)
    v = np.random.default_rng(2).normal(size=a.shape)
    out = Given().output(a)
    change = case.loss.slope_derivative(out, y, Tangent(v, v, None))
    bend = case.loss.slope(out, y).resolve_derivative(change, Point(a), v).top
    curvature = (bend * v).sum(-1)
    assert case.loss.convex == bool(np.all(curvature >= -1e-12))


@each_case
def test_float32_stays_float32(case):
    a, y = (x.astype(np.float32) for x in case.draw())
    out = Given().output(a)
    assert case.loss.rows(out, y).dtype == np.float32
    assert case.loss.slope(out, y).top.dtype == np.float32
    change = case.loss.slope_derivative(out, y, Tangent(a, a, None))
    assert change.top.dtype == np.float32


@each_case
def test_repr_reads_back(case):
    made = eval(repr(case.loss), {**globals(), "array": np.array})
    assert repr(made) == repr(case.loss)


# ---- class losses: linear in the targets, weights, ignored rows


@each_class_loss
def test_class_loss_is_linear_in_its_targets(kind):
    rng = np.random.default_rng(3)
    a, loss = simplex(rng, (8, N)), kind()
    y, x = simplex(rng, (8, N)), one_hot(rng, (8, N))
    out = Given().output(a)
    both = 2 * loss.rows(out, y) + 0.5 * loss.rows(out, x)
    assert_allclose(loss.rows(out, 2 * y + 0.5 * x), both, rtol=1e-12)
    sloped = 2 * slope_at(loss, a, y) + 0.5 * slope_at(loss, a, x)
    assert_allclose(slope_at(loss, a, 2 * y + 0.5 * x), sloped, rtol=1e-11, atol=1e-13)


@each_class_loss
def test_a_row_of_zeros_costs_nothing(kind):
    a, y = simplex(np.random.default_rng(4), (3, N)), np.zeros((3, N))
    assert_array_equal(kind().rows(Given().output(a), y), 0)
    assert_array_equal(slope_at(kind(), a, y), 0)


@each_class_loss
def test_class_indices_mean_one_hot_rows(kind):
    rng = np.random.default_rng(5)
    a, index = simplex(rng, (6, N)), rng.integers(N, size=6)
    assert_array_equal(kind().value(a, index), kind().value(a, np.eye(N)[index]))


@each_class_loss
def test_class_weight_multiplies_the_row_and_divides_the_mean(kind):
    rng = np.random.default_rng(6)
    a, index = simplex(rng, (7, N)), rng.integers(N, size=7)
    w, s = np.array([0.5, 1.0, 2.0, 0.0, 3.0]), rng.uniform(0.1, 2, 7)
    loss, plain = kind(class_weight=w), kind().value(a, index)
    assert_allclose(loss.value(a, index), w[index] * plain, rtol=1e-12)
    assert_allclose(loss(a, index, s, "sum"), (s * w[index] * plain).sum())
    expected = (s * w[index] * plain).sum() / (s * w[index]).sum()
    assert_allclose(loss(a, index, s), expected)


@each_class_loss
def test_ignored_rows_count_nowhere(kind):
    rng = np.random.default_rng(8)
    z, index = rng.normal(size=(6, N)), rng.integers(N, size=6)
    ignored = np.where(np.arange(6) % 2, -100, index)
    pair, plain = Pair(Softmax(), kind(ignore_index=-100)), Pair(Softmax(), kind())
    kept = index[::2]
    assert_allclose(pair.value(z, ignored), plain.value(z[::2], kept))
    gradient = pair.gradient(z, ignored)
    assert_allclose(gradient[::2], plain.gradient(z[::2], kept), rtol=1e-12, atol=1e-16)
    assert_array_equal(gradient[1::2], 0)


@pytest.mark.parametrize("kind", [*CLASS_LOSSES, Brier])
def test_a_batch_of_ignored_rows_is_worth_zero(kind):
    pair = Pair(Softmax(), kind(ignore_index=2))
    z, y = np.random.default_rng(9).normal(size=(4, N)), np.full(4, 2)
    assert pair.value(z, y) == 0
    assert pair.loss(simplex(np.random.default_rng(9), (4, N)), y) == 0
    assert_array_equal(pair.gradient(z, y), 0)
    assert_array_equal(pair.hvp(z, y, z), 0)
    assert_array_equal(pair.value(z, y, reduce="none"), np.zeros(4))


def test_brier_ignores_rows_and_takes_no_class_weight():
    a = np.array([[0.2, 0.8], [0.9, 0.1], [0.5, 0.5]])
    loss = Brier(ignore_index=-1)
    assert_allclose(loss.value(a, [1, -1, 0]), [0.08, 0, 0.5])
    assert_allclose(loss(a, [1, -1, 0]), 0.29)
    with pytest.raises(TypeError, match="class_weight"):
        Brier(class_weight=[1, 2])


@each_case
def test_reductions_weigh_rows(case):
    a, y = case.draw()
    weight = np.random.default_rng(10).uniform(0, 2, len(a))
    rows = case.loss.value(a, y)
    assert_allclose(case.loss(a, y, weight, "none"), weight * rows)
    assert_allclose(case.loss(a, y, weight, "sum"), weight @ rows)
    assert_allclose(case.loss(a, y, weight), weight @ rows / weight.sum())
    assert_allclose(case.loss(a, y), rows.mean())


# ---- label smoothing, each dialect by hand

SMOOTHED = {
    "torch": lambda w, c, n: [w[j] * (0.7 * (j == c) + 0.3 / n) for j in range(n)],
    "keras": lambda w, c, n: [w[c] * (0.7 * (j == c) + 0.3 / n) for j in range(n)],
    "classic": lambda w, c, n: [
        w[c] * (0.7 if j == c else 0.3 / (n - 1)) for j in range(n)
    ],
}


@pytest.mark.parametrize("dialect", SMOOTHED)
@pytest.mark.parametrize("w", [None, [0.5, 2.0, 1.0, 3.0]])
def test_label_smoothing_is_its_dialects_formula(dialect, w):
    rng = np.random.default_rng(11)
    a, index = simplex(rng, (6, 4)), np.array([0, 1, 2, 3, 1, 0])
    weights = np.ones(4) if w is None else np.array(w)
    t = np.array([SMOOTHED[dialect](weights, c, 4) for c in index])
    loss = CrossEntropy(label_smoothing=0.3, dialect=dialect, class_weight=w)
    expected = -(t * np.log(a)).sum(-1)
    assert_allclose(loss.value(a, index), expected)
    assert_allclose(loss(a, index), expected.sum() / weights[index].sum())
    pair, z = Pair(Softmax(), loss), np.log(a)
    found = pair.gradient(z, index, reduce="none")
    assert_allclose(found, a * t.sum(-1, keepdims=True) - t, atol=1e-14)


@pytest.mark.parametrize("dialect", SMOOTHED)
def test_label_smoothing_spreads_over_what_a_mask_keeps(dialect):
    keep = np.array([[True, True, False, True]])
    loss = CrossEntropy(label_smoothing=0.3, dialect=dialect)
    z = np.array([[0.3, -1.0, 5.0, 0.8]])
    inner = Pair(Softmax(), loss).value(z[keep][None], [1])
    assert_allclose(Pair(Softmax(), loss).value(z, [1], mask=keep), inner)


# ---- after an activation

ON_LOGITS = [case for case in CASES if not isinstance(case.loss, NegativeLogLikelihood)]


@pytest.mark.parametrize("activation", [Softmax(), Softmax(temperature=2.0), Sigmoid()])
@pytest.mark.parametrize("case", ON_LOGITS, ids=lambda case: repr(case.loss))
def test_certificate_after_an_activation(case, activation):
    rng = np.random.default_rng(12)
    z = np.array([1.0, 2.5, -0.5, -2.0, 0.3]) * rng.uniform(0.8, 1.2, (8, N))
    _, y = case.draw(8)
    certificate = Pair(activation, case.loss).certificate(z, y)
    assert certificate.gradient_error < 1e-9
    assert certificate.hvp_error < 1e-8


@pytest.mark.parametrize("deviation", [30, 300])
@pytest.mark.parametrize("activation", [Softmax(), Sigmoid()])
@pytest.mark.parametrize("loss", LOG_LOSSES, ids=repr)
def test_float32_at_large_logits_is_finite_and_right(loss, activation, deviation):
    rng = np.random.default_rng(13)
    z = (deviation * rng.normal(size=(2000, 7))).astype(np.float32)
    v = rng.normal(size=z.shape).astype(np.float32)
    pair = Pair(activation, loss)
    y = simplex(rng, z.shape)
    if not isinstance(loss, ReverseKL):
        y = np.where(np.arange(2000)[:, None] % 2, y, one_hot(rng, z.shape))
    y = y.astype(np.float32)
    wide, same = z.astype(np.float64), y.astype(np.float64)
    for found, expected in (
        (pair.gradient(z, y, reduce="none"), pair.gradient(wide, same, reduce="none")),
        (pair.hvp(z, y, v, reduce="none"), pair.hvp(wide, same, v, reduce="none")),
    ):
        assert found.dtype == np.float32
        assert np.isfinite(found).all()
        assert_allclose(found, expected, rtol=1e-5, atol=1e-5)
    assert np.isfinite(pair.value(z, y, reduce="none")).all()


@pytest.mark.parametrize("case", CASES, ids=lambda case: repr(case.loss))
def test_gauss_newton_is_positive_semi_definite_or_refused(case):
    rng = np.random.default_rng(14)
    z, v = rng.normal(size=(2, 20, N))
    pair, (_, y) = Pair(Softmax(), case.loss), case.draw(20)
    if not (case.loss.convex or pair.convex):
        with pytest.raises(TypeError, match="gauss_newton"):
            pair.gauss_newton(z, y, v)
        return
    product = pair.gauss_newton(z, y, v, reduce="none")
    assert np.all((product * v).sum(-1) >= -1e-12)


def test_binary_cross_entropy_keeps_its_digits_where_a_rounds_to_y():
    z = np.array([[20.0, -20.0]], np.float32)
    for activation in (Sigmoid(), Softmax()):
        found = Pair(activation, BinaryCrossEntropy()).gradient(z, [[1, 0]])
        expected = Pair(activation, BinaryCrossEntropy()).gradient(
            z.astype(float), [[1, 0]]
        )
        assert_allclose(found, expected, rtol=1e-6)
    assert_allclose(
        Pair(Sigmoid(), BinaryCrossEntropy()).gradient(z, [[1, 0]], reduce="none"),
        [[-math.exp(-20), math.exp(-20)]],
        rtol=1e-6,
    )


def test_focal_keeps_its_digits_where_a_rounds_to_one():
    z, y = np.array([[25.0, 0.0]]), [0]
    b = mpmath.mpf(1) / (1 + mpmath.exp(25))  # 1 - a
    a = 1 - b
    by_a = mpmath.log(a) * 0.5 / mpmath.sqrt(b) - mpmath.sqrt(b) / a
    expected = float(by_a * a * b)
    pair = Pair(Softmax(), Focal(gamma=0.5))
    found = pair.gradient(z.astype(np.float32), y)
    assert_allclose(found, [[expected, -expected]], rtol=1e-5)


# ---- edges of single losses


def test_logs_of_zero_outputs_count_only_where_asked_for():
    a = np.array([[0.0, 1.0], [0.0, 1.0]])
    y = np.array([[0.0, 1.0], [1.0, 0.0]])
    for loss in (CrossEntropy(), KLDivergence(), Focal(), Poly(), BinaryCrossEntropy()):
        assert_array_equal(loss.value(a, y), [0, np.inf])
    assert_allclose(JensenShannon().value(a, y), [0, math.log(2)])
    assert_allclose(GeneralizedCrossEntropy(q=0.5).value(a, y), [0, 2])
    assert_allclose(ReverseKL().value(a, np.full((2, 2), 0.5)), math.log(2))


def test_jensen_shannon_is_bounded_and_symmetric():
    rng = np.random.default_rng(15)
    a, y = simplex(rng, (50, N)), simplex(rng, (50, N))
    loss = JensenShannon()
    assert_allclose(loss.value(a, y), loss.value(y, a), rtol=1e-10)
    assert np.all(loss.value(a, y) <= math.log(2))
    assert_allclose(loss.value(a, a), 0, atol=1e-15)


def test_poisson_is_the_negative_log_probability_without_its_constant():
    a, y = np.array([[2.5, 0.7]]), np.array([[3.0, 0.0]])
    probability = np.exp(-a) * a**y / np.exp(gammaln(y + 1))
    expected = -np.log(probability).sum() - gammaln(y + 1).sum()
    assert_allclose(Poisson().value(a, y), [expected])


def test_log_cosh_of_small_and_huge_residuals():
    tiny = np.array([[1e-9]], np.float64)
    assert_allclose(LogCosh().value(tiny, 0 * tiny), [5e-19], rtol=1e-12)
    huge = np.array([[1e30]], np.float32)
    assert_allclose(LogCosh().value(huge, 0 * huge), [1e30], rtol=1e-6)


def test_kinks_have_derivative_zero():
    a = np.array([[1.0, -1.0]])
    assert_array_equal(slope_at(AbsoluteError(), a, a), 0)
    assert_array_equal(slope_at(Hinge(), a, np.sign(a)), 0)
    margin, y = np.array([[2.0, 1.0]]), np.array([[1.0, 0.0]])
    assert_array_equal(slope_at(CategoricalHinge(), margin, y), 0)


def test_categorical_hinge_of_one_output_and_of_ties():
    loss = CategoricalHinge()
    assert_array_equal(loss.rows(Given().output(np.ones((2, 1))), np.ones((2, 1))), 0)
    assert_array_equal(slope_at(loss, np.ones((2, 1)), np.ones((2, 1))), 0)
    tied = np.array([[1.0, 1.0, 0.0]])
    assert_array_equal(loss.value(tied, [2]), [2])
    assert_array_equal(slope_at(loss, tied, np.array([[0.0, 0, 1]])), [[1, 0, -1]])
    assert_array_equal(slope_at(loss, tied, np.array([[1.0, 0, 0]])), [[-1, 1, 0]])


def test_spherical_score_of_zeros_and_of_huge_outputs():
    pair = Pair(Sigmoid(), SphericalScore())
    zeros = np.full((1, 3), -np.inf, np.float32)
    assert_array_equal(SphericalScore().value(np.zeros((1, 3)), [1]), [0])
    assert_array_equal(pair.gradient(zeros, [1]), np.zeros((1, 3)))
    huge = np.array([[3e30, 4e30]], np.float32)
    assert_allclose(SphericalScore().value(huge, [1]), [-0.8], rtol=1e-6)
    slope = slope_at(SphericalScore(), huge, np.array([[0, 1]], np.float32))
    assert_allclose(slope, [[0.48 / 5e30, -0.36 / 5e30]], rtol=1e-5)


@pytest.mark.parametrize("loss", [LogTaylor(), LogSpherical(), ZLoss()], ids=repr)
def test_spherical_losses_do_not_overflow(loss):
    a = np.array([[3.0, -4.0, 0.5]])
    far, y = (1e30 * a).astype(np.float32), np.array([[1, 0, 0]], np.float32)
    expected = loss.value(1e30 * a, y)
    assert_allclose(loss.value(far, y), expected, rtol=1e-5)
    assert_allclose(slope_at(loss, far, y), slope_at(loss, 1e30 * a, y), rtol=1e-5)


def test_z_loss_of_a_constant_row_is_nan_in_that_row_alone():
    a = np.array([[0.1, 0.1, 0.1], [0.0, 1.0, 2.0]])
    assert_array_equal(np.isnan(ZLoss().value(a, [0, 0])), [True, False])


def test_z_loss_sees_neither_level_nor_size():
    a = np.array([[0.3, 1.0, -2.0]])
    assert_allclose(ZLoss().value(a, [1]), ZLoss().value(7 * a + 3, [1]))


# ---- Matching


@pytest.mark.parametrize("activation", [Softmax(), Softmax(temperature=2.0), Sigmoid()])
def test_matching_is_smallest_where_outputs_meet_targets(activation):
    rng = np.random.default_rng(16)
    z, other = rng.normal(size=(2, 10, N))
    pair, y = Pair(activation, Matching()), activation(other)
    a = activation(z)
    assert_allclose(pair.value(z, a, reduce="none"), 0, atol=1e-13)
    assert np.all(pair.value(z, y, reduce="none") > 0)
    assert_allclose(pair.gradient(z, y, reduce="none"), a - y)
    product = pair.hvp(z, y, other, reduce="none")
    assert_allclose(product, activation.jacobian(z).jvp(other))


def test_matching_after_softmax_is_the_kl_divergence():
    rng = np.random.default_rng(17)
    z, y = rng.normal(size=(10, N)), shares(rng, (10, N))
    matching, kl = Pair(Softmax(), Matching()), Pair(Softmax(), KLDivergence())
    assert_allclose(matching.value(z, y), kl.value(z, y))
    assert_allclose(matching.gradient(z, y), kl.gradient(z, y), atol=1e-15)


def test_matching_after_sigmoid_is_binary_cross_entropy():
    z, y = np.array([[0.5, -3.0, 2.0]]), np.array([[0.0, 1.0, 1.0]])
    expected = Pair(Sigmoid(), BinaryCrossEntropy()).value(z, y)
    assert_allclose(Pair(Sigmoid(), Matching()).value(z, y), expected)


def test_matching_takes_class_indices_after_maps_to_the_simplex():
    z = np.array([[0.5, -3.0, 2.0]])
    pair = Pair(Softmax(), Matching())
    assert_allclose(pair.value(z, [2]), pair.value(z, [[0, 0, 1]]))
    with pytest.raises(ShapeError):
        Pair(Sigmoid(), Matching()).value(z, [2])


def test_matching_counts_a_target_on_a_masked_output_as_infinite():
    z, keep = np.array([[1.0, 2.0, 3.0]] * 2), np.array([[True, True, False]] * 2)
    pair = Pair(Softmax(), Matching())
    value = pair.value(z, [0, 2], mask=keep, reduce="none")
    assert_allclose(value, [math.log1p(math.e), np.inf])
    gradient = pair.gradient(z, [0, 2], mask=keep, reduce="none")
    assert_array_equal(gradient[:, 2], 0)
    assert np.isfinite(gradient).all()


def test_matching_needs_an_activation():
    with pytest.raises(TypeError, match="needs to know the activation"):
        Matching().value(np.ones((1, 2)), np.ones((1, 2)))


# ---- what is refused, and what is doubted


@pytest.mark.parametrize(
    "build",
    [
        lambda: Focal(gamma=-1),
        lambda: Focal(gamma=math.nan),
        lambda: Focal(alpha=-0.5),
        lambda: Focal(alpha=[[1.0]]),
        lambda: GeneralizedCrossEntropy(q=0),
        lambda: GeneralizedCrossEntropy(q=1.1),
        lambda: Poly(epsilon=-1.5),
        lambda: Huber(delta=0),
        lambda: Huber(delta=math.nan),
        lambda: BinaryCrossEntropy(pos_weight=-1),
        lambda: LogSpherical(eps=0),
        lambda: ZLoss(sharpness=0),
        lambda: ZLoss(offset=math.inf),
        lambda: CrossEntropy(class_weight=[-1, 1]),
    ],
)
def test_bad_hyper_parameters_are_refused_in_a_sentence(build):
    with pytest.raises(ValueError, match=r"needs .*; got .*\.$"):
        build()


def test_scalings_of_another_width_are_refused():
    a, y = np.full((1, 3), 0.3), [[0, 1, 0]]
    for loss in (Focal(alpha=[1, 2]), BinaryCrossEntropy(pos_weight=[1, 2])):
        with pytest.raises(ShapeError, match="3 outputs"):
            loss.value(a, y)


@pytest.mark.parametrize(
    ("loss", "a", "y"),
    [
        (Poisson(), [[-1.0]], [[1.0]]),
        (Poisson(), [[1.0]], [[-1.0]]),
        (ReverseKL(), [[0.5, 0.5]], [[0.0, 1.0]]),
        (KLDivergence(), [[0.5, 0.5]], [[0.5, 1.0]]),
        (JensenShannon(), [[0.5, 0.5]], [[2.0, 1.0]]),
        (BinaryCrossEntropy(), [[0.5]], [[2.0]]),
        (BinaryCrossEntropy(), [[1.5]], [[1.0]]),
        (Hinge(), [[0.5]], [[0.0]]),
        (Focal(), [[1.5, 0.5]], [1]),
        (GeneralizedCrossEntropy(), [[-0.5, 0.5]], [1]),
        (SphericalScore(), [[-0.5, 0.5]], [1]),
        (CategoricalHinge(), [[0.5, 0.5]], [[1.0, 1.0]]),
    ],
)
def test_outputs_and_targets_outside_are_refused(loss, a, y):
    with pytest.raises(DomainError):
        loss.value(a, y)


@pytest.mark.parametrize("loss", [SquaredError(), Hinge(), KLDivergence(), Poisson()])
def test_class_indices_are_refused_where_they_mean_nothing(loss):
    with pytest.raises(ShapeError, match="one-hot"):
        loss.value(np.full((2, 3), 0.3), [0, 2])


MEANT_FOR_THE_SIMPLEX = [
    CrossEntropy(),
    KLDivergence(),
    ReverseKL(),
    Focal(),
    GeneralizedCrossEntropy(),
    Poly(),
]


@pytest.mark.parametrize("loss", MEANT_FOR_THE_SIMPLEX, ids=repr)
def test_losses_for_the_simplex_doubt_other_maps(loss):
    assert Pair(Softmax(), loss).doubt is None
    assert "Softmax" in Pair(Sigmoid(), loss).doubt


@pytest.mark.parametrize(
    ("loss", "word"),
    [
        (NegativeLogLikelihood(), "LogSoftmax"),
        (LogTaylor(), "raw outputs"),
        (LogSpherical(), "raw outputs"),
        (ZLoss(), "raw outputs"),
    ],
)
def test_losses_for_other_ranges_doubt_softmax(loss, word):
    assert word in Pair(Softmax(), loss).doubt


def test_probabilities_of_any_kind_suit_brier():
    assert Pair(Softmax(), Brier()).doubt is None
    assert Pair(Sigmoid(), Brier()).doubt is None
