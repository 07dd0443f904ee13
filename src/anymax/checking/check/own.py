"""anymax's own activations, losses, pairs, layers, networks and objectives."""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np

from anymax.activation import Activation
from anymax.checking.cells import drawn
from anymax.checking.check.report import CheckError, Finding
from anymax.checking.check.roles import TARGET, UP, Signature, X
from anymax.checking.check.subject import Live, Subject
from anymax.checking.gradient import gradient_error
from anymax.combine import Chain
from anymax.described import Described
from anymax.loss import Loss
from anymax.map import Map
from anymax.monomial import Point
from anymax.network import Network
from anymax.objective import Objective
from anymax.output import Given
from anymax.pair import Pair
from anymax.sets import REALS
from anymax.types import Array

VALUE = Signature(("a", "y"), (X, TARGET))
ROWS = 3


def own_subject(thing: Any, size: int) -> Subject | None:
    """The subject that an object of anymax makes; None for anybody else's."""
    if inspect.isclass(thing) and issubclass(thing, Described):
        thing = thing.sample()
    if isinstance(thing, Activation):
        return _activation(thing)
    if isinstance(thing, Loss):
        return _loss(thing)
    if isinstance(thing, Pair):
        return _pair(thing)
    if isinstance(thing, Map):
        return _map(thing, size)
    return None


def _activation(map: Activation) -> Subject:
    def backward(z: Array, g: Array) -> Array:
        return np.asarray(map.jacobian(z).vjp(g))

    names = Signature(("z", "g"), (X, UP))
    return Subject(
        repr(map),
        False,
        lambda: Live(map, backward),
        Signature(("z",), (X,)),
        names,
        "jacobian.vjp",
        width=map.fixed_width,
        trusted=True,
    )


def _loss(loss: Loss) -> Subject:
    if loss.needs:
        raise CheckError(
            f"{loss!r} needs an activation before it has a value; check "
            f"Pair(activation, {loss!r})."
        )

    def gradient(a: Array, y: Array) -> Array:
        target = loss.prepare(y, a, loss.accepted(REALS))
        slope = loss.slope(Given().output(a), target.values)
        if slope.past is not None:
            raise CheckError(
                f"{loss!r} states its slope by the logits; check Pair(activation, "
                f"{loss!r})."
            )
        return np.asarray(slope.resolve(Point(a)).top) + 0 * a

    return Subject(
        repr(loss),
        True,
        lambda: Live(loss.value, gradient),
        VALUE,
        VALUE,
        "slope",
        width=loss.fixed_width,
        domain=loss.domain if loss.domain is not REALS else None,
        targets=loss.targets,
        trusted=True,
    )


def _pair(pair: Pair) -> Subject:
    def value(z: Array, y: Array) -> Array:
        return pair.value(z, y, reduce="none")

    def gradient(z: Array, y: Array) -> Array:
        return pair.gradient(z, y, reduce="none")

    names = Signature(("z", "y"), (X, TARGET))
    return Subject(
        repr(pair),
        True,
        lambda: Live(value, gradient),
        names,
        names,
        "gradient",
        width=pair.fixed_width,
        domain=REALS,
        targets=pair.targets,
        trusted=True,
    )


def _map(map: Map, size: int) -> Subject:
    """A layer or a network, by its inputs and its parameters in one vector."""
    net = map if isinstance(map, Network) else Chain(map)
    if not net.built:
        net.build(size)
    net = net.astype("float64")
    shapes = [(ROWS, *shape) for shape in net.input_shapes]
    sizes = [int(np.prod(shape)) for shape in shapes]
    start = np.array(net.parameters, copy=True)

    def taken(v: Array) -> tuple[tuple[Array, ...], Array]:
        pieces = np.split(v, np.cumsum([*sizes, start.size])[:-1])
        inputs = [p.reshape(s) for p, s in zip(pieces, shapes, strict=False)]
        return tuple(inputs), pieces[-1]

    def at(v: Array) -> Any:
        inputs, theta = taken(v)
        return net.linearize(inputs, net.views(net, theta + start), net.kept_views(net))

    def forward(v: Array) -> Array:
        return np.ravel(at(v)[0])

    def backward(v: Array, g: Array) -> Array:
        out, point = at(v)
        by_inputs, by_parameters = point.vjp(g.reshape(out.shape))
        flat = np.zeros(start.size)
        net.deposit(net, by_parameters, flat)
        return np.concatenate([*(np.ravel(b) for b in by_inputs), flat])

    names = Signature(("z", "g"), (X, UP))
    return Subject(
        repr(map),
        False,
        lambda: Live(forward, backward),
        Signature(("z",), (X,)),
        names,
        "vjp",
        width=sum(sizes) + start.size,
        vector=True,
        trusted=True,
    )


def own_findings(objective: Objective, seed: int) -> list[Finding]:
    """Of an objective at random data: its gradient by the parameters."""
    rng = np.random.default_rng(seed)
    net = objective.net
    inputs = tuple(rng.normal(size=(ROWS, *shape)) for shape in net.input_shapes)
    x = inputs[0] if len(inputs) == 1 else inputs
    out = np.asarray(net(*inputs))
    y = drawn(objective.pair.targets, rng, out.shape)
    found = gradient_error(objective, x, y, seed=seed)
    if found.ok:
        return []
    return [
        Finding(
            "wrong-derivative",
            f"The gradient by {found.worst} differs from finite differences; check the "
            "maps and the loss one by one to see which states a wrong derivative.",
            {"error": found.error, "array": found.worst},
            "for _, map in leaves(net): print(am.check(map))",
        )
    ]
