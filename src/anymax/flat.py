"""Layout: named arrays as views of one flat vector."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple, TypeAlias

import numpy as np

from anymax.map import Arrays, Parameter, State
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

    def where(self, holds: str) -> Array:
        """Which entries belong to a Parameter that is `decay`, or `trainable`."""
        flat = np.zeros(self.size, bool)
        for place in self.places.values():
            flat[place.start : place.stop] = getattr(place.piece, holds)
        return flat
