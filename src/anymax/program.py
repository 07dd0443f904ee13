"""Program: the operations of a plan as one native object, stepped without Python."""

from __future__ import annotations

import threading
from operator import is_
from typing import Any

import numpy as np

from anymax import kernels
from anymax.bound import Bound
from anymax.examples import Examples
from anymax.noise import Key
from anymax.operation import Operation
from anymax.reduction import averaging
from anymax.types import Array, quiet
from anymax.wiring import recipes, told


class Losses:
    """What steps over examples give, the loss of each and what its batch counts for.

    Another thread may read it while the steps are taken.
    """

    def __init__(self, steps: int) -> None:
        self.losses, self.counted = np.zeros(steps), np.zeros(steps)
        self.done = np.zeros(1, np.int64)

    @property
    def count(self) -> int:
        """How many steps are done."""
        return int(self.done[0])

    @property
    def mean(self) -> float:
        """Each loss weighted by what counts in its batch; 0 if nothing does."""
        count = self.count
        total = self.counted[:count].sum()
        return (
            float(self.losses[:count] @ self.counted[:count] / total) if total else 0.0
        )

    def add(self, loss: float, counted: float) -> None:
        """Those of one more step."""
        self.losses[self.count], self.counted[self.count] = loss, counted
        self.done += 1


class Hand:
    """An operation that a program leaves to NumPy, all rows at once."""

    def __init__(self, operation: Operation, seed: int) -> None:
        self.operation, self.seed = operation, seed

    @quiet
    def forward(self, rows: int, step: int) -> None:
        self.operation.forward(slice(0, rows), True, Key(self.seed, step=step))

    @quiet
    def backward(self, rows: int, step: int) -> None:
        self.operation.backward(slice(0, rows))

    def keep(self, rows: int, step: int) -> None:
        self.operation.keep()
        self.operation.forget()


