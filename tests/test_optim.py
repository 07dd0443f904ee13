"""Optimizers against their rules over all gradients so far; schedules; LBFGS."""

import math

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression

import anymax as am
from anymax.optim.full_batch import FullBatch, shared

RNG = np.random.default_rng(0)
P = 6
A, B = RNG.normal(size=(P, P)), RNG.normal(size=P)
DECAYS = np.array([True, False, True, True, False, True])
STEPS = 20


def slope(theta):
    """The gradient of a quadratic bowl."""
    return A.T @ A @ theta - B


def walked(optimizer, steps=STEPS, dtype=np.float64, theta=None, decays=None):
    theta = np.ones(P, dtype) if theta is None else theta.copy()
    for _ in range(steps):
        optimizer.step(theta, slope(theta).astype(dtype), decays)
    return theta


# ---- the published rules; `g` lists all gradients so far, the newest last


def discounted(g, beta):
    """The sum of beta^age times each."""
    return sum(beta ** (len(g) - 1 - i) * each for i, each in enumerate(g))


def mean(g, beta):
    return (1 - beta) * discounted(g, beta)


def squares(g):
    return [each**2 for each in g]


def sgd(g, momentum):
    return discounted(g, momentum)


def nesterov(g, momentum):
    return g[-1] + momentum * discounted(g, momentum)


def adam(g, one, two, eps):
    m = mean(g, one) / (1 - one ** len(g))
    return m / (np.sqrt(mean(squares(g), two) / (1 - two ** len(g))) + eps)


def rms(g, rho, eps, centered):
    variance = mean(squares(g), rho) - centered * mean(g, rho) ** 2
    return g[-1] / (np.sqrt(variance) + eps)


def rmsprop(g, rho, eps, centered, momentum):
    each = [rms(g[: i + 1], rho, eps, centered) for i in range(len(g))]
    return discounted(each, momentum)


def adagrad(g, initial, eps):
    return g[-1] / (np.sqrt(initial + sum(squares(g))) + eps)


def adadelta(g, rho, eps):
    moves = []
    for i in range(len(g)):
        u = mean(squares(moves), rho)
        s = mean(squares(g[: i + 1]), rho)
        moves.append(np.sqrt(u + eps) / np.sqrt(s + eps) * g[i])
    return moves[-1]


def lion(g, one, two):
    return np.sign(one * mean(g[:-1], two) + (1 - one) * g[-1])


RULES = [
    (am.SGD(0.01), lambda g: g[-1], 0.01, 0),
    (am.SGD(0.01, momentum=0.8), lambda g: sgd(g, 0.8), 0.01, 0),
    (
        am.SGD(0.01, momentum=0.8, nesterov=True),
        lambda g: nesterov(g, 0.8),
        0.01,
        0,
    ),
    (am.Adam(0.1), lambda g: adam(g, 0.9, 0.999, 1e-8), 0.1, 0),
    (
        am.Adam(0.1, betas=(0.5, 0.9), eps=1e-3),
        lambda g: adam(g, 0.5, 0.9, 1e-3),
        0.1,
        0,
    ),
    (am.AdamW(0.1), lambda g: adam(g, 0.9, 0.999, 1e-8), 0.1, 0.01),
    (
        am.AdamW(0.1, decay=0.5, betas=(0.8, 0.9)),
        lambda g: adam(g, 0.8, 0.9, 1e-8),
        0.1,
        0.5,
    ),
    (am.RMSProp(0.01), lambda g: rmsprop(g, 0.9, 1e-8, 0, 0), 0.01, 0),
    (
        am.RMSProp(0.01, rho=0.8, momentum=0.5, eps=1e-3),
        lambda g: rmsprop(g, 0.8, 1e-3, 0, 0.5),
        0.01,
        0,
    ),
    (
        am.RMSProp(0.01, centered=True, eps=1e-2),
        lambda g: rmsprop(g, 0.9, 1e-2, 1, 0),
        0.01,
        0,
    ),
    (am.Adagrad(0.1), lambda g: adagrad(g, 0, 1e-10), 0.1, 0),
    (
        am.Adagrad(0.1, initial=0.5, eps=1e-3),
        lambda g: adagrad(g, 0.5, 1e-3),
        0.1,
        0,
    ),
    (am.AdaDelta(), lambda g: adadelta(g, 0.95, 1e-6), 1, 0),
    (am.AdaDelta(0.5, rho=0.8, eps=1e-3), lambda g: adadelta(g, 0.8, 1e-3), 0.5, 0),
    (am.Lion(0.01), lambda g: lion(g, 0.9, 0.99), 0.01, 0),
    (
        am.Lion(0.01, decay=0.3, betas=(0.5, 0.7)),
        lambda g: lion(g, 0.5, 0.7),
        0.01,
        0.3,
    ),
]
EVERY = [am.SGD, am.RMSProp, am.Adagrad, am.AdaDelta, am.Adam, am.AdamW, am.Lion]


