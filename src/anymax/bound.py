"""Bound: the operations of a plan on their arrays, and a step over them by NumPy."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import ArrayLike

from anymax.composite import count
from anymax.errors import ShapeError
from anymax.examples import Examples
from anymax.graph import noise
from anymax.lowering import Segment, lowered, segmented
from anymax.noise import Key
from anymax.objective import Objective
from anymax.operation import culprit
from anymax.optim.optimizer import Optimizer
from anymax.reduction import averaging, counting
from anymax.target import Target
from anymax.types import Array, as_mask
from anymax.workspace import Workspace


class Bound:
    """An objective lowered for batches of up to so many rows, with its optimizer.

    All arrays are there once, and stay: others may hold their addresses. `slice` is how
    many rows pass together.
    """

    def __init__(
        self,
        objective: Objective,
        batch: int,
        optimizer: Optimizer,
        seed: int,
        slice: int,
    ) -> None:
        self.objective, self.net = objective, objective.net
        self.batch, self.optimizer = batch, optimizer
        self.seed, self.slice = seed, slice
        net, trunk = self.net, objective.trunk
        self.space = Workspace(batch, net.dtype, net.parameters.size)
        self.operations, self.inputs, self.logits = lowered(net, trunk, self.space)
        self.segments = segmented(self.operations)
        self.last_layer, self.decays = count(trunk), net.decays()
        self.theta = net.parameters

    def key(self, step: int) -> Key:
        """Where the noise of a step is drawn."""
        return Key(self.seed, step=step)

    def check(self, inputs: tuple[Array, ...], rows: int | None = None) -> None:
        """Raise RuntimeError where the network has other arrays by now, ShapeError for
        inputs of different lengths, or of more than so many rows."""
        if self.net.parameters is not self.theta:
            raise RuntimeError(
                "this plan is bound to arrays that its network no longer uses, since "
                "it was built again; make a new Plan."
            )
        counts = [len(each) for each in inputs]
        if len(set(counts)) > 1 or (rows is not None and counts[0] > rows):
            raise ShapeError(
                f"this plan needs up to {self.batch} rows at a time, the same in every "
                f"input; got {', '.join(str(n) for n in counts)}. Use plan.epoch, or a "
                "larger batch=."
            )

    def step(
        self, examples: Examples, at: Array | slice, mask: ArrayLike | None = None
    ) -> tuple[float, float]:
        """One step over these rows: the loss before it, and what they count for."""
        target = examples.target.take(at)
        value = self.run(examples, at, mask, self.key(self.optimizer.steps))
        self._check_finite(value, len(target.weight))
        for operation in self.operations:
            operation.keep()
        self.optimizer.step(self.net.parameters, self.space.gradient, self.decays)
        return value, float(counting(examples.scale[at], target.weight))

    def run(
        self,
        examples: Examples,
        at: Array | slice,
        mask: ArrayLike | None,
        key: Key | None,
    ) -> float:
        """Up and down all operations; the loss, its gradient left in the workspace."""
        target = examples.target.take(at)
        scale = averaging(examples.scale[at], target.weight)
        rows = len(scale)
        for buffer, each in zip(self.inputs, examples.inputs, strict=True):
            np.copyto(buffer.value[:rows], each[at])
        self._silence(rows, scale)
        for operation in self.operations:
            operation.forget()
        for segment in self.segments:
            for part in self._slices(segment, rows):
                own = key and Key(key.seed, key.layer, key.step, part.start)
                for operation in segment.operations:
                    operation.forward(part, key is not None, own)
        self.space.gradient[...] = 0
        value = self.meet(rows, target, scale, mask, key)
        for segment in reversed(self.segments):
            for part in self._slices(segment, rows):
                for operation in reversed(segment.operations):
                    operation.backward(part)
        self.space.gradient += self.objective.penalties.gradient()
        self.net.freeze(self.space.gradient)
        return value + float(self.objective.penalty())

    def meet(
        self,
        rows: int,
        target: Target,
        scale: Array,
        mask: ArrayLike | None,
        key: Key | None,
    ) -> float:
        """The pair on the logits: the value, and the covector that comes down."""
        objective, axis = self.objective, self.objective.last.axis
        z = np.moveaxis(self.logits.value[:rows], axis, -1)
        keep = as_mask(mask, self.logits.value[:rows].shape)
        own = None if key is None else Key(key.seed, self.last_layer, key.step)
        drawn, _ = noise(objective.last, own)
        meeting = objective.pair.meet_prepared(
            z,
            target,
            scale,
            "mean",
            None if keep is None else np.moveaxis(keep, axis, -1),
            self.net.views(objective.last),
            drawn,
        )
        by_z, by_last = meeting.gradient()
        np.copyto(self.logits.covector[:rows], np.moveaxis(by_z, -1, axis))
        self.net.deposit(objective.last, by_last, self.space.gradient)
        return float(meeting.value)

    def _silence(self, rows: int, scale: Array) -> None:
        """Put 0 into rows that count nowhere, so that no NaN leaves them."""
        idle = (scale == 0).all(tuple(range(1, scale.ndim)))
        if self.net.coupling == "batch" or not idle.any():
            return
        for buffer in self.inputs:
            buffer.value[:rows][idle] = 0

    def _slices(self, segment: Segment, rows: int) -> Iterator[slice]:
        size = rows if segment.whole else self.slice
        for start in range(0, rows, max(size, 1)):
            yield slice(start, min(start + size, rows))

    def _check_finite(self, value: float, rows: int) -> None:
        """Raise FloatingPointError that names the layer where a NaN or inf began."""
        if np.isfinite(value) and np.isfinite(self.space.gradient).all():
            return
        who = culprit(self.operations, rows, self.objective.pair)
        raise FloatingPointError(
            f"training needs finite numbers; {who} in step {self.optimizer.steps + 1}. "
            "Lower the learning rate, scale x, or take a loss that is finite on the "
            "edge."
        )
