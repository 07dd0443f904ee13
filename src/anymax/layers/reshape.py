"""Reshape."""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Self, TypeAlias

from anymax.described import Described
from anymax.errors import ShapeError
from anymax.layers.linear import Linear
from anymax.map import Arrays, Linearization, Map, Shape
from anymax.types import Array

Change: TypeAlias = Callable[[Array], Array]


class Reshape(Described, Map):
    """y = the same numbers of one example in another shape, the last axis fastest.

    Shapes (..., *s) to (..., *shape); s is the shape of one example and fixed when the
    network is built, whatever stands before it is the batch.

    Args: `shape`, whole numbers >= 1, as Reshape(8, 8, 1); one of them may be -1 and is
    then what is left over.
    Raises ValueError for other numbers, ShapeError for examples of another size, or of
    another shape than it was built for.

    >>> import anymax as am
    >>> am.Chain(am.Reshape(2, -1)).build(6)([[1, 2, 3, 4, 5, 6]]).tolist()
    [[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]]
    """

    coupling = "element"

    def __init__(self, *shape: int) -> None:
        wrong = [n for n in shape if int(n) != n or (n < 1 and n != -1)]
        if wrong or shape.count(-1) > 1:
            raise ValueError(
                "Reshape needs whole numbers >= 1, at most one of them -1; got "
                f"{shape}."
            )
        self.shape: Shape = tuple(int(n) for n in shape)
        self.entering: Shape | None = None

    @classmethod
    def sample(cls) -> Self:
        return cls(2, -1)

    def __repr__(self) -> str:
        return f"Reshape({', '.join(str(n) for n in self.shape)})"

    def build(self, *inputs: Shape) -> None:
        (self.entering,) = inputs

    def output_shape(self, *inputs: Shape) -> Shape:
        return self._filled(check_built(self, self.entering, inputs[0]))

    def linearize(
        self,
        inputs: Arrays,
        parameters: Arrays,
        state: Arrays = (),
        *,
        training: bool = False,
        key: object | None = None,
    ) -> tuple[Array, Linearization]:
        shape = check_built(self, self.entering, inputs[0].shape)
        there, back = laid_out(inputs[0].shape, shape, self._filled(shape))
        return there(inputs[0]), Linear(there, back)

    def _filled(self, entering: Shape) -> Shape:
        """The shape with -1 as what is left over."""
        size, given = prod(entering), prod(n for n in self.shape if n > 0)
        free = -1 in self.shape
        if size % given or (size != given and not free):
            raise ShapeError(
                f"{self!r} needs examples of {'a multiple of ' * free}{given} numbers; "
                f"got {entering}. Choose sizes whose product fits, or one of them -1."
            )
        return tuple(size // given if n == -1 else n for n in self.shape)


def check_built(layer: Map, built: Shape | None, given: Shape) -> Shape:
    """The shape of one example it was built for; ShapeError if given ends otherwise."""
    if built is None:
        raise RuntimeError(
            f"{layer!r} needs to know the shape of one example; it is not built. "
            "Put it into a network and call net.build((8, 8)) for 8 by 8 numbers."
        )
    if given[max(len(given) - len(built), 0) :] != built:
        wanted = ", ".join(str(n) for n in ("...", *built))
        raise ShapeError(
            f"{layer!r} was built for inputs ({wanted}); got {given}. "
            "Use a layer of its own for each shape."
        )
    return built


def laid_out(x: Shape, old: Shape, new: Shape) -> tuple[Change, Change]:
    """From (..., *old) to (..., *new) and back, the leading axes being those of x."""
    lead = x[: len(x) - len(old)]
    return (
        lambda array: array.reshape(*lead, *new),
        lambda array: array.reshape(*lead, *old),
    )