@pytest.mark.parametrize("decays", [None, DECAYS])
@pytest.mark.parametrize(
    ("optimizer", "rule", "rate", "decay"), RULES, ids=[repr(row[0]) for row in RULES]
)
def test_twenty_steps_follow_the_published_rule(optimizer, rule, rate, decay, decays):
    theta, gradients = np.ones(P), []
    reached = np.ones(P, bool) if decays is None else decays
    for _ in range(STEPS):
        gradients.append(slope(theta))
        theta = theta - rate * (rule(gradients) + decay * reached * theta)
    assert_allclose(walked(optimizer.fresh(), decays=decays), theta, rtol=1e-9)


def test_centered_rmsprop_takes_a_steady_gradient():
    theta = np.zeros(1, np.float32)
    optimizer = am.RMSProp(0.01, centered=True)
    for _ in range(500):
        optimizer.step(theta, np.full(1, 0.1, np.float32))
    assert np.isfinite(theta).all()


# ---- what all share


def test_the_norm_of_a_long_gradient_is_bounded():
    theta = np.zeros(2)
    am.SGD(1.0, clip_norm=1.0).step(theta, np.array([3.0, -4.0]))
    assert_allclose(theta, [-0.6, 0.8], rtol=1e-15)
    theta = np.zeros(2)
    am.SGD(1.0, clip_norm=6.0).step(theta, np.array([3.0, -4.0]))
    assert_array_equal(theta, [-3.0, 4.0])


def test_components_are_bounded_before_the_norm():
    theta = np.zeros(3)
    am.SGD(1.0, clip_value=1.0).step(theta, np.array([3.0, -4.0, 0.5]))
    assert_array_equal(theta, [-1.0, 1.0, -0.5])
    theta = np.zeros(2)
    optimizer = am.SGD(1.0, clip_value=3.0, clip_norm=1.0)
    optimizer.step(theta, np.array([30.0, -30.0]))
    assert_allclose(theta, [-math.sqrt(0.5), math.sqrt(0.5)], rtol=1e-15)


def test_the_norm_of_float32_gradients_does_not_overflow():
    theta = np.zeros(2, np.float32)
    am.SGD(1.0, clip_norm=1.0).step(theta, np.array([3e30, -4e30], np.float32))
    assert_allclose(theta, [-0.6, 0.8], rtol=1e-6)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
@pytest.mark.filterwarnings("ignore:invalid value")
def test_no_bound_hides_a_gradient_that_is_no_number(bad):
    theta = np.zeros(2)
    am.SGD(1.0, clip_norm=1.0).step(theta, np.array([bad, 1.0]))
    assert not np.isfinite(theta).all()


def test_bounds_leave_the_given_gradient_alone():
    gradient = np.array([3.0, -4.0])
    am.Adam(clip_value=1.0, clip_norm=0.5).step(np.zeros(2), gradient)
    assert_array_equal(gradient, [3.0, -4.0])


