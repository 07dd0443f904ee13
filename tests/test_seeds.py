"""The questions the project started from, a test each."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

import anymax as am
from anymax.differences import by_each


class PostedSoftmax:
    """The class of the question: its derivative fails the check by about 1 %."""

    def compute(self, incoming):
        exps = np.exp(incoming)
        return exps / exps.sum()

    def delta(self, incoming, outgoing):
        exps = np.exp(incoming)
        others = exps.sum() - exps
        return 1 / (2 + exps / others + others / exps)


def squared_error_by_z(z, y):
    return by_each(lambda x: ((am.softmax(x) - y) ** 2).sum(-1), z, 1e-3)


# ---- a softmax derivative that goes with any loss


def test_the_posted_softmax_derivative_is_only_the_diagonal():
    z = np.array([0.3, -1.0, 2.0, 0.5])
    posted = PostedSoftmax()
    a = posted.compute(z)
    assert_allclose(posted.delta(z, a), a * (1 - a), rtol=1e-13)
    assert_allclose(posted.delta(z, a), am.Softmax().jacobian(z).diagonal(), rtol=1e-13)


def test_the_posted_softmax_fails_before_squared_error_and_anymax_does_not():
    z, y = np.array([0.3, -1.0, 2.0, 0.5]), np.array([0.0, 1.0, 0.0, 0.0])
    posted = PostedSoftmax()
    a = posted.compute(z)
    wrong = posted.delta(z, a) * 2 * (a - y)
    expected = squared_error_by_z(z, y)
    error = np.abs(wrong - expected).max() / np.abs(expected).max()
    assert error > 0.01
    pair = am.Pair(am.Softmax(), am.SquaredError())
    assert_allclose(pair.gradient(z, y), expected, atol=1e-11)


def test_the_three_line_answer_is_the_product_with_the_jacobian():
    z, g = np.array([0.3, -1.0, 2.0]), np.array([1.0, -2.0, 0.5])
    a = am.softmax(z)
    answer = a * (g - (g * a).sum())
    assert_allclose(answer, am.Softmax().jacobian(z).vjp(g), rtol=1e-14)
    assert_allclose(answer, (np.diag(a) - np.outer(a, a)).T @ g, rtol=1e-13)


def iterative(s):
    jacobian = np.diag(s)
    for i in range(len(jacobian)):
        for j in range(len(jacobian)):
            jacobian[i][j] = s[i] * (1 - s[i]) if i == j else -s[i] * s[j]
    return jacobian


def vectorised(s):
    s = s.reshape(-1, 1)
    return np.diagflat(s) - np.dot(s, s.T)


def test_iterative_vectorised_and_structured_jacobians_are_equal():
    x = np.array([1, 2])
    s = am.Softmax()(x)
    assert_allclose(s, [0.26894142, 0.73105858], atol=5e-9)
    structured = am.Softmax().jacobian(x).dense()
    printed = [[0.19661193, -0.19661193], [-0.19661193, 0.19661193]]
    for jacobian in (iterative(s), vectorised(s), structured):
        assert_allclose(jacobian, printed, atol=5e-9)
    assert_allclose(iterative(s), structured, atol=1e-16)
    z = np.random.default_rng(0).normal(size=7)
    s = am.softmax(z)
    assert_allclose(am.Softmax().jacobian(z).dense(), vectorised(s), atol=1e-16)
    assert_allclose(am.Softmax().jacobian(z).dense(), iterative(s), atol=1e-16)


# ---- softmax as a layer of its own, at the output and hidden


class Competition(am.Activation):
    """A user's own coupled map: a_i = z_i / (1 + sum z^2), with its Jacobian dense."""

    coupling = "row"
    range = am.Interval()

    def apply(self, z, mask=None):
        return z / (1 + (z**2).sum(-1, keepdims=True))

    def structure(self, z, a, mask=None):
        total = (1 + (z**2).sum(-1))[..., None, None]
        n = z.shape[-1]
        return am.Explicit(
            np.eye(n) / total - 2 * a[..., :, None] * z[..., None, :] / total
        )


