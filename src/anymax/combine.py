"""Chain: maps one after the other, itself a map."""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property

import numpy as np

from anymax.activation import Activation
from anymax.activations.identity import Identity
from anymax.composite import Composite, leaves, slots
from anymax.errors import ShapeError
from anymax.layers.dense import evaluated
from anymax.map import Arrays, Cotangent, Coupling, Linearization, Map, Shape
from anymax.monomial import as_slope
from anymax.network import Network
from anymax.noise import Key
from anymax.sets import REALS, Set, Simplex
from anymax.types import Array


class Chain(Network):
    """y = f_k(... f_1(x)); g J = g J_k ... J_1, and each map's parameters on the way.

    Layers, activations and other chains in any order. Before use it is built, by
    `build(64)` or by `am.fit`. The same object placed twice is one map: its parameters
    are there once, and their gradients add up. A chain within a chain, once that is
    built, is a network of its own on the same numbers.

    Raises TypeError for what is no map; on building ShapeError for widths that do not
    fit, and for a map to the simplex over one output, which is always 1.

    >>> import anymax as am
    >>> net = am.Chain(am.Dense(3), am.Softmax()).build(2, seed=0)
    >>> net([[0.0, 0.0]])
    array([[0.33333334, 0.33333334, 0.33333334]], dtype=float32)
    >>> net.parameters.shape, list(net.named_parameters())
    ((9,), ['0.weight', '0.bias'])
    """

    def __init__(self, *maps: Map) -> None:
        for given in maps:
            if not isinstance(given, Map):
                raise TypeError(
                    f"Chain needs layers and activations, as Dense(32); got {given!r}."
                )
        self.maps = maps

    def __repr__(self) -> str:
        return f"Chain({', '.join(repr(each) for each in self.maps)})"

    @property
    def range(self) -> Set:  # type: ignore[override]
        return self.maps[-1].range if self.maps else REALS

    @property
    def coupling(self) -> Coupling:  # type: ignore[override]
        inner = {each.coupling for each in self.maps}
        return "batch" if "batch" in inner else "row" if "row" in inner else "element"

    def split(self) -> tuple[Chain, Activation]:
        """What comes before the last map, and that map; nested chains are looked into.

        A chain that ends in a layer ends in Identity().
        """
        if self.maps and isinstance(self.maps[-1], Activation):
            return Chain(*self.maps[:-1]), self.maps[-1]
        if self.maps and isinstance(self.maps[-1], Chain):
            trunk, last = self.maps[-1].split()
            return Chain(*self.maps[:-1], trunk), last
        return self, Identity()

    def settle(self, inputs: tuple[Shape, ...], done: set[int]) -> Shape:
        """Fix all parameter shapes, those of maps in `done` already being so."""
        shapes = inputs
        reached: list[Shape] = []
        for each in self.maps:
            shapes = (_settled(each, shapes, done),)
            reached.append(shapes[0])
        self.input_shapes, self.reached = inputs, tuple(reached)
        return shapes[0]

    def output_shape(self, *inputs: Shape) -> Shape:
        shapes = inputs
        for each in self.maps:
            shapes = (each.output_shape(*shapes),)
        return shapes[0]

    @cached_property
    def routes(self) -> tuple[tuple[int, ...], ...]:
        """Which of the chain's parameters each of its maps takes."""
        position = {slot: i for i, slot in enumerate(slots(self))}
        return tuple(
            tuple(position[slot] for slot in slots(each)) for each in self.maps
        )

    def linearize(
        self,
        inputs: Arrays,
        parameters: Arrays,
        state: Arrays = (),
        *,
        training: bool = False,
        key: object | None = None,
    ) -> tuple[Array, Linearization]:
        points = []
        for each, route in zip(self.maps, self.routes, strict=True):
            own, key = noise(each, key)
            outputs, point = _linearized(
                each, inputs, _taken(parameters, route), training, own
            )
            points.append(point)
            inputs = (outputs,)
        return inputs[0], ChainLinearization(points, self.routes)


