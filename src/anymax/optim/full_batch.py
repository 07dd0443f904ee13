"""All rows as one batch, taken a chunk at a time."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike

from anymax.errors import ShapeError
from anymax.frames import as_numbers
from anymax.objective import Objective
from anymax.reduction import row_scale
from anymax.target import times
from anymax.types import Array


class FullBatch:
    """The value and gradient of an objective over all rows of x and y.

    The mean over all rows is the mean over the chunks' means, each counting as the rows
    in it do together: by class weights, sample weights, and which are ignored. So is a
    penalty, since what the chunks count sums to 1. x is an array, or a tuple of them,
    of the same number of rows; a network that couples rows takes all at once.

    Args: `chunk`, the largest number of rows at a time; a chunk in which nothing counts
    is taken with the next.
    Raises ShapeError if x and y do not have the same rows.
    """

    def __init__(
        self,
        objective: Objective,
        x: ArrayLike | tuple[ArrayLike, ...],
        y: ArrayLike,
        sample_weight: ArrayLike | None = None,
        *,
        chunk: int = 4096,
    ) -> None:
        self.objective, self.several = objective, isinstance(x, tuple)
        given = map(as_numbers, x if isinstance(x, tuple) else (x,))
        self.inputs = tuple(map(np.asarray, given))
        self.y = np.asarray(y)
        self.weight = None if sample_weight is None else np.asarray(sample_weight)
        rows = self._rows()
        if objective.net.coupling == "batch" or chunk >= rows:
            self.parts, self.shares = [slice(0, rows)], [1.0]
            return
        counts = [
            self._counts(slice(start, start + chunk)) for start in range(0, rows, chunk)
        ]
        self.parts, self.shares = shared(np.concatenate(counts), chunk)

    def value_and_gradient(self) -> tuple[float, Array]:
        """At the network's parameters; the gradient is (P,)."""
        value, gradient = 0.0, np.zeros_like(self.objective.net.parameters)
        for part, share in zip(self.parts, self.shares, strict=True):
            of_part, by_part = self.objective.value_and_gradient(*self._take(part))
            value += share * float(of_part)
            gradient += share * by_part
        return value, gradient

    def _rows(self) -> int:
        lengths = {array.shape[:1] for array in (*self.inputs, self.y)}
        if len(lengths) > 1 or lengths == {()}:
            shapes = ", ".join(str(x.shape) for x in self.inputs)
            raise ShapeError(
                f"x and y need the same number of rows; got {shapes} and "
                f"{self.y.shape}."
            )
        return len(self.y)

    def _take(
        self, part: slice
    ) -> tuple[Array | tuple[Array, ...], Array, Array | None]:
        inputs, weight = tuple(x[part] for x in self.inputs), self.weight
        if weight is not None and weight.ndim:
            weight = weight[part]
        return inputs if self.several else inputs[0], self.y[part], weight

    def _counts(self, part: slice) -> Array:
        """What each row counts in a mean over all."""
        x, y, weight = self._take(part)
        target = self.objective.forward(x, y, weight).meeting.target
        counts = times(row_scale(target, weight, "sum"), target.weight)
        return counts.reshape(len(counts), -1).sum(1, dtype=np.float64)


def shared(counts: Array, chunk: int) -> tuple[list[slice], list[float]]:
    """Slices of rows in which something counts, and their shares of all that does."""
    reached = np.concatenate([[0.0], np.cumsum(counts)])
    edges = [0]
    for stop in range(chunk, len(counts), chunk):
        if reached[edges[-1]] < reached[stop] < reached[-1]:
            edges.append(stop)
    edges.append(len(counts))
    parts = [slice(start, stop) for start, stop in pairwise(edges)]
    if len(parts) == 1:
        return parts, [1.0]
    return parts, [float(np.sum(counts[part]) / np.sum(counts)) for part in parts]
