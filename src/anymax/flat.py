"""Layout: named arrays as views of one flat vector."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from operator import index
from typing import NamedTuple, TypeAlias

import numpy as np

from anymax.cached import cached_property
from anymax.map import Arrays, Parameter, Shape, State
from anymax.types import Array

Slot: TypeAlias = tuple[int, str]  # which map, by identity, and the name of its array
Piece: TypeAlias = Parameter | State


class Place(NamedTuple):
    """Where an array lies in the flat vector, and what it is."""

    name: str
    piece: Piece
    start: int
    stop: int

    def view(self, flat: Array) -> Array:
        """Its part of a flat vector, in its shape, without a copy."""
        return flat[self.start : self.stop].reshape(self.piece.shape)


@dataclass(frozen=True)
class Layout:
    """The places of all arrays of a network, one behind the other."""

    places: dict[Slot, Place]

    @classmethod
    def of(cls, pieces: dict[Slot, tuple[str, Piece]]) -> Layout:
        """Arrays in this order, from the start of the vector."""
        places: dict[Slot, Place] = {}
        start = 0
        for slot, (name, piece) in pieces.items():
            places[slot] = Place(name, piece, start, start + piece.size)
            start += piece.size
        return cls(places)

    @property
    def size(self) -> int:
        """The length of the flat vector."""
        return sum(place.piece.size for place in self.places.values())

    def views(self, slots: Iterable[Slot], flat: Array) -> Arrays:
        """Some of the arrays, as views of a flat vector."""
        return tuple(self.places[slot].view(flat) for slot in slots)

    def adopt(self, flat: Array, other: Layout, values: Array) -> None:
        """Take over from another vector the arrays that both hold in one shape."""
        for slot, place in other.places.items():
            mine = self.places.get(slot)
            if mine is not None and mine.piece.shape == place.piece.shape:
                mine.view(flat)[...] = place.view(values)

    def named(self, flat: Array) -> dict[str, Array]:
        """All arrays by name, as views of a flat vector."""
        return {place.name: place.view(flat) for place in self.places.values()}

    def span(self, slots: Iterable[Slot]) -> slice | None:
        """The one piece of the vector that these arrays fill; None if scattered."""
        mine = [self.places[slot] for slot in slots]
        if not mine:
            return slice(0, 0)
        joined = all(one.stop == two.start for one, two in pairwise(mine))
        return slice(mine[0].start, mine[-1].stop) if joined else None

    @cached_property
    def frozen(self) -> Array:
        """Which entries are not trained; every step of a plan asks."""
        return ~self._where("trainable")

    @cached_property
    def decaying(self) -> Array:
        """Which entries penalties reach."""
        return self._where("decay") & ~self.frozen

    def _where(self, holds: str) -> Array:
        """Which entries belong to a Parameter that is `decay`, or `trainable`."""
        flat = np.zeros(self.size, bool)
        for place in self.places.values():
            flat[place.start : place.stop] = getattr(place.piece, holds)
        return flat


def routes(
    mine: list[Slot], theirs: list[dict[Slot, tuple[str, Piece]]]
) -> tuple[tuple[int, ...], ...]:
    """For each part, where its arrays stand among those of the whole."""
    position = {slot: i for i, slot in enumerate(mine)}
    return tuple(tuple(position[slot] for slot in each) for each in theirs)


def example_shape(given: int | Shape) -> Shape:
    """The shape of one example from a width or a shape."""
    parts = given if isinstance(given, tuple) else (given,)
    try:
        return tuple(index(n) for n in parts)
    except TypeError:
        raise TypeError(
            "build needs a width as 64, or the shape of one example as (8, 8, 1); "
            f"got {given!r}."
        ) from None