def test_the_average_weighs_the_parameters_after_each_step():
    optimizer, theta, visited = am.Adam(0.1, average=0.8), np.ones(P), []
    for _ in range(STEPS):
        optimizer.step(theta, slope(theta))
        visited.append(theta.copy())
    weights = 0.8 ** np.arange(STEPS)[::-1]
    wanted = np.average(visited, axis=0, weights=weights)
    assert_allclose(optimizer.averaged, wanted, rtol=1e-12)
    assert_array_equal(theta, walked(am.Adam(0.1)))


def test_there_is_no_average_before_the_first_step():
    optimizer = am.SGD(average=0.9)
    with pytest.raises(RuntimeError, match="and a step"):
        _ = optimizer.averaged
    walked(optimizer)
    with pytest.raises(RuntimeError, match="after 0 steps"):
        _ = optimizer.fresh().averaged
    with pytest.raises(RuntimeError, match=r"average=0\.999"):
        _ = am.SGD().averaged


@pytest.mark.parametrize("made", EVERY)
def test_float32_stays_and_fresh_starts_again(made):
    optimizer = made(0.01, clip_norm=5.0, clip_value=3.0, average=0.9)
    one = walked(optimizer, dtype=np.float32, decays=DECAYS)
    assert one.dtype == optimizer.averaged.dtype == np.float32
    assert {a.dtype for a in optimizer.state().values() if np.ndim(a)} == {one.dtype}
    again = walked(optimizer.fresh(), dtype=np.float32, decays=DECAYS)
    assert_array_equal(again, one)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("made", EVERY)
def test_a_resumed_run_goes_on_bit_for_bit(made, dtype):
    options = {"clip_norm": 2.0, "average": 0.9}
    whole = made(am.Cosine(0.01, STEPS), **options)
    first = made(am.Cosine(0.01, STEPS), **options)
    theta = walked(first, 7, dtype)
    state = first.state()
    walked(first, 3, dtype, theta)  # must not reach into the state
    second = made(am.Cosine(0.01, STEPS), **options)
    second.load_state(state)
    end = walked(second, STEPS - 7, dtype, theta)
    assert_array_equal(end, walked(whole, STEPS, dtype))
    assert_array_equal(second.averaged, whole.averaged)
    assert second.steps == STEPS


@pytest.mark.parametrize("rate", [-0.1, np.nan, np.inf, None, "fast", [0.1, 0.2]])
@pytest.mark.parametrize("made", EVERY)
def test_a_schedule_gives_rates(made, rate):
    theta, optimizer = np.ones(3), made(lambda step: 0.1 if step < 2 else rate)
    for _ in range(2):
        optimizer.step(theta, theta)
    before = theta.copy()
    with pytest.raises(ValueError, match=r"rate >= 0 .* after 2 steps") as caught:
        optimizer.step(theta, theta)
    assert "\n" not in str(caught.value)
    assert_array_equal(theta, before)
    assert optimizer.steps == 2


def test_a_rate_of_any_kind_will_do():
    for rate in (0, 1, np.float32(0.5), np.array(0.25)):
        assert am.SGD(lambda _, rate=rate: rate).rate(3) == rate


def test_a_state_of_arrays_only_is_a_state():
    optimizer = am.Adam(am.OnPlateau(0.1))
    walked(optimizer)
    state = {name: np.asarray(value) for name, value in optimizer.state().items()}
    again = am.Adam(am.OnPlateau(0.1))
    again.load_state(state)
    assert again.steps == STEPS
    assert again.state().keys() == state.keys()


def test_a_state_of_another_optimizer_is_refused():
    optimizer = am.Adam()
    walked(optimizer)
    with pytest.raises(ValueError, match="velocity"):
        am.SGD().load_state(optimizer.state())
    with pytest.raises(ValueError, match="steps"):
        am.SGD().load_state({})
    again = am.Adam()
    again.load_state(optimizer.state())
    with pytest.raises(am.ShapeError, match=r"mean of shape \(2,\).*\(6,\)"):
        again.step(np.zeros(2), np.zeros(2))


def test_state_before_the_first_step():
    optimizer = am.Adam(average=0.9)
    assert optimizer.state() == {"steps": 0}
    walked(optimizer)
    optimizer.load_state({"steps": 0})
    assert_array_equal(walked(optimizer), walked(am.Adam()))


