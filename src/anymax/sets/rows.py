"""Sets of whole rows: the simplex, its logarithms, and the unit ball."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from anymax.sets.base import SUM_TOLERANCE, Set
from anymax.sets.interval import REALS, Interval
from anymax.types import Array


@dataclass(frozen=True)
class Simplex(Set):
    """Rows of non-negative numbers that sum to one; open: all of them positive."""

    closed: bool = True

    @property
    def hull(self) -> Interval:
        return Interval(0, 1, "[]" if self.closed else "()")

    @property
    def closure(self) -> Simplex:
        return Simplex()

    def holds(self, inner: Set) -> bool:
        return isinstance(inner, Simplex) and (self.closed or not inner.closed)

    def contains(self, values: Array) -> Array:
        near = np.abs(values.sum(-1) - 1) <= SUM_TOLERANCE
        return (near | np.isnan(values).any(-1)) & Interval(0, 1, "[]").contains(values)

    def draw(self, rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
        inside = rng.dirichlet(np.full(shape[-1], 2.0), shape[:-1])
        one_hot = np.eye(shape[-1])[rng.integers(shape[-1], size=shape[:-1])]
        pick = rng.random((*shape[:-1], 1)) < 0.5
        return np.where(pick & self.closed, one_hot, inside)

    def indicate(self, one_hot: Array) -> Array:
        return one_hot if self.closed else 0.9 * one_hot + 0.1 / one_hot.shape[-1]

    def __str__(self) -> str:
        return "the simplex" + (" (>= 0, sum 1)" if self.closed else " (> 0, sum 1)")


@dataclass(frozen=True)
class LogSimplex(Set):
    """Rows whose exponentials are an element of the simplex."""

    @property
    def hull(self) -> Interval:
        return Interval(-np.inf, 0, "(]")

    @property
    def closure(self) -> LogSimplex:
        return self

    def holds(self, inner: Set) -> bool:
        return isinstance(inner, LogSimplex)

    def contains(self, values: Array) -> Array:
        return Simplex().contains(np.exp(values))

    def draw(self, rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
        return np.log(Simplex(closed=False).draw(rng, shape))

    def indicate(self, one_hot: Array) -> Array:
        return np.log(Simplex(closed=False).indicate(one_hot))

    def __str__(self) -> str:
        return "logarithms of the simplex"


@dataclass(frozen=True)
class Ball(Set):
    """Rows of length at most one; centred: of mean zero and variance at most one."""

    centred: bool = False

    @property
    def hull(self) -> Interval:
        return REALS if self.centred else Interval(-1, 1, "[]")

    @property
    def closure(self) -> Ball:
        return self

    def holds(self, inner: Set) -> bool:
        return inner == self

    def contains(self, values: Array) -> Array:
        size = np.mean(values**2, -1) if self.centred else np.sum(values**2, -1)
        level = np.abs(values.mean(-1)) <= SUM_TOLERANCE if self.centred else True
        return (level & (size <= 1 + SUM_TOLERANCE)) | np.isnan(values).any(-1)

    def draw(self, rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
        return self._inside(rng.normal(size=shape))

    def indicate(self, one_hot: Array) -> Array:
        return self._inside(one_hot) if self.centred else one_hot

    def _inside(self, rows: Array) -> Array:
        if self.centred:
            rows = rows - rows.mean(-1, keepdims=True)
        scale = np.mean if self.centred else np.sum
        return 0.9 * rows / np.sqrt(scale(rows**2, -1, keepdims=True))

    def __str__(self) -> str:
        return (
            "rows of mean 0, variance <= 1" if self.centred else "rows of length <= 1"
        )


SIMPLEX = Simplex()
