"""anymax train: a network on real data, its pair named and its gradient checked."""

from __future__ import annotations

import numpy as np
import typer

from anymax.cli.cancelling import cancelling
from anymax.cli.checked import check
from anymax.cli.fitting import started, trained
from anymax.cli.noting import note
from anymax.cli.saved import Saved
from anymax.cli.saying import counted, say, short, writable
from anymax.cli.settings import Settings
from anymax.cli.task import Task, prepared
from anymax.data.sets import NAMES
from anymax.metrics import mean_absolute_error, r2
from anymax.objective import Objective

STOPPED = 130


def train(settings: Settings) -> None:
    """Train with any output map and any loss.

    On a named set, or on FILE.csv with --target COLUMN. First it says what cancels in
    that pair, and checks the gradient of the very network it is going to train. With
    --save MODEL the network can predict later.
    """
    if settings.save is not None:
        writable(settings.save)
    task = prepared(settings)
    start = started(task, settings)
    introduce(task, settings)
    check(task)
    saved, history = trained(task, settings, start)
    conclude(task)
    if settings.save is not None:
        saved.write(settings.save)
        typer.echo(f"saved: {settings.save}")
    typer.echo(f"next: {_next(saved, settings)}")
    if history.ended == "interrupted":
        raise typer.Exit(STOPPED)


def introduce(task: Task, settings: Settings) -> None:
    """Say what is trained on what, and what becomes of the pair's derivative."""
    source, pair, net = task.source, task.objective.pair, task.objective.net
    split = source.split
    kinds = "values" if source.classes is None else counted(source.outputs, "class")
    say(
        "data",
        f"{source.name}: {counted(len(split.y_train), 'row')} to train on, "
        f"{len(split.y_test)} to test with, "
        f"{counted(len(source.columns), 'feature')}, {kinds}, seed {source.seed}",
    )
    if source.decided:
        say("task", source.decided)
    say("network", f"{net!r}, {net.parameters.size} parameters")
    if task.before is not None:
        say("resume", f"{settings.resume} after {counted(task.before.epochs, 'epoch')}")
        _say_split(task)
    said = cancelling(pair, source.outputs)
    say("pair", f"{short(pair.activation)} + {short(pair.loss)}: {said}")
    note(task)
    _say_targets(task)


def _say_split(task: Task) -> None:
    """Warn where other rows are held out than when the network was trained."""
    source, before = task.source, task.before
    if before is None or before.seed is None or before.test_size is None:
        return
    if (source.seed, source.test_size) != (before.seed, before.test_size):
        say(
            "note",
            f"the split is that of --seed {source.seed} --test-size "
            f"{source.test_size:g}, but before it was --seed {before.seed} --test-size "
            f"{before.test_size:g}: rows to test with may have been trained on; leave "
            "these options out to keep the split",
        )


def _say_targets(task: Task) -> None:
    pair, name = task.objective.pair, task.source.target
    if task.source.classes is not None and not pair.targets.classes:
        say(
            "targets",
            f"{pair.loss.name} takes {pair.targets}: class indices become such rows",
        )
    if task.units is not None:
        say(
            "targets",
            f"{name} is scaled to mean 0 and variance 1 for the loss; predictions are "
            "in its own units",
        )


def conclude(task: Task) -> None:
    """How the network does on rows it has not seen."""
    (_, x), objective, y = task.inputs, task.objective, task.source.split.y_test
    if task.source.classes is None:
        values = task.values(objective.net(x).astype(np.float64))
        typer.echo(f"test mean absolute error: {mean_absolute_error(y, values):.4g}")
        typer.echo(f"test R2: {r2(y, values):.4f}")
    else:
        found = objective.net.decide(objective.net(x))
        typer.echo(f"test accuracy: {np.mean(found == y):.4f}")
    value = float(Objective(objective.net, objective.loss).value(x, task.targets(y)))
    typer.echo(f"test loss: {value:.4g}")


def _next(saved: Saved, settings: Settings) -> str:
    """The command to try now."""
    if settings.data in NAMES:
        return f"anymax info {settings.save}" if settings.save else "anymax pairs"
    if settings.save is None:
        return (
            f"anymax train {settings.data} --target {saved.target} "
            "--save model.safetensors"
        )
    return f"anymax predict {settings.save} {settings.data}"
