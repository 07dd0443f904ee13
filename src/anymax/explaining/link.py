"""Link: a map where it stands in a network, so that it can be run again and again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

from anymax.activation import Activation
from anymax.loss import Loss
from anymax.map import Arrays, Linearization, Map, Shape
from anymax.meeting import Meeting
from anymax.target import Target
from anymax.types import Array


@dataclass(frozen=True)
class Link:
    """A map, the numbers of the values it takes and gives, and its parameters.

    `run` computes it at other inputs and parameters; `names` are the parameters'.
    """

    name: str
    map: Map
    takes: tuple[int, ...]
    gives: int
    names: tuple[str, ...]
    parameters: Arrays
    run: Callable[[Arrays, Arrays], tuple[Array, Linearization]]


class Meets(Protocol):
    """A pair."""

    @property
    def activation(self) -> Activation: ...
    @property
    def loss(self) -> Loss: ...
    @property
    def doubt(self) -> str | None: ...
    @property
    def meet_prepared(self) -> Callable[..., Meeting]: ...


@dataclass(frozen=True)
class End:
    """The last map and the loss at one row of logits, and how they meet at others."""

    name: str
    activation: Activation
    loss: Loss
    target: Target
    scale: Array
    names: tuple[str, ...]
    parameters: Arrays
    meet_prepared: Callable[..., Meeting]
    doubt: str | None

    @classmethod
    def of(
        cls,
        pair: Meets,
        name: str,
        target: Target,
        scale: Array,
        names: tuple[str, ...] = (),
        parameters: Arrays = (),
    ) -> End:
        """The end of what a pair meets, its parameters by their names."""
        meet, doubt = pair.meet_prepared, pair.doubt
        maps = (pair.activation, pair.loss)
        return cls(name, *maps, target, scale, names, parameters, meet, doubt)

    def at(self, z: Array, parameters: Arrays | None = None) -> Meeting:
        """The meeting at logits (..., n), all of them with the one row of targets."""
        lead = z.shape[:-1]
        target = self.target
        wide = replace(
            target,
            values=np.broadcast_to(target.values, z.shape),
            weight=np.broadcast_to(target.weight, lead),
            kept=np.broadcast_to(target.kept, lead),
        )
        mine = self.parameters if parameters is None else parameters
        scale = np.broadcast_to(self.scale, lead)
        return self.meet_prepared(z, wide, scale, "none", None, mine, None)


@dataclass(frozen=True)
class Line:
    """All links of a network in order, the values at one sample, and the end.

    Values are numbered: the inputs first, then what the links give; `last` are the
    logits.
    """

    links: tuple[Link, ...]
    end: End
    values: dict[int, Array]
    last: int

    def losses(self, number: int, moved: Array) -> Array:
        """The loss with one value replaced, (E, *shape) to (E,)."""
        if any(_across(link.map) for link in self.links):
            return np.array([self._losses(number, each, ()) for each in moved])
        return self._losses(number, moved, moved.shape[:1])

    def _losses(self, number: int, moved: Array, lead: Shape) -> Array:
        found = {number: moved}
        for link in self.links:
            if link.gives == number or not any(i in found for i in link.takes):
                continue
            inputs = tuple(found.get(i, self._wide(i, lead)) for i in link.takes)
            found[link.gives] = link.run(inputs, link.parameters)[0]
        z = found.get(self.last, self._wide(self.last, lead))
        return self.end.at(z).value

    def _wide(self, number: int, lead: Shape) -> Array:
        value = self.values[number]
        return np.broadcast_to(value, (*lead, *value.shape))

    def losses_by_parameter(self, k: int, i: int, moved: Array) -> Array:
        """The loss with parameter i of link k replaced, (E, *shape) to (E,)."""
        link = self.links[k]
        inputs = tuple(self.values[number] for number in link.takes)
        given = [link.run(inputs, _put(link.parameters, i, each))[0] for each in moved]
        return self.losses(link.gives, np.stack(given))

    def losses_by_last(self, i: int, moved: Array) -> Array:
        """The loss with parameter i of the last map replaced."""
        z = self.values[self.last]
        mine = self.end.parameters
        return np.array([self.end.at(z, _put(mine, i, each)).value for each in moved])


def _put(arrays: Arrays, i: int, array: Array) -> Arrays:
    return (*arrays[:i], array, *arrays[i + 1 :])


def _across(map: Map) -> bool:
    """Whether a map counts its axis from the front, so that samples do not stack."""
    return isinstance(map, Activation) and map.axis >= 0
