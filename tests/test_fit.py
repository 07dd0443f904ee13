"""Training: optimizers follow their papers; fit learns, takes any labels, refuses."""

import logging
import sys

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.datasets import load_diabetes, load_iris, load_wine
from sklearn.model_selection import train_test_split

import anymax as am
from anymax.training.batches import hold_out, shuffled

RNG = np.random.default_rng(0)
A, B = RNG.normal(size=(6, 6)), RNG.normal(size=6)


def slope(theta):
    """The gradient of a quadratic bowl."""
    return A.T @ A @ theta - B


def walked(optimizer, steps=20, dtype=np.float64):
    theta = np.ones(6, dtype)
    for _ in range(steps):
        optimizer.step(theta, slope(theta).astype(dtype))
    return theta


# ---- optimizers


@pytest.mark.parametrize(
    ("momentum", "nesterov"), [(0.0, False), (0.9, False), (0.9, True), (0.5, True)]
)
def test_sgd_follows_its_formula(momentum, nesterov):
    theta, u = np.ones(6), np.zeros(6)
    for _ in range(20):
        g = slope(theta)
        u = momentum * u + g
        theta = theta - 0.01 * (g + momentum * u if nesterov else u)
    found = walked(am.SGD(0.01, momentum=momentum, nesterov=nesterov))
    assert_allclose(found, theta, rtol=1e-12)


@pytest.mark.parametrize("betas", [(0.9, 0.999), (0.0, 0.5), (0.5, 0.0)])
def test_adam_follows_its_formula(betas):
    theta, m, s = np.ones(6), np.zeros(6), np.zeros(6)
    for t in range(1, 21):
        g = slope(theta)
        m = betas[0] * m + (1 - betas[0]) * g
        s = betas[1] * s + (1 - betas[1]) * g * g
        theta = theta - 0.1 * (m / (1 - betas[0] ** t)) / (
            np.sqrt(s / (1 - betas[1] ** t)) + 1e-8
        )
    assert_allclose(walked(am.Adam(0.1, betas=betas)), theta, rtol=1e-10)


def test_the_rate_may_depend_on_the_step():
    theta = np.ones(6)
    for t in range(20):
        theta = theta - 0.1 / (1 + t) * slope(theta)
    assert_allclose(walked(am.SGD(lambda step: 0.1 / (1 + step))), theta, rtol=1e-12)


@pytest.mark.parametrize("made", [am.SGD, am.Adam])
def test_optimizers_keep_float32_and_start_fresh(made):
    optimizer = made(0.01)
    one = walked(optimizer, dtype=np.float32)
    assert one.dtype == np.float32
    assert_array_equal(walked(optimizer.fresh(), dtype=np.float32), one)


def test_optimizers_show_their_arguments_and_refuse_others():
    assert repr(am.Adam(0.01)) == "Adam(0.01)"
    assert repr(am.SGD(0.1, momentum=0.9, nesterov=True)) == (
        "SGD(0.1, momentum=0.9, nesterov=True)"
    )
    for bad in (0, -1, np.nan, "fast", None):
        with pytest.raises(ValueError, match="lr"):
            am.Adam(bad)
    with pytest.raises(ValueError, match="momentum"):
        am.SGD(0.1, nesterov=True)
    with pytest.raises(ValueError, match="betas"):
        am.Adam(betas=(0.9, 1.0))
    with pytest.raises(am.ShapeError, match=r"\(3,\)"):
        am.SGD(0.1).step(np.zeros(3), np.zeros(2))


# ---- batches and validation rows


def test_an_epoch_takes_every_row_once_in_an_order_of_its_own():
    one, two = shuffled(10, 0, 1), shuffled(10, 0, 2)
    assert sorted(one) == sorted(two) == list(range(10))
    assert not np.array_equal(one, two)
    assert_array_equal(one, shuffled(10, 0, 1))


def test_held_out_rows_are_a_fraction_of_each_class():
    labels = np.repeat([0, 1, 2], [50, 30, 20])
    train, held = hold_out(100, 0.2, 0, labels)
    assert sorted([*train, *held]) == list(range(100))
    assert_array_equal(np.bincount(labels[held]), [10, 6, 4])


@pytest.mark.parametrize("fraction", [0.05, 0.1, 0.33, 0.5, 0.9])
def test_every_class_stays_in_training(fraction):
    labels = np.array([0, *[1] * 2, *[2] * 3, *[3] * 40])
    train, held = hold_out(46, fraction, 0, labels)
    assert set(labels[train]) == {0, 1, 2, 3}
    assert len(held) == round(fraction * 46) or fraction == 0.9
    assert 0 not in labels[held]


