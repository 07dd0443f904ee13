"""Training a task: the optimizer, when to stop, what to say, what to keep."""

from __future__ import annotations

import math
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from anymax.cli.building import BATCH, epochs_of, ruled, searching
from anymax.cli.saved import Saved, Waiting
from anymax.cli.saying import say
from anymax.cli.settings import Settings
from anymax.cli.task import Task
from anymax.network import Network
from anymax.optim.lbfgs import LBFGS
from anymax.optim.optimizer import Optimizer
from anymax.training.batches import hold_out
from anymax.training.callbacks import Callback, EarlyStopping
from anymax.training.fit import fit
from anymax.training.history import Epoch, History

LINES = 10  # lines of progress where there is no terminal


@dataclass
class Lines(Callback):
    """A line for every so many epochs, and one for the last; `count` came before."""

    every: int
    count: int = 0
    last: Epoch | None = field(default=None, init=False)

    def on_epoch(self, epoch: Epoch) -> None:
        self.count += 1
        epoch = replace(epoch, epoch=self.count)
        self.last = None if epoch.epoch % self.every == 0 else epoch
        if self.last is None:
            say("train", str(epoch))

    def on_end(self, history: History) -> None:
        if self.last is not None:
            say("train", str(self.last))


class Stopping(EarlyStopping):
    """Early stopping that knows the best epoch of the file that is gone on from."""

    def __init__(self, patience: int, waiting: Waiting, net: Network) -> None:
        super().__init__(patience=patience, monitor=waiting.monitor)
        self.waiting = waiting
        self.network = net.parameters.copy(), net.kept.copy()

    def on_start(self, net: Network) -> None:
        super().on_start(net)
        _, self.best, self.best_epoch, self.waited = self.waiting
        self.kept = self.network


class Start(NamedTuple):
    """The optimizer, and how rows come to it: the batch, the share held out, the steps
    of an epoch; and the state of training where it goes on from a file."""

    rule: Optimizer | LBFGS
    batch: int
    validation: float
    each: int
    state: Mapping[str, Any] | None = None


def trained(task: Task, settings: Settings, start: Start) -> tuple[Saved, History]:
    """The network after training, with all that a file should keep."""
    rule = start.rule
    x, y = task.inputs[0], task.source.split.y_train
    net, loss = task.objective.net, task.objective.loss
    searches = isinstance(rule, LBFGS)
    bar = sys.stderr.isatty() and settings.verbose == 1
    stopping = _stopping(task, settings, start)
    net.classes = None  # rows come as class indices
    history = fit(
        net,
        loss,
        x,
        task.targets(y) if task.source.classes is None else y,
        optimizer=rule,
        epochs=None if searches else epochs_of(settings, start.each),
        batch=None if searches else start.batch,
        validation=start.validation,
        l1=settings.l1,
        l2=settings.l2,
        seed=task.source.seed,
        callbacks=[*stopping, *([] if bar else _lines(task, settings, start))],
        resume=start.state,
        verbose=int(bar),
    )
    net.classes = task.source.classes
    _say_ending(history, task, settings, stopping)
    return _kept(task, start, history, stopping), history


def started(task: Task, settings: Settings) -> Start:
    """With the optimizer that is asked for, or that of the network gone on from."""
    before = task.before
    batch, validation = settings.batch, settings.validation
    if before is not None:
        batch, validation = (
            batch or before.batch,
            validation or before.validation or 0.0,
        )
    batch = batch or BATCH
    rows = _rows(task, validation)
    each = -(-rows // batch)
    given = (settings.optimizer, settings.lr, settings.schedule)
    new = any(option is not None for option in given)
    if before is None or before.optimizer is None or new:
        return Start(ruled(settings, each), batch, validation, each)
    if isinstance(before.optimizer, LBFGS):
        rule = searching(before.optimizer, settings)
        return Start(rule, batch, validation, each)
    known = before.state.get("each", each)
    if known != each:
        raise ValueError(
            f"{settings.resume} goes on with {known} steps an epoch; got {each}, "
            f"batches of {batch} of {rows} rows. Take the rows, --batch and "
            "--validation it had, or start an optimizer anew with --optimizer."
        )
    return Start(before.optimizer, batch, validation, each, before.state)


def _rows(task: Task, validation: float) -> int:
    """How many rows are trained on, those for validation taken off as fit does."""
    y = task.source.split.y_train
    if not validation:
        return len(y)
    labels = None if task.source.classes is None else y
    return len(hold_out(len(y), validation, task.source.seed, labels)[0])


def _stopping(task: Task, settings: Settings, start: Start) -> list[EarlyStopping]:
    if settings.patience is None:
        return []
    monitor = "validation loss" if start.validation else "loss"
    waiting = None if task.before is None else task.before.waiting
    alike = waiting is not None and waiting.monitor == monitor
    if waiting is None or not alike or not _as_before(task, start):
        return [EarlyStopping(patience=settings.patience, monitor=monitor)]
    return [Stopping(settings.patience, waiting, task.objective.net)]


def _as_before(task: Task, start: Start) -> bool:
    """Whether losses compare: it goes on with the same loss, on the same rows."""
    source, before = task.source, task.before
    if before is None or start.state is None:
        return False
    split = source.seed, source.test_size, start.validation
    return repr(task.objective.loss) == repr(before.loss) and split == (
        before.seed,
        before.test_size,
        before.validation,
    )


def _lines(task: Task, settings: Settings, start: Start) -> list[Callback]:
    if not settings.verbose:
        return []
    before = 0 if task.before is None else task.before.epochs
    total = epochs_of(settings, start.each)
    if isinstance(start.rule, LBFGS):
        total = start.rule.max_iterations
    return [Lines(1 if settings.verbose > 1 else -(-total // LINES), before)]


def _say_ending(
    history: History, task: Task, settings: Settings, stopping: list[EarlyStopping]
) -> None:
    if history.ended == "stopped" and settings.verbose:
        before = 0 if task.before is None else task.before.epochs
        shift = before + 1 - history.epochs[0].epoch  # an optimizer counts its own
        say(
            "train",
            f"stopped after epoch {history.epochs[-1].epoch + shift}, since none of "
            f"the last {settings.patience} was better than epoch "
            f"{stopping[0].best_epoch + shift}, which is kept",
        )
    if history.ended == "interrupted":
        say("train", "interrupted; what was learned so far is kept")


def _kept(
    task: Task, start: Start, history: History, stopping: list[EarlyStopping]
) -> Saved:
    source, before = task.source, task.before
    searches = isinstance(start.rule, LBFGS)
    return Saved(
        task.objective.net,
        task.objective.loss,
        source.columns,
        source.target,
        task.scaling,
        task.units,
        start.rule,
        len(history) + (0 if before is None else before.epochs),
        source.seed,
        source.test_size,
        start.validation,
        None if searches else start.batch,
        _waiting(history, stopping),
        history.state,
    )


def _waiting(history: History, stopping: list[EarlyStopping]) -> Waiting | None:
    """What another run with --patience goes on from, its patience new if this ended."""
    if not stopping or not math.isfinite(stopping[0].best):
        return None
    (each,) = stopping
    waited = 0 if history.ended == "stopped" else each.waited
    return Waiting(each.monitor, each.best, each.best_epoch, waited)