class ChainLinearization(Linearization):
    """Points one after the other; covectors come down them, tangents go up."""

    def __init__(
        self, points: list[Linearization], routes: tuple[tuple[int, ...], ...]
    ) -> None:
        self.points, self.routes = points, routes
        self.output = points[-1].output if points else None

    def vjp(self, g: Cotangent) -> tuple[Arrays, Arrays]:
        covectors: Arrays = (as_slope(g).top,)
        total: dict[int, Array] = {}
        for point, route in zip(self.points[::-1], self.routes[::-1], strict=True):
            covectors, by_parameters = point.vjp(g)
            g = covectors[0]
            _collect(total, route, by_parameters)
        return covectors, _ordered(total)

    def jvp(self, v_inputs: Arrays, v_parameters: Arrays) -> Array:
        return self._tangents(v_inputs, v_parameters)[-1][0]

    def vjp_derivative(
        self, v_inputs: Arrays, v_parameters: Arrays, g: Cotangent, dg: Cotangent
    ) -> tuple[Arrays, Arrays]:
        tangents = self._tangents(v_inputs, v_parameters)
        changes: Arrays = (as_slope(dg).top,)
        total: dict[int, Array] = {}
        for k in reversed(range(len(self.points))):
            point, route = self.points[k], self.routes[k]
            mine = _taken(v_parameters, route)
            changes, by_parameters = point.vjp_derivative(tangents[k], mine, g, dg)
            if k:
                g, dg = point.vjp(g)[0][0], changes[0]
            _collect(total, route, by_parameters)
        return changes, _ordered(total)

    def _tangents(self, v_inputs: Arrays, v_parameters: Arrays) -> list[Arrays]:
        """What each map's inputs change by, and the last outputs."""
        tangents = [v_inputs]
        for point, route in zip(self.points, self.routes, strict=True):
            tangents.append((point.jvp(tangents[-1], _taken(v_parameters, route)),))
        return tangents


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


def noise(each: Map, key: object | None) -> tuple[Key | None, Key | None]:
    """The key a map draws with, None if it draws nothing, and the next map's key."""
    if key is None:
        return None, None
    if not isinstance(key, Key):
        raise TypeError(f"key needs am.Key(seed=0) or None; got {key!r}.")
    after = replace(key, layer=key.layer + sum(1 for _ in leaves(each)))
    silent = isinstance(each, Activation) and not each.knows("perturb")
    return None if silent else key, after


def _settled(each: Map, shapes: tuple[Shape, ...], done: set[int]) -> Shape:
    """The shape a map gives, once its own parameter shapes are fixed."""
    if isinstance(each, Composite):
        return each.settle(shapes, done)
    if id(each) not in done:
        each.build(*shapes)
        done.add(id(each))
    shape = each.output_shape(*shapes)
    if isinstance(each, Activation) and isinstance(each.range, Simplex):
        _check_width(each, shape)
    return shape


def _check_width(each: Activation, shape: Shape) -> None:
    if each.axis == -1 and shape[-1:] == (1,):
        raise ShapeError(
            f"{each!r} over one output is always 1; got inputs of width 1. Widen the "
            "layer before it; for one yes-or-no output use Sigmoid."
        )


def _linearized(
    each: Map, inputs: Arrays, parameters: Arrays, training: bool, key: Key | None
) -> tuple[Array, Linearization]:
    if not isinstance(each, Activation):
        return each.linearize(inputs, parameters, training=training, key=key)
    z, _, axis = each.enter(inputs[0], None, None)
    a, point = each.linearize((z,), parameters, training=training, key=key)
    if axis in (-1, z.ndim - 1):
        return a, point
    return np.moveaxis(a, -1, axis), Turned(point, axis)


def _taken(parameters: Arrays, route: tuple[int, ...]) -> Arrays:
    return tuple(parameters[i] for i in route)


def _collect(total: dict[int, Array], route: tuple[int, ...], arrays: Arrays) -> None:
    """Add a map's gradients to those of its other places."""
    for i, array in zip(route, arrays, strict=True):
        total[i] = total[i] + array if i in total else array


def _ordered(total: dict[int, Array]) -> Arrays:
    return tuple(total[i] for i in sorted(total))
