"""a^p (1-a)^q (1+a)^r, and a loss's derivative as a fraction over such a monomial.

Weights of activations and slopes of losses share this form, so that multiplying them
subtracts exponents: what cancels is never evaluated.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from anymax.cached import cached_property
from anymax.types import Array


class Point:
    """Outputs a with the two other bases, 1 - a and 1 + a, evaluated when asked for.

    An activation that knows 1 - a better than by subtraction hands it in as `less`; one
    that knows log a where a underflows hands it in as `log`, for broken powers.
    """

    def __init__(
        self,
        a: Array,
        less: Callable[[], Array] | None = None,
        more: Callable[[], Array] | None = None,
        log: Callable[[], Array] | None = None,
    ) -> None:
        self.a = a
        self._log = log
        self._less = less
        self._more = more

    @cached_property
    def less(self) -> Array:
        return 1 - self.a if self._less is None else self._less()

    @cached_property
    def more(self) -> Array:
        return 1 + self.a if self._more is None else self._more()

    def power(self, p: float) -> Array:
        """a^p; a broken power from log a, since a^0.01 counts where a underflows."""
        if self._log is None or float(p).is_integer():
            return self.a**p
        return np.exp(p * self._log())

    def off(self, support: Array) -> Point:
        """The same point, moved to a harmless place where the support is False."""

        def kept(x: Array, harmless: float) -> Array:
            return np.where(support, x, np.asarray(harmless, x.dtype))

        log = self._log
        return Point(
            kept(self.a, 0.5),
            lambda: kept(self.less, 0.5),
            lambda: kept(self.more, 1.5),
            None if log is None else lambda: kept(log(), float(np.log(0.5))),
        )


@dataclass(frozen=True)
class Monomial:
    """a^p (1-a)^q (1+a)^r: exponents only, known before there is any data."""

    p: float = 0
    q: float = 0
    r: float = 0

    def __mul__(self, other: Monomial) -> Monomial:
        return Monomial(self.p + other.p, self.q + other.q, self.r + other.r)

    def __truediv__(self, other: Monomial) -> Monomial:
        return Monomial(self.p - other.p, self.q - other.q, self.r - other.r)

    def __call__(self, point: Point) -> Array | float:
        value: Array | float = 1.0
        if self.p:
            value = point.power(self.p)
        if self.q:
            value = value * point.less**self.q
        if self.r:
            value = value * point.more**self.r
        return value

    @property
    def unbounded(self) -> bool:
        """Whether it has a negative power, so that it is infinite where a base is 0."""
        return min(self.p, self.q, self.r) < 0

    def rate(self, point: Point, carrier: Monomial) -> Array | float:
        """carrier(a) * d log(self)/da, the exponents subtracted before evaluating."""
        terms = (
            (self.p, A),
            (-self.q, Monomial(0, 1)),
            (self.r, Monomial(0, 0, 1)),
        )
        total: Array | float = 0.0
        for exponent, base in terms:
            if exponent:
                total = total + exponent * (carrier / base)(point)
        return total

    def __str__(self) -> str:
        parts = []
        for base, exponent in (("a", self.p), ("(1-a)", self.q), ("(1+a)", self.r)):
            if exponent:
                parts.append(base if exponent == 1 else f"{base}^{exponent:g}")
        return " ".join(parts) or "1"


ONE = Monomial()
A = Monomial(1)
BERNOULLI = Monomial(1, 1)


@dataclass(frozen=True)
class Slope:
    """dL/da = top / over(a), and `past` = dL/dz for what a loss knows behind J."""

    top: Array
    over: Monomial = ONE
    past: Array | None = None

    @property
    def settled(self) -> bool:
        """Whether it is a plain array: nothing over it, nothing past."""
        return self.over == ONE and self.past is None

    def resolve(self, point: Point) -> Slope:
        """The same slope with the fraction evaluated (what a plain library does)."""
        if self.over == ONE:
            return self
        return Slope(self.top / self.over(point), ONE, self.past)

    def resolve_derivative(self, change: Slope, point: Point, da: Array) -> Slope:
        """The change of the evaluated fraction along a' = da."""
        if self.over == ONE:
            return change
        moved = change.top - self.top * self.over.rate(point, ONE) * da
        return Slope(moved / self.over(point), ONE, change.past)

    def plus_past(self, product: Array) -> Array:
        return product if self.past is None else product + self.past


def as_slope(g: Array | Slope) -> Slope:
    """g as a Slope; an array has nothing over it."""
    return g if isinstance(g, Slope) else Slope(np.asarray(g))
