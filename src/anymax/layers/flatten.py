"""Flatten."""

from __future__ import annotations

from math import prod

from anymax.described import Described
from anymax.layers.linear import Linear
from anymax.layers.reshape import check_built, laid_out
from anymax.map import Arrays, Linearization, Map, Shape
from anymax.types import Array


class Flatten(Described, Map):
    """y = all numbers of one example in a row, the last axis running fastest.

    Shapes (..., *s) to (..., n), n the product of s; s is the shape of one example and
    fixed when the network is built, whatever stands before it is the batch.

    Raises ShapeError for inputs of another shape than it was built for.

    >>> import anymax as am
    >>> am.Chain(am.Flatten()).build((8, 8))([[[0.0] * 8] * 8]).shape
    (1, 64)
    """

    coupling = "element"

    def __init__(self) -> None:
        self.shape: Shape | None = None

    def build(self, *inputs: Shape) -> None:
        (self.shape,) = inputs

    def output_shape(self, *inputs: Shape) -> Shape:
        return (prod(check_built(self, self.shape, inputs[0])),)

    def linearize(
        self,
        inputs: Arrays,
        parameters: Arrays,
        state: Arrays = (),
        *,
        training: bool = False,
        key: object | None = None,
    ) -> tuple[Array, Linearization]:
        shape = check_built(self, self.shape, inputs[0].shape)
        there, back = laid_out(inputs[0].shape, shape, (prod(shape),))
        return there(inputs[0]), Linear(there, back)
