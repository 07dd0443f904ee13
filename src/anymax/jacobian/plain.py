"""RankOne, Affine and Explicit: structures that take an evaluated slope."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from anymax.jacobian.base import Jacobian, Parts
from anymax.monomial import Slope
from anymax.types import Array, add


class RankOne(Jacobian):
    """J = left right^T; the bends are the Jacobians of left and right by z."""

    def __init__(
        self,
        left: Array,
        right: Array,
        left_bend: Jacobian | None = None,
        right_bend: Jacobian | None = None,
    ) -> None:
        self.left, self.right = np.asarray(left), np.asarray(right)
        self.left_bend, self.right_bend = left_bend, right_bend

    @property
    def shape(self) -> tuple[int, ...]:
        lead = np.broadcast_shapes(self.left.shape[:-1], self.right.shape[:-1])
        return (*lead, self.left.shape[-1], self.right.shape[-1])

    @property
    def dtype(self) -> np.dtype[Any]:
        return np.result_type(self.left, self.right)

    def _vjp(self, g: Slope) -> Array:
        return self.right * add(g.top * self.left)

    def _jvp(self, v: Array) -> Array:
        return self.left * add(self.right * v)

    def _vjp_derivative(self, v: Array, g: Slope, dg: Slope) -> Array:
        moved = self._vjp(dg)
        if self.left_bend is not None:
            moved = moved + self.right * add(g.top * self.left_bend.jvp(v))
        if self.right_bend is not None:
            moved = moved + self.right_bend.jvp(v) * add(g.top * self.left)
        return moved

    def parts(self) -> Parts | None:
        if self.left.shape[-1] != self.right.shape[-1]:
            return None
        left, right = np.broadcast_arrays(self.left, self.right)
        return Parts(np.zeros_like(left), left, right)


class Affine(Jacobian):
    """J = W^T of x -> x W + b, with W (n, m); the same for every row."""

    def __init__(self, matrix: Array) -> None:
        self.matrix = np.asarray(matrix)

    @property
    def shape(self) -> tuple[int, ...]:
        n, m = self.matrix.shape
        return (m, n)

    @property
    def dtype(self) -> np.dtype[Any]:
        return self.matrix.dtype

    def _vjp(self, g: Slope) -> Array:
        return g.top @ self.matrix.T

    def _jvp(self, v: Array) -> Array:
        return np.asarray(v) @ self.matrix

    def _vjp_derivative(self, v: Array, g: Slope, dg: Slope) -> Array:
        return self._vjp(dg)


class Explicit(Jacobian):
    """A Jacobian written out, (..., m, n); `derivative(v)` gives its change along v.

    Without a derivative everything but the second order works.
    """

    def __init__(
        self, matrix: Array, derivative: Callable[[Array], Array] | None = None
    ) -> None:
        self.matrix = np.asarray(matrix)
        self.derivative = derivative

    @property
    def shape(self) -> tuple[int, ...]:
        return self.matrix.shape

    @property
    def dtype(self) -> np.dtype[Any]:
        return self.matrix.dtype

    def _vjp(self, g: Slope) -> Array:
        return _rows_times(g.top, self.matrix)

    def _jvp(self, v: Array) -> Array:
        return (self.matrix @ np.asarray(v)[..., None])[..., 0]

    def _vjp_derivative(self, v: Array, g: Slope, dg: Slope) -> Array:
        if self.derivative is None:
            raise TypeError(
                "a Hessian product needs the change of an Explicit Jacobian; got none. "
                "Pass derivative=, a function of v that gives dJ (..., m, n)."
            )
        return self._vjp(dg) + _rows_times(g.top, self.derivative(v))


def _rows_times(g: Array, matrix: Array) -> Array:
    return (g[..., None, :] @ matrix)[..., 0, :]
