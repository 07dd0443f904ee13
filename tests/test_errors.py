"""Bad input: one sentence that says what is needed, what came, and what to do."""

import numpy as np
import pytest

import anymax as am
from anymax import activations
from anymax.registry import find

Z = np.array([[0.5, -0.2, 1.0], [1.0, 2.0, 3.0]])
PAIR = am.Pair(am.Softmax(), am.CrossEntropy())

CASES = {
    "labels out of range": (
        lambda: PAIR.value(Z, [0, 3]),
        am.DomainError,
        "class indices 0 to 2 for 3 outputs; got 3 in row 1",
    ),
    "negative labels": (lambda: PAIR.value(Z, [0, -1]), am.DomainError, "got -1"),
    "too few labels": (lambda: PAIR.value(Z, [0]), am.ShapeError, "shape (1,)"),
    "labels as floats": (
        lambda: PAIR.value(Z, [0.0, 1.0]),
        am.ShapeError,
        "must be integers",
    ),
    "a column of labels": (
        lambda: PAIR.value(Z, [[0], [1]]),
        am.ShapeError,
        "never broadcast",
    ),
    "labels for a loss of values": (
        lambda: am.Pair(am.Softmax(), am.SquaredError()).value(Z, [0, 1]),
        am.ShapeError,
        "one-hot",
    ),
    "targets off the simplex": (
        lambda: am.Pair(am.Softmax(), am.KLDivergence()).value(Z, 2 * np.ones((2, 3))),
        am.DomainError,
        "the simplex",
    ),
    "negative targets": (
        lambda: PAIR.value(Z, -np.ones((2, 3))),
        am.DomainError,
        "needs targets that are class indices or values >= 0",
    ),
    "strings for logits": (lambda: PAIR.value([["a"]], [0]), TypeError, "real numbers"),
    "strings for targets": (lambda: PAIR.value(Z, ["a", "b"]), TypeError, "y needs"),
    "ragged rows": (
        lambda: am.Softmax()([[1, 2], [3]]),
        TypeError,
        "different lengths",
    ),
    "complex numbers": (lambda: am.Softmax()([1j]), TypeError, "complex128"),
    "objects": (lambda: am.Softmax()([None, 1.0]), TypeError, "dtype object"),
    "a single number for a row map": (lambda: am.Softmax()(1.0), am.ShapeError, "axis"),
    "an axis that is not there": (
        lambda: am.Softmax()(Z, axis=2),
        am.ShapeError,
        "axis=2",
    ),
    "a mask of numbers": (
        lambda: am.Softmax()(Z, mask=np.ones(3)),
        TypeError,
        "mask needs bools",
    ),
    "a mask of another shape": (
        lambda: am.Softmax()(Z, mask=np.ones(4, bool)),
        ValueError,
        "broadcasts to (2, 3)",
    ),
    "a mask for an element-wise map": (
        lambda: am.ReLU()(Z, mask=Z > 0),
        TypeError,
        "element-wise",
    ),
    "a softmax of width one": (
        lambda: PAIR.value([[1.0]], [0]),
        am.ShapeError,
        "always 1",
    ),
    "no outputs": (
        lambda: PAIR.value(np.zeros((2, 0)), [0, 1]),
        am.ShapeError,
        "width 0",
    ),
    "an undefined pair": (
        lambda: am.Pair(am.Tanh(), am.CrossEntropy()),
        am.DomainError,
        "needs outputs that are values > 0; Tanh() gives values in (-1, 1)",
    ),
    "a matching loss without a potential": (
        lambda: am.Pair(am.TaylorSoftmax(), am.Matching()),
        TypeError,
        "not symmetric",
    ),
    "a matching loss that would move": (
        lambda: am.Pair(
            am.Softmax(temperature=am.Trainable(1.0, lower=0)), am.Matching()
        ),
        TypeError,
        "trainable",
    ),
    "z-loss without a normaliser": (
        lambda: am.Pair(am.Sparsemax(), am.CrossEntropy(z_loss=0.1)),
        TypeError,
        "log-normaliser",
    ),
    "z-loss on plain outputs": (
        lambda: am.CrossEntropy(z_loss=0.1).value([[0.5, 0.5]], [0]),
        TypeError,
        "Pair(",
    ),
    "logits given as outputs": (
        lambda: am.CrossEntropy().value([[-1.0, 2.0]], [0]),
        am.DomainError,
        "For logits use Pair",
    ),
    "an unknown reduction": (
        lambda: PAIR.value(Z, [0, 1], reduce="average"),
        ValueError,
        '"mean", "sum" or "none"',
    ),
    "sample weights of another shape": (
        lambda: PAIR.value(Z, [0, 1], sample_weight=[1.0]),
        am.ShapeError,
        "one number a row",
    ),
    "negative sample weights": (
        lambda: PAIR.value(Z, [0, 1], sample_weight=[1.0, -1.0]),
        am.DomainError,
        "got -1",
    ),
    "class weights of another width": (
        lambda: am.Pair(am.Softmax(), am.CrossEntropy(class_weight=[1, 2])).value(
            Z, [0, 1]
        ),
        am.ShapeError,
        "each of 3 outputs",
    ),
    "negative class weights": (
        lambda: am.CrossEntropy(class_weight=[1, -2]),
        am.DomainError,
        "class_weight",
    ),
    "an odd order of Taylor softmax": (
        lambda: am.TaylorSoftmax(order=3),
        ValueError,
        "goes negative",
    ),
    "alpha below one": (lambda: am.Entmax(alpha=0.5), ValueError, "alpha >= 1"),
    "a trainable alpha without a bound": (
        lambda: am.Entmax(alpha=am.Trainable(1.5)),
        ValueError,
        "lower=1",
    ),
    "two trainable hyper-parameters": (
        lambda: am.Entmax(
            alpha=am.Trainable(1.5, lower=1), temperature=am.Trainable(1.0, lower=0)
        ),
        ValueError,
        "one hyper-parameter at a time",
    ),
    "a start outside the bounds": (
        lambda: am.Trainable(1.0, lower=1),
        am.DomainError,
        "strictly between",
    ),
    "temperature zero": (
        lambda: am.Softmax(temperature=0),
        ValueError,
        "temperature > 0",
    ),
    "a map through zero": (
        lambda: am.Normalized(am.ReLU()),
        am.DomainError,
        "excludes 0",
    ),
    "normalising a row map": (
        lambda: am.Normalized(am.Softmax()),
        TypeError,
        "element-wise",
    ),
    "a gradient of another width": (
        lambda: am.Softmax().jacobian(Z).vjp(np.ones((2, 4))),
        am.ShapeError,
        "(..., 3)",
    ),
    "a tangent of another shape": (
        lambda: PAIR.hvp(Z, [0, 1], np.ones(3)),
        am.ShapeError,
        "shape of z",
    ),
    "a batch to explain": (
        lambda: PAIR.explain(Z, [0, 1]),
        am.ShapeError,
        "one sample",
    ),
    "no activation": (
        lambda: am.Pair(am.CrossEntropy(), am.Softmax()),
        TypeError,
        "first",
    ),
    "a class for an instance": (
        lambda: am.Pair(am.Softmax, am.CrossEntropy),
        TypeError,
        "first",
    ),
    "an unknown dialect": (
        lambda: am.CrossEntropy(dialect="jax"),
        ValueError,
        "torch, keras, classic",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_bad_input_ends_in_one_sentence(case):
    call, error, part = CASES[case]
    with pytest.raises(error) as caught:
        call()
    message = str(caught.value)
    assert part in message
    assert message.endswith(".")
    assert "\n" not in message
    assert len(message) < 400


def test_an_unknown_name_comes_with_the_nearest_known_one():
    with pytest.raises(ValueError, match="did you mean Softmax"):
        find("Sofmax", activations, "activation")
    assert find("softmax", activations, "activation") is am.Softmax


def test_both_readings_of_a_wrong_target_are_named():
    with pytest.raises(
        am.ShapeError, match=r"\(2, 3\), or integer class indices of shape"
    ):
        PAIR.value(Z, np.zeros((3, 2)))


def test_names_of_refused_pairs_suggest_what_fits():
    with pytest.raises(am.DomainError, match=r"use .*Softmax"):
        am.Pair(am.Identity(), am.CrossEntropy())
