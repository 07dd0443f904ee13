"""Sets of labels, sets of raw outputs, and unions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from anymax.sets.base import Set
from anymax.sets.interval import REALS, Interval
from anymax.types import Array


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


CLASSES = Classes()
