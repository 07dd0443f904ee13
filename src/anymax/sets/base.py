"""Set: values an array may hold, as data."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

import numpy as np

from anymax.types import Array

if TYPE_CHECKING:
    from anymax.sets.interval import Interval

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
