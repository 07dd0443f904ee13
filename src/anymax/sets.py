"""Sets of values as data: an activation's range, a loss's domain and its targets."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from enum import Enum

import numpy as np

from anymax.types import Array

SUM_TOLERANCE = 1e-3  # how far a row of data may be from summing to one


class Placement(Enum):
    """Where a range lies with respect to a domain."""

    INSIDE = "inside"
    BOUNDARY = "boundary"
    OUTSIDE = "outside"


class Set(ABC):
    """A set of rows (..., n); `hull` is the interval its single entries lie in."""

    @property
    @abstractmethod
    def hull(self) -> Interval: ...

    @property
    @abstractmethod
    def closure(self) -> Set: ...

    @abstractmethod
    def holds(self, inner: Set) -> bool:
        """Whether every element of `inner` is an element of this set."""

    @abstractmethod
    def contains(self, values: Array) -> Array:
        """Row by row, whether values (..., n) lie in the set; NaN passes."""

    @abstractmethod
    def draw(self, rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
        """Random elements for tests and tables, the edges included where closed."""

    @abstractmethod
    def indicate(self, one_hot: Array) -> Array:
        """Elements of the set that say what these one-hot rows say."""

    @property
    def classes(self) -> bool:
        """Whether class indices are elements."""
        return False

    def __or__(self, other: Set) -> Set:
        return Either(self, other)

    def place(self, range: Set) -> Placement:
        """Where a range lies when this set is the domain."""
        if self.holds(range):
            return Placement.INSIDE
        return Placement.BOUNDARY if self.closure.holds(range) else Placement.OUTSIDE


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
        return Interval(self.low, self.high, left + ("]" if np.isfinite(self.high) else ")"))

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
        return "rows of mean 0, variance <= 1" if self.centred else "rows of length <= 1"


@dataclass(frozen=True)
class Signs(Set):
    """-1 and +1."""

    @property
    def hull(self) -> Interval:
        return Interval(-1, 1, "[]")

    @property
    def closure(self) -> Signs:
        return self

    def holds(self, inner: Set) -> bool:
        return isinstance(inner, Signs)

    def contains(self, values: Array) -> Array:
        return np.all((np.abs(values) == 1) | np.isnan(values), -1)

    def draw(self, rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
        return rng.choice([-1.0, 1.0], shape)

    def indicate(self, one_hot: Array) -> Array:
        return 2 * one_hot - 1

    def __str__(self) -> str:
        return "-1 and +1"


@dataclass(frozen=True)
class Classes(Set):
    """Class indices 0 .. n-1, or the one-hot rows that say the same."""

    @property
    def hull(self) -> Interval:
        return Interval(0, 1, "[]")

    @property
    def closure(self) -> Classes:
        return self

    @property
    def classes(self) -> bool:
        return True

    def holds(self, inner: Set) -> bool:
        return isinstance(inner, Classes)

    def contains(self, values: Array) -> Array:
        known = (values == 0) | (values == 1) | np.isnan(values)
        return known.all(-1) & ((values == 1).sum(-1) <= 1)

    def draw(self, rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
        return rng.integers(shape[-1], size=shape[:-1])

    def indicate(self, one_hot: Array) -> Array:
        return one_hot

    def __str__(self) -> str:
        return "class indices"


@dataclass(frozen=True)
class Raw(Set):
    """Outputs that may be any real numbers: what the spherical losses are meant for."""

    @property
    def hull(self) -> Interval:
        return REALS

    @property
    def closure(self) -> Raw:
        return self

    def holds(self, inner: Set) -> bool:
        return inner == REALS

    def contains(self, values: Array) -> Array:
        return REALS.contains(values)

    def draw(self, rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
        return REALS.draw(rng, shape)

    def indicate(self, one_hot: Array) -> Array:
        return one_hot

    def __str__(self) -> str:
        return "raw outputs (all real numbers)"


@dataclass(frozen=True)
class Either(Set):
    """The union of two sets."""

    first: Set
    second: Set

    @property
    def hull(self) -> Interval:
        one, two = self.first.hull, self.second.hull
        return one if one.holds(two) else two

    @property
    def closure(self) -> Set:
        return Either(self.first.closure, self.second.closure)

    @property
    def classes(self) -> bool:
        return self.first.classes or self.second.classes

    def holds(self, inner: Set) -> bool:
        return self.first.holds(inner) or self.second.holds(inner)

    def contains(self, values: Array) -> Array:
        return self.first.contains(values) | self.second.contains(values)

    def draw(self, rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
        return self.second.draw(rng, shape)

    def indicate(self, one_hot: Array) -> Array:
        return self.first.indicate(one_hot)

    def __str__(self) -> str:
        return f"{self.first} or {self.second}"


REALS = Interval()
POSITIVE = Interval(0)
NOT_NEGATIVE = Interval(0, ends="[)")
UNIT = Interval(0, 1, "[]")
SIMPLEX = Simplex()
CLASSES = Classes()
