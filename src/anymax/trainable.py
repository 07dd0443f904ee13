"""Trainable: a hyper-parameter learned along with the weights, kept in its bounds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from anymax.errors import DomainError


class Reached(NamedTuple):
    """The value at a raw number, and its first and second derivative there."""

    value: Any
    first: Any
    second: Any


@dataclass(frozen=True)
class Trainable:
    """A hyper-parameter t = t(theta) with theta free in the real numbers.

    With both bounds t = lower + (upper - lower) sigmoid(theta); with a lower one
    t = lower + softplus(theta); with an upper one t = upper - softplus(theta); with
    none t = theta. So a bound is never reached and no step is cut short.

    >>> import anymax as am
    >>> am.Entmax(alpha=am.Trainable(1.5, lower=1, upper=2))
    Entmax(alpha=Trainable(1.5, lower=1, upper=2))

    Raises DomainError if the initial value is not strictly between the bounds.
    """

    initial: ArrayLike
    lower: float | None = None
    upper: float | None = None

    def __post_init__(self) -> None:
        value = np.asarray(self.initial, float)
        low = -np.inf if self.lower is None else self.lower
        high = np.inf if self.upper is None else self.upper
        if not np.all((value > low) & (value < high)):
            raise DomainError(
                f"Trainable needs a start strictly between {low:g} and {high:g}; "
                f"got {self.initial!r}."
            )

    @property
    def shape(self) -> tuple[int, ...]:
        return np.shape(self.initial)

    @property
    def raw(self) -> Any:
        """The theta of the initial value."""
        value = np.asarray(self.initial, float)
        if self.lower is not None and self.upper is not None:
            share = (value - self.lower) / (self.upper - self.lower)
            return np.log(share) - np.log1p(-share)
        if self.lower is not None:
            return _inverse_softplus(value - self.lower)
        if self.upper is not None:
            return _inverse_softplus(self.upper - value)
        return value

    def at(self, theta: Any) -> Reached:
        """t(theta), t'(theta), t''(theta)."""
        theta = np.asarray(theta)
        one = np.ones_like(theta)
        if self.lower is None and self.upper is None:
            return Reached(theta, one, 0 * one)
        s = np.exp(-np.logaddexp(0, -theta))
        bell = s * np.exp(-np.logaddexp(0, theta))
        if self.lower is not None and self.upper is not None:
            width = self.upper - self.lower
            return Reached(
                self.lower + width * s, width * bell, width * bell * (1 - 2 * s)
            )
        soft = np.logaddexp(0, theta)
        if self.lower is not None:
            return Reached(self.lower + soft, s, bell)
        assert self.upper is not None
        return Reached(self.upper - soft, -s, -bell)

    def __repr__(self) -> str:
        bounds = [("lower", self.lower), ("upper", self.upper)]
        said = "".join(f", {name}={x:g}" for name, x in bounds if x is not None)
        return f"Trainable({self.initial!r}{said})"


def _inverse_softplus(y: Any) -> Any:
    return y + np.log(-np.expm1(-y))
