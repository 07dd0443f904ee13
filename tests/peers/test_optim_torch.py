"""Twenty steps of each optimizer beside torch.optim's, and Lion's beside optax's."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

import anymax as am

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.peers

RNG = np.random.default_rng(5)
P, STEPS = 7, 20
A, B = RNG.normal(size=(P, P)), RNG.normal(size=P)
O = torch.optim
ROWS = [
    (am.SGD(0.01), O.SGD, {"lr": 0.01}),
    (am.SGD(0.01, momentum=0.9), O.SGD, {"lr": 0.01, "momentum": 0.9}),
    (
        am.SGD(0.01, momentum=0.9, nesterov=True),
        O.SGD,
        {"lr": 0.01, "momentum": 0.9, "nesterov": True},
    ),
    (am.RMSProp(0.01, rho=0.99), O.RMSprop, {"lr": 0.01}),
    (
        am.RMSProp(0.01, momentum=0.8, eps=1e-4),
        O.RMSprop,
        {"lr": 0.01, "alpha": 0.9, "momentum": 0.8, "eps": 1e-4},
    ),
    (
        am.RMSProp(0.01, centered=True, eps=1e-2),
        O.RMSprop,
        {"lr": 0.01, "alpha": 0.9, "centered": True, "eps": 1e-2},
    ),
    (am.Adagrad(0.1), O.Adagrad, {"lr": 0.1}),
    (
        am.Adagrad(0.1, initial=0.5),
        O.Adagrad,
        {"lr": 0.1, "initial_accumulator_value": 0.5},
    ),
    (am.AdaDelta(rho=0.9), O.Adadelta, {"lr": 1.0}),
    (
        am.AdaDelta(0.5, rho=0.8, eps=1e-3),
        O.Adadelta,
        {"lr": 0.5, "rho": 0.8, "eps": 1e-3},
    ),
    (am.Adam(0.05), O.Adam, {"lr": 0.05}),
    (
        am.Adam(0.05, betas=(0.7, 0.9), eps=1e-4),
        O.Adam,
        {"lr": 0.05, "betas": (0.7, 0.9), "eps": 1e-4},
    ),
    (am.AdamW(0.05), O.AdamW, {"lr": 0.05}),
    (am.AdamW(0.05, decay=0.4), O.AdamW, {"lr": 0.05, "weight_decay": 0.4}),
]


def slope(theta):
    return A.T @ A @ theta - B


def walked(optimizer):
    theta = np.ones(P)
    for _ in range(STEPS):
        optimizer.step(theta, slope(theta))
    return theta


def theirs(made, options, bound=lambda parameters: None):
    theta = torch.ones(P, dtype=torch.float64, requires_grad=True)
    optimizer = made([theta], **options)
    for _ in range(STEPS):
        theta.grad = torch.tensor(slope(theta.detach().numpy()))
        bound([theta])
        optimizer.step()
    return theta.detach().numpy()


@pytest.mark.parametrize(
    ("optimizer", "made", "options"), ROWS, ids=[repr(row[0]) for row in ROWS]
)
def test_twenty_steps_are_those_of_torch(optimizer, made, options):
    assert_allclose(walked(optimizer.fresh()), theirs(made, options), rtol=1e-9)


def test_bounds_are_those_of_torch():
    by_norm = theirs(
        O.SGD, {"lr": 0.1}, lambda p: torch.nn.utils.clip_grad_norm_(p, 2.0)
    )
    # torch adds 1e-6 to the norm it divides by
    assert_allclose(walked(am.SGD(0.1, clip_norm=2.0)), by_norm, rtol=1e-5)
    by_value = theirs(
        O.SGD, {"lr": 0.1}, lambda p: torch.nn.utils.clip_grad_value_(p, 0.5)
    )
    assert_allclose(walked(am.SGD(0.1, clip_value=0.5)), by_value, rtol=1e-12)


@pytest.mark.parametrize("decay", [0.0, 0.3])
@pytest.mark.parametrize("betas", [(0.9, 0.99), (0.5, 0.8)])
def test_twenty_steps_of_lion_are_those_of_optax(betas, decay):
    optax = pytest.importorskip("optax")
    optimizer = optax.lion(0.01, *betas, weight_decay=decay)
    theta = np.ones(P, np.float32)
    state = optimizer.init(theta)
    for _ in range(STEPS):
        gradient = slope(theta).astype(np.float32)
        change, state = optimizer.update(gradient, state, theta)
        theta = np.asarray(optax.apply_updates(theta, change))
    found = walked(am.Lion(0.01, betas=betas, decay=decay))
    assert_allclose(found, theta, rtol=1e-5)  # optax computes in float32
