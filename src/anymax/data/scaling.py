"""Scaling: columns shifted and scaled to mean 0 and variance 1."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np

from anymax.types import Array


@dataclass(frozen=True)
class Scaling:
    """(x - shift) / scale on the last axis; shift and scale are (n,).

    >>> Scaling.of(np.array([[1.0, 5.0], [3.0, 5.0]])).apply(np.array([[3.0, 6.0]]))
    array([[1., 1.]])
    """

    shift: Array
    scale: Array

    @classmethod
    def of(cls, x: Array, *, together: bool = False) -> Self:
        """What brings rows x (N, n) to mean 0 and variance 1, column by column.

        With `together` one shift and one scale serve all columns. A column that is the
        same everywhere is shifted only.
        """
        axis = None if together else 0
        shift, scale = x.mean(axis), x.std(axis)
        scale = np.where(scale > 0, scale, 1)
        width = x.shape[1:]
        return cls(np.broadcast_to(shift, width), np.broadcast_to(scale, width))

    @classmethod
    def none(cls, width: int) -> Self:
        """The one that changes nothing."""
        return cls(np.zeros(width), np.ones(width))

    def apply(self, x: Array) -> Array:
        return (x - self.shift) / self.scale

    def undo(self, x: Array) -> Array:
        """The x that `apply` made this of."""
        return x * self.scale + self.shift