# ---- learning


def scaled(load, seed=0):
    x, y = load(return_X_y=True)
    parts = train_test_split(x, y, test_size=0.3, stratify=y, random_state=seed)
    mean, std = parts[0].mean(0), parts[0].std(0)
    return (parts[0] - mean) / std, (parts[1] - mean) / std, parts[2], parts[3]


@pytest.mark.parametrize(("load", "least"), [(load_iris, 0.93), (load_wine, 0.94)])
@pytest.mark.parametrize(
    ("last", "loss"),
    [
        (am.Softmax(), am.CrossEntropy()),
        (am.Softmax(), am.SquaredError()),
        (am.Entmax(), am.Matching()),
        (am.Sparsemax(), am.Brier()),
        (am.LogSoftmax(), am.NegativeLogLikelihood()),
        (am.Sigmoid(), am.BinaryCrossEntropy()),
        (am.Identity(), am.CategoricalHinge()),
        (am.Tanh(), am.Huber()),
    ],
)
def test_fit_learns_with_any_activation_and_loss(load, least, last, loss):
    x, x_test, y, y_test = scaled(load)
    net = am.Chain(am.Dense(16), am.Softmax(), am.Dense(3), last)
    history = am.fit(
        net, loss, x, y, optimizer=am.Adam(0.03), epochs=60, batch=16, verbose=0
    )
    assert np.mean(net.predict(x_test) == y_test) >= least
    assert history.epochs[-1].loss < history.epochs[0].loss
    assert net.dtype == np.float32


def test_string_labels_come_back_from_predict():
    x, x_test, y, y_test = scaled(load_iris)
    names = np.array(["setosa", "versicolor", "virginica"])
    net = am.Chain(am.Dense(3), am.Softmax())
    history = am.fit(
        net,
        am.CrossEntropy(),
        x,
        names[y],
        optimizer=am.Adam(0.05),
        epochs=60,
        batch=16,
        validation=0.2,
        verbose=0,
    )
    assert_array_equal(net.classes, names)
    assert np.mean(net.predict(x_test) == names[y_test]) > 0.9
    assert history["validation accuracy"][-1] > 0.8


@pytest.mark.parametrize(
    ("last", "loss"),
    [
        (am.Sigmoid(), am.BinaryCrossEntropy()),
        (am.Tanh(), am.Hinge()),
        (am.Identity(), am.SquaredError()),
        (am.Sigmoid(), am.Matching()),
    ],
)
def test_two_labels_need_but_one_output(last, loss):
    x = np.random.default_rng(0).normal(size=(200, 2))
    y = np.where(x[:, 0] + x[:, 1] > 0, "up", "down")
    net = am.Chain(am.Dense(1), last)
    am.fit(net, loss, x, y, optimizer=am.Adam(0.05), epochs=30, verbose=0)
    assert np.mean(net.predict(x) == y) > 0.95


def test_integers_are_values_where_the_targets_have_no_bounds():
    x = np.linspace(-1, 1, 50)[:, None]
    y = np.round(20 * x[:, 0]).astype(int)
    net = am.Chain(am.Dense(1))
    am.fit(net, am.SquaredError(), x, y, optimizer=am.SGD(0.1), epochs=100, verbose=0)
    assert net.classes is None
    assert_allclose(net.predict(x)[:, 0], y, atol=1)


def test_labels_that_are_not_indices_are_renumbered():
    x, _, y, _ = scaled(load_iris)
    net = am.Chain(am.Dense(3), am.Softmax())
    am.fit(net, am.CrossEntropy(), x, 10 * (y + 1), optimizer=am.Adam(0.05), verbose=0)
    assert_array_equal(net.classes, [10, 20, 30])
    assert set(net.predict(x)) <= {10, 20, 30}


def test_ignored_labels_take_no_part():
    x, _, y, _ = scaled(load_iris)
    loss = am.CrossEntropy(ignore_index=-1)
    given = np.where(np.arange(len(y)) % 2, y, -1)
    net = am.Chain(am.Dense(3), am.Softmax())
    am.fit(net, loss, x, given, optimizer=am.Adam(0.05), epochs=40, verbose=0)
    assert_array_equal(net.classes, [0, 1, 2])
    assert np.mean(net.predict(x) == y) > 0.9


