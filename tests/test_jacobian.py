"""Structures: equal to their dense form, adjoint, and differentiated exactly."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

import anymax as am
from anymax import activations
from anymax.differences import COEFFICIENTS, along
from anymax.jacobian import Jacobian, Log
from anymax.monomial import BERNOULLI, ONE, A, Monomial, Point, Slope
from anymax.registry import samples

MAPS = samples(activations)


def structures():
    rng = np.random.default_rng(3)
    a = am.softmax(rng.normal(size=(2, 3, 4)))
    x, y = rng.normal(size=(2, 2, 3, 4))
    support = np.array([True, False, True, True])
    diagonal = am.Diagonal(a, BERNOULLI, factor=x, bend=y)
    centering = am.Centering(a, Monomial(0.5), support=support, factor=2.0)
    return {
        "Diagonal": diagonal,
        "Diagonal on a support": am.Diagonal(a, A, support=support),
        "Centering": centering,
        "Centering with logits": am.Centering(a, A, logits=np.log(a)),
        "RankOne": am.RankOne(x, y),
        "Affine": am.Affine(rng.normal(size=(4, 5))),
        "Explicit": am.Explicit(rng.normal(size=(2, 3, 5, 4))),
        "Sum": am.Sum(diagonal, am.RankOne(x, y)),
        "Sum of two ranks": am.Sum(am.RankOne(y, y), am.RankOne(x, y)),
        "Product": am.Product(centering, diagonal),
        "Product of two": am.Product(diagonal, centering),
        "Log": Log(am.Centering(a, A)),
        **{f"map {name}": m.jacobian(x) for name, m in MAPS.items()},
    }


STRUCTURES = structures()


@pytest.fixture(params=STRUCTURES)
def jacobian(request) -> Jacobian:
    return STRUCTURES[request.param]


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def test_products_equal_the_dense_matrix(jacobian, rng):
    *_, m, n = jacobian.shape
    g, v = rng.normal(size=(2, 3, m)), rng.normal(size=(2, 3, n))
    dense = jacobian.dense()
    assert dense.shape == jacobian.shape
    vjp = np.einsum("...m,...mn->...n", g, dense)
    jvp = np.einsum("...mn,...n->...m", dense, v)
    assert_allclose(jacobian.vjp(g), vjp, rtol=1e-11, atol=1e-13)
    assert_allclose(jacobian.jvp(v), jvp, rtol=1e-11, atol=1e-13)
    assert_allclose(jacobian @ v, jvp, rtol=1e-11, atol=1e-13)
    assert_allclose(g @ jacobian, vjp, rtol=1e-11, atol=1e-13)


def test_vjp_is_adjoint_of_jvp(jacobian, rng):
    *_, m, n = jacobian.shape
    g, v = rng.normal(size=(2, 3, m)), rng.normal(size=(2, 3, n))
    down, up = (jacobian.vjp(g) * v).sum(-1), (g * jacobian.jvp(v)).sum(-1)
    assert_allclose(down, up, rtol=1e-11, atol=1e-13)


def test_looks_equal_the_dense_matrix(jacobian):
    dense = jacobian.dense()
    for k in (0, -1):
        assert_allclose(
            jacobian.row(k),
            np.broadcast_to(dense[..., k, :], jacobian.row(k).shape),
            atol=1e-13,
        )
    if dense.shape[-1] == dense.shape[-2]:
        diagonal = np.diagonal(dense, axis1=-2, axis2=-1)
        assert_allclose(jacobian.diagonal(), diagonal, atol=1e-13)
        assert_allclose(jacobian.trace(), diagonal.sum(-1), atol=1e-12)


@pytest.mark.parametrize("damping", [1e-3, 0.5])
def test_solve_inverts_the_damped_matrix(jacobian, rng, damping):
    *_, m, n = jacobian.shape
    if m != n:
        return
    v = rng.normal(size=(2, 3, n))
    x = jacobian.solve(v, damping=damping)
    square = jacobian.dense() + damping * np.eye(n)
    expected = np.linalg.solve(square, v[..., None])[..., 0]
    assert_allclose(x, expected, rtol=1e-7, atol=1e-7)


def test_centering_without_damping_is_refused():
    with pytest.raises(np.linalg.LinAlgError, match="damping"):
        am.Softmax().jacobian([1.0, 2.0]).solve(np.ones(2))


def test_solve_keeps_its_digits_at_tiny_damping():
    J = am.Softmax().jacobian([1.0, 2.0, -1.0])
    x = J.solve(np.array([1.0, -0.3, 0.2]), damping=1e-14)
    mean = (1.0 - 0.3 + 0.2) / 3 / 1e-14  # J 1 = 0: the mean is divided by the damping
    assert_allclose(x.mean(), mean, rtol=1e-9)


def test_product_is_the_product_of_dense_matrices(rng):
    left, right = (
        am.Softmax().jacobian(rng.normal(size=5)),
        am.Affine(rng.normal(size=(3, 5))),
    )
    assert_allclose((left @ right).dense(), left.dense() @ right.dense(), atol=1e-14)
    with pytest.raises(am.ShapeError, match="needs K to give what J takes"):
        right @ left


@pytest.mark.parametrize("name", MAPS)
def test_jacobian_and_its_change_agree_with_differences(name, rng):
    activation = MAPS[name]
    z, v, g, dg = rng.normal(size=(4, 6, 5))
    J = activation.jacobian(z)
    assert_allclose(J.jvp(v), along(activation, z, v, 1e-4), atol=2e-8)
    step = 1e-4
    moved = sum(
        c * activation.jacobian(z + k * step * v).vjp(g + k * step * dg)
        for k, c in COEFFICIENTS
    ) / (12 * step)
    assert_allclose(J.vjp_derivative(v, g, dg), moved, atol=2e-7)
    assert_allclose(J.gauss_newton(v, g, dg), J.vjp(dg), atol=1e-13)


@pytest.mark.parametrize("name", [n for n, m in MAPS.items() if m.coupling == "row"])
@pytest.mark.parametrize("axis", [0, 1, -2, -1])
def test_axis_is_moved_at_the_border(name, axis, rng):
    activation = MAPS[name]
    z, g = rng.normal(size=(2, 4, 3, 5))
    there, back = (
        (lambda x: np.moveaxis(x, axis, -1)),
        (lambda x: np.moveaxis(x, -1, axis)),
    )
    assert_allclose(activation(z, axis=axis), back(activation(there(z))), rtol=1e-13)
    J, plain = activation.jacobian(z, axis=axis), activation.jacobian(there(z))
    assert_allclose(J.vjp(g), back(plain.vjp(there(g))), atol=1e-13)
    assert_allclose(J.jvp(g), back(plain.jvp(there(g))), atol=1e-13)
    derivative = plain.vjp_derivative(there(g), there(g), there(z))
    assert_allclose(J.vjp_derivative(g, g, z), back(derivative), atol=1e-13)


@pytest.mark.parametrize("name", MAPS)
def test_jacobian_accepts_outputs_at_hand(name, rng):
    z, g = rng.normal(size=(2, 3, 4))
    activation = MAPS[name]
    given = activation.jacobian(z, activation(z))
    assert_allclose(given.vjp(g), activation.jacobian(z).vjp(g), rtol=1e-13)


def test_out_is_written_and_returned(rng):
    z, g = rng.normal(size=(2, 3, 4))
    out = np.empty_like(z)
    J = am.Softmax().jacobian(z)
    assert J.vjp(g, out=out) is out
    assert_allclose(out, J.vjp(g))
    with pytest.raises(am.ShapeError, match="out needs shape"):
        J.vjp(g, out=np.empty(3))


exponents = st.floats(-2, 2).map(lambda x: round(x, 2))
monomials = st.builds(Monomial, exponents, exponents, exponents)


@settings(max_examples=60, deadline=None)
@given(monomials, monomials, st.lists(st.floats(0.05, 0.95), min_size=1, max_size=5))
def test_subtracting_exponents_is_division(m, over, values):
    point = Point(np.array(values))
    assert_allclose((m / over)(point), m(point) / over(point), rtol=1e-12)
    assert_allclose((m * over)(point), m(point) * over(point), rtol=1e-12)


@settings(max_examples=60, deadline=None)
@given(monomials, monomials, st.floats(0.1, 0.9))
def test_rate_is_the_carried_logarithmic_derivative(m, carrier, a):
    slope = along(
        lambda x: np.log(m(Point(x)) * np.ones_like(x)), np.array([a]), 1.0, 1e-4
    )
    expected = carrier(Point(np.array([a]))) * slope
    assert_allclose(
        m.rate(Point(np.array([a])), carrier), expected, rtol=1e-7, atol=1e-8
    )


@settings(max_examples=80, deadline=None)
@given(
    st.integers(1, 6),
    st.integers(0, 2**31),
    st.floats(0, 40),
    st.sampled_from([ONE, A, Monomial(0.5), BERNOULLI, Monomial(0, 1)]),
)
def test_cancelled_equals_evaluated(n, seed, spread, over):
    """The fraction handed in whole gives what dividing first gives."""
    rng = np.random.default_rng(seed)
    z, top = rng.normal(size=(2, n + 1)) * min(spread, 5)
    a = am.softmax(z)
    J = am.Centering(a, A, logits=z)
    evaluated = top / over(Point(a))
    plain = (np.diag(a) - np.outer(a, a)) @ evaluated
    if np.abs(evaluated).max() < 1e6:
        assert_allclose(J.vjp(Slope(top, over)), plain, rtol=1e-8, atol=1e-8)


def test_slopes_over_a_monomial_are_refused_by_plain_structures():
    with pytest.raises(TypeError, match="evaluated slope"):
        am.Explicit(np.eye(2)).vjp(Slope(np.ones(2), A))


def test_explicit_without_a_derivative_says_what_is_missing():
    with pytest.raises(TypeError, match="derivative="):
        am.Explicit(np.eye(2)).vjp_derivative(np.ones(2), np.ones(2), np.ones(2))