@pytest.mark.parametrize("made", EVERY)
@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"lr": 0.0}, "lr > 0"),
        ({"lr": "fast"}, "lr > 0"),
        ({"clip_norm": 0.0}, "clip_norm needs a finite number > 0; got 0"),
        ({"clip_value": np.inf}, "clip_value needs a finite number > 0; got inf"),
        ({"average": 1.0}, r"average needs a number in \[0, 1\); got 1"),
    ],
)
def test_shared_arguments_are_checked(made, options, said):
    with pytest.raises(ValueError, match=said) as caught:
        made(**options)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: am.SGD(nesterov=True), "momentum=0.9"),
        (lambda: am.SGD(momentum=1.0), "momentum"),
        (lambda: am.RMSProp(rho=1.0), "rho"),
        (lambda: am.RMSProp(momentum=-0.1), "momentum"),
        (lambda: am.RMSProp(eps=0.0), "eps"),
        (lambda: am.Adagrad(initial=-1.0), "initial >= 0"),
        (lambda: am.Adagrad(eps=0.0), "eps"),
        (lambda: am.AdaDelta(rho=-0.5), "rho"),
        (lambda: am.AdaDelta(eps=0.0), "eps"),
        (lambda: am.Adam(betas=(0.9, 1.0)), "betas"),
        (lambda: am.AdamW(eps=-1.0), "eps"),
        (lambda: am.AdamW(decay=-0.1), "decay >= 0"),
        (lambda: am.Lion(betas=(-0.1, 0.9)), "betas"),
        (lambda: am.LBFGS(max_iterations=0), "max_iterations >= 1; got 0"),
        (lambda: am.LBFGS(memory=2.5), "memory"),
        (lambda: am.LBFGS(chunk=0), "chunk"),
        (lambda: am.LBFGS(tolerance=0.0), "tolerance"),
        (lambda: am.Constant(0.0), "rate > 0; got 0"),
        (lambda: am.Constant("fast"), "rate > 0; got 'fast'"),
        (lambda: am.StepDecay(0.1, 0), "every >= 1"),
        (lambda: am.StepDecay(0.1, 5, factor=0.0), r"factor in \(0, 1\]"),
        (lambda: am.Cosine(0.1, 0), "steps >= 1"),
        (lambda: am.Cosine(0.1, 10, minimum=0.2), r"\[0, 0.1\]; got 0.2"),
        (lambda: am.Warmup(-0.1, 10), "after > 0"),
        (lambda: am.Warmup(am.Constant(0.1), 1.5), "steps >= 1; got 1.5"),
        (lambda: am.OneCycle(0.1, 10, rise=1.0), r"rise in \(0, 1\)"),
        (lambda: am.OneCycle(0.1, 10, end=2.0), "end"),
        (lambda: am.OnPlateau(0.1, patience=0), "patience >= 1"),
        (lambda: am.OnPlateau(0.1, factor=1.5), "factor"),
    ],
)
def test_arguments_are_checked_in_a_sentence(make, said):
    with pytest.raises(ValueError, match=said) as caught:
        make()
    assert "\n" not in str(caught.value)


def test_shapes_are_checked():
    with pytest.raises(am.ShapeError, match=r"gradient of shape \(3,\).*\(2,\)"):
        am.Lion().step(np.zeros(3), np.zeros(2))
    with pytest.raises(am.ShapeError, match=r"decays of shape \(3,\).*\(1,\)"):
        am.Lion().step(np.zeros(3), np.zeros(3), np.ones(1, bool))


@pytest.mark.parametrize(
    "said",
    [
        "RMSProp(0.01, rho=0.8, centered=True)",
        "AdamW(clip_norm=1, decay=0.1)",
        "SGD(Warmup(Cosine(0.1, 1000, minimum=0.001), 100), average=0.99)",
        "Lion(OneCycle(0.001, 500, rise=0.2))",
        "Adagrad(OnPlateau(0.1, patience=3))",
        "AdaDelta(StepDecay(1, 30, factor=0.5))",
        "Adam(Constant(0.01))",
        "LBFGS(memory=5, chunk=128)",
    ],
)
def test_a_repr_makes_the_same_again(said):
    assert repr(eval(said, {name: getattr(am, name) for name in am.__all__})) == said