def test_regression_reaches_least_squares():
    x, y = load_diabetes(return_X_y=True)
    x, y = x / x.std(0), (y - y.mean()) / y.std()
    net = am.Chain(am.Dense(1))
    am.fit(
        net,
        am.SquaredError(),
        x,
        y,
        optimizer=am.SGD(lambda step: 0.03 / (1 + step / 200)),
        epochs=150,
        validation=0.0,
        verbose=0,
    )
    best = np.linalg.lstsq(x, y, rcond=None)[0]
    found = np.mean((net(x)[:, 0] - y) ** 2)
    assert found < 1.01 * np.mean((x @ best - y) ** 2)


def test_noise_is_drawn_while_training_and_repeats():
    x, _, y, _ = scaled(load_iris)

    def trained(last):
        net = am.Chain(am.Dense(3), last)
        am.fit(net, am.CrossEntropy(), x, y, epochs=3, verbose=0)
        return net.parameters

    assert_array_equal(trained(am.GumbelSoftmax()), trained(am.GumbelSoftmax()))
    assert not np.array_equal(trained(am.GumbelSoftmax()), trained(am.Softmax()))


# ---- what fit promises


def test_the_same_seed_gives_the_same_run():
    x, _, y, _ = scaled(load_iris)

    def run(seed, optimizer):
        net = am.Chain(am.Dense(4), am.ReLU(), am.Dense(3), am.Softmax())
        history = am.fit(
            net,
            am.CrossEntropy(),
            x,
            y,
            optimizer=optimizer,
            epochs=3,
            validation=0.2,
            seed=seed,
            verbose=0,
        )
        return net.parameters, history.epochs

    recipe = am.Adam(0.01)
    one, two, other = run(0, recipe), run(0, recipe), run(1, recipe)
    assert_array_equal(one[0], two[0])
    assert one[1] == two[1]
    assert not np.array_equal(one[0], other[0])
    assert recipe.steps == 0


def test_callbacks_see_each_epoch_and_history_shows_them():
    x, _, y, _ = scaled(load_iris)
    seen = []
    net = am.Chain(am.Dense(3), am.Softmax())
    history = am.fit(
        net,
        am.CrossEntropy(),
        x,
        y,
        epochs=12,
        validation=0.1,
        callbacks=[seen.append],
        verbose=0,
    )
    assert seen == history.epochs
    assert [epoch.epoch for epoch in seen] == list(range(1, 13))
    assert "validation accuracy" in repr(history)
    assert repr(history).splitlines()[-1].split()[0] == "12"
    assert len(am.fit(net, am.CrossEntropy(), x, y, epochs=0)) == 0


def test_a_trained_network_goes_on_from_where_it_is():
    x, _, y, _ = scaled(load_iris)
    net = am.Chain(am.Dense(3), am.Softmax())
    first = am.fit(net, am.CrossEntropy(), x, y, epochs=20, verbose=0)
    second = am.fit(net, am.CrossEntropy(), x, y, epochs=1, verbose=0)
    assert second.epochs[0].loss < first.epochs[0].loss


def test_progress_goes_to_the_log_where_there_is_no_terminal(caplog, capsys):
    net = am.Chain(am.Dense(2), am.Softmax())
    with caplog.at_level(logging.INFO, "anymax"):
        am.fit(net, am.CrossEntropy(), np.eye(4), [0, 1, 0, 1], epochs=2)
        assert [r.message[:8] for r in caplog.records] == ["epoch 1:", "epoch 2:"]
        caplog.clear()
        am.fit(net, am.CrossEntropy(), np.eye(4), [0, 1, 0, 1], epochs=2, verbose=0)
        assert not caplog.records
    assert capsys.readouterr() == ("", "")


def test_progress_is_a_bar_on_a_terminal(monkeypatch, capsys):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    net = am.Chain(am.Dense(2), am.Softmax())
    am.fit(net, am.CrossEntropy(), np.eye(4), [0, 1, 0, 1], epochs=2)
    assert "epoch 2" in capsys.readouterr().err


def test_one_hot_rows_are_said_to_be_made(caplog):
    net = am.Chain(am.Dense(2), am.Softmax())
    with caplog.at_level(logging.INFO, "anymax"):
        am.fit(net, am.SquaredError(), np.eye(4), ["a", "b"] * 2, epochs=1, verbose=0)
    assert "SquaredError takes no class indices" in caplog.text


X, Y = np.eye(4), [0, 1, 0, 1]
BROKEN = np.where(np.arange(16).reshape(4, 4) == 6, np.nan, X)


