"""Columns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Self

import numpy as np

from anymax.described import Described
from anymax.errors import ShapeError
from anymax.layers.linear import Linear
from anymax.map import Arrays, Linearization, Map, Shape
from anymax.types import Array


class Columns(Described, Map):
    """y_i = x_c(i), the columns `indices` of the last axis; g J puts them back, else 0.

    Shapes (..., n) to (..., k) for k indices, in their order. An index below 0 counts
    from the end; one that stands twice gives its column twice.

    Args: `indices`, whole numbers.
    Raises TypeError for indices that are no list of whole numbers, ValueError for none,
    ShapeError for a column that the inputs do not have.

    >>> import anymax as am
    >>> am.Chain(am.Columns([2, 0])).build(3)([[1.0, 2.0, 3.0]])
    array([[3., 1.]], dtype=float32)
    """

    def __init__(self, indices: Sequence[int]) -> None:
        given = np.asarray(indices)
        if given.size == 0:
            raise ValueError(
                "Columns needs at least one index, as Columns([0]); got none."
            )
        if given.ndim != 1 or given.dtype.kind not in "iu":
            raise TypeError(
                f"Columns needs a list of whole numbers, as Columns([0, 2]); got "
                f"{indices!r}."
            )
        self.indices: tuple[int, ...] = tuple(given.tolist())

    @classmethod
    def sample(cls) -> Self:
        return cls((3, 0, 3, -1))

    def output_shape(self, *inputs: Shape) -> Shape:
        (shape,) = inputs
        self._check(shape)
        return (*shape[:-1], len(self.indices))

    def linearize(
        self,
        inputs: Arrays,
        parameters: Arrays,
        state: Arrays = (),
        *,
        training: bool = False,
        key: object | None = None,
    ) -> tuple[Array, Linearization]:
        (x,) = inputs
        self._check(x.shape)
        n, chosen = x.shape[-1], list(self.indices)

        def spread(g: Array) -> Array:
            """g in the columns it came from, added up where one stands twice."""
            wide = np.zeros((*g.shape[:-1], n), g.dtype)
            for i, column in enumerate(chosen):
                wide[..., column] += g[..., i]
            return wide

        return x[..., chosen], Linear(lambda v: v[..., chosen], spread)

    def _check(self, shape: Shape) -> None:
        n = shape[-1] if shape else 0
        missing = [i for i in self.indices if not -n <= i < n]
        if missing:
            raise ShapeError(
                f"{self!r} needs inputs with a column {missing[0]}; got {shape}. "
                "Choose indices below the number of columns."
            )
