"""Every activation against every loss, from the registry: adding one tests it."""

import numpy as np
import pytest

import anymax as am
from anymax import activations, losses
from anymax.checking.cells import ROWS, drawn, measure, on_support
from anymax.registry import names, samples
from anymax.sets import Placement

MAPS = samples(activations)
LOSSES = samples(losses)
CELLS = [(a, l) for a in MAPS for l in LOSSES]

VARIANTS = [
    am.Softmax(temperature=0.5),
    am.Softmin(temperature=2.0),
    am.LogSoftmax(temperature=2.0),
    am.Sparsemax(temperature=0.7),
    am.Entmax(alpha=1.0),
    am.Entmax(alpha=1.2),
    am.Entmax(alpha=1.8, temperature=2.0),
    am.TaylorSoftmax(order=4),
    am.TaylorSoftmax(order=6),
    am.SphericalSoftmax(eps=1.0),
    am.GumbelSoftmax(temperature=0.5),
    am.Normalized(am.Exp()),
    am.Normalized(am.Softplus()),
    am.Normalized(am.LogSigmoid()),
    am.LeakyReLU(negative_slope=0.3),
    am.ELU(alpha=0.5),
    am.CELU(alpha=2.0),
    am.GELU(approximate="tanh"),
    am.Swish(beta=1.7),
    am.Softplus(beta=2.0),
    am.HardTanh(min_val=-0.5, max_val=2.0),
    am.ThresholdedReLU(theta=0.3),
    am.SoftCap(cap=2.0),
    am.PReLU(num_parameters=5),
]
OPTIONS = [
    am.CrossEntropy(label_smoothing=0.2),
    am.CrossEntropy(label_smoothing=0.2, class_weight=[1, 2, 0.5, 0, 3]),
    am.CrossEntropy(label_smoothing=0.2, dialect="keras"),
    am.CrossEntropy(label_smoothing=0.2, dialect="classic"),
    am.CrossEntropy(z_loss=0.1),
    am.BinaryCrossEntropy(pos_weight=3.0),
    am.Focal(gamma=0.5),
    am.Focal(gamma=0.0),
    am.Focal(gamma=1.0, alpha=0.25),
    am.GeneralizedCrossEntropy(q=1.0),
    am.GeneralizedCrossEntropy(q=0.1),
    am.Poly(epsilon=-0.5),
    am.Huber(delta=0.3),
]


def check(activation, loss):
    cell = measure(activation, loss)
    if cell.status == "refused":
        assert cell.sentence.endswith(".")
        assert repr(activation) in cell.sentence or "refused" in cell.sentence
        assert "needs" in cell.sentence
        return
    assert cell.rows == ROWS
    assert cell.gradient_error < 1e-7
    assert cell.hvp_error < 1e-5


@pytest.mark.parametrize(("activation", "loss"), CELLS)
def test_cell_agrees_with_differences_or_is_refused(activation, loss):
    check(MAPS[activation], LOSSES[loss])


@pytest.mark.parametrize("activation", VARIANTS, ids=repr)
@pytest.mark.parametrize("loss", LOSSES)
def test_hyper_parameters_keep_every_cell_exact(activation, loss):
    check(activation, LOSSES[loss])


def defined(activation, loss):
    """Smoothing asks every output for a part, which costs inf wherever one is 0."""
    smoothed = getattr(loss, "label_smoothing", 0) > 0
    at_the_edge = loss.placement(activation.range) is Placement.BOUNDARY
    return not (smoothed and at_the_edge)


@pytest.mark.parametrize(
    ("activation", "loss"),
    [(a, l) for a in MAPS for l in OPTIONS if defined(MAPS[a], l)],
    ids=str,
)
def test_options_keep_every_cell_exact(activation, loss):
    check(MAPS[activation], loss)


def test_a_cell_notices_a_wrong_slope():
    class Wrong(am.SquaredError):
        def slope(self, out, y):
            return am.Slope(1.99 * (out.a - y))

    assert measure(am.Tanh(), Wrong()).gradient_error > 1e-4


def test_a_cell_notices_a_wrong_second_order():
    class Wrong(am.SquaredError):
        def slope_derivative(self, out, y, d):
            return am.Slope(1.99 * d.a)

    assert measure(am.Tanh(), Wrong()).hvp_error > 1e-4


def test_domain_alone_decides_refusal_except_for_what_a_loss_needs():
    for activation in MAPS.values():
        for loss in LOSSES.values():
            outside = loss.placement(activation.range) is Placement.OUTSIDE
            known = all(activation.knows(hook) for hook in loss.needs)
            refused = measure(activation, loss).status == "refused"
            assert refused == (outside or not known)