# ---- schedules, by hand


@pytest.mark.parametrize(
    ("schedule", "wanted"),
    [
        (am.Constant(0.3), {0: 0.3, 7: 0.3, 10**9: 0.3}),
        (
            am.StepDecay(0.8, 10, factor=0.5),
            {0: 0.8, 9: 0.8, 10: 0.4, 19: 0.4, 20: 0.2, 30: 0.1},
        ),
        (am.StepDecay(1.0, 5), {4: 1.0, 5: 0.1, 10: 0.01}),
        (
            am.Cosine(1.0, 60),
            {0: 1.0, 20: 0.75, 30: 0.5, 40: 0.25, 60: 0.0, 61: 0.0, 10**9: 0.0},
        ),
        (am.Cosine(1.0, 60, minimum=0.2), {0: 1.0, 20: 0.8, 30: 0.6, 60: 0.2}),
        (am.Warmup(0.4, 4), {0: 0.1, 1: 0.2, 2: 0.3, 3: 0.4, 4: 0.4, 100: 0.4}),
        (
            am.Warmup(am.StepDecay(1.0, 2), 2),
            {0: 0.5, 1: 1.0, 2: 1.0, 3: 1.0, 4: 0.1, 6: 0.01},
        ),
        (
            am.OneCycle(1.0, 100, rise=0.3, start=0.2, end=0.1),
            {0: 0.2, 10: 0.4, 15: 0.6, 20: 0.8, 30: 1.0, 65: 0.55, 100: 0.1, 200: 0.1},
        ),
    ],
)
def test_schedules_at_given_steps(schedule, wanted):
    assert {step: pytest.approx(schedule(step), abs=1e-15) for step in wanted} == wanted


def test_a_plateau_lowers_the_rate_after_waiting():
    schedule, rates = am.OnPlateau(1.0, factor=0.5, patience=2, minimum=0.2), []
    for loss in (3.0, 2.0, 2.0, 1.0, 1.5, 1.0, np.nan, 1.2, 1.1, 1.1, 0.9):
        schedule.report(loss)
        rates.append(schedule(0))
    assert rates == [1, 1, 1, 1, 1, 0.5, 0.5, 0.25, 0.25, 0.2, 0.2]


def test_a_plateau_is_reached_through_optimizer_and_warmup():
    recipe = am.SGD(am.Warmup(am.OnPlateau(1.0, patience=1), 2))
    optimizer = recipe.fresh()
    for loss in (1.0, 1.0, 1.0):
        optimizer.report(loss)
    assert optimizer.lr(0) == pytest.approx(0.005)
    assert optimizer.lr(2) == pytest.approx(0.01)
    assert recipe.lr(2) == optimizer.fresh().lr(2) == 1.0
    again = recipe.fresh()
    again.load_state(optimizer.state())
    assert again.lr(2) == optimizer.lr(2)
    am.SGD().report(1.0)
    am.SGD(am.Constant(0.1)).report(1.0)


def test_steps_follow_a_schedule():
    theta, wanted = np.ones(P), np.ones(P)
    optimizer = am.SGD(am.StepDecay(0.02, 3, factor=0.5))
    for rate in (0.02, 0.02, 0.02, 0.01, 0.01, 0.01, 0.005):
        wanted = wanted - rate * slope(wanted)
        optimizer.step(theta, slope(theta))
    assert_allclose(theta, wanted, rtol=1e-14)


# ---- all rows, in chunks

