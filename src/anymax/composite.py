"""Composite: maps put together, their parameters views of one flat vector."""

from __future__ import annotations

import copy
from abc import abstractmethod
from collections.abc import Iterator
from itertools import pairwise
from operator import index
from typing import Any, NamedTuple, Self, TypeAlias, final

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from anymax.described import Described
from anymax.map import Arrays, Map, Parameter, Shape
from anymax.types import KEPT, Array

Slot: TypeAlias = tuple[int, str]  # which map, and the name of its parameter
FORGOTTEN = ("places", "routes")  # rebuilt after copying: they name objects by identity


class Place(NamedTuple):
    """Where a parameter lies in the flat vector."""

    name: str
    parameter: Parameter
    start: int
    stop: int

    def view(self, flat: Array) -> Array:
        """Its part of a flat vector, in its shape, without a copy."""
        return flat[self.start : self.stop].reshape(self.parameter.shape)


class Composite(Described, Map):
    """Maps that are one map, and hold one flat parameter vector once built.

    A subclass says which maps it holds, in which order (`maps`), how shapes pass
    through them (`settle`), and writes `linearize`. A map placed twice has its
    parameters once. After copying and unpickling the named views are views again.
    """

    maps: tuple[Map, ...]
    places: dict[Slot, Place]
    reached: tuple[Shape, ...] = ()  # the shape that each of the maps gives
    input_shapes: tuple[Shape, ...] = ()  # of one example, as built
    _flat: Array | None = None

    @abstractmethod
    def settle(self, inputs: tuple[Shape, ...], done: set[int]) -> Shape:
        """Fix all parameter shapes, those of maps in `done` already being so."""

    @final
    def build(  # type: ignore[override]
        self, *inputs: int | Shape, seed: int = 0, dtype: DTypeLike = "float32"
    ) -> Self:
        """Fix the shapes for inputs of this width, or shape, and draw the parameters.

        The shape is that of one example, without the batch. What a map starts from
        depends on the seed and on its position. Returns the network.

        Raises TypeError for a dtype other than float32 and float64.
        """
        if np.dtype(dtype) not in KEPT:
            raise TypeError(f"build needs dtype float32 or float64; got {dtype!r}.")
        if not inputs:
            raise TypeError("build needs the width of the inputs, as build(64).")
        self.settle(tuple(_shape(given) for given in inputs), set())
        self._flat = np.zeros(
            sum(place.parameter.size for place in self._laid()), dtype
        )
        self._arrange()
        self._draw(seed)
        return self

    def _draw(self, seed: int) -> None:
        done: set[int] = set()
        for position, (_, leaf) in enumerate(leaves(self)):
            if id(leaf) in done:
                continue
            done.add(id(leaf))
            rng = np.random.default_rng([seed, position])
            for parameter, view in zip(leaf.parameters, self.views(leaf), strict=True):
                view[...] = parameter.init(rng, parameter.shape)

    @property
    def built(self) -> bool:
        """Whether there are parameters."""
        return self._flat is not None

    @property  # type: ignore[override]
    def parameters(self) -> Array:
        """All parameters as one flat vector (P,); writing into it changes the maps."""
        if self._flat is None:
            raise RuntimeError(
                f"{self.name} needs to know its input width first; it is not built. "
                "Call net.build(64) for 64 features, or am.fit."
            )
        return self._flat

    @parameters.setter  # type: ignore[override]
    def parameters(self, values: ArrayLike) -> None:
        self.parameters[...] = values

    @property
    def dtype(self) -> np.dtype[Any]:
        """What the network computes in."""
        return self.parameters.dtype

    def named_parameters(self) -> dict[str, Array]:
        """The parameters by name, "0.weight" being that of the first map: views."""
        flat = self.parameters
        return {place.name: place.view(flat) for place in self.places.values()}

    def views(self, part: Map, flat: Array | None = None) -> Arrays:
        """The parameters of a part of this network, as views of a flat vector (P,)."""
        vector = self.parameters if flat is None else flat
        return tuple(self.places[slot].view(vector) for slot in slots(part))

    def deposit(self, part: Map, arrays: Arrays, flat: Array) -> None:
        """Add what belongs to the parameters of a part into a flat vector (P,)."""
        for view, array in zip(self.views(part, flat), arrays, strict=True):
            view += array

    def decays(self) -> Array:
        """Which parameters penalties reach, (P,) bools."""
        flat = np.zeros(self.parameters.size, bool)
        for place in self.places.values():
            flat[place.start : place.stop] = place.parameter.decay
        return flat

    def astype(self, dtype: DTypeLike) -> Self:
        """A copy that holds its parameters, and computes, in another dtype."""
        made = copy.deepcopy(self)
        made._flat = self.parameters.astype(dtype)
        made._arrange()
        return made

    def _arrange(self) -> None:
        """Find each parameter's place again; nested networks get a view of theirs."""
        self.places = {}
        if self._flat is None:
            return
        self.places = dict(zip(slots(self), self._laid(), strict=True))
        for inner in self.maps:
            if isinstance(inner, Composite):
                inner._adopt(self)

    def _laid(self) -> list[Place]:
        """The places of all parameters, one behind the other."""
        laid: list[Place] = []
        for name, parameter in slots(self).values():
            start = laid[-1].stop if laid else 0
            laid.append(Place(name, parameter, start, start + parameter.size))
        return laid

    def _adopt(self, outer: Composite) -> None:
        """Live in the outer network's vector, if this part is one piece of it."""
        mine = [outer.places[slot] for slot in slots(self)]
        self._flat = None
        if all(one.stop == two.start for one, two in pairwise(mine)):
            start, stop = (mine[0].start, mine[-1].stop) if mine else (0, 0)
            self._flat = outer.parameters[start:stop]
        self._arrange()

    def __getstate__(self) -> dict[str, Any]:
        return {k: v for k, v in self.__dict__.items() if k not in FORGOTTEN}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._arrange()


def leaves(map: Map, name: str = "") -> Iterator[tuple[str, Map]]:
    """The maps that hold no others, in order, each under its name, "1.0" if nested."""
    if not isinstance(map, Composite):
        yield name, map
        return
    for position, inner in enumerate(map.maps):
        yield from leaves(inner, f"{name}.{position}" if name else str(position))


def slots(part: Map) -> dict[Slot, tuple[str, Parameter]]:
    """The parameters of a map with their names, those of a map placed twice once."""
    found: dict[Slot, tuple[str, Parameter]] = {}
    for name, leaf in leaves(part):
        for parameter in leaf.parameters:
            said = f"{name}.{parameter.name}" if name else parameter.name
            found.setdefault((id(leaf), parameter.name), (said, parameter))
    return found


def _shape(given: int | Shape) -> Shape:
    try:
        return tuple(
            index(n) for n in (given if isinstance(given, tuple) else (given,))
        )
    except TypeError:
        raise TypeError(
            "build needs a width as 64, or the shape of one example as (8, 8, 1); "
            f"got {given!r}."
        ) from None
