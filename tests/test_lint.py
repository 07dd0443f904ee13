"""lint finds each planted mistake under its name, and nothing in good networks."""

import numpy as np
import pytest

import anymax as am
from anymax import activations, losses
from anymax.checking.cells import drawn
from anymax.registry import samples
from anymax.sets import LogSimplex, Placement, Simplex

CE, NLL, BCE, SE = (
    am.CrossEntropy,
    am.NegativeLogLikelihood,
    am.BinaryCrossEntropy,
    am.SquaredError,
)
EYE = np.eye(3)
FAR = np.array([[0.0, 60.0, 0.0], [0.0, 1.0, 0.0]])


def chain(*maps, width=4):
    return am.Chain(am.Dense(3), *maps).build(width)


PLANTED = {  # the first code, and what it is found in
    "softmax twice": ("softmax-twice", chain(am.Softmax(), am.Softmax()), CE()),
    "softmax before log-softmax": (
        "softmax-twice",
        chain(am.Softmax(), am.LogSoftmax()),
        NLL(),
    ),
    "sparsemax, dropout, softmax": (
        "softmax-twice",
        chain(am.Sparsemax(), am.Dropout(0.5), am.Softmax()),
        CE(),
    ),
    "softmax within a nested chain": (
        "softmax-twice",
        am.Chain(chain(am.Softmax()), am.Entmax()),
        SE(),
    ),
    "a normalising loss after softmax": (
        "softmax-twice",
        chain(am.Softmax()),
        am.LogTaylor(),
    ),
    "cross-entropy on logits": ("not-probabilities", chain(), CE()),
    "cross-entropy on ReLU": ("not-probabilities", chain(am.ReLU()), CE()),
    "focal loss on exp": ("not-probabilities", am.Tanh(), am.Focal()),
    "Brier score of logits": ("not-probabilities", am.Identity(), am.Brier()),
    "log-likelihood of logits": ("not-probabilities", chain(), NLL()),
    "log-likelihood of softmax": (
        "likelihood-of-probabilities",
        chain(am.Softmax()),
        NLL(),
    ),
    "log-likelihood of sparsemax": (
        "likelihood-of-probabilities",
        am.Sparsemax(),
        NLL(),
    ),
    "cross-entropy on log-softmax": (
        "logs-as-probabilities",
        chain(am.LogSoftmax()),
        CE(),
    ),
    "binary on softmax": ("binary-on-softmax", chain(am.Softmax()), BCE()),
    "binary on Taylor softmax": ("binary-on-softmax", am.TaylorSoftmax(), BCE()),
    "sigmoid and cross-entropy": ("sigmoid-exclusive", chain(am.Sigmoid()), CE()),
    "sigmoid and KL": ("sigmoid-exclusive", am.Sigmoid(), am.KLDivergence()),
    "tanh and binary": ("undefined-pair", am.Tanh(), BCE()),
    "GELU and matching": ("undefined-pair", am.GELU(), am.Matching()),
    "Poisson of tanh": ("undefined-pair", chain(am.Tanh()), am.Poisson()),
    "sparsemax and cross-entropy": ("boundary", am.Sparsemax(), CE()),
    "ReLU and Poisson": ("boundary", chain(am.ReLU()), am.Poisson()),
    "hard sigmoid and binary": ("boundary", am.HardSigmoid(), BCE()),
}
ON_DATA = {  # code, network, loss, y, x
    "sigmoid, one-hot": ("sigmoid-exclusive", am.Sigmoid(), BCE(), EYE[[0, 1, 2, 1]]),
    "binary, 2": ("target-out-of-range", am.Sigmoid(), BCE(), [[1.0], [2.0]]),
    "Hinge, 0 and 1": ("target-out-of-range", am.Identity(), am.Hinge(), [[0], [1]]),
    "counts below 0": ("target-out-of-range", am.Exp(), am.Poisson(), [[-1.0]]),
    "index 3 of 3": ("index-out-of-range", chain(am.Softmax()), CE(), [0, 1, 3]),
    "index -1": ("index-out-of-range", chain(am.Softmax()), CE(), [0, -1, 2]),
    "ReLU, -1": ("target-out-of-reach", am.ReLU(), SE(), [[-1.0], [2.0]]),
    "tanh, 5": ("target-out-of-reach", am.Tanh(), am.Huber(), [[5.0], [0.2]]),
    "indices, SE": ("indices-for-rows", am.Softmax(), SE(), [0, 1, 2]),
    "indices, KL": ("indices-for-rows", chain(am.Softmax()), am.KLDivergence(), [0, 2]),
    "floats": ("float-indices", am.Softmax(), CE(), [0.0, 1.0, 2.0]),
    "indices in rows": ("indices-as-rows", am.Softmax(), CE(), [[0, 1, 2], [2, 1, 0]]),
    "the same, simplex": ("indices-as-rows", am.Softmax(), am.Focal(), [[0, 2]]),
    "one-hot of 4": ("one-hot-width", chain(am.Softmax()), CE(), np.eye(4)[[0, 1]]),
    "a column": ("target-shape", chain(am.Softmax()), CE(), [[0], [2]]),
    "one-hot as indices": (
        "one-hot-as-indices",
        chain(am.Softmax(), width=(4, 2)),
        CE(),
        np.eye(4, dtype=int)[[0, 1]],
    ),
    "sums, CE": ("rows-not-one", am.Softmax(), CE(), [[0.2, 0.1], [0.5, 0.5]]),
    "sums, KL": ("rows-not-one", am.Softmax(), am.KLDivergence(), [[0.2, 0.1]]),
    "sums, SE": ("rows-not-one", am.Softmax(), SE(), [[0.2, 0.1], [0.5, 0.5]]),
    "ignored": ("all-ignored", chain(am.Softmax()), CE(ignore_index=-1), [-1, -1]),
    "of weight 0": (
        "all-ignored",
        chain(am.Softmax()),
        CE(class_weight=[1.0, 0.0, 1.0]),
        [1, 1],
    ),
    "flat and wrong": ("saturated", am.Softmax(), SE(), EYE[[0, 1]], FAR),
    "flat, no targets": ("saturated", am.Softmax(), SE(), None, FAR),
    "a dead layer": (
        "saturated",
        am.Chain(
            am.Dense(3, bias_init=am.initializers.constant(-50.0)),
            am.ReLU(),
            am.Dense(3),
            am.Softmax(),
        ).build(3),
        CE(),
        [0, 1],
        FAR[:, ::-1] / 60,
    ),
}


