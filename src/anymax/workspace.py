"""Workspace: the arrays between operations, bound once for up to so many rows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from anymax.map import Shape
from anymax.types import Array, zeros


@dataclass(frozen=True)
class Buffer:
    """A value between operations, and the covector that comes down to it."""

    number: int
    value: Array
    covector: Array

    @property
    def shape(self) -> Shape:
        """The shape of one row."""
        return self.value.shape[1:]

    @property
    def bytes(self) -> int:
        """What both arrays take."""
        return self.value.nbytes + self.covector.nbytes


class Workspace:
    """Buffers for a batch of rows, and one flat vector for the gradient."""

    def __init__(self, batch: int, dtype: np.dtype[np.generic], size: int) -> None:
        self.batch, self.dtype = batch, dtype
        self.buffers: list[Buffer] = []
        self.gradient = zeros(size, dtype)

    def add(self, shape: Shape) -> Buffer:
        """A buffer for rows of a shape."""
        arrays = (zeros((self.batch, *shape), self.dtype) for _ in range(2))
        self.buffers.append(Buffer(len(self.buffers), *arrays))
        return self.buffers[-1]

    @property
    def bytes(self) -> int:
        """What all arrays take."""
        return self.gradient.nbytes + sum(each.bytes for each in self.buffers)
