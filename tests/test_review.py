"""One test for each bug that a review of the core found."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

import anymax as am


def test_row_of_a_jacobian_along_another_axis_is_that_row():
    z = np.random.default_rng(0).normal(size=(4, 3))
    J = am.Softmax().jacobian(z, axis=0)
    assert_allclose(J.row(1), J.dense()[:, 1, :], rtol=1e-12)


@pytest.mark.parametrize("activation", [am.Softmax(), am.ReLU(), am.Standardize()])
@pytest.mark.parametrize("what", ["dense", "diagonal", "trace", "row"])
def test_what_is_read_off_a_float32_jacobian_is_float32(activation, what):
    J = activation.jacobian(np.float32([[1.0, 2.0, 0.5]]))
    found = J.row(0) if what == "row" else getattr(J, what)()
    assert found.dtype == np.float32


@pytest.mark.parametrize(
    "activation",
    [
        am.Softmax(temperature=np.float64(2)),
        am.LogSoftmax(temperature=np.float64(2)),
        am.Entmax(temperature=np.float64(2)),
        am.SphericalSoftmax(eps=np.float64(0.1)),
    ],
)
def test_a_numpy_hyper_parameter_leaves_float32_alone(activation):
    assert activation(np.float32([1.0, 2.0])).dtype == np.float32


@pytest.mark.parametrize("temperature", [np.inf, "2", [1.0, 2.0]])
def test_a_temperature_is_one_finite_number(temperature):
    with pytest.raises((TypeError, ValueError), match="Softmax needs"):
        am.Softmax(temperature=temperature)


def test_a_loss_that_declares_nothing_has_no_gauss_newton_product():
    class Concave(am.Loss):
        def rows(self, out, y):
            return -((out.a - y) ** 2).sum(-1)

        def slope(self, out, y):
            return am.Slope(-2 * (out.a - y))

        def slope_derivative(self, out, y, d):
            return am.Slope(-2 * d.a)

    pair = am.Pair(am.Identity(), Concave())
    with pytest.raises(TypeError, match="gauss_newton needs"):
        pair.gauss_newton([[1.0]], [[0.0]], [[1.0]])


@pytest.mark.parametrize(
    "activation", [am.NormalizedSigmoid(), am.Normalized(am.Exp())]
)
def test_a_masked_logit_does_not_scale_the_kept_ones_away(activation):
    keep = np.array([[False, True]])
    assert_allclose(activation([[0.0, -800.0]], mask=keep), [[0.0, 1.0]])


def test_normalized_log_sigmoid_is_right_where_it_underflows():
    z = np.float32([104.0, 103.0])
    activation = am.Normalized(am.LogSigmoid())
    assert_allclose(activation(z), am.Softmin()(z), rtol=1e-5)
    gradient = am.Pair(activation, am.CrossEntropy()).gradient(z, 0)
    expected = -am.Pair(am.Softmax(), am.CrossEntropy()).gradient(-z, 0)
    assert_allclose(gradient, expected, rtol=1e-5)


def test_normalized_takes_any_range_without_zero():
    h = am.HardTanh(min_val=1, max_val=2)
    assert_allclose(am.Normalized(h)([0.0, 3.0]), [1 / 3, 2 / 3])


@pytest.mark.parametrize("hidden", [np.nan, np.inf])
def test_a_masked_logit_does_not_reach_a_trained_temperature(hidden):
    T = am.Trainable(1.3, lower=0)
    net = am.Chain(am.Softmax(temperature=T)).build(3, dtype="float64")
    objective = am.Objective(net, am.CrossEntropy())
    keep, v = np.array([[True, True, False]]), np.ones(1)
    for product in (
        lambda z: objective.gradient(z, [0], mask=keep),
        lambda z: objective.hvp(z, [0], v, mask=keep),
    ):
        assert_allclose(product([[1.0, 2.0, hidden]]), product([[1.0, 2.0, 0.0]]))


@pytest.mark.parametrize("f", [am.softmax, am.log_softmax, am.sparsemax, am.entmax])
def test_functions_take_no_rows_and_numpy_axes(f):
    assert f(np.zeros((0, 3))).shape == (0, 3)
    z = np.arange(6.0).reshape(2, 3)
    assert_allclose(f(z, axis=np.int64(0)), f(z, axis=0))
    with pytest.raises(am.ShapeError):
        f(z, axis=(1, -1))


def test_logsumexp_of_no_rows():
    assert am.logsumexp(np.zeros((0, 3))).shape == (0,)


def test_noise_for_no_rows():
    assert am.GumbelSoftmax()(np.zeros((0, 3)), key=am.Key(0)).shape == (0, 3)


def test_a_key_that_is_no_key_is_refused():
    with pytest.raises(TypeError, match="Key"):
        am.GumbelSoftmax()([1.0, 2.0], key=0)
    with pytest.raises(TypeError):
        am.GumbelSoftmax()([1.0, 2.0], kee=am.Key(0))


def test_float32_of_another_byte_order_stays_float32():
    assert am.Softmax()(np.array([1.0, 2.0], ">f4")).dtype == np.float32


def test_a_tangent_of_another_width_is_a_shape_error():
    J = am.Softmax().jacobian(np.zeros((4, 3)))
    for product in (J.jvp, J.solve):
        with pytest.raises(am.ShapeError):
            product(np.zeros((4, 5)))


def test_solve_says_where_a_negative_centering_is_singular():
    J = am.Softmin().jacobian([0.0, 0.0])
    with pytest.raises(np.linalg.LinAlgError):
        J.solve(np.array([1.0, 2.0]), damping=0.5)


@pytest.mark.parametrize("optimizer", ["adam", am.Adam])
def test_fit_refuses_what_is_no_optimizer(optimizer):
    net = am.Chain(am.Dense(2), am.Softmax())
    with pytest.raises(TypeError, match="optimizer"):
        am.fit(net, am.CrossEntropy(), np.eye(2), [0, 1], optimizer=optimizer)


def test_a_jacobian_of_ones_own_is_written_by_its_public_names():
    class Twice(am.Jacobian):
        def __init__(self, z):
            self.z = z

        def vjp(self, g, out=None):
            return 2 * np.asarray(g)

        def jvp(self, v, out=None):
            return 2 * np.asarray(v)

        def vjp_derivative(self, v, g, dg):
            return 2 * np.asarray(dg)

        def dense(self):
            return 2 * np.eye(self.z.shape[-1])

    class Double(am.Activation):
        def apply(self, z, mask=None):
            return 2 * z

        def structure(self, z, a):
            return Twice(z)

    z, y = np.array([[1.0, -2.0]]), np.array([[0.5, 0.0]])
    found = am.Pair(Double(), am.SquaredError()).certificate(z, y)
    assert found.gradient_error < 1e-10


def test_a_class_that_underflows_and_is_no_target_leaves_the_row_finite():
    class Inverse(am.CrossEntropy):
        """sum y / a: its slope leaves a power of 1 / a after softmax."""

        def rows(self, out, y):
            return np.where(y == 0, 0, y * np.exp(-out.log)).sum(-1)

        def slope(self, out, y):
            return am.Slope(-y, am.Monomial(2))

        def slope_derivative(self, out, y, d):
            return am.Slope(0 * y, am.Monomial(2))

    pair = am.Pair(am.Softmax(), Inverse())
    z, y = np.float32([[0, 60, -60]]), [1]
    assert np.isfinite(pair.gradient(z, y)).all()
    assert np.isfinite(pair.hvp(z, y, np.ones_like(z))).all()
