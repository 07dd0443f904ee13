"""Normalizing: layers that standardise, then learn a gain and a shift."""

from __future__ import annotations

from abc import abstractmethod
from typing import final

from anymax.described import Described
from anymax.errors import ShapeError
from anymax.layers.standard import Scaled, Standard, gain_and_shift
from anymax.map import Arrays, Linearization, Map, Parameter, Shape
from anymax.types import Array, quiet


class Normalizing(Described, Map):
    """y = u gain + shift; a subclass says how u comes from x, and what it keeps."""

    eps: float
    scale: bool = True
    shift: bool = False
    width: int = 0

    @property
    def parameters(self) -> tuple[Parameter, ...]:  # type: ignore[override]
        return gain_and_shift(self.width, self.scale, self.shift)

    @final
    def build(self, *inputs: Shape) -> None:
        (shape,) = inputs
        if not shape or shape[-1] < 1:
            raise ShapeError(
                f"{self!r} needs examples of at least one feature; got shape {shape}."
            )
        self.width = shape[-1]

    @final
    def output_shape(self, *inputs: Shape) -> Shape:
        self.check(inputs[0])
        return inputs[0]

    @abstractmethod
    def standard(
        self, x: Array, state: Arrays, training: bool
    ) -> tuple[Standard, Arrays]:
        """u at x, and the new state."""

    @final
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
        self.check(inputs[0].shape)
        u, after = self.standard(inputs[0], state, training)
        point = Scaled(u, parameters, self.scale, self.shift, after)
        return point.y, point

    @final
    def check(self, shape: Shape) -> None:
        """Raise ShapeError for another width than it was built for."""
        if shape[-1:] != (self.width,):
            raise ShapeError(
                f"{self!r} needs inputs (..., {self.width}); got {shape}. "
                "Check the width of the layer before it."
            )


def check_eps(layer: str, eps: float) -> float:
    """The eps of a model; ValueError unless > 0."""
    if not 0 < eps < float("inf"):
        raise ValueError(f"{layer} needs eps > 0; got {eps!r}.")
    return eps