@pytest.mark.parametrize("hidden", [am.Softmax(), Competition()], ids=repr)
@pytest.mark.parametrize("output", [am.Softmax(), am.Identity()], ids=repr)
def test_bias_gradients_on_either_side_of_a_hidden_coupled_map(hidden, output):
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(4, 3)), rng.dirichlet(np.ones(2), 4)
    net = am.Chain(am.Dense(5), hidden, am.Dense(2), output)
    net.build(3, seed=1, dtype="float64")
    objective = am.Objective(net, am.SquaredError())
    gradient = objective.gradient(x, y)
    start = net.parameters.copy()

    def value(theta):
        net.parameters[...] = theta
        return objective.value(x, y)

    expected = by_each(value, start, 1e-4)
    net.parameters[...] = start
    assert_allclose(gradient, expected, atol=1e-10)
    biases = [n for n in dict(net.named_parameters()) if n.endswith("bias")]
    assert len(biases) == 2


def test_the_bias_gradient_is_the_chain_of_factors_written_out():
    """dc/db before a hidden softmax: J^T (W^T (dc/dz of the layer after))."""
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=3), rng.normal(size=2)
    net = am.Chain(am.Dense(4), am.Softmax(), am.Dense(2))
    net.build(3, seed=0, dtype="float64")
    named = dict(net.named_parameters())
    w1, b1, w2, b2 = named.values()
    z = x @ w1 + b1
    a = am.softmax(z)
    after = 2 * (a @ w2 + b2 - y)
    before = (np.diag(a) - np.outer(a, a)) @ (w2 @ after)
    gradient = am.Objective(net, am.SquaredError()).gradient(x[None], y[None])
    by_b1 = gradient[w1.size : w1.size + b1.size]
    by_b2 = gradient[-b2.size :]
    assert_allclose(by_b1, before, rtol=1e-12)
    assert_allclose(by_b2, after, rtol=1e-12)


# ---- softmax and cross-entropy: a - y


def test_softmax_before_cross_entropy_gives_a_minus_y():
    rng = np.random.default_rng(0)
    z, k = rng.normal(size=(6, 5)), rng.integers(5, size=6)
    pair = am.Pair(am.Softmax(), am.CrossEntropy())
    one_hot = np.eye(5)[k]
    assert_allclose(
        pair.gradient(z, k, reduce="none"), am.softmax(z) - one_hot, atol=1e-15
    )
    y = rng.dirichlet(np.ones(5), 6)
    assert_allclose(pair.gradient(z, y, reduce="none"), am.softmax(z) - y, atol=1e-15)
    counts = 3 * y
    expected = 3 * am.softmax(z) - counts
    assert_allclose(pair.gradient(z, counts, reduce="none"), expected, atol=1e-15)
    certificate = pair.certificate(z, k)
    assert_allclose(certificate.unfused, certificate.fused, atol=1e-14)
    assert_allclose(certificate.finite_differences, certificate.fused, atol=1e-10)


def test_a_one_hot_target_needs_only_one_row_of_the_jacobian():
    z, k = np.array([0.3, -1.0, 2.0]), 1
    a, J = am.softmax(z), am.Softmax().jacobian(z)
    assert_allclose(J.row(k), J.dense()[k], atol=1e-16)
    pair = am.Pair(am.Softmax(), am.CrossEntropy())
    assert_allclose(-J.row(k) / a[k], pair.gradient(z, k), atol=1e-15)


def test_sigmoid_is_the_softmax_of_two_classes():
    z = np.linspace(-30, 30, 25)
    two = np.stack([z, np.zeros_like(z)], -1)
    assert_allclose(am.Softmax()(two)[:, 0], am.Sigmoid()(z), rtol=1e-14)
    y = (z > 5).astype(int)
    binary = am.Pair(am.Sigmoid(), am.BinaryCrossEntropy())
    classes = am.Pair(am.Softmax(), am.CrossEntropy())
    column, label = z[:, None], 1 - y
    assert_allclose(
        binary.value(column, y, reduce="none"),
        classes.value(two, label, reduce="none"),
        rtol=1e-13,
    )
    assert_allclose(
        binary.gradient(column, y)[:, 0], classes.gradient(two, label)[:, 0], rtol=1e-12
    )


# ---- the matrix of the third text, and its trick that holds for one loss only


