"""Plan, Objective and a plain loop of eager calls take the same steps."""

import copy
import pickle

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import anymax as am

ROWS, WIDTH, CLASSES = 50, 6, 3


def data(seed=0):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(ROWS, WIDTH)), rng.integers(CLASSES, size=ROWS)


def plain():
    return am.Chain(am.Dense(8), am.Tanh(), am.Dense(CLASSES), am.Softmax())


def rich():
    attention = am.Gate(am.Dense(5), am.Chain(am.Dense(5), am.Softmax()))
    return am.Chain(
        am.Dense(8, bias=False),  # Adam would blow up the rounding of its gradient, 0
        am.BatchNorm(),
        am.Softmax(),
        am.Dropout(0.3),
        am.Residual(am.Dense(8), am.Swish(beta=am.Trainable(1.0))),
        attention,
        am.Concatenate(am.Identity(), am.LayerNorm()),
        am.Dense(CLASSES),
        am.GumbelSoftmax(temperature=am.Trainable(1.0, lower=0)),
    )


def without_batch():
    return am.Chain(
        am.Dense(8),
        am.Dropout(0.3),
        am.Residual(am.GaussianNoise(0.1), am.Dense(8), am.ReLU()),
        am.Dense(CLASSES),
        am.Softmax(),
    )


NETS = {"plain": plain, "rich": rich, "without batch": without_batch}


def built(make):
    return make().build(WIDTH, seed=1, dtype="float64")


def orders(steps, batch):
    rng = np.random.default_rng(5)
    while True:
        order = rng.permutation(ROWS)
        for start in range(0, ROWS, batch):
            if steps == 0:
                return
            steps -= 1
            yield order[start : start + batch]


@pytest.mark.parametrize("batch", [16, 7, 64])
@pytest.mark.parametrize("name", NETS)
def test_plan_follows_the_objective_for_200_steps(name, batch):
    x, y = data()
    one, two = built(NETS[name]), built(NETS[name])
    plan = am.Plan(one, am.CrossEntropy(), batch=batch, l2=0.01, seed=3)
    objective = am.Objective(two, am.CrossEntropy(), l2=0.01)
    adam = am.Adam()
    for at in orders(200, batch):
        key = am.Key(3, step=adam.steps)
        whole = objective.forward(x[at], y[at], key=key)
        value, gradient = objective.value_and_gradient(x[at], y[at], key=key)
        assert_allclose(plan.step(x[at], y[at]), value, rtol=1e-9)
        for view, new in zip(two.kept_views(two), whole.trunk.state, strict=True):
            view[...] = new
        adam.step(two.parameters, gradient)
    assert plan.steps == 200
    assert_allclose(one.parameters, two.parameters, atol=1e-10)
    assert_allclose(one.kept, two.kept, atol=1e-10)


def test_plan_follows_a_plain_loop_of_eager_calls_for_200_steps():
    x, y = data()
    net = built(plain)
    w1, b1, w2, b2 = (p.copy() for p in net.named_parameters().values())
    plan = am.Plan(net, am.CrossEntropy(), batch=16, optimizer=am.SGD(0.1))
    for at in orders(200, 16):
        plan.step(x[at], y[at])
        z1 = x[at] @ w1 + b1
        a1 = am.Tanh()(z1)
        z2 = a1 @ w2 + b2
        g2 = am.Pair(am.Softmax(), am.CrossEntropy()).gradient(z2, y[at])
        g1 = am.Tanh().jacobian(z1, a1).vjp(g2 @ w2.T)
        w2, b2 = w2 - 0.1 * a1.T @ g2, b2 - 0.1 * g2.sum(0)
        w1, b1 = w1 - 0.1 * x[at].T @ g1, b1 - 0.1 * g1.sum(0)
    mine = np.concatenate([p.ravel() for p in (w1, b1, w2, b2)])
    assert_allclose(net.parameters, mine, atol=1e-10)


@pytest.mark.parametrize("name", NETS)
def test_slices_of_rows_change_nothing_but_rounding(name):
    x, y = data()
    one, two = built(NETS[name]), built(NETS[name])
    whole = am.Plan(one, am.CrossEntropy(), batch=32, seed=3)
    sliced = am.Plan(two, am.CrossEntropy(), batch=32, seed=3, slice=5)
    for _ in range(5):
        assert_allclose(whole.epoch(x, y), sliced.epoch(x, y), rtol=1e-10)
    assert_allclose(one.parameters, two.parameters, atol=1e-10)


def test_an_epoch_is_its_steps():
    x, y = data()
    one, two = built(rich), built(rich)
    first = am.Plan(one, am.CrossEntropy(), batch=16)
    second = am.Plan(two, am.CrossEntropy(), batch=16)
    order = np.random.default_rng(0).permutation(ROWS)
    mean = first.epoch(x, y, order)
    values = []
    for start in range(0, ROWS, 16):
        at = order[start : start + 16]
        values.append((second.step(x[at], y[at]), len(at)))
    assert_array_equal(one.parameters, two.parameters)
    assert_allclose(mean, sum(v * n for v, n in values) / ROWS, rtol=1e-14)


def test_gradient_is_that_of_the_objective_whatever_the_rows():
    x, y = data()
    net = built(without_batch)
    plan = am.Plan(net, am.CrossEntropy(), batch=ROWS)
    objective = am.Objective(net, am.CrossEntropy())
    for rows in (ROWS, 1, 17, 0, 50):
        found = plan.gradient(x[:rows], y[:rows])
        assert_allclose(found, objective.gradient(x[:rows], y[:rows]), atol=1e-13)


