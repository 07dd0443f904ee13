"""Weight: factor times monomial on a support, and its products with a slope."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from anymax import kernels
from anymax.cached import cached_property
from anymax.jacobian.base import Jacobian
from anymax.monomial import Monomial, Point, Slope
from anymax.types import Array

Bend: TypeAlias = "Array | float | Jacobian"


@dataclass(frozen=True)
class Weight:
    """w = factor * m(a) on a support, 0 off it whatever it meets.

    `bend` is the derivative of the factor: an array for an element-wise factor, a
    Jacobian for one that depends on the whole row.
    """

    point: Point
    monomial: Monomial
    factor: Array | float
    bend: Bend
    support: Array | None
    carrier: Monomial  # a' = carrier(a) u along z' = v, with u = factor v or its like

    @cached_property
    def place(self) -> Point:
        """Never evaluated where it is singular and does not count."""
        return self.point if self.support is None else self.point.off(self.support)

    def on(self, x: Array) -> Array:
        return (
            x
            if self.support is None
            else np.where(self.support, x, np.zeros((), x.dtype))
        )

    @cached_property
    def value(self) -> Array:
        w = np.asarray(self.factor * self.monomial(self.place), self.point.a.dtype)
        return self.on(np.broadcast_to(w, self.point.a.shape))

    def cancelled(self, g: Slope) -> Array:
        """w * slope."""
        left = self.monomial / g.over
        return self.on(_times(g.top * self.factor, left, left(self.place)))

    def cancelled_derivative(self, v: Array, u: Array, g: Slope, dg: Slope) -> Array:
        """The change of w * slope along z' = v, where a' = carrier(a) u."""
        left = self.monomial / g.over
        moved = dg.top * self.factor + g.top * self._bent(v)
        rate = left.rate(self.place, left * self.carrier) * u
        first = _times(moved, left, left(self.place))
        return self.on(first + _times(g.top * self.factor, left, rate))

    def still_derivative(self, u: Array, g: Slope, dg: Slope) -> Array:
        """w times the change of the slope along a' = carrier(a) u: w held still."""
        left = self.monomial / g.over
        rate = g.over.rate(self.place, left * self.carrier) * u
        return self.on(self.factor * (dg.top * left(self.place) - g.top * rate))

    def _bent(self, v: Array) -> Array | float:
        return self.bend.jvp(v) if isinstance(self.bend, Jacobian) else self.bend * v


def _times(x: Array, left: Monomial, value: Array | float) -> Array:
    """x * value; 0 where x is, should a power that is left have no bound there."""
    product = x * value
    return np.where(x == 0, 0, product) if left.unbounded else product


def weight_of(
    a: Array | Point,
    monomial: Monomial,
    factor: Array | float,
    bend: Bend,
    support: Array | None,
) -> Weight:
    """A weight at outputs given as an array or a Point."""
    point = a if isinstance(a, Point) else Point(np.asarray(a))
    return Weight(point, monomial, factor, bend, support, monomial)


def product(structure: str, numbers: tuple[float, ...], weight: Array) -> Any:
    """g -> g J by the structure's kernel; None where there is none for this weight."""
    if kernels.core is None:
        return None
    return kernels.core.product(structure, numbers, np.ascontiguousarray(weight))
