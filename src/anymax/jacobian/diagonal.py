"""Diagonal: the Jacobian of an element-wise activation."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from anymax.cached import cached_property
from anymax.jacobian.base import Jacobian, Parts
from anymax.jacobian.weight import Bend, Weight, product, weight_of
from anymax.monomial import ONE, Monomial, Point, Slope
from anymax.types import Array, quiet


class Diagonal(Jacobian):
    """J = diag(w), w = factor * m(a) on the support: an element-wise activation.

    Args: `a` the outputs (an array, or a Point that knows 1 - a); `monomial` m;
    `factor` a number or array with its derivative `bend` by z; `support` a Boolean
    array, False where the derivative is 0 whatever the slope says.
    """

    coupled = False
    cancels = True

    def __init__(
        self,
        a: Array | Point,
        monomial: Monomial = ONE,
        factor: Array | float = 1.0,
        bend: Bend = 0.0,
        support: Array | None = None,
    ) -> None:
        self.weight = weight_of(a, monomial, factor, bend, support)

    def over(self, monomial: Monomial) -> Diagonal:
        """diag(w / monomial(a)), cancelled; a moves as before."""
        left = self.weight.monomial / monomial
        return self._with(replace(self.weight, monomial=left))

    def within(self, support: Array | None) -> Diagonal:
        """The same on a smaller support."""
        w = self.weight
        if support is None:
            return self
        both = support if w.support is None else support & w.support
        return self._with(replace(w, support=both))

    @classmethod
    def _with(cls, weight: Weight) -> Diagonal:
        made = cls(weight.point)
        made.weight = weight
        return made

    @property
    def shape(self) -> tuple[int, ...]:
        shape = self.weight.point.a.shape
        return (*shape, shape[-1]) if shape else (1, 1)

    @property
    def dtype(self) -> np.dtype[Any]:
        return self.weight.point.a.dtype

    @property
    def monomial(self) -> Monomial:
        return self.weight.monomial

    @cached_property
    @quiet
    def _native(self) -> Any:
        w = self.weight
        if w.monomial.unbounded:
            return None
        return product("Diagonal", (1.0, float(w.support is not None)), w.value)

    @quiet
    def _vjp(self, g: Slope) -> Array:
        return self.weight.cancelled(g)

    @quiet
    def _jvp(self, v: Array) -> Array:
        """J v = w v."""
        return self.weight.cancelled(Slope(np.asarray(v)))

    @quiet
    def _vjp_derivative(self, v: Array, g: Slope, dg: Slope) -> Array:
        return self.weight.cancelled_derivative(v, self.weight.factor * v, g, dg)

    @quiet
    def _gauss_newton(self, v: Array, g: Slope, dg: Slope) -> Array:
        return self.weight.still_derivative(self.weight.factor * v, g, dg)

    def parts(self) -> Parts:
        w = self.weight.value
        return Parts(w, np.zeros_like(w), np.zeros_like(w))
