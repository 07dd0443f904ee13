"""Plan: a network lowered to operations on bound buffers, and stepped."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import ArrayLike

from anymax.composite import count
from anymax.errors import ShapeError
from anymax.graph import noise
from anymax.loss import Loss
from anymax.lowering import Segment, lowered, segmented
from anymax.network import Network
from anymax.noise import Key
from anymax.objective import Objective
from anymax.operation import culprit
from anymax.optim.adam import Adam
from anymax.optim.optimizer import Optimizer
from anymax.reduction import row_scale
from anymax.tables import table
from anymax.target import Target
from anymax.types import Array, as_mask, quiet
from anymax.workspace import Workspace


class Plan:
    """The steps of training as a flat sequence of operations; arrays are bound once.

    It computes what `Objective` does, for batches of up to `batch` rows, with the
    optimizer, the noise of each step and the state of the layers. Between operations
    that need the whole batch, rows may pass in slices.

    Args: `net`, built; `loss`; `batch`, the most rows of a step; `optimizer`, Adam() by
    default, taken as a recipe; `l1`, `l2`, penalties as in Objective; `seed` of the
    noise; `slice`, the rows that pass together, all of a batch by default.
    Raises what Objective raises; RuntimeError if the network is not built.

    >>> import anymax as am
    >>> net = am.Chain(am.Dense(2), am.Softmax()).build(3)
    >>> plan = am.Plan(net, am.CrossEntropy(), batch=4, optimizer=am.SGD(0.1))
    >>> before = plan.step([[1.0, 0.0, 2.0]], [1])
    >>> plan.step([[1.0, 0.0, 2.0]], [1]) < before
    True
    """

    def __init__(
        self,
        net: Network,
        loss: Loss,
        *,
        batch: int = 64,
        optimizer: Optimizer | None = None,
        l1: float = 0.0,
        l2: float = 0.0,
        seed: int = 0,
        slice: int | None = None,
    ) -> None:
        for name, given in (("batch", batch), ("slice", slice or 1)):
            if not isinstance(given, int | np.integer) or given < 1:
                raise ValueError(f"Plan needs a whole {name} >= 1; got {given!r}.")
        self.objective = Objective(net, loss, l1=l1, l2=l2)
        self.net, self.batch, self.slice = net, int(batch), slice or int(batch)
        self.seed, self.optimizer = seed, (optimizer or Adam()).fresh()
        self.space = Workspace(self.batch, net.dtype, net.parameters.size)
        trunk = self.objective.trunk
        self.operations, self.inputs, self.logits = lowered(net, trunk, self.space)
        self.segments = segmented(self.operations)
        self.last_layer, self.decays = count(trunk), net.decays()
        self.bound = net.parameters

    @property
    def steps(self) -> int:
        """How many steps the plan has taken."""
        return self.optimizer.steps

    # ---- what users call

    @quiet
    def step(
        self,
        x: ArrayLike | tuple[ArrayLike, ...],
        y: ArrayLike,
        sample_weight: ArrayLike | None = None,
        mask: ArrayLike | None = None,
    ) -> float:
        """One step down a batch; its loss before the step, penalties included."""
        inputs = self.net.enter(*(x if isinstance(x, tuple) else (x,)))
        target = self.prepare(y, len(inputs[0]))
        return self._step(inputs, target, sample_weight, mask)

    @quiet
    def epoch(
        self,
        x: ArrayLike | tuple[ArrayLike, ...],
        y: ArrayLike,
        order: ArrayLike | None = None,
        sample_weight: ArrayLike | None = None,
    ) -> float:
        """Steps over all rows in an order, the last batch as short as it is; the mean
        of their losses, each weighted by its rows. Targets are encoded once."""
        inputs = self.net.enter(*(x if isinstance(x, tuple) else (x,)))
        rows = len(inputs[0])
        chosen = np.arange(rows) if order is None else np.asarray(order)
        target = self.prepare(y, rows)
        weight = None if sample_weight is None else np.asarray(sample_weight)
        if weight is not None and weight.ndim == 0:
            weight = np.broadcast_to(weight, (rows,))
        walked = self.walk(inputs, target, chosen, weight)
        total = sum(len(at) * loss for at, loss in walked)
        return total / max(len(chosen), 1)

    def walk(
        self,
        inputs: tuple[Array, ...],
        target: Target,
        order: Array,
        sample_weight: Array | None = None,
    ) -> Iterator[tuple[Array, float]]:
        """The steps of an epoch, one each time it is asked on: its rows, their loss.

        Inputs as `net.enter` gives them and a target as `prepare` does, of all rows.
        """
        step = quiet(self._step)
        for start in range(0, len(order), self.batch):
            at = order[start : start + self.batch]
            own = None if sample_weight is None else sample_weight[at]
            taken = tuple(each[at] for each in inputs)
            yield at, step(taken, target.take(at), own, None)

    @quiet
    def gradient(
        self,
        x: ArrayLike | tuple[ArrayLike, ...],
        y: ArrayLike,
        sample_weight: ArrayLike | None = None,
        mask: ArrayLike | None = None,
        key: Key | None = None,
    ) -> Array:
        """By the parameters, (P,), as Objective's; the array is the plan's own."""
        inputs = self.net.enter(*(x if isinstance(x, tuple) else (x,)))
        target = self.prepare(y, len(inputs[0]))
        self._run(inputs, target, sample_weight, mask, key)
        return self.space.gradient

    def prepare(self, y: ArrayLike, rows: int) -> Target:
        """Targets of any form for so many rows, encoded."""
        axis = self.objective.last.axis
        logits = np.broadcast_to(self.logits.value[:1], (rows, *self.logits.shape))
        if np.ndim(y) == logits.ndim:
            y = np.moveaxis(np.asarray(y), axis, -1)
        return self.objective.pair.prepare(y, np.moveaxis(logits, axis, -1))

    # ---- one batch

    def _step(
        self,
        inputs: tuple[Array, ...],
        target: Target,
        sample_weight: ArrayLike | None,
        mask: ArrayLike | None,
    ) -> float:
        key = Key(self.seed, step=self.optimizer.steps)
        value = self._run(inputs, target, sample_weight, mask, key)
        self.check_finite(value, len(inputs[0]))
        for operation in self.operations:
            operation.keep()
        self.optimizer.step(self.net.parameters, self.space.gradient, self.decays)
        return value

    def _run(
        self,
        inputs: tuple[Array, ...],
        target: Target,
        sample_weight: ArrayLike | None,
        mask: ArrayLike | None,
        key: Key | None,
    ) -> float:
        """Up and down all operations; the loss, its gradient left in the workspace."""
        if self.net.parameters is not self.bound:
            raise RuntimeError(
                "this plan is bound to arrays that its network no longer uses, since "
                "it was built again; make a new Plan."
            )
        rows = self._enter(inputs)
        scale = row_scale(target, sample_weight, "mean")
        self._silence(rows, scale)
        for operation in self.operations:
            operation.forget()
        for segment in self.segments:
            for part in self._slices(segment, rows):
                own = key and Key(key.seed, key.layer, key.step, part.start)
                for operation in segment.operations:
                    operation.forward(part, key is not None, own)
        self.space.gradient[...] = 0
        value = self._meet(rows, target, scale, mask, key)
        for segment in reversed(self.segments):
            for part in self._slices(segment, rows):
                for operation in reversed(segment.operations):
                    operation.backward(part)
        self.space.gradient += self.objective.penalties.gradient()
        self.net.freeze(self.space.gradient)
        return value + float(self.objective.penalty())

    def _enter(self, inputs: tuple[Array, ...]) -> int:
        rows = len(inputs[0])
        if rows > self.batch or any(len(each) != rows for each in inputs):
            raise ShapeError(
                f"this plan needs up to {self.batch} rows at a time, the same in every "
                f"input; got {', '.join(str(len(each)) for each in inputs)}. Use "
                "plan.epoch, or a larger batch=."
            )
        for buffer, each in zip(self.inputs, inputs, strict=True):
            np.copyto(buffer.value[:rows], each)
        return rows

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

    def _meet(
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

    # ---- what went wrong, and what there is

    def check_finite(self, value: float, rows: int) -> None:
        """Raise FloatingPointError that names the layer where a NaN or inf began."""
        if np.isfinite(value) and np.isfinite(self.space.gradient).all():
            return
        who = culprit(self.operations, rows, self.objective.pair)
        raise FloatingPointError(
            f"training needs finite numbers; {who} in step {self.steps + 1}. "
            "Lower the learning rate, scale x, or take a loss that is finite on the "
            "edge."
        )

    def __reduce__(self) -> str:
        raise TypeError(
            "a Plan is bound to the arrays of its network, so it is neither copied nor "
            "pickled; copy the network and make a new Plan."
        )

    def __str__(self) -> str:
        """Each operation with its buffers, and what cancels where the loss is met."""
        rows = [["", "operation", "takes", "gives", "shape", "parameters"]]
        for operation in self.operations:
            takes = ", ".join(str(buffer.number) for buffer in operation.takes)
            size = sum(view.size for view in operation.parameters)
            gives = operation.gives
            shape = f"({', '.join(str(n) for n in (self.batch, *gives.shape))})"
            said = [operation.name, repr(operation.map), takes, str(gives.number)]
            rows.append([*said, shape, f"{size:,}" if size else ""])
        pair = self.objective.pair
        kilobytes = self.space.bytes / 1024
        return (
            f"{table(rows, 'llllrr')}\n"
            f"then {pair.activation!r} meets {pair.loss!r} at {self.logits.number}: "
            f"{pair.cancellation}\n"
            f"{len(self.segments)} segments, {self.net.parameters.size:,} parameters, "
            f"{kilobytes:,.0f} kB of buffers, {self.optimizer!r}"
        )
