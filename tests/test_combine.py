"""Residual, Gate, Concatenate, Parallel and chains: derivatives and shared parts."""

import copy
import pickle
from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import anymax as am
from anymax.differences import along, by_each


def shared():
    layer = am.Dense(4)
    return am.Chain(layer, am.Tanh(), am.Residual(layer, am.Sigmoid()), layer)


NETS = {
    "softmax hidden": lambda: am.Chain(am.Dense(4), am.Softmax(), am.Dense(3)),
    "residual": lambda: am.Residual(am.Dense(4), am.Tanh()),
    "three nested residuals": lambda: am.Residual(
        am.Dense(4), am.Residual(am.Tanh(), am.Residual(am.Dense(4), am.Softmax()))
    ),
    "attention-like gate": lambda: am.Chain(
        am.Gate(am.Dense(4), am.Chain(am.Dense(4), am.Softmax())), am.Dense(3)
    ),
    "concatenate": lambda: am.Chain(
        am.Concatenate(am.Dense(3), am.Identity(), am.Tanh()), am.Dense(2)
    ),
    "the same twice": shared,
    "the same in two branches": lambda: (
        lambda layer: am.Concatenate(layer, am.Chain(am.Tanh(), layer))
    )(am.Dense(3)),
    "trainable": lambda: am.Chain(
        am.Dense(4),
        am.Entmax(alpha=am.Trainable(1.5, lower=1, upper=2)),
        am.Residual(am.PReLU(num_parameters=4)),
        am.Dense(3),
        am.Softmax(temperature=am.Trainable(1.0, lower=0)),
    ),
}


@pytest.fixture(params=NETS)
def objective(request):
    net = NETS[request.param]().build(4, seed=2, dtype="float64")
    return am.Objective(net, am.SquaredError(), l1=0.01, l2=0.1)


def rows(objective, seed=1):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(5, 4))
    return x, rng.normal(size=objective.net(x).shape)


def test_flat_gradient_agrees_with_differences(objective):
    x, y = rows(objective)
    theta = objective.net.parameters
    start, found = theta.copy(), objective.gradient(x, y)

    def value(at):
        theta[...] = at
        return objective.value(x, y)

    expected = by_each(value, start, 1e-4)
    theta[...] = start
    assert np.linalg.norm(found - expected) < 1e-7 * max(1, np.linalg.norm(expected))


def test_input_gradient_agrees_with_differences(objective):
    x, y = rows(objective)
    flat = by_each(lambda v: objective.value(v.reshape(x.shape), y), x.ravel(), 1e-4)
    assert_allclose(objective.input_gradient(x, y), flat.reshape(x.shape), atol=1e-8)


def test_hvp_agrees_with_differences(objective):
    x, y = rows(objective)
    theta = objective.net.parameters
    start, v = theta.copy(), np.random.default_rng(0).normal(size=theta.shape)
    found = objective.hvp(x, y, v)

    def gradient(at):
        theta[...] = at
        return objective.gradient(x, y)

    expected = along(gradient, start, v, 1e-4)
    theta[...] = start
    assert np.linalg.norm(found - expected) < 1e-5 * max(1, np.linalg.norm(expected))


def test_copies_and_pickles_are_networks_of_their_own(objective):
    net = objective.net
    x, _ = rows(objective)
    for other in (copy.deepcopy(net), pickle.loads(pickle.dumps(net))):
        assert_array_equal(other(x), net(x))
        other.parameters[...] += 1
        assert not np.array_equal(other(x), net(x))
        for name, view in other.named_parameters().items():
            assert np.shares_memory(view, other.parameters), name


def test_names_shapes_and_repr():
    net = am.Chain(am.Dense(4), am.Residual(am.Dense(4)), am.Softmax()).build(3)
    assert list(net.named_parameters()) == [
        "0.weight",
        "0.bias",
        "1.0.weight",
        "1.0.bias",
    ]
    assert repr(net) == "Chain(Dense(4), Residual(Dense(4)), Softmax())"
    gate = am.Gate(am.Dense(4), am.Sigmoid())
    assert repr(gate) == "Gate(Dense(4), Sigmoid())"
    assert "Residual" not in net.summary()
    assert "1.0" in net.summary()


@pytest.mark.parametrize(
    ("make", "part"),
    [
        (lambda: am.Residual(am.Dense(3)).build(4), "Add needs inputs of one shape"),
        (lambda: am.Gate(am.Dense(3), am.Dense(2)).build(4), "one shape"),
        (lambda: am.Chain(am.Dense(1), am.Softmax()).build(4), "always 1"),
    ],
)
def test_shapes_that_do_not_fit_are_refused_on_building(make, part):
    with pytest.raises(am.ShapeError, match=part):
        make()


def test_what_is_no_map_is_refused():
    with pytest.raises(TypeError, match="Residual needs layers"):
        am.Residual(3)


def test_a_hidden_softmax_and_a_gate_learn():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(200, 2))
    y = (x[:, 0] * x[:, 1] > 0).astype(int)
    gate = am.Gate(am.Dense(16), am.Chain(am.Dense(16), am.Softmax()))
    net = am.Chain(am.Dense(16), am.Tanh(), gate, am.Dense(2), am.Softmax())
    am.fit(net, am.CrossEntropy(), x, y, optimizer=am.Adam(0.02), epochs=60, verbose=0)
    assert (net.predict(x) == y).mean() > 0.95


def test_trainable_alpha_and_temperature_move_and_stay_in_bounds():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(100, 3))
    y = x.argmax(-1)
    entmax = am.Entmax(alpha=am.Trainable(1.5, lower=1, upper=2))
    warm = am.Softmax(temperature=am.Trainable(1.0, lower=0))
    net = am.Chain(am.Dense(6), entmax, am.Dense(3), warm)
    am.fit(net, am.CrossEntropy(), x, y, optimizer=am.Adam(0.05), epochs=40, verbose=0)
    named = net.named_parameters()
    alpha = entmax.trainables["alpha"].at(named["1.alpha"]).value
    temperature = warm.trainables["temperature"].at(named["3.temperature"]).value
    assert 1 < alpha < 2
    assert abs(alpha - 1.5) > 1e-3
    assert 0 < temperature < 1
    assert (net.predict(x) == y).mean() > 0.9


def test_a_frozen_parameter_has_no_gradient_and_stays():
    class Fixed(am.Dense):
        @property
        def parameters(self):
            return tuple(replace(p, trainable=False) for p in super().parameters)

    net = am.Chain(Fixed(4), am.Tanh(), am.Dense(2)).build(3, seed=0)
    before = net.named_parameters()["0.weight"].copy()
    x, y = np.ones((6, 3)), np.zeros((6, 2))
    gradient = am.Objective(net, am.SquaredError(), l2=0.1).gradient(x, y)
    assert (gradient[:16] == 0).all()
    assert np.any(gradient[16:])
    am.fit(net, am.SquaredError(), x, y, optimizer=am.AdamW(0.1), epochs=2, verbose=0)
    assert_array_equal(net.named_parameters()["0.weight"], before)


def test_a_part_that_has_learned_keeps_it_when_it_is_built_upon():
    body = am.Chain(am.Dense(4), am.Tanh()).build(3, seed=5)
    body.parameters += 1
    before = body.parameters.copy()
    outer = am.Chain(body, am.Dense(2), am.Softmax()).build(3, seed=0)
    assert_array_equal(body.parameters, before)
    assert np.shares_memory(body.parameters, outer.parameters)
    start = outer.parameters.copy()
    outer.build(3, seed=1)
    assert not np.array_equal(outer.parameters[:16], start[:16])