def test_every_loss_goes_after_softmax():
    for loss in LOSSES.values():
        assert measure(am.Softmax(), loss).status != "refused"


@pytest.mark.parametrize("name", MAPS)
def test_every_activation_has_a_gradient_and_an_hvp_cell(name):
    cells = [measure(MAPS[name], loss) for loss in LOSSES.values()]
    assert any(
        np.isfinite(c.gradient_error) and np.isfinite(c.hvp_error) for c in cells
    )


@pytest.mark.parametrize("name", LOSSES)
def test_every_loss_has_a_gradient_and_an_hvp_cell(name):
    cells = [measure(activation, LOSSES[name]) for activation in MAPS.values()]
    assert any(
        np.isfinite(c.gradient_error) and np.isfinite(c.hvp_error) for c in cells
    )


@pytest.mark.parametrize(("activation", "loss"), CELLS)
def test_gauss_newton_is_positive_semi_definite(activation, loss):
    activation, loss = MAPS[activation], LOSSES[loss]
    try:
        pair = am.Pair(activation, loss)
    except (am.DomainError, TypeError):
        return
    if not (pair.convex or loss.convex):
        with pytest.raises(TypeError, match="gauss_newton needs"):
            pair.gauss_newton(np.zeros((1, 4)) + 0.3, np.eye(4)[:1], np.ones((1, 4)))
        return
    rng = np.random.default_rng(0)
    z = 1.5 * rng.normal(size=(20, 4))
    y = on_support(pair, drawn(pair.targets, rng, z.shape), activation(z))
    products = [
        pair.gauss_newton(z, y, np.broadcast_to(u, z.shape), reduce="none")
        for u in np.eye(4)
    ]
    matrices = np.stack(products, -1)
    scale = np.maximum(1, np.abs(matrices).max((1, 2)))
    assert np.allclose(matrices, np.swapaxes(matrices, 1, 2), atol=1e-9 * scale.max())
    assert np.all(np.linalg.eigvalsh(matrices).min(-1) >= -1e-9 * scale)


def test_gauss_newton_is_the_hessian_where_convexity_is_proved():
    rng = np.random.default_rng(0)
    z, v = rng.normal(size=(2, 6, 4))
    y = rng.integers(4, size=6)
    for pair in (
        am.Pair(am.Softmax(), am.CrossEntropy()),
        am.Pair(am.LogSoftmax(), am.NegativeLogLikelihood()),
    ):
        a = am.Softmax()(z)
        expected = (a * v - a * (a * v).sum(-1, keepdims=True)) / 6
        assert np.allclose(pair.gauss_newton(z, y, v), expected, atol=1e-14)
        assert np.allclose(pair.hvp(z, y, v), expected, atol=1e-14)


def test_gauss_newton_keeps_the_square_of_the_z_loss_gradient():
    rng = np.random.default_rng(0)
    z, v = rng.normal(size=(2, 6, 4)) - 3
    y = rng.integers(4, size=6)
    plain = am.Pair(am.Softmax(), am.CrossEntropy())
    with_z = am.Pair(am.Softmax(), am.CrossEntropy(z_loss=0.1))
    a = am.Softmax()(z)
    extra = 2 * 0.1 * a * (a * v).sum(-1, keepdims=True) / 6
    expected = plain.gauss_newton(z, y, v) + extra
    assert np.allclose(with_z.gauss_newton(z, y, v), expected, atol=1e-14)


def test_the_registry_is_complete():
    assert sorted(names(activations)) == sorted(ACTIVATIONS.split())
    assert sorted(names(losses)) == sorted(LOSS_NAMES.split())
    assert set(names(activations)) | set(names(losses)) <= set(dir(am))


ACTIVATIONS = """Identity ReLU LeakyReLU PReLU ELU CELU SELU GELU SiLU Swish Mish
Softplus Softsign HardSigmoid HardSwish HardTanh Sigmoid LogSigmoid Tanh Exp
ThresholdedReLU SoftCap Softmax Softmin LogSoftmax Sparsemax Entmax TaylorSoftmax
SphericalSoftmax NormalizedSigmoid GumbelSoftmax Normalized L2Normalize Standardize"""
LOSS_NAMES = """CrossEntropy NegativeLogLikelihood BinaryCrossEntropy KLDivergence
ReverseKL JensenShannon Focal GeneralizedCrossEntropy Poly SphericalScore SquaredError
MeanSquaredError AbsoluteError Huber LogCosh Hinge CategoricalHinge Poisson Brier
Matching LogTaylor LogSpherical ZLoss"""
