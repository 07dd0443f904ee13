"""Composite: maps put together, their arrays views of flat vectors."""

from __future__ import annotations

import copy
from abc import abstractmethod
from collections.abc import Iterator
from typing import Any, Self, final

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from anymax.cached import cached_property
from anymax.described import Described
from anymax.flat import Layout, Piece, Slot, example_shape, routes
from anymax.graph import Graph, GraphLinearization, Node, linearized, noise
from anymax.map import Arrays, Linearization, Map, Parameter, Shape
from anymax.types import KEPT, Array, zeros

FORGOTTEN = ("layout", "kept_layout", "graph")  # they name objects by identity


class Composite(Described, Map):
    """Maps that are one map, and hold one flat parameter vector once built.

    A subclass says which maps it holds (`maps`) and how values pass between them
    (`nodes`); the derivatives follow. A map placed twice has its arrays once. After
    copying and unpickling the named views are views again.
    """

    maps: tuple[Map, ...]
    reached: tuple[Shape, ...] = ()  # the shape that each node gives
    input_shapes: tuple[Shape, ...] = ()  # of one example, as built
    layout: Layout
    kept_layout: Layout
    _flat: Array | None = None
    _kept: Array | None = None

    @abstractmethod
    def nodes(self) -> tuple[Node, ...]:
        """Which map takes which values, in order: first the inputs, then the nodes'."""

    # ---- building

    @final
    def build(  # type: ignore[override]
        self, *inputs: int | Shape, seed: int = 0, dtype: DTypeLike = "float32"
    ) -> Self:
        """Fix the shapes for inputs of this width, or shape, and draw the parameters.

        The shape is that of one example, without the batch. What a map starts from
        depends on the seed and on its position; a part that was built as a network of
        its own keeps what it has learned. Returns the network.

        Raises TypeError for a dtype other than float32 and float64.
        """
        if np.dtype(dtype) not in KEPT:
            raise TypeError(f"build needs dtype float32 or float64; got {dtype!r}.")
        if not inputs:
            raise TypeError("build needs the width of the inputs, as build(64).")
        learned = self._learned()
        self.settle(tuple(example_shape(given) for given in inputs), set())
        self._flat = zeros(Layout.of(slots(self)).size, dtype)
        self._kept = zeros(Layout.of(kept_slots(self)).size, dtype)
        self._arrange()
        self._draw(seed)
        self._restore(learned)
        return self

    @final
    def settle(self, inputs: tuple[Shape, ...], done: set[int]) -> Shape:
        """Fix all parameter shapes, those of maps in `done` already being so."""
        values = list(inputs)
        self.__dict__.pop("graph", None)
        for node in self.nodes():
            shapes = tuple(values[i] for i in node.inputs)
            values.append(node.map.settle(shapes, done))
        self.input_shapes, self.reached = inputs, tuple(values[len(inputs) :])
        return values[-1]

    @final
    def output_shape(self, *inputs: Shape) -> Shape:
        values = list(inputs)
        for node in self.nodes():
            values.append(node.map.output_shape(*(values[i] for i in node.inputs)))
        return values[-1]

    def _learned(self) -> list[tuple[Layout, Layout, Array, Array]]:
        """What parts hold that were built as networks of their own, before."""
        found = []
        for inner in self.maps:
            if not isinstance(inner, Composite) or inner._flat is None:
                continue
            mine = self._flat is not None
            if mine and np.shares_memory(inner.parameters, self.parameters):
                continue
            copies = (inner.parameters.copy(), inner.kept.copy())
            found.append((inner.layout, inner.kept_layout, *copies))
        return found

    def _restore(self, learned: list[tuple[Layout, Layout, Array, Array]]) -> None:
        """Put back what such parts hold, wherever its shape is still the same."""
        for layout, kept_layout, flat, kept in learned:
            self.layout.adopt(self.parameters, layout, flat)
            self.kept_layout.adopt(self.kept, kept_layout, kept)

    def _draw(self, seed: int) -> None:
        done: set[Slot] = set()
        for position, (_, leaf) in enumerate(leaves(self)):
            rng = np.random.default_rng([seed, position])
            mine = zip(slots(leaf).items(), self.views(leaf), strict=True)
            for (slot, (_, parameter)), view in mine:
                assert isinstance(parameter, Parameter)
                if slot not in done:
                    view[...] = parameter.init(rng, parameter.shape)
                done.add(slot)
            kept = zip(leaf.state, self.kept_views(leaf), strict=True)
            for state, view in kept:
                view[...] = state.init

    # ---- the flat vectors

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
    def kept(self) -> Array:
        """All state that is kept but not trained, as one flat vector."""
        if self._kept is None:
            raise RuntimeError(f"{self.name} is not built. Call net.build(64) first.")
        return self._kept

    @property
    def dtype(self) -> np.dtype[Any]:
        """What the network computes in."""
        return self.parameters.dtype

    def named_parameters(self) -> dict[str, Array]:
        """The parameters by name, "0.weight" being that of the first map: views."""
        return self.layout.named(self.parameters)

    def named_state(self) -> dict[str, Array]:
        """The state by name, as "1.mean": views."""
        return self.kept_layout.named(self.kept)

    def views(self, part: Map, flat: Array | None = None) -> Arrays:
        """The parameters of a part of this network, as views of a flat vector (P,)."""
        vector = self.parameters if flat is None else flat
        return self.layout.views(slots(part), vector)

    def kept_views(self, part: Map) -> Arrays:
        """The state of a part of this network, as views."""
        vector = self.kept
        return self.kept_layout.views(kept_slots(part), vector)

    def deposit(self, part: Map, arrays: Arrays, flat: Array) -> None:
        """Add what belongs to the parameters of a part into a flat vector (P,)."""
        for view, array in zip(self.views(part, flat), arrays, strict=True):
            view += array

    def decays(self) -> Array:
        """Which parameters penalties reach, (P,) bools."""
        return self.layout.decaying

    def freeze(self, gradient: Array) -> Array:
        """A flat gradient (P,), in place, 0 where a parameter is not trained."""
        gradient[self.layout.frozen] = 0
        return gradient

    def astype(self, dtype: DTypeLike) -> Self:
        """A copy that holds its parameters, and computes, in another dtype."""
        made = copy.deepcopy(self)
        made._flat = zeros(self.parameters.size, dtype)
        made._kept = zeros(self.kept.size, dtype)
        made._flat[...], made._kept[...] = self.parameters, self.kept
        made._arrange()
        return made

    def _arrange(self) -> None:
        """Find each array's place again; nested networks get a view of theirs."""
        if self._flat is None:
            return
        self.layout = Layout.of(slots(self))
        self.kept_layout = Layout.of(kept_slots(self))
        for inner in self.maps:
            if isinstance(inner, Composite):
                inner._adopt(self)

    def _adopt(self, outer: Composite) -> None:
        """Live in the outer network's vectors, if this part is one piece of them."""
        mine = outer.layout.span(slots(self))
        kept = outer.kept_layout.span(kept_slots(self))
        self._flat = None if mine is None or kept is None else outer.parameters[mine]
        self._kept = None if mine is None or kept is None else outer.kept[kept]
        self._arrange()

    def __getstate__(self) -> dict[str, Any]:
        return {k: v for k, v in self.__dict__.items() if k not in FORGOTTEN}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._arrange()

    # ---- derivatives

    @cached_property
    def graph(self) -> Graph:
        """The nodes, and which of this composite's arrays each of them takes."""
        nodes = self.nodes()
        own = routes(list(slots(self)), [slots(node.map) for node in nodes])
        kept = [kept_slots(node.map) for node in nodes]
        return Graph(nodes, own, routes(list(kept_slots(self)), kept))

    @final
    def linearize(
        self,
        inputs: Arrays,
        parameters: Arrays,
        state: Arrays = (),
        *,
        training: bool = False,
        key: object | None = None,
    ) -> tuple[Array, Linearization]:
        graph, values = self.graph, list(inputs)
        points, proposed = [], dict(enumerate(state))
        for node, route, kept in zip(*graph, strict=True):
            own, key = noise(node.map, key, count(node.map))
            outputs, point = linearized(
                node.map,
                tuple(values[i] for i in node.inputs),
                tuple(parameters[i] for i in route),
                tuple(proposed[i] for i in kept),
                training,
                own,
            )
            proposed.update(zip(kept, point.state, strict=True))
            values.append(outputs)
            points.append(point)
        kept_now = tuple(proposed[i] for i in sorted(proposed))
        return values[-1], GraphLinearization(points, graph, len(inputs), kept_now)


