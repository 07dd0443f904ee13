"""Sum, Product, Log and Moved: Jacobians made of Jacobians."""

from __future__ import annotations

from typing import Any

import numpy as np

from anymax.jacobian.base import Jacobian, Parts
from anymax.jacobian.centering import Centering
from anymax.monomial import A, Monomial, Slope
from anymax.types import Array, quiet


class Sum(Jacobian):
    """J = the sum of the terms."""

    def __init__(self, *terms: Jacobian) -> None:
        self.terms = terms

    @property
    def shape(self) -> tuple[int, ...]:
        shapes = [term.shape for term in self.terms]
        return (*np.broadcast_shapes(*(s[:-2] for s in shapes)), *shapes[0][-2:])

    @property
    def dtype(self) -> np.dtype[Any]:
        return self.terms[0].dtype

    def _vjp(self, g: Slope) -> Array:
        return _total([term._vjp(g) for term in self.terms])

    def _jvp(self, v: Array) -> Array:
        return _total([term.jvp(v) for term in self.terms])

    def _vjp_derivative(self, v: Array, g: Slope, dg: Slope) -> Array:
        return _total([term._vjp_derivative(v, g, dg) for term in self.terms])

    def parts(self) -> Parts | None:
        """One term of rank one and any number of diagonals are still parts."""
        parts = [term.parts() for term in self.terms]
        known = [p for p in parts if p is not None]
        ranked = [p for p in known if np.any(p.left)]
        if len(known) < len(parts) or len(ranked) > 1:
            return None
        rank_one = (ranked or known)[0]
        return Parts(_total([p.weight for p in known]), rank_one.left, rank_one.right)


class Product(Jacobian):
    """J = left right: the slope meets left as a fraction, right gets an array."""

    def __init__(self, left: Jacobian, right: Jacobian) -> None:
        self.left, self.right = left, right
        self.cancels = left.cancels
        self.coupled = left.coupled or right.coupled

    @property
    def shape(self) -> tuple[int, ...]:
        left, right = self.left.shape, self.right.shape
        return (*np.broadcast_shapes(left[:-2], right[:-2]), left[-2], right[-1])

    @property
    def monomial(self) -> Monomial | None:
        return self.left.monomial

    @property
    def dtype(self) -> np.dtype[Any]:
        return self.left.dtype

    def _vjp(self, g: Slope) -> Array:
        return self.right._vjp(Slope(self.left._vjp(g)))

    def _jvp(self, v: Array) -> Array:
        return self.left.jvp(self.right.jvp(v))

    def _vjp_derivative(self, v: Array, g: Slope, dg: Slope) -> Array:
        down = self.left._vjp(g)
        moved = self.left._vjp_derivative(self.right.jvp(v), g, dg)
        return self.right._vjp_derivative(v, Slope(down), Slope(moved))

    def _gauss_newton(self, v: Array, g: Slope, dg: Slope) -> Array:
        return self.right._vjp(Slope(self.left._gauss_newton(self.right.jvp(v), g, dg)))

    def parts(self) -> Parts | None:
        left, right = self.left.parts(), self.right.parts()
        if left is None or right is None or self.right.coupled:
            return None
        return Parts(left.weight * right.weight, left.left, left.right * right.weight)


Jacobian.compose = staticmethod(Product)


class Log(Jacobian):
    """J = diag(1/p) C of log p, C the centering of p = softmax(z): J = I - 1 p^T.

    A slope g of log p is the fraction g / p of p, so it cancels in C: log-softmax
    before the negative log-likelihood is the same computation as softmax before
    cross-entropy.
    """

    def __init__(self, inner: Centering) -> None:
        self.inner = inner

    @property
    def shape(self) -> tuple[int, ...]:
        return self.inner.shape

    @property
    def dtype(self) -> np.dtype[Any]:
        return self.inner.dtype

    def _vjp(self, g: Slope) -> Array:
        return self.inner._vjp(Slope(g.top, A))

    @quiet
    def _jvp(self, v: Array) -> Array:
        return self.inner.weight.on(self.inner.relative(np.asarray(v)))

    def _vjp_derivative(self, v: Array, g: Slope, dg: Slope) -> Array:
        return self.inner._vjp_derivative(v, Slope(g.top, A), Slope(dg.top, A))

    def parts(self) -> Parts:
        p, factor = self.inner.weight.point.a, self.inner.weight.factor
        ones = self.inner.weight.on(np.ones_like(p))
        return Parts(factor * ones, -ones, factor * p)


class Moved(Jacobian):
    """A Jacobian on the last axis, met by arrays that hold the outputs on another."""

    def __init__(self, inner: Jacobian, axis: int) -> None:
        self.inner, self.axis = inner, axis
        self.coupled, self.cancels = inner.coupled, inner.cancels

    @property
    def shape(self) -> tuple[int, ...]:
        return self.inner.shape

    @property
    def monomial(self) -> Monomial | None:
        return self.inner.monomial

    @property
    def dtype(self) -> np.dtype[Any]:
        return self.inner.dtype

    def _vjp(self, g: Slope) -> Array:
        return self._back(self.inner._vjp(Slope(self._last(g.top), g.over)))

    def _jvp(self, v: Array) -> Array:
        return self._back(self.inner.jvp(self._last(v)))

    def _vjp_derivative(self, v: Array, g: Slope, dg: Slope) -> Array:
        g, dg = Slope(self._last(g.top), g.over), Slope(self._last(dg.top), dg.over)
        return self._back(self.inner._vjp_derivative(self._last(v), g, dg))

    def _gauss_newton(self, v: Array, g: Slope, dg: Slope) -> Array:
        g, dg = Slope(self._last(g.top), g.over), Slope(self._last(dg.top), dg.over)
        return self._back(self.inner._gauss_newton(self._last(v), g, dg))

    def parts(self) -> Parts | None:
        return self.inner.parts()

    def dense(self) -> Array:
        return self.inner.dense()

    def row(self, k: int) -> Array:
        return self.inner.row(k)

    def solve(self, v: Array, *, damping: float = 0.0) -> Array:
        return self._back(self.inner.solve(self._last(v), damping=damping))

    def _last(self, x: Array) -> Array:
        return np.moveaxis(np.asarray(x), self.axis, -1)

    def _back(self, x: Array) -> Array:
        return np.moveaxis(x, -1, self.axis)


def _total(arrays: list[Array]) -> Array:
    total = arrays[0]
    for array in arrays[1:]:
        total = total + array
    return total
