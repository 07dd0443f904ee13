"""Centering: the Jacobian of a normalising activation."""

from __future__ import annotations

from typing import Any

import numpy as np

from anymax.cached import cached_property
from anymax.jacobian.base import Jacobian, Parts, regular
from anymax.jacobian.leave_one_out import LeaveOneOut
from anymax.jacobian.weight import product, weight_of
from anymax.monomial import ONE, A, Monomial, Point, Slope
from anymax.rows import largest, logsumexp
from anymax.types import Array, add, quiet


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
            z, outputs = logits, np.asarray(a)
            a = Point(
                outputs,
                less=lambda: np.where(self.largest, self.rest, 1 - outputs),
                log=lambda: z - logsumexp(z),
            )
        self.weight = weight_of(a, monomial, factor, 0.0, support)
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
        return largest(self.share)

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
        if w.monomial == A and w.support is None and isinstance(w.factor, float):
            return product("Centering", (w.factor, 0.0), w.point.a)
        return product("Centering", (1.0, float(w.support is not None)), w.value)

    @quiet
    def _vjp(self, g: Slope) -> Array:
        if self._left_out(g):
            return self.left_out.vjp(g)
        return self.center(self.weight.cancelled(g))

    @quiet
    def _jvp(self, v: Array) -> Array:
        """J v = w * (v - <share, v>)."""
        v = np.asarray(v)
        return self.weight.on(
            self.relative(v) * self.weight.monomial(self.weight.place)
        )

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
        v = self._tangent(v)
        if damping == 0:
            raise np.linalg.LinAlgError(
                "solve needs damping != 0, since J 1 = 0 makes a centering singular; "
                "pass damping=1e-3 or larger."
            )
        w = self.weight.value
        inverse = 1 / regular(w + damping)
        empty = add(np.abs(w)) == 0
        gap = regular(np.where(empty, 1, damping * add(w * inverse)))
        pulled = add(w * inverse * v) / gap
        return inverse * (v + w * pulled)

    @cached_property
    def left_out(self) -> LeaveOneOut:
        assert self.logits is not None
        return LeaveOneOut(
            self.weight.point, self.weight.factor, self.weight.support, self.logits
        )

    def _left_out(self, g: Slope) -> bool:
        w = self.weight
        return self.logits is not None and w.monomial == A and (A / g.over).q < 0
