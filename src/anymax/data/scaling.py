"""Scaling: columns shifted and scaled to mean 0 and variance 1."""

from __future__ import annotations

from collections.abc import Sequence
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
    def of(cls, x: Array, *, together: bool = False, names: Sequence[str] = ()) -> Self:
        """What brings rows x (N, n) to mean 0 and variance 1, column by column.

        With `together` one shift and one scale serve all columns. A column that is the
        same everywhere is shifted only, to 0, and so is one whose variance underflows
        to 0. Raises ValueError where a mean or a variance overflows; it calls the
        column as `names` does.
        """
        axis = None if together else 0
        low, high = x.min(axis), x.max(axis)
        with np.errstate(over="ignore", invalid="ignore"):
            shift, scale = x.mean(axis), x.std(axis)
        # the rounded mean of equal values may differ from them
        shift = np.where(low == high, low, shift)
        scale = np.where((low == high) | (scale == 0), 1, scale)
        width = x.shape[1:]
        found = cls(np.broadcast_to(shift, width), np.broadcast_to(scale, width))
        found._check_finite(x, names)
        return found

    def _check_finite(self, x: Array, names: Sequence[str]) -> None:
        good = np.isfinite(self.shift) & np.isfinite(self.scale)
        if not good.all():
            at = int(np.flatnonzero(~good)[0])
            name = repr(names[at]) if names else str(at + 1)
            raise ValueError(
                f"column {name} needs a finite mean and variance to be scaled; got "
                f"values from {x[:, at].min():g} to {x[:, at].max():g}: give it in a "
                "larger unit, or leave it out."
            )

    @classmethod
    def none(cls, width: int) -> Self:
        """The one that changes nothing."""
        return cls(np.zeros(width), np.ones(width))

    def apply(self, x: Array) -> Array:
        return (x - self.shift) / self.scale

    def undo(self, x: Array) -> Array:
        """The x that `apply` made this of."""
        return x * self.scale + self.shift