def leaves(map: Map, name: str = "") -> Iterator[tuple[str, Map]]:
    """The maps that hold no others, in order, each under its name, "1.0" if nested."""
    if not isinstance(map, Composite):
        yield name, map
        return
    for position, inner in enumerate(map.maps):
        yield from leaves(inner, f"{name}.{position}" if name else str(position))


def count(map: Map) -> int:
    """How many layer numbers a map takes for its noise."""
    return sum(1 for _ in leaves(map))


def slots(part: Map) -> dict[Slot, tuple[str, Piece]]:
    """The parameters of a map with their names, those of a map placed twice once."""
    found: dict[Slot, tuple[str, Piece]] = {}
    for name, leaf in leaves(part):
        for parameter in leaf.parameters:
            slot = (id(parameter.owner or leaf), parameter.name)
            found.setdefault(slot, (_under(name, parameter.name), parameter))
    return found


def kept_slots(part: Map) -> dict[Slot, tuple[str, Piece]]:
    """The state of a map with its names, that of a map placed twice once."""
    found: dict[Slot, tuple[str, Piece]] = {}
    for name, leaf in leaves(part):
        for state in leaf.state:
            slot = (id(leaf), state.name)
            found.setdefault(slot, (_under(name, state.name), state))
    return found


def _under(name: str, own: str) -> str:
    return f"{name}.{own}" if name else own
