"""Map: inputs, outputs and an exact linearisation; a layer or an activation."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np

from anymax.monomial import Slope
from anymax.output import Output
from anymax.sets import REALS, Set
from anymax.types import Array

Coupling: TypeAlias = Literal["element", "row", "batch"]
Arrays: TypeAlias = tuple[Array, ...]
Shape: TypeAlias = tuple[int, ...]
Cotangent: TypeAlias = Array | Slope


@dataclass(frozen=True)
class Parameter:
    """A named array that a map is trained in; a view of one flat vector once built.

    An `owner` is another map that holds the array: then it is that map's, in its shape.
    """

    name: str
    shape: Shape
    init: Callable[[np.random.Generator, Shape], Array]
    decay: bool = True
    trainable: bool = True
    owner: Map | None = None

    @property
    def size(self) -> int:
        return int(np.prod(self.shape))


@dataclass(frozen=True)
class State:
    """A named array that is saved with a map but not trained."""

    name: str
    shape: Shape
    init: float = 0.0

    @property
    def size(self) -> int:
        return int(np.prod(self.shape))


class Linearization(ABC):
    """A map at one point: first and second derivatives by inputs and parameters."""

    output: Output | None = None  # what a loss may ask, where the map is an activation
    state: Arrays = ()  # the proposed new state; only training writes it back

    @abstractmethod
    def vjp(self, g: Cotangent) -> tuple[Arrays, Arrays]:
        """g J by the inputs and by the parameters."""

    @abstractmethod
    def jvp(self, v_inputs: Arrays, v_parameters: Arrays) -> Array:
        """The change of the outputs."""

    @abstractmethod
    def vjp_derivative(
        self, v_inputs: Arrays, v_parameters: Arrays, g: Cotangent, dg: Cotangent
    ) -> tuple[Arrays, Arrays]:
        """The change of `vjp` along the tangents, g changing by dg."""


class Map(ABC):
    """Inputs to outputs, features last; a subclass is abstract or final."""

    coupling: Coupling = "row"
    parameters: tuple[Parameter, ...] = ()
    state: tuple[State, ...] = ()
    range: Set = REALS
    arity: int = 1  # how many inputs it takes

    def build(self, *inputs: Shape) -> None:  # noqa: B027  (most maps have nothing)
        """Fix the parameter shapes, from input shapes without the batch."""

    def settle(self, inputs: tuple[Shape, ...], done: set[int]) -> Shape:
        """Build, if not in `done` already, and say the output's shape."""
        if id(self) not in done:
            self.build(*inputs)
            done.add(id(self))
        return self.output_shape(*inputs)

    def output_shape(self, *inputs: Shape) -> Shape:
        """The shape of one example's output."""
        return inputs[0]

    @abstractmethod
    def linearize(
        self,
        inputs: Arrays,
        parameters: Arrays,
        state: Arrays = (),
        *,
        training: bool = False,
        key: object | None = None,
    ) -> tuple[Array, Linearization]:
        """The outputs and the derivatives there."""


def evaluated(g: Cotangent) -> Array:
    """A cotangent that is an array: what comes down to a layer."""
    if not isinstance(g, Slope):
        return np.asarray(g)
    if g.settled:
        return g.top
    raise TypeError(
        "a layer needs dL/dy as an array; got an unevaluated fraction. Put Identity() "
        "between the layer and the loss."
    )
