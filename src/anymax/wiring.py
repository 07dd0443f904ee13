"""Wiring: how the operations of a plan lie in memory, said to native code."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from math import prod
from typing import Any, NamedTuple

import numpy as np

from anymax.bound import Bound
from anymax.objective import Objective
from anymax.operation import Operation
from anymax.recipes import BY_NUMPY, NUMPY, Recipe, recipe
from anymax.types import Array


class Written(NamedTuple):
    """Each operation's weights, as (value, gradient, whether it adds) or None; whose
    gradients may be taken together; and the stretches that nobody writes first."""

    weights: list[tuple[Any, ...]]
    rounds: list[list[int]]
    free: list[tuple[int, int]]


def told(bound: Bound, found: Sequence[Recipe], hands: Sequence[Any]) -> dict[str, Any]:
    """All that the native side needs to know of a plan."""
    net, space = bound.net, bound.space
    wanted, frozen = _wanted(bound.operations), net.layout.frozen
    written = _written(bound, found)
    return {
        "double": space.dtype == np.float64,
        "batch": bound.batch,
        "buffers": [
            (each.value, each.covector, each.number in wanted) for each in space.buffers
        ],
        "inputs": tuple(each.number for each in bound.inputs),
        "logits": bound.logits.number,
        "width": bound.logits.shape[-1],
        "silences": net.coupling != "batch",
        "scattered": bool(written.free),
        "seed": bound.seed,
        "unwritten": written.free,
        "rounds": written.rounds,
        "operations": [
            _operation(*each)
            for each in zip(
                bound.operations, found, written.weights, hands, strict=True
            )
        ],
        "parameters": net.parameters,
        "gradient": space.gradient,
        "decays": net.decays(),
        "frozen": frozen if frozen.any() else None,
        "l1": bound.objective.l1,
        "l2": bound.objective.l2,
        "pair": _pair(bound.objective),
    }


def _pair(objective: Objective) -> Any:
    """The kernels of a pair; none where it draws noise or is trained itself."""
    pair, last = objective.pair, objective.last
    if last.knows("perturb") or last.trainables:
        return None
    pair.native.bind(pair)
    return pair.native.bound


def _operation(
    operation: Operation, found: Recipe, weights: tuple[Any, ...], hand: Any
) -> tuple[Any, ...]:
    return (
        found.kind,
        tuple(buffer.number for buffer in operation.takes),
        operation.gives.number,
        operation.first,
        prod(operation.gives.shape[:-1]),
        weights,
        found.numbers,
        found.whole,
        operation.state.views,
        hand,
    )


def _written(bound: Bound, found: Sequence[Recipe]) -> Written:
    """Where several write one gradient, those after the first add to it, one after the
    other; NumPy's part comes before and adds too."""
    size, gradient = bound.net.parameters.size, bound.space.gradient
    free, numpys, turn = np.ones(size, bool), np.zeros(size, bool), np.zeros(size, int)
    places = [
        [_place(view, gradient) for view in each.gradients] for each in bound.operations
    ]
    for own, mine in zip(found, places, strict=True):
        for place in mine if own.kind == NUMPY else ():
            numpys[place] = True
    weights: list[tuple[Any, ...]] = []
    rounds: list[list[int]] = []
    for i, (own, mine) in enumerate(zip(found, places, strict=True)):
        operation = bound.operations[i]
        said: list[tuple[Array, Array, bool] | None] = []
        used = [mine[j] for j in own.weights if j is not None]
        number = max((int(turn[place].max(initial=0)) for place in used), default=0)
        for j in own.weights:
            if j is None:
                said.append(None)
                continue
            adds = bool(numpys[mine[j]].any() or not free[mine[j]].all())
            free[mine[j]] &= adds
            turn[mine[j]] = number + 1
            said.append((operation.parameters[j], operation.gradients[j], adds))
        weights.append((*said, None, None))
        if used:
            rounds += [[] for _ in range(number + 1 - len(rounds))]
            rounds[number].append(i)
    return Written(weights, rounds, _stretches(free))


def recipes(operations: tuple[Operation, ...]) -> list[Recipe]:
    """How each operation is done; one whose state is shared is left to NumPy."""
    times = Counter(id(each.map) for each in operations if each.state.views)
    return [
        BY_NUMPY if times[id(each.map)] > 1 else recipe(each) for each in operations
    ]


def _wanted(operations: tuple[Operation, ...]) -> set[int]:
    """The buffers before which something has parameters: whose covectors are read."""
    wanted: set[int] = set()
    for each in operations:
        before = any(buffer.number in wanted for buffer in each.takes)
        if before or each.parameters:
            wanted.add(each.gives.number)
    return wanted


def _place(view: Array, flat: Array) -> slice:
    """Where a view lies in a flat vector."""
    start = (view.ctypes.data - flat.ctypes.data) // flat.itemsize
    return slice(start, start + view.size)


def _stretches(mask: Array) -> list[tuple[int, int]]:
    """The stretches where a mask holds, each from and to."""
    padded = np.concatenate([[False], mask, [False]]).astype(int)
    edges = np.flatnonzero(np.diff(padded))
    return [(int(a), int(b)) for a, b in edges.reshape(-1, 2)]
