"""Tracing: a network at one sample as the links that an explanation walks along."""

from __future__ import annotations

from collections import Counter
from functools import partial

from numpy.typing import ArrayLike

from anymax.activation import Activation
from anymax.composite import leaves, slots
from anymax.errors import ShapeError
from anymax.explaining import End, Explanation, Link, explanation
from anymax.graph import linearized
from anymax.lowering import Step, unrolled
from anymax.map import Arrays, Linearization, Map
from anymax.network import Network
from anymax.pair import Pair
from anymax.reduction import row_scale
from anymax.types import Array, quiet


@quiet
def traced(net: Network, pair: Pair, inputs: Arrays, y: ArrayLike) -> Explanation:
    """One example through a network to its pair, in the network's dtype.

    Raises ShapeError for inputs that are not one example, or give several rows.
    """
    trunk, last = net.split()
    z = trunk.linearize(inputs, net.views(trunk), net.kept_views(trunk))[0]
    lone = all(x.shape == s for x, s in zip(inputs, net.input_shapes, strict=True))
    if not lone or z.ndim != 1:
        raise ShapeError(
            f"explain needs one example of shape {net.input_shapes[0]}, with one row "
            f"of outputs; got {inputs[0].shape}, with outputs {z.shape}. Write x[0]."
        )
    steps, number = unrolled(trunk)
    names = _unique([step.name for step in steps])
    links = tuple(map(partial(_link, net), steps, names))
    target = pair.prepare(y, z)
    named = [name for name, leaf in leaves(net) if leaf is last]
    end = End.of(
        pair,
        named[-1] if named else "a",
        target,
        row_scale(target, None, "mean"),
        _names(net, last),
        net.views(last),
    )
    several = len(inputs) > 1
    x = {f"x{i + 1}" if several else "x": each for i, each in enumerate(inputs)}
    title = f"{net!r} and {pair.loss!r} at one sample, {net.parameters.size} parameters"
    return explanation(title, x, links, end, number)


def _link(net: Network, step: Step, name: str) -> Link:
    run = partial(_run, step.map, net.kept_views(step.map))
    names, views = _names(net, step.map), net.views(step.map)
    return Link(name, step.map, step.takes, step.gives, names, views, run)


def _run(
    map: Map, kept: Arrays, inputs: Arrays, parameters: Arrays
) -> tuple[Array, Linearization]:
    return linearized(map, inputs, parameters, kept, False, None)


def _names(net: Network, part: Map | Activation) -> tuple[str, ...]:
    """The names of a part's parameters in the network."""
    return tuple(net.layout.places[slot].name for slot in slots(part))


def _unique(names: list[str]) -> list[str]:
    """A map that stands twice gets a number the second time."""
    met: Counter[str] = Counter()
    found = []
    for name in names:
        met[name] += 1
        found.append(name if met[name] == 1 else f"{name} ({met[name]})")
    return found