X = RNG.normal(size=(50, 3))
Y = RNG.integers(3, size=50)
WEIGHT = RNG.uniform(0.1, 2.0, 50)
LATE = np.where(np.arange(50) < 30, 0, 1)  # class 0 first
CASES = [
    (am.CrossEntropy(), Y, None),
    (am.CrossEntropy(class_weight=[0.5, 3.0, 1.0]), Y, None),
    (am.CrossEntropy(class_weight=[0.5, 3.0, 1.0]), Y, WEIGHT),
    (am.CrossEntropy(ignore_index=-1), np.where(Y == 1, -1, Y), WEIGHT),
    (am.CrossEntropy(ignore_index=-1), np.where(np.arange(50) < 45, -1, Y), None),
    (am.CrossEntropy(class_weight=[0.0, 2.0, 1.0], label_smoothing=0.1), LATE, None),
    (am.CrossEntropy(), Y, np.where(np.arange(50) % 20 < 15, 0.0, WEIGHT)),
    (am.CrossEntropy(), Y, np.zeros(50)),
    (am.SquaredError(), np.eye(3)[Y], 2.0),
]


@pytest.mark.parametrize("chunk", [1, 7, 10, 49, 50, 4096])
@pytest.mark.parametrize("case", range(len(CASES)))
def test_chunks_make_up_the_whole(case, chunk):
    loss, y, weight = CASES[case]
    net = am.Chain(am.Dense(5), am.Tanh(), am.Dense(3), am.Softmax())
    objective = am.Objective(net.build(3, dtype="float64"), loss, l1=0.01, l2=0.1)
    value, gradient = objective.value_and_gradient(X, y, weight)
    batch = FullBatch(objective, X, y, weight, chunk=chunk)
    found, by_parameters = batch.value_and_gradient()
    assert_allclose(found, value, rtol=1e-12)
    assert_allclose(by_parameters, gradient, rtol=1e-12, atol=1e-14)


def test_chunks_of_rows_with_more_axes():
    x, y = X.reshape(10, 5, 3), Y.reshape(10, 5)
    weight = WEIGHT.reshape(10, 5)
    net = am.Chain(am.Dense(3), am.Softmax()).build(3, dtype="float64")
    objective = am.Objective(net, am.CrossEntropy())
    value, gradient = objective.value_and_gradient(x, y, weight)
    found = FullBatch(objective, x, y, weight, chunk=4).value_and_gradient()
    assert_allclose(found[0], value, rtol=1e-12)
    assert_allclose(found[1], gradient, rtol=1e-12, atol=1e-14)


def test_no_chunk_counts_nothing():
    parts, shares = shared(np.array([0, 0, 0, 1, 0, 0, 1, 2, 0, 0.0]), 2)
    assert parts == [slice(0, 4), slice(4, 10)]
    assert shares == [0.25, 0.75]
    assert shared(np.zeros(5), 2) == ([slice(0, 5)], [1.0])


def test_rows_of_x_and_y_must_agree():
    net = am.Chain(am.Dense(3), am.Softmax()).build(3)
    objective = am.Objective(net, am.CrossEntropy())
    with pytest.raises(am.ShapeError, match=r"\(50, 3\) and \(49,\)"):
        am.LBFGS().minimize(objective, X, Y[:49])
    with pytest.raises(am.ShapeError, match="rows"):
        am.LBFGS().minimize(objective, 1.0, 1)


# ---- L-BFGS


def iris(l2, dtype="float64"):
    x, y = load_iris(return_X_y=True)
    x = (x - x.mean(0)) / x.std(0)
    net = am.Chain(am.Dense(3), am.Softmax()).build(4, dtype=dtype)
    return am.Objective(net, am.CrossEntropy(), l2=l2), x, y


@pytest.mark.parametrize("chunk", [32, 4096])
def test_lbfgs_ends_where_scikit_learn_does(chunk):
    l2 = 0.01
    objective, x, y = iris(l2)
    found = am.LBFGS(chunk=chunk).minimize(objective, x, y)
    theirs = LogisticRegression(C=1 / (l2 * len(x)), tol=1e-10, max_iter=1000)
    theirs.fit(x, y)
    a = theirs.predict_proba(x)
    wanted = -np.mean(np.log(a[np.arange(len(y)), y])) + l2 / 2 * np.sum(
        theirs.coef_**2
    )
    assert found.value == pytest.approx(wanted, abs=1e-6)
    assert found.value == pytest.approx(float(objective.value(x, y)), rel=1e-12)
    assert_allclose(objective.net(x), a, atol=1e-4)
    assert np.abs(objective.gradient(x, y)).max() <= 1e-6
    assert 0 < found.iterations < 200
    assert "CONVERGENCE" in found.message


