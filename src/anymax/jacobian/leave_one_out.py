"""A softmax's centering before a slope that leaves a negative power of 1 - a.

With k the largest logit and q the softmax of the others, row k of J is
c a_k (1 - a_k) (e_k - q): it holds a factor 1 - a_k that cancels as well.
"""

from __future__ import annotations

import numpy as np

from anymax.cached import cached_property
from anymax.monomial import ONE, A, Monomial, Point, Slope
from anymax.rows import largest
from anymax.types import Array, add

LESS = Monomial(0, 1)


class LeaveOneOut:
    """r = t - a S + tau (e_k - q), with t_i = c top_i m_i off k and t_k = 0,
    tau = c top_k [m (1-a)]_k, S = sum(t); m is the cancelled weight A / over.
    """

    def __init__(
        self, point: Point, factor: Array | float, support: Array | None, logits: Array
    ) -> None:
        self.point, self.factor = point, factor
        self.support, self.logits = support, logits

    @cached_property
    def top(self) -> Array:
        """Whether an entry is k, the first of the largest logits."""
        return largest(self.logits)

    @cached_property
    def q(self) -> Array:
        """Softmax of the logits with entry k left out; 0 where nothing is left."""
        others = np.where(self.top, -np.inf, self.logits)
        best = others.max(-1, keepdims=True)
        alive = ~np.isneginf(best)
        e = np.exp(others - np.where(alive, best, 0))
        return np.divide(e, add(e), out=np.zeros_like(e), where=alive)

    @cached_property
    def away(self) -> Array:
        """e_k - q; 0 where k is alone."""
        alone = add(self.q) == 0
        return (self.top & ~alone).astype(self.q.dtype) - self.q

    @cached_property
    def _safe(self) -> Point:
        """The point with entry k moved away from where the monomials are singular."""
        keep = ~self.top if self.support is None else ~self.top & self.support
        return self.point.off(keep)

    def _at_k(self, x: Array | float) -> Array:
        return add(np.where(self.top, x, 0))

    def _finish(self, r: Array) -> Array:
        return r if self.support is None else np.where(self.support, r, 0)

    def _others(self, x: Array) -> Array:
        x = np.where(self.top, 0, x)
        return x if self.support is None else np.where(self.support, x, 0)

    def vjp(self, g: Slope) -> Array:
        t, tau = self._pieces(g)
        return self._finish(t - self.point.a * add(t) + tau * self.away)

    def _pieces(self, g: Slope) -> tuple[Array, Array]:
        m = A / g.over
        t = self._others(self.factor * g.top * m(self._safe))
        return t, self._at_k(self.factor * g.top * (m * LESS)(self.point))

    def vjp_derivative(self, v: Array, g: Slope, dg: Slope) -> Array:
        """All of r differentiated along z' = v."""
        return self._moved(v, g, dg, still=False)

    def gauss_newton(self, v: Array, g: Slope, dg: Slope) -> Array:
        """r with the slope's change alone: the rows of J held still."""
        return self._moved(v, g, dg, still=True)

    def _moved(self, v: Array, g: Slope, dg: Slope, still: bool) -> Array:
        m, a, c = A / g.over, self.point.a, self.factor
        log_a, log_less = self._rates(v)
        t, tau = self._pieces(g)
        kept, cleared = (ONE / g.over, 0) if still else (m, 1)
        dt = dg.top * m(self._safe) + g.top * kept.rate(self._safe, A * m) * log_a
        dt = self._others(c * dt)
        moving = kept.p * log_a + (kept.q + cleared) * log_less
        if kept.r:
            moving = moving + kept.r * a / self.point.more * log_a
        full = (m * LESS)(self.point)
        dtau = self._at_k(c * dg.top * full) + tau * self._at_k(moving)
        r = dt - a * add(dt) + dtau * self.away
        if not still:
            r = r - a * log_a * add(t) - tau * self._turned(v)
        return self._finish(r)

    def _rates(self, v: Array) -> tuple[Array, Array]:
        """(log a)' = c (v - <a,v>) and, at k, (log(1 - a_k))' = -c a_k (v_k - <q,v>)"""
        a, vk = self.point.a, self._at_k(v)
        shifted = v - vk
        log_a = self.factor * (shifted - add(a * shifted))
        return log_a, self.factor * a * add(self.q * shifted)

    def _turned(self, v: Array) -> Array:
        """q' = c q (v - <q, v>)."""
        return self.factor * self.q * (v - add(self.q * v))