@pytest.mark.parametrize("name", PLANTED)
def test_what_is_declared_is_enough_to_find(name):
    code, net, loss = PLANTED[name]
    report = am.lint(net, loss)
    assert not report.ok
    assert [each.code for each in report][:1] == [code], str(report)


@pytest.mark.parametrize("name", ON_DATA)
def test_what_data_show_is_found(name):
    code, net, loss, y, *x = ON_DATA[name]
    report = am.lint(net, loss, y, *x)
    assert [each.code for each in report][:1] == [code], str(report)


@pytest.mark.parametrize("name", [*PLANTED, *ON_DATA])
def test_a_finding_says_what_to_write(name):
    case = PLANTED.get(name) or ON_DATA[name]
    for each in am.lint(*case[1:]):
        assert each.message
        assert each.fix.startswith(
            ("net = ", "loss = ", "net, loss = ", "y = ", "x = ")
        )
        compile(each.fix, "fix", "exec")
        assert f"{each.code}: {each.message}" in str(am.lint(*case[1:]))


def good_pairs():
    """What the declarations call inside, meant, and not twice the same question."""
    for activation in samples(activations).values():
        for loss in samples(losses).values():
            try:
                pair = am.Pair(activation, loss)
            except (am.DomainError, TypeError):
                continue
            inside = pair.placement is Placement.INSIDE and pair.doubt is None
            joint = isinstance(activation.range, Simplex)
            if inside and not (joint and isinstance(loss, am.BinaryCrossEntropy)):
                yield pytest.param(pair, id=repr(pair))