def test_many_steps_of_adam_end_where_lbfgs_does():
    objective, x, y = iris(0.01)
    found = am.LBFGS().minimize(objective, x, y)
    other, _, _ = iris(0.01)
    optimizer = am.Adam(am.Cosine(0.1, 1500))
    for _ in range(1500):
        optimizer.step(other.net.parameters, other.gradient(x, y))
    assert float(other.value(x, y)) == pytest.approx(found.value, abs=1e-6)


def test_lbfgs_computes_in_float64_for_a_float32_network():
    exact, x, y = iris(0.01)
    objective, _, _ = iris(0.01, "float32")
    wanted = am.LBFGS().minimize(exact, x, y).value
    parameters = objective.net.parameters
    found = am.LBFGS().minimize(objective, x, y)
    assert found.value == pytest.approx(wanted, abs=1e-8)
    assert objective.net.parameters is parameters
    assert parameters.dtype == np.float32
    assert_allclose(objective.net(x), exact.net(x), atol=1e-3)


def test_lbfgs_with_class_weights_and_ignored_rows():
    x, y = load_iris(return_X_y=True)
    x, seen = (x - x.mean(0)) / x.std(0), np.arange(150) % 5 > 0
    weight = {0: 1.0, 1: 3.0, 2: 0.5}
    loss = am.CrossEntropy(class_weight=list(weight.values()), ignore_index=-1)
    net = am.Chain(am.Dense(3), am.Softmax()).build(4, dtype="float64")
    objective = am.Objective(net, loss, l2=0.01)
    targets = np.where(seen, y, -1)
    am.LBFGS(chunk=20, tolerance=1e-8).minimize(objective, x, targets)
    total = sum(weight[c] for c in y[seen])
    theirs = LogisticRegression(
        C=1 / (0.01 * total), class_weight=weight, tol=1e-10, max_iter=1000
    )
    theirs.fit(x[seen], y[seen])
    assert_allclose(net(x), theirs.predict_proba(x), atol=1e-5)


def test_callbacks_see_each_iteration_and_may_end_it():
    objective, x, y = iris(0.01)
    seen = []

    def watch(iteration, value):
        assert value == pytest.approx(float(objective.value(x, y)), rel=1e-12)
        seen.append((iteration, value))
        if iteration == 5:
            raise StopIteration

    found = am.LBFGS().minimize(objective, x, y, callback=watch)
    assert [iteration for iteration, _ in seen] == [1, 2, 3, 4, 5]
    assert [value for _, value in seen] == sorted((v for _, v in seen), reverse=True)
    assert found.iterations == 5
    assert found.value == seen[-1][1]
    assert float(objective.value(x, y)) == pytest.approx(found.value, rel=1e-12)


def test_an_interrupted_search_keeps_what_was_learned():
    objective, x, y = iris(0.01)
    before = float(objective.value(x, y))

    def interrupt(iteration, value):
        if iteration == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        am.LBFGS().minimize(objective, x, y, callback=interrupt)
    assert float(objective.value(x, y)) < before


def test_max_iterations_ends_the_search():
    objective, x, y = iris(0.01)
    found = am.LBFGS(max_iterations=3).minimize(objective, x, y)
    assert found.iterations == 3
    assert "ITERATIONS" in found.message


def test_lbfgs_refuses_to_start_from_nan():
    objective, x, y = iris(0.0)
    objective.net.parameters[:] = np.nan
    with pytest.raises(FloatingPointError, match="finite loss") as caught:
        am.LBFGS().minimize(objective, x, y)
    assert "\n" not in str(caught.value)
