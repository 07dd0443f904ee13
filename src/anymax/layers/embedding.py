"""Embedding."""

from __future__ import annotations

from typing import Self

import numpy as np

from anymax.described import Described
from anymax.errors import DomainError
from anymax.initializers import Initializer, described, initializer
from anymax.map import (
    Arrays,
    Cotangent,
    Linearization,
    Map,
    Parameter,
    Shape,
    evaluated,
)
from anymax.tying import Tied
from anymax.types import Array, quiet


class Embedding(Described, Map):
    """y = row x of W; dL/dW has the sum of g in each row that was looked up, dL/dx = 0.

    Shapes (...) to (..., size), W (count, size): whole numbers from 0 to count - 1, of
    any dtype, each become a row. For one column of a table put Columns([0]) before it
    and Flatten() behind. A float32 network holds whole numbers up to 2^24, so larger
    counts need dtype float64.

    Args: `count`, how many rows; `size`, how long each is; `kernel`, what W starts
    from, a name of `anymax.initializers` or a function of a generator and a shape.
    Raises ValueError for no rows or an unknown name; DomainError for what is no whole
    number from 0 to count - 1, NaN included, with the row it stands in.
    Source: Bengio et al., JMLR 3 (2003), 1137-1155.

    >>> import anymax as am
    >>> net = am.Chain(am.Embedding(9, 2, kernel="ones"), am.Flatten()).build((3,))
    >>> net([[0, 8, 4]])
    array([[1., 1., 1., 1., 1., 1.]], dtype=float32)
    """

    def __init__(
        self,
        count: int,
        size: int,
        *,
        kernel: str | Initializer = "truncated_normal",
    ) -> None:
        if any(int(n) != n or n < 1 for n in (count, size)):
            raise ValueError(
                "Embedding needs whole numbers count >= 1 and size >= 1; got "
                f"{count} and {size}."
            )
        self.count, self.size = int(count), int(size)
        self.kernel = described(kernel)

    @classmethod
    def sample(cls) -> Self:
        return cls(7, 3)

    @property
    def weight(self) -> Tied:
        """W, for another layer to use: `Dense(weight=layer.weight.T)`."""
        return Tied(self, "weight")

    @property
    def parameters(self) -> tuple[Parameter, ...]:  # type: ignore[override]
        shape = (self.count, self.size)
        return (Parameter("weight", shape, initializer(self.kernel)),)

    def output_shape(self, *inputs: Shape) -> Shape:
        return (*inputs[0], self.size)

    @quiet
    def linearize(
        self,
        inputs: Arrays,
        parameters: Arrays,
        state: Arrays = (),
        *,
        training: bool = False,
        key: object | None = None,
    ) -> tuple[Array, Linearization]:
        (x,), (weight,) = inputs, parameters
        rows = self._rows(x)
        return weight[rows], EmbeddingLinearization(rows, weight)

    def _rows(self, x: Array) -> Array:
        if self.count > 2**24 and x.dtype == np.float32:
            raise DomainError(
                f"{self!r} needs indices that float32 cannot hold beyond 2^24; got "
                "float32. Build the network with dtype float64."
            )
        bad = np.argwhere(~((x >= 0) & (x < self.count) & (x == np.floor(x))))
        if len(bad):
            where = tuple(bad[0].tolist())
            row = f" in row {where[0]}" if where else ""
            raise DomainError(
                f"{self!r} needs whole numbers from 0 to {self.count - 1}; got "
                f"{x[where].item()}{row}. Number the classes of this column anew."
            )
        return x.astype(np.intp)


class EmbeddingLinearization(Linearization):
    """Rows of a matrix: linear in the matrix, and flat in which rows they are."""

    def __init__(self, rows: Array, weight: Array) -> None:
        self.rows, self.weight = rows, weight

    def vjp(self, g: Cotangent) -> tuple[Arrays, Arrays]:
        return (np.zeros(self.rows.shape, self.weight.dtype),), (self._added(g),)

    def jvp(self, v_inputs: Arrays, v_parameters: Arrays) -> Array:
        return v_parameters[0][self.rows]

    def vjp_derivative(
        self, v_inputs: Arrays, v_parameters: Arrays, g: Cotangent, dg: Cotangent
    ) -> tuple[Arrays, Arrays]:
        return self.vjp(dg)

    @quiet
    def _added(self, g: Cotangent) -> Array:
        """The sum of g over the places where each row was taken, (count, size)."""
        wide = evaluated(g).reshape(self.rows.size, self.weight.shape[1])
        total = np.zeros_like(self.weight)
        if not self.rows.size:
            return total
        # sorted, then summed by stretches: twice as fast as np.add.at from 1000 on
        order = np.argsort(self.rows, None, "stable")
        taken = self.rows.ravel()[order]
        starts = np.flatnonzero(np.diff(taken, prepend=-1))
        total[taken[starts]] = np.add.reduceat(wide[order], starts, 0)
        return total
