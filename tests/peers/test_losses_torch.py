"""Values and gradients beside torch.nn.functional and its autograd, in float64."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from anymax.activations.sigmoid import Sigmoid
from anymax.activations.softmax import Softmax
from anymax.losses.absolute_error import AbsoluteError
from anymax.losses.binary_cross_entropy import BinaryCrossEntropy
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
from anymax.losses.mean_squared_error import MeanSquaredError
from anymax.losses.negative_log_likelihood import NegativeLogLikelihood
from anymax.losses.poisson import Poisson
from anymax.losses.poly import Poly
from anymax.losses.reverse_kl import ReverseKL
from anymax.losses.spherical_score import SphericalScore
from anymax.losses.squared_error import SquaredError
from anymax.losses.z_loss import ZLoss
from anymax.pair import Pair

torch = pytest.importorskip("torch")
F = torch.nn.functional
pytestmark = pytest.mark.peers

ROWS, N = 10, 4
WEIGHT = np.array([0.5, 2.0, 1.0, 3.0])
RNG = np.random.default_rng(21)
Z = 2 * RNG.normal(size=(ROWS, N))
CLASS = RNG.integers(N, size=ROWS)
SHARES = RNG.dirichlet(np.ones(N), ROWS)
VALUES = RNG.normal(size=(ROWS, N))
ANSWERS = RNG.choice([0.0, 0.3, 1.0], (ROWS, N))
COUNTS = RNG.poisson(1.5, (ROWS, N)).astype(float)
SIGNS = RNG.choice([-1.0, 1.0], (ROWS, N))
IGNORED = np.where(np.arange(ROWS) % 3 == 0, -100, CLASS)


def tensor(x):
    return torch.tensor(np.asarray(x))


def agree(activation, loss, y, forward, reduce="sum"):
    """The pair's value and gradient are those that torch's autograd finds."""
    z = tensor(Z).requires_grad_()
    value = forward(z)
    value.backward()
    pair = Pair(activation, loss)
    found, gradient = pair.value_and_gradient(Z, y, reduce=reduce)
    assert_allclose(found, value.item(), rtol=1e-12)
    assert_allclose(gradient, z.grad.numpy(), rtol=1e-10, atol=1e-13)


@pytest.mark.parametrize("reduce", ["sum", "mean"])
@pytest.mark.parametrize("weight", [None, WEIGHT])
@pytest.mark.parametrize("smoothing", [0.0, 0.3])
@pytest.mark.parametrize("y", [CLASS, IGNORED], ids=["all", "ignored"])
def test_cross_entropy_of_class_indices(y, smoothing, weight, reduce):
    options = {"label_smoothing": smoothing, "ignore_index": -100}
    w = None if weight is None else tensor(weight)
    agree(
        Softmax(),
        CrossEntropy(class_weight=weight, **options),
        y,
        lambda z: F.cross_entropy(z, tensor(y), w, reduction=reduce, **options),
        reduce,
    )


@pytest.mark.parametrize("weight", [None, WEIGHT])
@pytest.mark.parametrize("smoothing", [0.0, 0.3])
def test_cross_entropy_of_distributions(smoothing, weight):
    """Sums alone: torch divides the mean by the rows, anymax by what they weigh."""
    w = None if weight is None else tensor(weight)
    agree(
        Softmax(),
        CrossEntropy(class_weight=weight, label_smoothing=smoothing),
        SHARES,
        lambda z: F.cross_entropy(
            z, tensor(SHARES), w, reduction="sum", label_smoothing=smoothing
        ),
    )


def test_cross_entropy_of_ignored_rows_alone_is_zero_and_not_nan():
    y = np.full(ROWS, -100)
    assert torch.isnan(F.cross_entropy(tensor(Z), tensor(y)))
    assert Pair(Softmax(), CrossEntropy(ignore_index=-100)).value(Z, y) == 0


@pytest.mark.parametrize("reduce", ["sum", "mean"])
@pytest.mark.parametrize("weight", [None, WEIGHT])
def test_negative_log_likelihood(weight, reduce):
    w = None if weight is None else tensor(weight)
    logs = F.log_softmax(tensor(Z), -1)
    expected = F.nll_loss(logs, tensor(IGNORED), w, reduction=reduce)
    loss = NegativeLogLikelihood(class_weight=weight, ignore_index=-100)
    found = loss(logs.numpy(), IGNORED, reduce=reduce)
    assert_allclose(found, expected.item(), rtol=1e-12)


@pytest.mark.parametrize("weight", [None, 3.0, WEIGHT])
def test_binary_cross_entropy_with_logits(weight):
    w = None if weight is None else tensor(weight)
    agree(
        Sigmoid(),
        BinaryCrossEntropy(pos_weight=weight),
        ANSWERS,
        lambda z: F.binary_cross_entropy_with_logits(
            z, tensor(ANSWERS), pos_weight=w, reduction="sum"
        ),
    )


@pytest.mark.parametrize("activation", [Softmax(), Sigmoid()])
def test_binary_cross_entropy_of_outputs(activation):
    """First order alone: in the second torch adds an epsilon of 1e-12 to a (1 - a)."""
    softmax = isinstance(activation, Softmax)
    agree(
        activation,
        BinaryCrossEntropy(),
        ANSWERS,
        lambda z: F.binary_cross_entropy(
            z.softmax(-1) if softmax else z.sigmoid(), tensor(ANSWERS), reduction="sum"
        ),
    )


def hinges(a, y):
    """Crammer and Singer's: torch's multi_margin_loss sums over the rivals."""
    own = a.gather(1, y[:, None])
    others = a.scatter(1, y[:, None], -torch.inf).max(1, keepdim=True).values
    return F.relu(1 + others - own).sum()


def taken(a, y):
    return a.gather(1, y[:, None])


def spherical(h, y):
    return -torch.log(taken(h / h.sum(1, keepdim=True), y)).sum()


def standing(a, y):
    z = (a - a.mean(1, keepdim=True)) / a.std(1, keepdim=True, correction=0)
    return F.softplus(0.5 * (1 - taken(z, y))).sum() / 0.5


def focal(a, y):
    own = taken(a, y)
    return -((1 - own) ** 0.5 * own.log()).sum()


ANYWHERE = [  # loss, targets, the same on the outputs a in torch
    (SquaredError(), VALUES, lambda a, y: F.mse_loss(a, y, reduction="sum")),
    (MeanSquaredError(), VALUES, lambda a, y: ROWS * F.mse_loss(a, y)),
    (AbsoluteError(), VALUES, lambda a, y: F.l1_loss(a, y, reduction="sum")),
    (Huber(), VALUES, lambda a, y: F.huber_loss(a, y, reduction="sum")),
    (
        Huber(delta=0.3),
        VALUES,
        lambda a, y: F.huber_loss(a, y, reduction="sum", delta=0.3),
    ),
    (LogCosh(), VALUES, lambda a, y: torch.log(torch.cosh(a - y)).sum()),
    (Hinge(), SIGNS, lambda a, y: F.relu(1 - y * a).sum()),
    (CategoricalHinge(), CLASS, hinges),
    (
        Poisson(),
        COUNTS,
        lambda a, y: F.poisson_nll_loss(
            a, y, log_input=False, full=False, eps=0, reduction="sum"
        ),
    ),
    (CrossEntropy(), SHARES, lambda a, y: -(y * a.log()).sum()),
    (
        BinaryCrossEntropy(),
        ANSWERS,
        lambda a, y: -(y * a.log() + (1 - y) * (1 - a).log()).sum(),
    ),
    (KLDivergence(), SHARES, lambda a, y: F.kl_div(a.log(), y, reduction="sum")),
    (ReverseKL(), SHARES, lambda a, y: F.kl_div(y.log(), a, reduction="sum")),
    (
        JensenShannon(),
        SHARES,
        lambda a, y: (
            0.5
            * (
                F.kl_div(((a + y) / 2).log(), y, reduction="sum")
                + F.kl_div(((a + y) / 2).log(), a, reduction="sum")
            )
        ),
    ),
    (Focal(gamma=0.5), CLASS, focal),
    (
        GeneralizedCrossEntropy(q=0.4),
        CLASS,
        lambda a, y: ((1 - taken(a, y) ** 0.4) / 0.4).sum(),
    ),
    (
        Poly(epsilon=2.0),
        CLASS,
        lambda a, y: (2 * (1 - taken(a, y)) - taken(a, y).log()).sum(),
    ),
    (
        SphericalScore(),
        CLASS,
        lambda a, y: -taken(F.normalize(a, dim=1, eps=0), y).sum(),
    ),
    (LogTaylor(), CLASS, lambda a, y: spherical(1 + a + a**2 / 2, y)),
    (LogSpherical(eps=0.1), CLASS, lambda a, y: spherical(a**2 + 0.1, y)),
    (ZLoss(sharpness=0.5, offset=1.0), CLASS, standing),
]


@pytest.mark.parametrize("activation", [Softmax(), Sigmoid()])
@pytest.mark.parametrize("case", ANYWHERE, ids=lambda case: repr(case[0]))
def test_gradient_after_an_activation_is_autograds(case, activation):
    loss, y, forward = case
    softmax = isinstance(activation, Softmax)
    agree(
        activation,
        loss,
        y,
        lambda z: forward(z.softmax(-1) if softmax else z.sigmoid(), tensor(y)),
    )


@pytest.mark.parametrize("activation", [Softmax(), Sigmoid()])
@pytest.mark.parametrize("case", ANYWHERE, ids=lambda case: repr(case[0]))
def test_hessian_product_is_autograds(case, activation):
    loss, y, forward = case
    v = np.random.default_rng(22).normal(size=Z.shape)
    softmax = isinstance(activation, Softmax)

    def value(z):
        return forward(z.softmax(-1) if softmax else z.sigmoid(), tensor(y))

    _, expected = torch.autograd.functional.hvp(value, tensor(Z), tensor(v))
    found = Pair(activation, loss).hvp(Z, y, v, reduce="sum")
    assert_allclose(found, expected.numpy(), rtol=1e-9, atol=1e-12)
