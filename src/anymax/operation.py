"""Operation: one map of a plan, with the arrays it reads and writes bound."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from anymax.graph import linearized, noise
from anymax.map import Arrays, Linearization, Map
from anymax.noise import Key
from anymax.workspace import Buffer


@dataclass
class Pending:
    """The state of a map, and what is proposed in its place while a batch passes."""

    views: Arrays
    proposed: Arrays | None = None

    @property
    def now(self) -> Arrays:
        """What the next operation of the map sees."""
        return self.views if self.proposed is None else self.proposed


@dataclass
class Operation:
    """A map, the buffers it takes and gives, and views of its flat arrays.

    `first` says for each input whether this operation is the first, going down, that
    writes its covector; the others add to it. Going down follows going up on the same
    rows.
    """

    name: str
    map: Map
    layer: int
    takes: tuple[Buffer, ...]
    gives: Buffer
    parameters: Arrays
    gradients: Arrays
    state: Pending
    first: tuple[bool, ...] = ()
    points: dict[int, Linearization] = field(default_factory=dict)

    @property
    def said(self) -> str:
        """Its name and its map."""
        return f"{self.name} ({self.map!r})"

    def forward(self, rows: slice, training: bool, key: Key | None) -> None:
        """Write the outputs for these rows."""
        inputs = tuple(buffer.value[rows] for buffer in self.takes)
        own = None if key is None else replace(key, layer=key.layer + self.layer)
        drawn, _ = noise(self.map, own)
        y, point = linearized(
            self.map, inputs, self.parameters, self.state.now, training, drawn
        )
        np.copyto(self.gives.value[rows], y)
        self.points[rows.start] = point
        self.state.proposed = point.state

    def backward(self, rows: slice) -> None:
        """Write what comes down to the inputs, and add to the gradients."""
        point = self.points[rows.start]
        by_inputs, by_parameters = point.vjp(self.gives.covector[rows])
        for buffer, first, g in zip(self.takes, self.first, by_inputs, strict=True):
            if first:
                np.copyto(buffer.covector[rows], g)
            else:
                buffer.covector[rows] += g
        for view, g in zip(self.gradients, by_parameters, strict=True):
            view += g

    def keep(self) -> None:
        """Write the proposed state back."""
        for view, new in zip(self.state.views, self.state.now, strict=True):
            np.copyto(view, new)

    def forget(self) -> None:
        """Drop what the last batch left."""
        self.points.clear()
        self.state.proposed = None


def culprit(operations: tuple[Operation, ...], rows: int, pair: object) -> str:
    """Which layer gave the first number that is not finite, in a sentence part."""
    for operation in operations:
        if not np.isfinite(operation.gives.value[:rows]).all():
            return f"layer {operation.said} gave NaN or infinity"
    for operation in reversed(operations):
        if not np.isfinite(operation.gives.covector[:rows]).all():
            return f"the gradient at the outputs of layer {operation.said} is not"
    return f"{pair!r} gave a loss that is not"
