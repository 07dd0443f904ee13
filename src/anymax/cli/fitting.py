"""Training a task: the optimizer, when to stop, what to say, what to keep."""

from __future__ import annotations

import math
import sys
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from anymax.cli.building import BATCH, epochs_of, ruled
from anymax.cli.saved import Saved
from anymax.cli.saying import say
from anymax.cli.settings import Settings
from anymax.cli.task import Task
from anymax.optim.lbfgs import LBFGS
from anymax.optim.optimizer import Optimizer
from anymax.training.callbacks import Callback, EarlyStopping
from anymax.training.fit import fit
from anymax.training.history import Epoch, History
from anymax.training.run import OF_OPTIMIZER

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


class Start(NamedTuple):
    """The optimizer; and where it stood, if it is that of the network gone on from."""

    rule: Optimizer | LBFGS
    state: dict[str, Any] | None = None


def trained(task: Task, settings: Settings, start: Start) -> tuple[Saved, History]:
    """The network after training, with all that a file should keep."""
    rule = start.rule
    x, y = task.inputs[0], task.source.split.y_train
    net, loss = task.objective.net, task.objective.loss
    searches = isinstance(rule, LBFGS)
    bar = sys.stderr.isatty() and settings.verbose == 1
    stopping = _stopping(settings)
    net.classes = None  # rows come as class indices
    history = fit(
        net,
        loss,
        x,
        task.targets(y) if task.source.classes is None else y,
        optimizer=rule,
        epochs=None if searches else epochs_of(settings, _rows(task, settings)),
        batch=None if searches else settings.batch or BATCH,
        validation=settings.validation,
        l1=settings.l1,
        l2=settings.l2,
        seed=task.source.seed,
        callbacks=[*stopping, *([] if bar else _lines(task, rule, settings))],
        resume=start.state,
        verbose=int(bar),
    )
    net.classes = task.source.classes
    _say_ending(history, settings, stopping)
    return _kept(task, rule, history), history


def started(task: Task, settings: Settings) -> Start:
    """With the optimizer that is asked for, or that of the network gone on from."""
    before = task.before
    given = (settings.optimizer, settings.lr, settings.schedule)
    new = any(each is not None for each in given)
    if before is None or before.optimizer is None or new:
        return Start(ruled(settings, _rows(task, settings)))
    if isinstance(before.optimizer, LBFGS):
        return Start(before.optimizer)
    net = before.net
    of_optimizer = before.optimizer.state()
    state = {"parameters": net.parameters, "kept": net.kept}
    state |= {f"{OF_OPTIMIZER}{name}": each for name, each in of_optimizer.items()}
    return Start(before.optimizer, state)


def _rows(task: Task, settings: Settings) -> int:
    """How many rows are trained on, those for validation taken off."""
    return math.ceil(len(task.source.split.x_train) * (1 - settings.validation))


def _stopping(settings: Settings) -> list[EarlyStopping]:
    if settings.patience is None:
        return []
    monitor = "validation loss" if settings.validation else "loss"
    return [EarlyStopping(patience=settings.patience, monitor=monitor)]


def _lines(task: Task, rule: Optimizer | LBFGS, settings: Settings) -> list[Callback]:
    if not settings.verbose:
        return []
    before = 0 if task.before is None else task.before.epochs
    total = epochs_of(settings, _rows(task, settings))
    if isinstance(rule, LBFGS):
        total = rule.max_iterations
    return [Lines(1 if settings.verbose > 1 else -(-total // LINES), before)]


def _say_ending(
    history: History, settings: Settings, stopping: list[EarlyStopping]
) -> None:
    if history.ended == "stopped" and settings.verbose:
        say(
            "train",
            f"stopped after epoch {history.epochs[-1].epoch}, since none of the last "
            f"{settings.patience} was better than epoch {stopping[0].best_epoch}, "
            "which is kept",
        )
    if history.ended == "interrupted":
        say("train", "interrupted; what was learned so far is kept")


def _kept(task: Task, rule: Optimizer | LBFGS, history: History) -> Saved:
    source, before = task.source, task.before
    if isinstance(rule, Optimizer):
        rule, at = rule.fresh(), len(OF_OPTIMIZER)
        state = history.state.items()
        rule.load_state({n[at:]: v for n, v in state if n.startswith(OF_OPTIMIZER)})
    epochs = len(history) + (0 if before is None else before.epochs)
    return Saved(
        task.objective.net,
        task.objective.loss,
        source.columns,
        source.target,
        task.scaling,
        task.units,
        rule,
        epochs,
        source.seed,
        source.test_size,
    )
