"""Entmax with a trained alpha: both derivatives by z and alpha together."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from anymax.cached import cached_property
from anymax.linearized import Trained
from anymax.map import Arrays, Cotangent
from anymax.target import times
from anymax.types import Array, add, quiet

TERMS = 18  # so many leave less than 1e-17 where |x| < 1


class AlphaTrained(Trained):
    """dp/dalpha = (p - q) / b^2 + (h - q sum(h)) / b on the support, b = alpha - 1.

    s = p^(1 - b), q = s / sum(s), h = -p log p (Correia et al. 2019). Both terms grow
    as 1 / b and cancel, so it is taken as p / sum(s) times the `bracket`, in which no
    b divides; at b = 0 it is the limit, that of softmax. The factor 1/T of the
    temperature stays with J alone. Second order by differentiating this along
    p' = J v + e dp/dalpha.
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
    def _curve(self) -> Array:
        """f = (x^-b - 1 + b log x) / b^2 at x = p, (log p)^2 / 2 at b = 0."""
        return self._log**2 * phi_2(-self._excess * self._log)

    @cached_property
    def _means(self) -> tuple[Array, Array]:
        """The sums of p f and of -p log p, (..., 1)."""
        p = self.output.a
        return add(times(p, self._curve)), -add(times(p, self._log))

    @cached_property
    def _bracket(self) -> Array:
        """sum(p f) - f - b (log p sum(p f) + f sum(h))."""
        curve, (mean, entropy) = self._curve, self._means
        return mean - curve - self._excess * (self._log * mean + entropy * curve)

    @cached_property
    def by_alpha(self) -> Array:
        """dp/dalpha."""
        return _shared(times(self.output.a, self._bracket), add(self._s))

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
        p, log, b = self.output.a, self._log, self._excess
        curve, (mean, entropy) = self._curve, self._means
        bent = 2 * log**3 * phi_3(-b * log) - log * curve  # df/db where p stays
        d_curve = log * phi_1(-b * log) * da + times(p, moved * bent)  # p f'
        d_mean, d_entropy = add(da * curve + d_curve), -add(da * (1 + log))
        inner = log * mean + entropy * curve
        d_inner = mean * da + times(p, log * d_mean + curve * d_entropy)
        change = times(p, d_mean - moved * inner) - d_curve
        change = change - b * (d_inner + entropy * d_curve) + da * self._bracket
        total = add(self._s)
        return _shared(change, total) - self.by_alpha * _shared(add(ds), total)


def phi_1(x: Array) -> Array:
    """(e^x - 1) / x, 1 at 0."""
    return np.divide(np.expm1(x), x, out=np.ones_like(x), where=x != 0)


def phi_2(x: Array) -> Array:
    """(e^x - 1 - x) / x^2, 1/2 at 0."""
    return _tail(x, 2, lambda x: (np.expm1(x) - x) / x**2)


def phi_3(x: Array) -> Array:
    """(e^x - 1 - x - x^2 / 2) / x^3, 1/6 at 0."""
    return _tail(x, 3, lambda x: (np.expm1(x) - x - x**2 / 2) / x**3)


def _tail(x: Array, start: int, far: Callable[[Array], Array]) -> Array:
    """sum_k x^k / (k + start)! where |x| < 1, the formula elsewhere."""
    near = np.abs(x) < 1
    small = np.where(near, x, 0)
    total = np.zeros_like(x)
    for k in reversed(range(TERMS)):
        total = total * small + 1 / math.factorial(k + start)
    return np.where(near, total, far(np.where(near, 1, x)))


def _shared(x: Array, total: Array) -> Array:
    return np.divide(x, total, out=np.zeros_like(x), where=total != 0)