@pytest.mark.parametrize(
    ("change", "error", "said"),
    [
        ({"x": BROKEN}, am.DomainError, "nan in row 1, column 2"),
        (
            {"x": np.where(np.isnan(BROKEN), -np.inf, X)},
            am.DomainError,
            "-inf in row 1",
        ),
        ({"x": [["a", "b"]] * 4}, TypeError, "real numbers"),
        ({"x": np.ones(4)}, am.ShapeError, r"x\[:, None\]"),
        ({"x": np.ones((0, 4)), "y": []}, am.ShapeError, "at least one row"),
        ({"x": np.ones((4, 0))}, am.ShapeError, "one feature"),
        ({"y": [0, 1, 0]}, am.ShapeError, "each of 4 rows"),
        ({"y": 1}, am.ShapeError, "each of 4 rows"),
        ({"y": ["a", "b", "c", "a"]}, am.ShapeError, "got 3 labels"),
        ({"y": ["a", "a", "a", "a"]}, am.ShapeError, "got 1 labels"),
        ({"y": [["a"], ["b"], ["a"], ["b"]]}, am.ShapeError, "one a row"),
        ({"y": np.array(["a", 1, "b", 2], object)}, TypeError, "one kind"),
        ({"y": np.array(["a", 1, None, 2], object)}, am.DomainError, "None in row 2"),
        ({"y": [[0.0, 1.0], [np.nan, 1.0]] * 2}, am.DomainError, "in row 1"),
        ({"y": [0.0, 1.0, 0.0, 1.0]}, am.ShapeError, "astype"),
        ({"batch": 0}, ValueError, "batch >= 1"),
        ({"batch": 2.5}, ValueError, "batch"),
        ({"epochs": -1}, ValueError, "epochs >= 0"),
        ({"validation": 1.0}, ValueError, "between 0 and 1"),
        ({"validation": 0.01}, ValueError, "0 to validate on"),
        ({"validation": "some"}, TypeError, "fraction"),
        ({"validation": (X, [0, 1])}, am.ShapeError, "each of 4 rows"),
        ({"validation": (X, ["a", "b"] * 2)}, ValueError, "labels that y has"),
        ({"metrics": "accuracy"}, ValueError, "validation rows"),
        ({"validation": 0.5, "metrics": "r2"}, ValueError, "no metric of class labels"),
        ({"validation": 0.5, "metrics": "acuracy"}, ValueError, "mean accuracy"),
        ({"sample_weight": [1, 1]}, am.ShapeError, "each of 4 rows"),
        ({"sample_weight": [1, 1, 1, -1]}, am.DomainError, ">= 0"),
        ({"seed": -1}, ValueError, "seed >= 0"),
        ({"callbacks": [am.EarlyStopping]}, TypeError, "Callback objects"),
        ({"callbacks": [am.EarlyStopping()]}, ValueError, "validation=0.1"),
        ({"optimizer": am.Adam}, TypeError, "an object"),
        ({"optimizer": am.LBFGS(), "batch": 2}, ValueError, "all rows at once"),
        ({"optimizer": am.LBFGS(), "resume": {}}, ValueError, "all rows at once"),
        ({"resume": {}}, ValueError, "history.state"),
        ({"x": (X, X)}, am.ShapeError, "takes 1 inputs; got 2"),
        ({"x": (X, X[:3])}, am.ShapeError, "same number of rows"),
        ({"loss": am.CrossEntropy}, TypeError, "loss"),
        ({"net": am.Dense(2)}, TypeError, "network"),
        ({"net": am.Chain(am.Dense(2), am.Tanh())}, am.DomainError, "Tanh"),
        ({"net": am.Chain(am.Dense(2), am.Softmax()).build(3)}, am.ShapeError, "3"),
    ],
)
def test_fit_refuses_in_a_sentence(change, error, said):
    net = am.Chain(am.Dense(2), am.Softmax())
    given = {"net": net, "loss": am.CrossEntropy(), "x": X, "y": Y} | change
    with pytest.raises(error, match=said) as caught:
        am.fit(**given, verbose=0) if "epochs" in given else am.fit(
            **given, epochs=1, verbose=0
        )
    assert "\n" not in str(caught.value)


def test_fit_stops_when_the_loss_is_lost():
    net = am.Chain(am.Dense(2), am.Exp(), am.Dense(1))
    x = 10 * np.random.default_rng(0).normal(size=(64, 3))
    with pytest.raises(FloatingPointError, match=r"layer 1 \(Exp\(\)\).* in step 2"):
        am.fit(
            net,
            am.SquaredError(),
            x,
            x[:, 0],
            optimizer=am.SGD(10.0),
            verbose=0,
            batch=4,
        )
