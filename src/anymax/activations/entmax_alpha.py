"""Entmax with a trained alpha: both derivatives by z and alpha together."""

from __future__ import annotations

from functools import cached_property

import numpy as np

from anymax.linearized import Trained
from anymax.map import Arrays, Cotangent
from anymax.target import times
from anymax.types import Array, add, quiet


class AlphaTrained(Trained):
    """dp/dalpha = (p - q) / (alpha-1)^2 + (h - q sum(h)) / (alpha-1) on the support.

    s = p^(2 - alpha), q = s / sum(s), h = -p log p (Correia et al. 2019); the factor
    1/T of the temperature stays with J alone. Second order by differentiating this
    along p' = J v + e dp/dalpha.
    """

    @property
    def _excess(self) -> float:
        return float(self.reached.value) - 1

    @cached_property
    def _log(self) -> Array:
        log = self.output.log
        return np.where(np.isneginf(log), 0, log)

    @cached_property
    def _s(self) -> Array:
        p = self.output.a
        return np.where(p > 0, np.exp((1 - self._excess) * self._log), 0)

    @cached_property
    def _q(self) -> Array:
        return _shared(self._s, add(self._s))

    @cached_property
    def _h(self) -> Array:
        return -times(self.output.a, self._log)

    @cached_property
    def by_alpha(self) -> Array:
        """dp/dalpha."""
        p, q, h, b = self.output.a, self._q, self._h, self._excess
        return (p - q) / b**2 + (h - q * add(h)) / b

    @quiet
    def vjp(self, g: Cotangent) -> tuple[Arrays, Arrays]:
        by_t = self.gathered(times(self.by_alpha, self._plain(g)))
        return self.fixed.vjp(g)[0], (by_t * self.reached.first,)

    @quiet
    def jvp(self, v_inputs: Arrays, v_parameters: Arrays) -> Array:
        moved = self.reached.first * v_parameters[0]
        return self.fixed.jvp(v_inputs) + self.by_alpha * moved

    @quiet
    def vjp_derivative(
        self, v_inputs: Arrays, v_parameters: Arrays, g: Cotangent, dg: Cotangent
    ) -> tuple[Arrays, Arrays]:
        (e,) = v_parameters
        da = self.jvp(v_inputs, v_parameters)
        moved = self.reached.first * e
        ds = self._weight_moved(da, moved)
        top = self._plain(g)
        change = self.fixed.resolve_derivative(g, dg, da)
        by_z = self._by_z(top, change.top, ds)
        by_z = by_z if change.past is None else by_z + change.past
        first = times(self.by_alpha, change.top)
        by_t = self.gathered(first + times(self._rate_moved(da, ds, moved), top))
        bent = self.gathered(times(self.by_alpha, top)) * self.reached.second * e
        return (by_z,), (by_t * self.reached.first + bent,)

    def _plain(self, g: Cotangent) -> Array:
        """The slope on the support, 0 off it."""
        return np.where(self.output.a > 0, self.fixed.resolve(g).top, 0)

    def _by_z(self, top: Array, change: Array, ds: Array) -> Array:
        """J change + (J moved by ds) top, J = (diag(s) - s s^T / sum(s)) / T."""
        temperature = self.fixed.activation.temperature  # type: ignore[attr-defined]
        change = np.where(self.output.a > 0, change, 0)
        away = top - add(self._q * top)
        moved = self._s * (change - add(self._q * change))
        return (moved + ds * away - self._q * add(ds * away)) / temperature

    def _weight_moved(self, da: Array, moved: Array) -> Array:
        """s' = (2 - alpha) p^(1 - alpha) p' - alpha' s log p."""
        b = self._excess
        inverse = np.where(self.output.a > 0, np.exp(-b * self._log), 0)
        return (1 - b) * inverse * da - moved * self._s * self._log

    def _rate_moved(self, da: Array, ds: Array, moved: Array) -> Array:
        """The change of dp/dalpha."""
        p, q, h, b = self.output.a, self._q, self._h, self._excess
        total = add(self._s)
        dq = _shared(ds, total) - self._q * _shared(add(ds), total)
        dh = np.where(p > 0, -(1 + self._log) * da, 0)
        shape = (da - dq) / b**2 - 2 * moved * (p - q) / b**3
        entropy = dh - dq * add(h) - q * add(dh)
        return shape + entropy / b - moved * (h - q * add(h)) / b**2


def _shared(x: Array, total: Array) -> Array:
    return np.divide(x, total, out=np.zeros_like(x), where=total != 0)
