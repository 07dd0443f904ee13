"""Diagonal and Centering: the two structures that meet a slope's fraction and cancel."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TypeAlias

import numpy as np

from anymax.jacobian.base import Jacobian, Parts
from anymax.jacobian.leave_one_out import LeaveOneOut
from anymax.monomial import A, ONE, Monomial, Point, Slope
from anymax.types import Array, add, quiet

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
        return x if self.support is None else np.where(self.support, x, np.zeros((), x.dtype))

    @cached_property
    def value(self) -> Array:
        w = np.asarray(self.factor * self.monomial(self.place), self.point.a.dtype)
        return self.on(np.broadcast_to(w, self.point.a.shape))

    def cancelled(self, g: Slope) -> Array:
        """w * slope."""
        return self.on(g.top * self.factor * (self.monomial / g.over)(self.place))

    def cancelled_derivative(self, v: Array, u: Array, g: Slope, dg: Slope) -> Array:
        """The change of w * slope along z' = v, where a' = carrier(a) u."""
        left = self.monomial / g.over
        moved = dg.top * self.factor + g.top * self._bent(v)
        rate = left.rate(self.place, left * self.carrier) * u
        return self.on(moved * left(self.place) + g.top * self.factor * rate)

    def still_derivative(self, u: Array, g: Slope, dg: Slope) -> Array:
        """w times the change of the slope along a' = carrier(a) u: w held still."""
        left = self.monomial / g.over
        rate = g.over.rate(self.place, left * self.carrier) * u
        return self.on(self.factor * (dg.top * left(self.place) - g.top * rate))

    def _bent(self, v: Array) -> Array | float:
        return self.bend.jvp(v) if isinstance(self.bend, Jacobian) else self.bend * v


def _weight(
    a: Array | Point,
    monomial: Monomial,
    factor: Array | float,
    bend: Bend,
    support: Array | None,
) -> Weight:
    point = a if isinstance(a, Point) else Point(np.asarray(a))
    return Weight(point, monomial, factor, bend, support, monomial)


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
        self.weight = _weight(a, monomial, factor, bend, support)

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

    @quiet
    def _vjp(self, g: Slope) -> Array:
        return self.weight.cancelled(g)

    @quiet
    def jvp(self, v: Array) -> Array:
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


class Centering(Jacobian):
    """J = diag(w) - w w^T / sum(w), w = factor * m(a): a normalising activation.

    Softmax has w = a, sparsemax w = 1 on the support, alpha-entmax a^(2 - alpha) there
    (Peters, Niculae and Martins, ACL 2019). The factor is the same along a row. Where
    `logits` are given, a is their softmax; then a slope that leaves a negative power
    of 1 - a is met by the leave-one-out form. A row without support has J = 0.
    """

    cancels = True

    def __init__(
        self,
        a: Array | Point,
        monomial: Monomial = ONE,
        factor: Array | float = 1.0,
        support: Array | None = None,
        logits: Array | None = None,
    ) -> None:
        if logits is not None and not isinstance(a, Point):
            a = Point(np.asarray(a), lambda: np.where(self.largest, self.rest, 1 - self.weight.point.a))
        self.weight = _weight(a, monomial, factor, 0.0, support)
        self.logits = logits

    @property
    def shape(self) -> tuple[int, ...]:
        shape = self.weight.point.a.shape
        return (*shape, shape[-1])

    @cached_property
    def share(self) -> Array:
        """w / sum(w), 0 where nothing is kept."""
        w = self.weight.value
        total = add(w)
        return np.divide(w, total, out=np.zeros_like(w), where=total != 0)

    @cached_property
    def largest(self) -> Array:
        """Whether an entry is its row's largest share, the first when tied."""
        at = np.argmax(self.share, -1) if self.share.shape[-1] else 0
        return np.arange(self.share.shape[-1]) == np.expand_dims(at, -1)

    @cached_property
    def rest(self) -> Array:
        """1 - share of the largest entry, without the subtraction."""
        return add(np.where(self.largest, 0, self.share))

    def center(self, t: Array) -> Array:
        """t - share sum(t), the largest entry as t rest - share (sum of the others).

        The plain form loses every digit of that entry once its share rounds to one.
        """
        others = add(np.where(self.largest, 0, t))
        own = add(np.where(self.largest, t, 0))
        at_largest = own * self.rest - self.share * others
        return np.where(self.largest, at_largest, t - self.share * (own + others))

    def relative(self, v: Array) -> Array:
        """u with a' = m(a) u along z' = v: factor * (v - <share, v>)."""
        weighted = np.where(self.share == 0, 0, self.share * v)
        others = add(np.where(self.largest, 0, weighted))
        own = add(np.where(self.largest, v, 0))
        share = add(np.where(self.largest, self.share, 0))
        away = np.where(self.largest, v * self.rest, v - share * own) - others
        return self.weight.factor * away

    @quiet
    def _vjp(self, g: Slope) -> Array:
        if self._left_out(g):
            return self.left_out.vjp(g)
        return self.center(self.weight.cancelled(g))

    @quiet
    def jvp(self, v: Array) -> Array:
        """J v = w * (v - <share, v>)."""
        v = np.asarray(v)
        return self.weight.on(self.relative(v) * self.weight.monomial(self.weight.place))

    @quiet
    def _vjp_derivative(self, v: Array, g: Slope, dg: Slope) -> Array:
        if self._left_out(g):
            return self.left_out.vjp_derivative(v, g, dg)
        u = self.relative(v)
        total = add(self.weight.value)
        t = add(self.weight.cancelled(g))
        mean = np.divide(t, total, out=np.zeros_like(t), where=total != 0)
        unit = Slope(np.ones_like(u))
        bent = self.weight.cancelled_derivative(v, u, unit, Slope(np.zeros_like(u)))
        return self.center(self.weight.cancelled_derivative(v, u, g, dg) - bent * mean)

    @quiet
    def _gauss_newton(self, v: Array, g: Slope, dg: Slope) -> Array:
        u = self.relative(v)
        if self._left_out(g):
            return self.left_out.gauss_newton(v, g, dg)
        return self.center(self.weight.still_derivative(u, g, dg))

    def parts(self) -> Parts:
        return Parts(self.weight.value, -self.share, self.weight.value)

    @quiet
    def solve(self, v: Array, *, damping: float = 0.0) -> Array:
        """x with (J + damping I) x = v; J 1 = 0, so damping must not be 0."""
        v = np.asarray(v)
        if damping == 0:
            raise np.linalg.LinAlgError(
                "solve needs damping != 0, since J 1 = 0 makes a centering singular; "
                "pass damping=1e-3 or larger."
            )
        w = self.weight.value
        inverse = 1 / (w + damping)
        gap = damping * add(w * inverse)
        pulled = np.divide(add(w * inverse * v), gap, out=np.zeros_like(gap), where=gap != 0)
        return inverse * (v + w * pulled)

    @cached_property
    def left_out(self) -> LeaveOneOut:
        assert self.logits is not None
        return LeaveOneOut(self.weight.point, self.weight.factor, self.weight.support, self.logits)

    def _left_out(self, g: Slope) -> bool:
        w = self.weight
        return self.logits is not None and w.monomial == A and (A / g.over).q < 0