def reachable(pair, rng, shape):
    """Targets of the pair that its outputs can come close to."""
    y = drawn(pair.targets, rng, shape)
    if pair.targets == am.Interval():
        y = np.asarray(pair.activation(rng.normal(size=shape)))
    if isinstance(pair.activation.range, Simplex) and pair.targets != am.Signs():
        y = rng.dirichlet(np.ones(shape[-1]), shape[:-1])
    elif isinstance(pair.loss, am.CrossEntropy):
        y = np.eye(shape[-1])[rng.integers(shape[-1], size=shape[0])]
    return y if pair.targets.contains(y).all() else np.eye(shape[-1])[[0] * shape[0]]


@pytest.mark.parametrize("pair", list(good_pairs()))
def test_nothing_is_found_in_a_good_network(pair):
    rng = np.random.default_rng(0)
    n = pair.fixed_width or 4
    z = rng.normal(size=(20, n))
    assert am.lint(pair.activation, pair.loss).ok
    y = reachable(pair, rng, z.shape)
    net = am.Chain(am.Dense(8), am.Tanh(), am.Dense(n), pair.activation).build(n)
    report = am.lint(net, pair.loss, y)
    assert report.ok, str(report)
    values = pair.activation(z)
    if not isinstance(pair.activation.range, LogSimplex) and np.all(values != 0):
        assert am.lint(net, pair.loss, y, z).ok


@pytest.mark.parametrize(
    ("net", "loss", "y"),
    [
        (chain(am.Softmax()), CE(), [0, 1, 2]),
        (chain(am.Softmax()), CE(ignore_index=-1), [0, -1, 2]),
        (chain(am.Softmax()), SE(), EYE),
        (chain(am.Sigmoid()), BCE(), [[0, 1, 1], [1, 0, 0]]),
        (chain(am.LogSoftmax()), NLL(), [0, 1, 2]),
        (chain(), SE(), [[5.0, -3.0, 0.0]]),
        (am.Chain(am.Dense(1), am.Sigmoid()).build(4), BCE(), [0, 1, 1]),
        (am.Chain(am.Softmax(), am.Dense(3), am.Softmax()).build(4), CE(), [0, 1]),
        (am.Softmax(), CE(), EYE[[0, 1]]),
        (am.Exp(), am.Poisson(), [[0], [3], [7]]),
    ],
    ids=repr,
)
def test_usual_networks_are_left_alone(net, loss, y):
    assert am.lint(net, loss, y).ok, str(am.lint(net, loss, y))


def test_rows_that_a_cancelling_loss_moves_back_are_not_saturated():
    assert am.lint(am.Softmax(), CE(), [0, 1], FAR).ok
    assert am.lint(am.Softmax(), SE(), EYE[[1, 1]], FAR).ok  # flat, and right
    (found,) = am.lint(am.Softmax(), SE(), EYE[[0, 1]], FAR)
    assert "50%" in found.message


def test_right_rows_of_a_steep_loss_are_not_saturated():
    assert am.lint(am.Softmax(), CE(), [0, 1], np.array([[60.0, 0], [0, 60]])).ok
    assert am.lint(am.Sigmoid(), BCE(), [[1.0], [0.0]], np.array([[40.0], [-40]])).ok
    right = np.array([[1.0, 0, 0], [1, 0, 0]])
    assert am.lint(am.Softmax(), am.AbsoluteError(), right, FAR[:, [1, 0, 2]] * 20).ok


def test_a_report_is_data():
    report = am.lint(am.Sparsemax(), CE())
    assert report.to_dict()["findings"][0]["code"] == "boundary"
    assert report.to_dict()["ok"] is False
    assert len(report) == 1
    assert str(am.lint(am.Softmax(), CE())) == "nothing found"


def test_lint_changes_nothing():
    net, x = chain(am.Softmax()), np.ones((2, 4))
    before, y = net.parameters.copy(), np.array([0, 1])
    am.lint(net, CE(), y, x)
    assert np.array_equal(net.parameters, before)
    assert np.array_equal(x, np.ones((2, 4)))


def test_lint_refuses_what_it_cannot_judge():
    with pytest.raises(TypeError, match="a network or an activation first"):
        am.lint(am.CrossEntropy(), am.Softmax())
    with pytest.raises(TypeError, match="a loss second"):
        am.lint(am.Softmax(), am.Softmax())
