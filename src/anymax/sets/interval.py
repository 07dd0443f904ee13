"""Interval: numbers between two ends, open or closed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from anymax.sets.base import Set
from anymax.types import Array


@dataclass(frozen=True)
class Interval(Set):
    """Numbers between low and high; `ends` says which end belongs: "(]" etc."""

    low: float = -np.inf
    high: float = np.inf
    ends: str = "()"

    @property
    def hull(self) -> Interval:
        return self

    @property
    def closure(self) -> Interval:
        left = "[" if np.isfinite(self.low) else "("
        return Interval(
            self.low, self.high, left + ("]" if np.isfinite(self.high) else ")")
        )

    def holds(self, inner: Set) -> bool:
        hull = inner.hull
        below = self.low < hull.low or (
            self.low == hull.low and (self.ends[0] == "[" or hull.ends[0] == "(")
        )
        above = self.high > hull.high or (
            self.high == hull.high and (self.ends[1] == "]" or hull.ends[1] == ")")
        )
        return below and above

    def contains(self, values: Array) -> Array:
        low = values >= self.low if self.ends[0] == "[" else values > self.low
        high = values <= self.high if self.ends[1] == "]" else values < self.high
        return np.all((low & high) | np.isnan(values), -1)

    def draw(self, rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
        bounded = np.isfinite([self.low, self.high])
        if bounded.all():
            drawn = self.low + (self.high - self.low) * rng.uniform(0.05, 0.95, shape)
        elif bounded.any():
            gap = 0.05 + rng.gamma(1.5, 1.0, shape)
            drawn = self.low + gap if bounded[0] else self.high - gap
        else:
            drawn = rng.normal(size=shape)
        edge = rng.random(shape) < 0.2
        drawn = np.where(edge & (self.ends[0] == "["), self.low, drawn)
        edge = rng.random(shape) < 0.2
        return np.where(edge & (self.ends[1] == "]"), self.high, drawn)

    def indicate(self, one_hot: Array) -> Array:
        low = one_hot if self.low < 0 or self.ends[0] == "[" else 0.1 + 0.8 * one_hot
        return low if self.high > 1 or self.ends[1] == "]" else 0.1 + 0.8 * one_hot

    def __str__(self) -> str:
        if np.isinf(self.low) and np.isinf(self.high):
            return "the real numbers"
        if np.isinf(self.high):
            return f"values {'>=' if self.ends[0] == '[' else '>'} {self.low:g}"
        if np.isinf(self.low):
            return f"values {'<=' if self.ends[1] == ']' else '<'} {self.high:g}"
        return f"values in {self.ends[0]}{self.low:g}, {self.high:g}{self.ends[1]}"


REALS = Interval()
POSITIVE = Interval(0)
NOT_NEGATIVE = Interval(0, ends="[)")
UNIT = Interval(0, 1, "[]")