def test_the_jacobian_is_g_times_delta_minus_g():
    z = np.array([0.5, -0.2, 1.0, 3.0])
    g = am.softmax(z)
    expected = [[g[i] * ((i == j) - g[j]) for j in range(4)] for i in range(4)]
    assert_allclose(am.Softmax().jacobian(z).dense(), expected, atol=1e-16)


def test_a_shift_changes_nothing():
    z = np.array([0.5, -0.2, 1.0])
    assert_allclose(am.softmax(z + 1000), am.softmax(z), rtol=1e-13)


def test_ones_for_the_derivative_is_right_with_cross_entropy_alone():
    z, y = np.array([0.5, -0.2, 1.0]), np.array([0.0, 1.0, 0.0])
    trick = (am.softmax(z) - y) * np.ones(3)
    right = am.Pair(am.Softmax(), am.CrossEntropy()).gradient(z, y)
    assert_allclose(trick, right, atol=1e-15)
    wrong = 2 * (am.softmax(z) - y) * np.ones(3)
    squared = am.Pair(am.Softmax(), am.SquaredError()).gradient(z, y)
    assert np.abs(wrong - squared).max() > 0.3
    assert_allclose(squared, squared_error_by_z(z, y), atol=1e-11)


# ---- n x 1 and n x n do not multiply


def test_multiplying_element_wise_says_how_to_multiply():
    J = am.Softmax().jacobian([1.0, 2.0, 3.0])
    sentence = (
        r"this activation couples its outputs: multiply by the Jacobian \(J\^T g\), "
        r"not element-wise"
    )
    for g in (np.ones(3), np.ones((3, 1))):
        with pytest.raises(am.ShapeError, match=sentence):
            g * J
        with pytest.raises(am.ShapeError, match=sentence):
            J * g
    with pytest.raises(am.ShapeError, match=r"\(3, 3\) and g is \(3, 1\)"):
        np.ones((3, 1)) * J


def test_a_column_of_gradients_is_never_broadcast():
    J = am.Softmax().jacobian([1.0, 2.0, 3.0])
    with pytest.raises(am.ShapeError, match="axis="):
        J.vjp(np.ones((3, 1)))


def test_columns_go_with_an_axis():
    z, y = np.array([[0.5], [-0.2], [1.0]]), np.array([[0.0], [1.0], [0.0]])
    pair = am.Pair(am.Softmax(), am.SquaredError(), axis=0)
    flat = am.Pair(am.Softmax(), am.SquaredError()).gradient(z[:, 0], y[:, 0])
    assert pair.gradient(z, y).shape == (3, 1)
    assert_allclose(pair.gradient(z, y)[:, 0], flat, rtol=1e-14)
    with pytest.raises(am.ShapeError, match="axis=0"):
        am.Pair(am.Softmax(), am.SquaredError()).gradient(z, y)


def test_three_ways_to_write_the_product_are_one_number():
    z, y = np.array([0.5, -0.2, 1.0]), np.array([0.0, 1.0, 0.0])
    a = am.softmax(z)
    g = 2 * (a - y)
    double_sum = [
        sum(g[i] * a[i] * ((i == j) - a[j]) for i in range(3)) for j in range(3)
    ]
    jacobian_form = am.Softmax().jacobian(z).dense().T @ g
    short = a * (g - (g * a).sum())
    assert_allclose(double_sum, jacobian_form, atol=1e-16)
    assert_allclose(short, jacobian_form, atol=1e-16)
    pair = am.Pair(am.Softmax(), am.SquaredError())
    assert_allclose(pair.gradient(z, y), short, atol=1e-16)


def test_explain_goes_from_the_loss_to_the_logits_with_shapes():
    text = am.Pair(am.Softmax(), am.SquaredError()).explain([0.5, -0.2, 1.0], [0, 1, 0])
    for part in (
        "dL/da",
        "J = da/dz (3, 3)",
        "couples the outputs",
        "dL/dz = J^T dL/da",
    ):
        assert part in text
    fused = am.Pair(am.Softmax(), am.CrossEntropy()).explain([0.5, -0.2, 1.0], 1)
    assert "what cancels: weight a over a leaves 1" in fused
