"""Maps to the simplex that feed each other, in a network."""

from __future__ import annotations

from collections.abc import Iterator

from anymax.activation import Activation
from anymax.activations.identity import Identity
from anymax.checking.lint.report import Finding
from anymax.composite import slots
from anymax.lowering import Step, unrolled
from anymax.map import Map
from anymax.network import Network
from anymax.sets import LogSimplex, Simplex


def normalized_twice(net: Network) -> Iterator[Finding]:
    """Where a map to the simplex gets what another one gave.

    Softmax of a log-softmax is the softmax again, so that is none; maps without
    parameters between the two are looked through.
    """
    steps, _ = unrolled(net)
    gives = {step.gives: step for step in steps}
    for step in steps:
        before = _before(step, gives)
        if before and _normalizes(step.map) and isinstance(before.map.range, Simplex):
            yield Finding(
                "softmax-twice",
                f"{step.map!r} at {step.name} takes the outputs of {before.map!r} at "
                f"{before.name}, all between 0 and 1: no class can come out sure, and "
                "the gradient passes two Jacobians.",
                f"net = am.Chain(...)  # without {before.map!r} at {before.name}",
            )


def _before(step: Step, gives: dict[int, Step]) -> Step | None:
    """The map whose outputs arrive, those that only hand them on left out."""
    while len(step.takes) == 1 and step.takes[0] in gives:
        step = gives[step.takes[0]]
        if not _hands_on(step.map):
            return step
    return None


def _hands_on(map: Map) -> bool:
    if isinstance(map, Activation):
        return isinstance(map, Identity)
    return map.arity == 1 and not slots(map) and map.coupling == "element"


def _normalizes(map: Map) -> bool:
    return isinstance(map, Activation) and isinstance(map.range, Simplex | LogSimplex)
