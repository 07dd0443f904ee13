"""Run: a plan taken over the rows epoch by epoch, by full passes or by minibatches."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from anymax.network import Network
from anymax.objective import Objective
from anymax.optim.lbfgs import LBFGS
from anymax.plan import Plan
from anymax.training.batches import shuffled
from anymax.training.callbacks import Callback, asks_to_stop
from anymax.training.evaluation import Evaluation
from anymax.training.history import Ending, Epoch, History
from anymax.training.interrupt import Interrupt, deferred
from anymax.training.rows import Rows

log = logging.getLogger("anymax")
OF_OPTIMIZER = "optimizer."


class Record:
    """What follows each epoch: validation, a row of the history, the callbacks."""

    def __init__(
        self,
        net: Network,
        validate: Evaluation | None,
        callbacks: Sequence[Callback],
        report: Callable[[Epoch], None],
    ) -> None:
        self.net, self.validate = net, validate
        self.callbacks, self.report = callbacks, report
        self.history, self.began = History(), time.perf_counter()

    def start(self) -> None:
        for callback in self.callbacks:
            callback.on_start(self.net)

    def add(self, number: int, loss: float) -> Epoch:
        """One more row of the history."""
        of_validation = () if self.validate is None else self.validate()
        epoch = Epoch(number, loss, *of_validation)
        self.history.epochs.append(epoch)
        self.history.seconds = time.perf_counter() - self.began
        self.report(epoch)
        return epoch

    def stops(self, epoch: Epoch) -> bool:
        """Whether a callback says so; all of them are asked."""
        answers = [callback.on_epoch(epoch) for callback in self.callbacks]
        return any(asks_to_stop(answer) for answer in answers)

    def end(self, why: Ending) -> History:
        self.history.ended = why
        self.history.seconds = time.perf_counter() - self.began
        if why == "interrupted":
            log.warning("interrupted: the network keeps what it learned so far.")
        for callback in self.callbacks:
            callback.on_end(self.history)
        return self.history


class Minibatches:
    """Shuffled batches through a plan; where it stands follows from the steps taken."""

    def __init__(self, plan: Plan, rows: Rows, seed: int) -> None:
        self.plan, self.rows, self.seed = plan, rows, seed
        given = (rows.inputs, rows.labels.targets, rows.weight)
        self.examples = plan.examples(*given)
        self.each = -(-len(rows) // plan.batch)  # steps of an epoch

    def resume(self, given: Mapping[str, Any]) -> None:
        """Stand where the `state` was taken.

        Raises ValueError where it is that of another network or another optimizer, or
        of epochs of other steps.
        """
        each = int(given.get("each", self.each))
        if each != self.each:
            raise ValueError(
                f"resume needs the batch and the rows it had, {each} steps an epoch; "
                f"got batch={self.plan.batch} of {len(self.rows)} rows, {self.each} "
                "steps."
            )
        load_state(self.plan, given)

    def run(self, epochs: int, record: Record) -> History:
        """So many more epochs, the rest of one that was begun being the first."""
        before = self.plan.steps
        record.start()
        try:
            with deferred() as interrupt:
                ended = self._epochs(epochs, record, interrupt)
        except KeyboardInterrupt:
            if interrupt.asked or self.plan.steps == before:
                raise
            ended = "interrupted"
        record.history.state = state(self.plan) | {"each": self.each}
        optimizer = self.plan.optimizer
        if optimizer.average is not None and optimizer.steps:
            self.plan.net.parameters = optimizer.averaged
        return record.end(ended)

    def _epochs(self, epochs: int, record: Record, interrupt: Interrupt) -> Ending:
        first = self.plan.steps // self.each + 1
        for number in range(first, first + epochs):
            losses = self.plan.take(self.examples, self._order(number), interrupt.flag)
            if interrupt.asked:
                return "interrupted"
            with self._averaged():
                epoch = record.add(number, losses.mean)
                self.plan.optimizer.report(epoch.watched)
                stops = record.stops(epoch)
            if interrupt.asked:
                return "interrupted"
            if stops:
                return "stopped"
        return "finished"

    def _order(self, number: int) -> np.ndarray:
        """The rows of what is left of an epoch."""
        rows, begun = len(self.rows), self.plan.steps % self.each
        return shuffled(rows, self.seed, number)[begun * self.plan.batch :]

    @contextmanager
    def _averaged(self) -> Iterator[None]:
        """The moving average in the network's place, if the optimizer has one."""
        net, optimizer = self.plan.net, self.plan.optimizer
        if optimizer.average is None:
            yield
            return
        last = net.parameters.copy()
        net.parameters = optimizer.averaged
        try:
            yield
        finally:
            net.parameters = last


def search(
    optimizer: LBFGS, objective: Objective, rows: Rows, record: Record
) -> History:
    """L-BFGS over all rows at once; each of its iterations is an epoch."""
    stopped = False

    def arrived(iteration: int, value: float) -> None:
        nonlocal stopped
        stopped = record.stops(record.add(iteration, value))
        if stopped:
            raise StopIteration

    record.start()
    try:
        end = optimizer.minimize(
            objective, rows.inputs, rows.labels.targets, rows.weight, callback=arrived
        )
    except KeyboardInterrupt:
        if not record.history.epochs:
            raise
        return record.end("interrupted")
    log.info("LBFGS: %s after %d iterations.", end.message, end.iterations)
    return record.end("stopped" if stopped else "finished")


def state(plan: Plan) -> dict[str, Any]:
    """All that later steps depend on: parameters, layer state, optimizer; copied."""
    found = {"parameters": plan.net.parameters.copy(), "kept": plan.net.kept.copy()}
    of_optimizer = plan.optimizer.state()
    return found | {f"{OF_OPTIMIZER}{name}": v for name, v in of_optimizer.items()}


def load_state(plan: Plan, given: Mapping[str, Any]) -> None:
    """Stand where the `state` was taken.

    Raises ValueError where it is that of another network or another optimizer.
    """
    for name, mine in (("parameters", plan.net.parameters), ("kept", plan.net.kept)):
        shape = np.shape(given[name]) if name in given else "nothing"
        if shape != mine.shape:
            raise ValueError(
                f"resume needs the history.state of a fit of this network, {name} of "
                f"shape {mine.shape}; got {shape}."
            )
    of_optimizer = {
        name.removeprefix(OF_OPTIMIZER): value
        for name, value in given.items()
        if name.startswith(OF_OPTIMIZER)
    }
    plan.optimizer.load_state(of_optimizer)
    plan.net.parameters[...], plan.net.kept[...] = given["parameters"], given["kept"]
