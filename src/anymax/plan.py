"""Plan: a network lowered to operations on bound buffers, and stepped."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
from numpy.typing import ArrayLike

from anymax import kernels
from anymax.bound import Bound
from anymax.errors import ShapeError
from anymax.examples import Examples
from anymax.loss import Loss
from anymax.network import Network
from anymax.noise import Key
from anymax.objective import Objective
from anymax.optim.adam import Adam
from anymax.optim.optimizer import Optimizer
from anymax.program import Losses, Program
from anymax.tables import table
from anymax.types import Array, quiet

ALL = slice(None)


class Plan:
    """The steps of training as a flat sequence of operations; arrays are bound once.

    It computes what `Objective` does, for batches of up to `batch` rows, with the
    optimizer, the noise of each step and the state of the layers. Between operations
    that need the whole batch, rows may pass in slices. Changes of what a map or the
    loss was given, as a dropout's rate, count from the next epoch on.

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
        objective, rule = Objective(net, loss, l1=l1, l2=l2), optimizer or Adam()
        size = int(batch)
        self.bound = Bound(objective, size, rule.fresh(), seed, slice or size)
        self.net, self.batch = net, size
        self.objective, self.optimizer = objective, self.bound.optimizer
        self.running = Losses(0)
        self._alone = threading.Lock()
        self._program: Program | None = None

    @property
    def steps(self) -> int:
        """How many steps the plan has taken."""
        return self.optimizer.steps

    @property
    def program(self) -> Program | None:
        """The steps in native code; None where NumPy takes them."""
        if kernels.core is None:
            return None
        if self._program is None:
            self._program = Program.of(self.bound)
        return self._program

    # ---- what users call

    def step(
        self,
        x: ArrayLike | tuple[ArrayLike, ...],
        y: ArrayLike,
        sample_weight: ArrayLike | None = None,
        mask: ArrayLike | None = None,
    ) -> float:
        """One step down a batch; its loss before the step, penalties included."""
        with self._busy():
            if sample_weight is None and mask is None and self.program is not None:
                loss = self.program.step(x, y)
                if loss is not None:
                    return loss
            return self._step(x, y, sample_weight, mask)

    @quiet
    def _step(
        self,
        x: ArrayLike | tuple[ArrayLike, ...],
        y: ArrayLike,
        sample_weight: ArrayLike | None,
        mask: ArrayLike | None,
    ) -> float:
        examples = self.examples(x, y, sample_weight)
        self.bound.check(examples.inputs, self.batch)
        if mask is not None or not len(examples):
            return self.bound.step(examples, ALL, mask)[0]
        return float(self._take(examples).losses[0])

    @quiet
    def epoch(
        self,
        x: ArrayLike | tuple[ArrayLike, ...],
        y: ArrayLike,
        order: ArrayLike | None = None,
        sample_weight: ArrayLike | None = None,
    ) -> float:
        """Steps over all rows in an order, the last batch as short as it is; the mean
        of their losses, each weighted by what counts in it.

        Targets are encoded once.
        """
        examples = self.examples(x, y, sample_weight)
        return self.take(examples, order).mean

    def take(
        self,
        examples: Examples,
        order: ArrayLike | None = None,
        stop: Array | None = None,
    ) -> Losses:
        """The steps of an epoch in one go, and what they gave; fewer if somebody puts
        something else than 0 into `stop`, one uint8, meanwhile. `running` is what they
        have given so far."""
        chosen = None if order is None else _chosen(order, len(examples))
        with self._busy():
            program = self.program
            if program is not None and not program.current:
                self._program = None
            return self._take(examples, chosen, stop)

    def _take(
        self, examples: Examples, order: Array | None = None, stop: Array | None = None
    ) -> Losses:
        self.bound.check(examples.inputs)
        rows = len(examples) if order is None else len(order)
        losses = self.running = Losses(-(-rows // self.batch))
        while losses.count < len(losses.losses) and not (stop is not None and stop[0]):
            native = self.program if len(examples) else None
            if native is not None and native.epoch(examples, order, losses, stop):
                break
            begun = losses.count * self.batch
            at = slice(begun, min(begun + self.batch, rows))
            chosen = at if order is None else order[at]
            losses.add(*quiet(self.bound.step)(examples, chosen))
        return losses

    def examples(
        self,
        x: ArrayLike | tuple[ArrayLike, ...],
        y: ArrayLike,
        sample_weight: ArrayLike | None = None,
    ) -> Examples:
        """Rows to learn from, checked and in the network's dtype."""
        inputs = self.net.enter(*(x if isinstance(x, tuple) else (x,)))
        shape = (len(inputs[0]), *self.bound.logits.shape)
        like = np.broadcast_to(self.bound.logits.value[:1], shape)
        last = np.moveaxis(like, self.objective.last.axis, -1)
        return Examples(self.objective, inputs, y, sample_weight, last)

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
        examples = self.examples(x, y, sample_weight)
        self.bound.check(examples.inputs, self.batch)
        with self._busy():
            self.bound.run(examples, ALL, mask, key)
        return self.bound.space.gradient

    @contextmanager
    def _busy(self) -> Iterator[None]:
        """One thread at a time: the arrays are the plan's own."""
        if not self._alone.acquire(blocking=False):
            raise RuntimeError(
                "this plan is in the middle of a step already; make a plan of its own "
                "for each thread, and after a fork in the middle of a step."
            )
        try:
            yield
        finally:
            self._alone.release()

    def __reduce__(self) -> str:
        raise TypeError(
            "a Plan is bound to the arrays of its network, so it is neither copied nor "
            "pickled; copy the network and make a new Plan."
        )

    def __str__(self) -> str:
        """Each operation with its buffers and whose code runs it; and what cancels."""
        bound, program = self.bound, self.program
        *ways, rest = program.described() if program else ["all by NumPy"]
        rows = [["", "operation", "takes", "gives", "shape", "parameters", "by"]]
        for i, operation in enumerate(bound.operations):
            takes = ", ".join(str(buffer.number) for buffer in operation.takes)
            size = sum(view.size for view in operation.parameters)
            gives = operation.gives
            shape = f"({', '.join(str(n) for n in (self.batch, *gives.shape))})"
            said = [operation.name, repr(operation.map), takes, str(gives.number)]
            way = ways[i] if ways else "NumPy"
            rows.append([*said, shape, f"{size:,}" if size else "", way])
        pair = self.objective.pair
        kilobytes = bound.space.bytes / 1024
        return (
            f"{table(rows, 'llllrrl')}\n"
            f"then {pair.activation!r} meets {pair.loss!r} at {bound.logits.number}: "
            f"{pair.cancellation}\n"
            f"{len(bound.segments)} segments, {self.net.parameters.size:,} parameters, "
            f"{kilobytes:,.0f} kB of buffers, {self.optimizer!r}\n{rest}"
        )


def _chosen(order: ArrayLike, rows: int) -> Array:
    """Numbers of rows, or a mask of them, as int64 from 0 on."""
    given = np.asarray(order)
    if given.ndim != 1:
        raise ShapeError(
            f"an order needs one axis, numbers of rows; got shape {given.shape}."
        )
    return np.arange(rows)[given if given.size else given.astype(np.intp)]
