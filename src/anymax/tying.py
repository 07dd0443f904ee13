"""Tied: a parameter of one map, used by another as its own."""

from __future__ import annotations

from dataclasses import dataclass, replace

from anymax.map import Map, Parameter, Shape
from anymax.types import Array


@dataclass(frozen=True, eq=False, repr=False)
class Tied:
    """The parameter `name` of the map `owner`, or its transpose, as `emb.weight.T`.

    There is one array, in the owner's shape; gradients of all who use it add up there.
    Source: Press and Wolf, EACL 2017, arXiv:1608.05859.

    >>> import anymax as am
    >>> am.Embedding(9, 3).weight.T
    Embedding(9, 3).weight.T
    >>> am.Embedding(9, 3).weight.T.shape
    (3, 9)
    """

    owner: Map
    name: str
    transposed: bool = False

    @property
    def T(self) -> Tied:  # noqa: N802  (as NumPy has it)
        """The same parameter with its axes the other way round."""
        return replace(self, transposed=not self.transposed)

    @property
    def parameter(self) -> Parameter:
        """What the owner says of it, as a parameter of another map."""
        (found,) = (p for p in self.owner.parameters if p.name == self.name)
        return replace(found, owner=self.owner)

    @property
    def shape(self) -> Shape:
        """The shape as used, with 0 where the owner is not built yet."""
        shape = self.parameter.shape
        return shape[::-1] if self.transposed else shape

    def turned(self, array: Array) -> Array:
        """From the owner's shape to the shape as used, and back: a view."""
        return array.T if self.transposed else array

    def __repr__(self) -> str:
        return f"{self.owner!r}.{self.name}{'.T' if self.transposed else ''}"
