"""Lowering: a network as one flat sequence of operations on bound buffers."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import NamedTuple

from anymax.composite import Composite, count
from anymax.map import Map
from anymax.operation import Operation, Pending
from anymax.workspace import Buffer, Workspace


class Step(NamedTuple):
    """A map that holds no others, with its name, its layer number and its values."""

    name: str
    map: Map
    layer: int
    takes: tuple[int, ...]
    gives: int


class Segment(NamedTuple):
    """Operations that a slice of rows may pass together; or some that need all rows."""

    operations: tuple[Operation, ...]
    whole: bool


def unrolled(trunk: Composite) -> tuple[list[Step], int]:
    """The maps of a network as they run, nested ones opened; and its output."""
    steps: list[Step] = []
    inputs = tuple(range(trunk.arity))
    free = itertools.count(trunk.arity)
    last = _unroll(trunk, inputs, "", 0, free, steps)
    return steps, last


def _unroll(
    part: Composite,
    inputs: tuple[int, ...],
    prefix: str,
    layer: int,
    free: Iterator[int],
    steps: list[Step],
) -> int:
    values = list(inputs)
    for node in part.nodes():
        takes = tuple(values[i] for i in node.inputs)
        name = prefix + _name(part, node.map)
        if isinstance(node.map, Composite):
            inner = _unroll(node.map, takes, f"{name}.", layer, free, steps)
            values.append(inner)
        else:
            values.append(next(free))
            steps.append(Step(name, node.map, layer, takes, values[-1]))
        layer += count(node.map)
    return values[-1]


def _name(part: Composite, map: Map) -> str:
    """Its number among the maps of its part, or what it does there."""
    for i, each in enumerate(part.maps):
        if each is map:
            return str(i)
    return type(map).__name__.lower()


def lowered(
    net: Composite, trunk: Composite, space: Workspace
) -> tuple[tuple[Operation, ...], tuple[Buffer, ...], Buffer]:
    """The operations of a trunk, the buffers of its inputs, and that of its output."""
    steps, last = unrolled(trunk)
    buffers = {i: space.add(shape) for i, shape in enumerate(net.input_shapes)}
    operations: list[Operation] = []
    states: dict[int, Pending] = {}  # of a map placed twice, one
    for step in steps:
        takes = tuple(buffers[i] for i in step.takes)
        shape = step.map.output_shape(*(buffer.shape for buffer in takes))
        buffers[step.gives] = space.add(shape)
        operations.append(
            Operation(
                step.name,
                step.map,
                step.layer,
                takes,
                buffers[step.gives],
                net.views(step.map),
                net.views(step.map, space.gradient),
                states.setdefault(id(step.map), Pending(net.kept_views(step.map))),
            )
        )
    _mark_first(operations)
    inputs = tuple(buffers[i] for i in range(len(net.input_shapes)))
    return tuple(operations), inputs, buffers[last]


def _mark_first(operations: list[Operation]) -> None:
    """Which operation is the first, going down, to write each covector."""
    written: set[int] = set()
    for operation in reversed(operations):
        first = []
        for buffer in operation.takes:
            first.append(buffer.number not in written)
            written.add(buffer.number)
        operation.first = tuple(first)


def segmented(operations: tuple[Operation, ...]) -> tuple[Segment, ...]:
    """The operations cut where one needs the whole batch."""
    grouped = itertools.groupby(
        operations, key=lambda each: each.map.coupling == "batch"
    )
    return tuple(Segment(tuple(group), whole) for whole, group in grouped)
