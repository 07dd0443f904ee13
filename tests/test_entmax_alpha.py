"""Entmax with a trained alpha: its derivatives, also where alpha is all but 1."""

import mpmath
import numpy as np
import pytest

import anymax as am
from anymax.activations.entmax_alpha import phi_1, phi_2, phi_3
from anymax.trainable import Reached

DIGITS = 60  # for differences of differences, 1e-20 apart
EXCESSES = [1.5, 0.5, 1e-2, 1e-3, 1e-6]
Z = np.float32([1.25, -0.5, 0.75, -2.0, 0.0])
G = np.float32([1.0, -0.5, 0.25, 2.0, -1.0])
V = np.float32([0.5, 1.0, -0.75, 0.25, -0.5])


def entmax(z, excess):
    """The formula, tau by bisection between where one output is 1 and none is left."""

    def outputs(tau):
        return [max(excess * x - tau, mpmath.mpf(0)) ** (1 / excess) for x in z]

    low, high = excess * max(z) - 1, excess * max(z)
    for _ in range(210):
        middle = (low + high) / 2
        low, high = (middle, high) if sum(outputs(middle)) > 1 else (low, middle)
    return outputs((low + high) / 2)


def dotted(z, excess):
    found = entmax(z, excess)
    return sum(mpmath.mpf(float(g)) * p for g, p in zip(G, found, strict=True))


def derivative(function):
    """By its one argument, at 0."""
    h = mpmath.mpf(10) ** -20
    return (function(h) - function(-h)) / (2 * h)


def expected(b):
    """Of sum(G p): by alpha; and by z and by alpha, moved along V and an alpha of 1."""
    with mpmath.workdps(DIGITS):
        b, z = mpmath.mpf(b), [mpmath.mpf(float(x)) for x in Z]
        v = [mpmath.mpf(float(x)) for x in V]

        def along(t, i=None, s=0, a=0):
            moved = [x + t * d for x, d in zip(z, v, strict=True)]
            if i is not None:
                moved[i] += s
            return dotted(moved, b + t + a)

        by_alpha = derivative(lambda a: along(0, a=a))
        twice = derivative(lambda t: derivative(lambda a: along(t, a=a)))
        by_z = [
            derivative(lambda t, i=i: derivative(lambda s: along(t, i, s)))
            for i in range(len(z))
        ]
        return float(by_alpha), np.array([float(x) for x in by_z]), float(twice)


class Plain(am.Trainable):
    """alpha = theta, so that what the bounds do stays out of it."""

    raw = 1.0

    def at(self, theta):
        return Reached(theta, np.ones_like(theta), np.zeros_like(theta))


def found(b, dtype):
    """The excess as the dtype holds it, and the same three from the activation."""
    theta = np.asarray(1 + b, dtype)
    trained = am.Entmax(alpha=Plain(1.5, lower=1))
    _, line = trained.linearize((Z.astype(dtype),), (theta,))
    g, v = G.astype(dtype), V.astype(dtype)
    (by_alpha,) = line.vjp(g)[1]
    (by_z,), (twice,) = line.vjp_derivative((v,), (theta / theta,), g, 0 * g)
    assert by_alpha.dtype == by_z.dtype == twice.dtype == dtype
    return float(theta) - 1, by_alpha, by_z, twice


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("b", EXCESSES)
def test_derivatives_by_alpha_keep_their_digits(b, dtype):
    exact, *results = found(b, dtype)
    for got, wanted in zip(results, expected(exact), strict=True):
        error = np.abs(got - wanted).max() / np.abs(wanted).max()
        assert error < 40 * np.finfo(dtype).eps


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_alpha_that_is_one_has_the_limit_as_its_derivative(dtype):
    _, *limits = found(0.0, dtype)
    for got, wanted in zip(limits, expected(1e-10), strict=True):
        assert np.abs(got - wanted).max() < 40 * np.finfo(dtype).eps + 1e-9


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("x", [0.0, 1e-30, 1e-3, 0.3, 0.999, 1.0, 2.0, 30.0, -1e-3])
def test_phi_functions(x, dtype):
    x = np.asarray([x], dtype)
    for k, phi in enumerate((phi_1, phi_2, phi_3), 1):
        with mpmath.workdps(200):
            at = mpmath.mpf(float(x[0]))
            rest = mpmath.exp(at) - sum(at**i / mpmath.factorial(i) for i in range(k))
            wanted = float(rest / at**k if at else 1 / mpmath.factorial(k))
        assert phi(x).dtype == dtype
        assert abs(phi(x)[0] - wanted) <= 12 * np.finfo(dtype).eps * wanted