def test_weights_ignored_rows_and_nan_in_rows_that_count_nothing():
    x, y = data()
    weight = np.where(np.arange(ROWS) % 3 == 0, 0.0, 1.5)
    bad = x.copy()
    bad[::3] = np.nan
    net = built(plain)
    plan = am.Plan(net, am.CrossEntropy(), batch=ROWS)
    objective = am.Objective(net, am.CrossEntropy())
    keep = weight > 0
    expected = objective.gradient(x[keep], y[keep])
    assert_allclose(plan.gradient(bad, y, sample_weight=weight), expected, atol=1e-13)
    skipping = am.CrossEntropy(ignore_index=-1)
    plan = am.Plan(net, skipping, batch=ROWS)
    labels = np.where(keep, y, -1)
    assert_allclose(plan.gradient(bad, labels), expected, atol=1e-13)


def test_a_mask_reaches_the_output_map():
    x, y = data()
    mask = np.ones((ROWS, CLASSES), bool)
    mask[:, 2] = False
    y = np.minimum(y, 1)
    net = built(plain)
    found = am.Plan(net, am.CrossEntropy(), batch=ROWS).gradient(x, y, mask=mask)
    expected = am.Objective(net, am.CrossEntropy()).gradient(x, y, mask=mask)
    assert_allclose(found, expected, atol=1e-14)


def test_several_inputs_and_tied_maps():
    rng = np.random.default_rng(0)
    one, two = rng.normal(size=(9, 3)), rng.normal(size=(9, 4))
    y = rng.normal(size=(9, 2))
    shared = am.Dense(5)
    net = am.Chain(
        am.Parallel(am.Chain(am.Dense(5), shared), am.Dense(5)),
        am.Tanh(),
        am.Concatenate(am.Chain(am.Dense(5), shared), am.Identity()),
        am.Dense(2),
    ).build(3, 4, seed=0, dtype="float64")
    plan = am.Plan(net, am.SquaredError(), batch=9)
    objective = am.Objective(net, am.SquaredError())
    found = plan.gradient((one, two), y)
    assert_allclose(found, objective.gradient((one, two), y), atol=1e-13)
    assert am.gradient_error(objective, (one, two), y).error < 1e-7


def test_a_nan_stops_the_step_and_names_the_layer():
    net = am.Chain(am.Dense(4), am.Exp(), am.Dense(2)).build(3, dtype="float32")
    before = net.parameters.copy()
    plan = am.Plan(net, am.SquaredError(), batch=4)
    with pytest.raises(FloatingPointError, match=r"layer 1 \(Exp\(\)\).* in step 1"):
        plan.step(np.full((2, 3), 1e4), np.zeros((2, 2)))
    assert_array_equal(net.parameters, before)


def test_too_many_rows_are_refused_and_an_epoch_takes_them():
    x, y = data()
    plan = am.Plan(built(plain), am.CrossEntropy(), batch=8)
    with pytest.raises(am.ShapeError, match="up to 8 rows"):
        plan.step(x, y)
    assert np.isfinite(plan.epoch(x, y))


def test_print_shows_operations_buffers_and_what_cancels():
    text = str(am.Plan(built(rich), am.CrossEntropy(), batch=16))
    for part in (
        "Dense(8)",
        "4.add",
        "5.multiply",
        "(16, 8)",
        "weight a over a leaves 1",
    ):
        assert part in text, text
    assert "segments" in text


def test_a_plan_needs_a_built_network():
    with pytest.raises(RuntimeError, match="not built"):
        am.Plan(plain(), am.CrossEntropy())


def test_a_shared_batch_norm_keeps_the_state_that_the_objective_proposes():
    def make():
        norm = am.BatchNorm()
        return am.Chain(am.Dense(4), norm, am.Tanh(), norm, am.Dense(3), am.Softmax())

    x, y = data()
    one, two = built(make), built(make)
    plan = am.Plan(one, am.CrossEntropy(), batch=ROWS, optimizer=am.SGD(0.1))
    objective = am.Objective(two, am.CrossEntropy())
    sgd = am.SGD(0.1)
    for step in range(5):
        whole = objective.forward(x, y, key=am.Key(0, step=step))
        gradient = objective.gradient(x, y, key=am.Key(0, step=step))
        plan.step(x, y)
        for view, new in zip(two.kept_views(two), whole.trunk.state, strict=True):
            view[...] = new
        sgd.step(two.parameters, gradient)
    assert_allclose(one.kept, two.kept, atol=1e-12)


def test_a_plan_whose_network_was_built_again_says_so():
    x, y = data()
    net = built(plain)
    plan = am.Plan(net, am.CrossEntropy(), batch=ROWS)
    net.build(WIDTH, seed=7, dtype="float64")
    with pytest.raises(RuntimeError, match="make a new Plan"):
        plan.step(x, y)


def test_a_plan_is_neither_copied_nor_pickled():
    plan = am.Plan(built(plain), am.CrossEntropy())
    for way in (copy.deepcopy, pickle.dumps):
        with pytest.raises(TypeError, match="make a new Plan"):
            way(plan)


def test_class_indices_may_be_a_list():
    steps = []
    for y in ([1, 0], (1, 0), np.array([1, 0])):
        net = am.Chain(am.Dense(2), am.Softmax()).build(3)
        plan = am.Plan(net, am.CrossEntropy(), batch=4, optimizer=am.SGD(0.1))
        steps.append((plan.step(np.eye(3)[:2], y), net.parameters.tolist()))
    assert steps[0] == steps[1] == steps[2]