class Program:
    """A bound plan, lowered; its arrays are the plan's own, so that NumPy goes on where
    native code leaves off. None of it is there where `kernels.core` is None."""

    def __init__(self, bound: Bound) -> None:
        self.bound, self.net = bound, bound.objective.net
        self.hands = [Hand(each, bound.seed) for each in bound.operations]
        self.learned: tuple[Any, ...] = ()
        self.plain: dict[str, Any] | None = None
        self.same: tuple[Any, ...] = ()
        kernels.open_blas()
        self.recipes, self.parts = recipes(bound.operations), self._parts()
        self.said = told(bound, self.recipes, self.hands)  # kept alive
        self.native = kernels.core.program_make(self.said)

    @classmethod
    def of(cls, bound: Bound) -> Program | None:
        """The program of a plan, None where native code cannot take it."""
        twice = bound.space.dtype == np.float64
        whole = isinstance(bound.seed, int) and 0 <= bound.seed < 1 << 64
        if not whole or not kernels.core.program_knows("Program", twice):
            return None
        return cls(bound)

    @property
    def current(self) -> bool:
        """Whether all that it was made from is as it was: rates, slopes, smoothing."""
        parts = self._parts()
        same = len(parts) == len(self.parts) and all(map(is_, parts, self.parts))
        return same and recipes(self.bound.operations) == self.recipes

    def _parts(self) -> list[Any]:
        """What the attributes of the last map and of the loss are."""
        pair = self.bound.objective.pair
        return [*vars(pair.activation).values(), *vars(pair.loss).values()]

    def described(self) -> list[str]:
        """How each operation runs, then in one sentence part all the rest."""
        *operations, pair, slices, rows, threads = kernels.core.program_says(
            self.native
        )
        by = type(self.bound.optimizer).__name__
        native = kernels.core.program_optimizes(by) and self._numbers() is not None
        return [
            *operations,
            f"pair {pair}, {by} {'native' if native else 'NumPy'}; slices: {slices} of "
            f"{rows} rows; threads: {threads}",
        ]

    # ---- steps

    def step(self, x: Any, y: Any) -> float | None:
        """The loss of one step over plain arrays, without a look at them by Python;
        None for what is not plain: that is to go the long way."""
        optimizer, plain = self.bound.optimizer, self.plain
        if plain is None or self.net.parameters is not self.bound.theta:
            return None
        now = optimizer.__dict__
        if any(now.get(name) is not value for name, value in plain.items()):
            return None
        before = optimizer.steps
        rate, like = optimizer.rate(before), self.bound.inputs[0].value
        loss = kernels.core.program_step(self.native, x, y, rate, before, like)
        if loss is None:
            return None
        optimizer.steps = before + 1
        return float(loss)

    def takes(self, examples: Examples) -> bool:
        """Whether there are rows, all of the shapes that are bound."""
        shapes = [(len(examples), *each.shape) for each in self.bound.inputs]
        return len(examples) > 0 and [x.shape for x in examples.inputs] == shapes

    def epoch(
        self,
        examples: Examples,
        order: Array | None,
        losses: Losses,
        stop: Array | None,
    ) -> bool:
        """The steps after those done, up to one that native code leaves to NumPy: where
        numbers are not finite, or inputs are refused. False if there is one."""
        if not self.takes(examples):
            return False
        bound, before, begun = self.bound, self.bound.optimizer.steps, losses.count
        first, steps = begun * bound.batch, len(losses.losses) - begun
        rows = len(examples) if order is None else len(order)
        self._learn()
        for operation in bound.operations:
            operation.forget()
        self.now = (examples, order, first, before)
        rates = bound.optimizer.rates(before, steps)
        try:
            word = kernels.core.program_epoch(
                self.native,
                examples.inputs,
                None if examples.index is not None else examples.values,
                examples.index,
                None if examples.plain else examples.scale,
                None if examples.plain else examples.count,
                order,
                first,
                rows - first,
                rates,
                losses.losses,
                losses.counted,
                losses.done,
                stop,
                before,
                self,
                threading.current_thread() is threading.main_thread(),
            )
        finally:
            bound.optimizer.steps = before + losses.count - begun
        if word == "busy":
            raise RuntimeError(
                "this plan is in the middle of a step already; make a plan of its own "
                "for each thread."
            )
        return bool(word != "declined")

    # ---- what a program calls

    @quiet
    def meet(self, rows: int, step: int) -> float:
        """The pair by NumPy."""
        examples, order, first, before = self.now
        start = first + (step - before) * self.bound.batch
        at = slice(start, start + rows)
        chosen = at if order is None else order[at]
        target = examples.target.take(chosen)
        scale = averaging(examples.scale[chosen], target.weight)
        return self.bound.meet(rows, target, scale, None, self.bound.key(step))

    @quiet
    def update(self) -> None:
        """The optimizer by NumPy."""
        bound, net = self.bound, self.net
        bound.optimizer.step(net.parameters, bound.space.gradient, net.decays())

    # ---- the optimizer

    def _numbers(self) -> tuple[float, ...] | None:
        return kernels.numbers(self.bound.optimizer)

    def _learn(self) -> None:
        """Bind the optimizer's arrays and numbers as they are now."""
        optimizer = self.bound.optimizer
        name, numbers = type(optimizer).__name__, self._numbers()
        native = numbers is not None and kernels.core.program_optimizes(name)
        moments, averaged = optimizer.moments(self.net.parameters)
        said = (
            name if native else "",
            numbers or (),
            moments,
            averaged,
            optimizer.average or 0.0,
            optimizer.decay,
            optimizer.clip_norm or 0.0,
            optimizer.clip_value or 0.0,
        )
        same = [id(each) for each in (*moments, averaged)], (*said[:2], *said[4:])
        if same != self.same:
            kernels.core.program_learn(self.native, *said)
            self.same, self.learned = same, said  # kept, so that no id comes again
        self.plain = self._plain() if native else None

    def _plain(self) -> dict[str, Any] | None:
        """What an optimizer has to hold still for `step`; None where there is more to a
        step than native code and class indices."""
        loss = self.bound.objective.loss
        *operations, pair, _, _, _ = kernels.core.program_says(self.native)
        native = "NumPy" not in (*operations, pair) and len(self.bound.inputs) == 1
        if not native or loss.class_weight is not None or loss.ignore_index is not None:
            return None
        held = self.bound.optimizer.__dict__
        return {name: value for name, value in held.items() if name != "steps"}
