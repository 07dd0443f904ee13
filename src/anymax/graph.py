"""Graph: maps that take each other's values, linearised together."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from anymax.activation import Activation
from anymax.map import Arrays, Cotangent, Linearization, Map, evaluated
from anymax.monomial import Slope
from anymax.noise import Key
from anymax.types import Array


@dataclass(frozen=True)
class Node:
    """A map and the values it takes: the graph's inputs by number, then nodes'."""

    map: Map
    inputs: tuple[int, ...]


class Graph(NamedTuple):
    """Nodes in order, and which parameters and state of the whole each one takes."""

    nodes: tuple[Node, ...]
    routes: tuple[tuple[int, ...], ...]
    kept: tuple[tuple[int, ...], ...]


class GraphLinearization(Linearization):
    """The nodes at one point; covectors come down them, tangents go up."""

    def __init__(
        self, points: list[Linearization], graph: Graph, inputs: int, state: Arrays
    ) -> None:
        self.points, self.graph, self.inputs, self.state = points, graph, inputs, state
        self.output = points[-1].output if points else None

    def vjp(self, g: Cotangent) -> tuple[Arrays, Arrays]:
        return self._down(g)[1:]

    def jvp(self, v_inputs: Arrays, v_parameters: Arrays) -> Array:
        return self._up(v_inputs, v_parameters)[-1]

    def vjp_derivative(
        self, v_inputs: Arrays, v_parameters: Arrays, g: Cotangent, dg: Cotangent
    ) -> tuple[Arrays, Arrays]:
        values, covectors = self._up(v_inputs, v_parameters), self._down(g)[0]
        changes = _Sums(len(values), dg)
        total: dict[int, Array] = {}
        for k in reversed(range(len(self.points))):
            node, route, at = self._node(k)
            mine = tuple(v_parameters[i] for i in route)
            tangents = tuple(values[i] for i in node.inputs)
            by_inputs, by_parameters = self.points[k].vjp_derivative(
                tangents, mine, covectors.at(at), changes.at(at)
            )
            changes.add(node.inputs, by_inputs)
            _collect(total, route, by_parameters)
        return self._arrived(changes), _ordered(total)

    def _node(self, k: int) -> tuple[Node, tuple[int, ...], int]:
        return self.graph.nodes[k], self.graph.routes[k], self.inputs + k

    def _up(self, v_inputs: Arrays, v_parameters: Arrays) -> list[Array]:
        """How every value moves."""
        values = list(v_inputs)
        for point, node, route in zip(self.points, *self.graph[:2], strict=True):
            mine = tuple(v_parameters[i] for i in route)
            values.append(point.jvp(tuple(values[i] for i in node.inputs), mine))
        return values

    def _down(self, g: Cotangent) -> tuple[_Sums, Arrays, Arrays]:
        """The covector of every value, and what arrives at inputs and parameters."""
        covectors = _Sums(self.inputs + len(self.points), g)
        total: dict[int, Array] = {}
        for k in reversed(range(len(self.points))):
            node, route, at = self._node(k)
            by_inputs, by_parameters = self.points[k].vjp(covectors.at(at))
            covectors.add(node.inputs, by_inputs)
            _collect(total, route, by_parameters)
        return covectors, self._arrived(covectors), _ordered(total)

    def _arrived(self, sums: _Sums) -> Arrays:
        return tuple(sums.array(i) for i in range(self.inputs))


class _Sums:
    """A covector for each value; those of a value used twice add up."""

    def __init__(self, count: int, last: Cotangent) -> None:
        self.found: list[Cotangent | None] = [None] * count
        self.found[-1] = last

    def add(self, where: tuple[int, ...], arrays: Arrays) -> None:
        for i, array in zip(where, arrays, strict=True):
            before = self.found[i]
            self.found[i] = array if before is None else before + array

    def at(self, i: int) -> Cotangent:
        found = self.found[i]
        assert found is not None, "a node whose value nothing takes"
        return found

    def array(self, i: int) -> Array:
        found = self.at(i)
        return found.top if isinstance(found, Slope) else found


class Turned(Linearization):
    """A row map at one point, along another axis than the last; arrays only."""

    def __init__(self, point: Linearization, axis: int) -> None:
        self.point, self.axis = point, axis

    def _in(self, x: Cotangent) -> Array:
        return np.moveaxis(evaluated(x), self.axis, -1)

    def _out(self, x: Array) -> Array:
        return np.moveaxis(x, -1, self.axis)

    def vjp(self, g: Cotangent) -> tuple[Arrays, Arrays]:
        (by_z,), by_parameters = self.point.vjp(self._in(g))
        return (self._out(by_z),), by_parameters

    def jvp(self, v_inputs: Arrays, v_parameters: Arrays) -> Array:
        return self._out(self.point.jvp((self._in(v_inputs[0]),), v_parameters))

    def vjp_derivative(
        self, v_inputs: Arrays, v_parameters: Arrays, g: Cotangent, dg: Cotangent
    ) -> tuple[Arrays, Arrays]:
        v = (self._in(v_inputs[0]),)
        found = self.point.vjp_derivative(v, v_parameters, self._in(g), self._in(dg))
        return (self._out(found[0][0]),), found[1]


def linearized(
    map: Map,
    inputs: Arrays,
    parameters: Arrays,
    state: Arrays,
    training: bool,
    key: Key | None,
) -> tuple[Array, Linearization]:
    """A map at a point, an activation along its own axis."""
    if not isinstance(map, Activation):
        return map.linearize(inputs, parameters, state, training=training, key=key)
    z, _, axis = map.enter(inputs[0], None, None)
    a, point = map.linearize((z,), parameters, state, training=training, key=key)
    if axis in (-1, z.ndim - 1):
        return a, point
    return np.moveaxis(a, -1, axis), Turned(point, axis)


def noise(
    map: Map, key: object | None, layers: int = 1
) -> tuple[Key | None, Key | None]:
    """The key a map draws with, None if it draws nothing, and the next map's key."""
    if key is None:
        return None, None
    if not isinstance(key, Key):
        raise TypeError(f"key needs am.Key(seed=0) or None; got {key!r}.")
    silent = isinstance(map, Activation) and not map.knows("perturb")
    return None if silent else key, replace(key, layer=key.layer + layers)


def _collect(total: dict[int, Array], route: tuple[int, ...], arrays: Arrays) -> None:
    """Add a map's gradients to those of its other places."""
    for i, array in zip(route, arrays, strict=True):
        total[i] = total[i] + array if i in total else array


def _ordered(total: dict[int, Array]) -> Arrays:
    return tuple(total[i] for i in sorted(total))
