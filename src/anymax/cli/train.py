"""anymax train: a network on real data, its pair named and its gradient checked."""

from __future__ import annotations

import sys
from enum import StrEnum
from typing import Annotated, NamedTuple

import numpy as np
import typer

from anymax.activation import Activation
from anymax.checking.cells import describe
from anymax.checking.gradient import GradientCheck, gradient_error
from anymax.cli.cancelling import cancelling
from anymax.cli.names import activation as named_activation
from anymax.cli.names import loss as named_loss
from anymax.cli.options import count, rated, seeded, widths
from anymax.combine import Chain
from anymax.data.sets import NAMES, Split, load
from anymax.layers.dense import Dense
from anymax.loss import Loss
from anymax.map import Map
from anymax.objective import Objective
from anymax.optim import SGD, Adam
from anymax.optim.optimizer import Optimizer
from anymax.pair import Pair
from anymax.training.fit import fit
from anymax.training.history import Epoch
from anymax.training.labels import encode_labels
from anymax.types import Array

CHECKED = 5  # rows the gradient is checked on
LINES = 10  # lines of progress where there is no terminal


class Rule(StrEnum):
    """The optimizers by name."""

    adam = "adam"
    sgd = "sgd"


RATES = {Rule.adam: 1e-3, Rule.sgd: 0.1}


class Task(NamedTuple):
    """A network that is built, its pair, and the rows to train on and test with."""

    objective: Objective
    split: Split
    width: int

    def targets(self, y: Array) -> Array:
        """Class indices as this loss takes them."""
        return encode_labels(y, (len(y), self.width), self.objective.pair).targets


def train(
    data: Annotated[str, typer.Argument(help=f"one of {', '.join(NAMES)}")] = "digits",
    hidden: Annotated[
        str, typer.Option(help="widths of the hidden layers, as 64,32; or none")
    ] = "128",
    activation: Annotated[
        str,
        typer.Option(help="the map after each hidden layer, by name or file.py:Name"),
    ] = "ReLU",
    output: Annotated[
        str,
        typer.Option(
            help="the last map, as Softmax, Entmax(alpha=1.5) or file.py:Name"
        ),
    ] = "Softmax",
    loss: Annotated[
        str, typer.Option(help="the loss, as Focal, Focal(gamma=1) or file.py:Name")
    ] = "CrossEntropy",
    epochs: Annotated[
        int,
        typer.Option(parser=count, metavar="N", help="passes over the training rows"),
    ] = 30,
    seed: Annotated[
        int, typer.Option(parser=seeded, metavar="N", help="of split, start and order")
    ] = 0,
    batch: Annotated[
        int, typer.Option(parser=count, metavar="N", help="rows a step")
    ] = 32,
    learning_rate: Annotated[
        float | None,
        typer.Option(
            parser=rated, metavar="X", help="default 0.001 for adam, 0.1 for sgd"
        ),
    ] = None,
    optimizer: Annotated[Rule, typer.Option(help="the rule of a step")] = Rule.adam,
) -> None:
    """Train with any output map and any loss.

    First it says what cancels in that pair, and checks the gradient of the very network
    it is going to train.
    """
    pair = Pair(named_activation(output), named_loss(loss))
    between = [(width, named_activation(activation)) for width in widths(hidden)]
    rate = RATES[optimizer] if learning_rate is None else learning_rate
    rule: Optimizer = Adam(rate) if optimizer is Rule.adam else SGD(rate)
    task = prepare(data, between, pair, seed)
    introduce(task, data, seed)
    check(task)
    bar = sys.stderr.isatty()
    fit(
        task.objective.net,
        pair.loss,
        task.split.x_train,
        task.split.y_train,
        optimizer=rule,
        epochs=epochs,
        batch=batch,
        seed=seed,
        verbose=int(bar),
        callbacks=() if bar else [lambda epoch: _report(epoch, epochs)],
    )
    conclude(task)


def prepare(
    data: str, between: list[tuple[int, Activation]], pair: Pair, seed: int
) -> Task:
    """The network of these hidden layers, built for the data."""
    rows = load(data)
    layers: list[Map] = []
    for width, hidden in between:
        layers += [Dense(width), hidden]
    n = len(rows.classes)
    net = Chain(*layers, Dense(n), pair.activation).build(rows.x.shape[1], seed=seed)
    return Task(Objective(net, pair.loss), rows.split(seed), n)


def introduce(task: Task, data: str, seed: int) -> None:
    """Say what is trained on what, and what becomes of the pair's derivative."""
    split, pair = task.split, task.objective.pair
    _say(
        "data",
        f"{data}: {len(split.y_train)} rows to train on, {len(split.y_test)} to test "
        f"with, {split.x_train.shape[1]} features, {task.width} classes, seed {seed}",
    )
    net = task.objective.net
    _say("network", f"{net!r}, {net.parameters.size} parameters")
    _say(
        "pair",
        f"{_short(pair.activation)} + {_short(pair.loss)}: "
        + cancelling(pair, task.width),
    )
    for sentence in dict.fromkeys((describe(pair)[1], pair.doubt)):
        if sentence:
            _say("note", sentence)
    if not pair.targets.classes:
        _say(
            "targets",
            f"{pair.loss.name} takes {pair.targets}: class indices become such rows",
        )


def check(task: Task) -> None:
    """Compare the gradient of this very network with differences; exit 1 if wrong."""
    maps = task.objective.net.maps
    inexact = [each for each in maps if isinstance(each, Activation) and not each.exact]
    if inexact:
        _say("check", f"none, since {inexact[0]!r} has another derivative on purpose")
        return
    found = _checked(task)
    if found is None:
        _say("check", "none, since the loss is infinite on every row at the start")
        return
    _say(
        "check",
        f"gradient against finite differences in float64, {CHECKED} rows: largest "
        f"relative error {found.error:.1e}",
    )
    if not found.ok:
        typer.echo(
            "anymax: the gradient of this network differs from finite differences, "
            f"most in {found.worst}: a map or a loss states a wrong derivative.",
            err=True,
        )
        raise typer.Exit(1)


def _checked(task: Task) -> GradientCheck | None:
    """The best of a few sets of rows: a kink lies under one, a mistake under all."""
    targets = task.targets(task.split.y_train)
    x, objective = task.split.x_train, task.objective
    finite = [
        i
        for i in range(min(len(x), 20 * CHECKED))
        if np.isfinite(objective.value(x[i : i + 1], targets[i : i + 1]))
    ]
    found = []
    for start in range(0, 3 * CHECKED, CHECKED):
        rows = finite[start : start + CHECKED]
        if rows:
            found.append(gradient_error(objective, x[rows], targets[rows]))
        if found and found[-1].ok:
            break
    return min(found, key=lambda each: each.error) if found else None


def conclude(task: Task) -> None:
    """The last lines: how the network does on rows it has not seen, and what next."""
    split, objective = task.split, task.objective
    accuracy = np.mean(objective.net.predict(split.x_test) == split.y_test)
    typer.echo(f"test accuracy: {accuracy:.4f}")
    value = float(objective.value(split.x_test, task.targets(split.y_test)))
    typer.echo(f"test loss: {value:.4g}")
    typer.echo("next: anymax pairs")


def _report(epoch: Epoch, epochs: int) -> None:
    """About ten lines in all, the last epoch among them."""
    every = -(-epochs // LINES)
    if epoch.epoch % every == 0 or epoch.epoch == epochs:
        _say("train", str(epoch))


def _short(part: Activation | Loss) -> str:
    """Its repr, without the brackets where they are empty."""
    return repr(part).removesuffix("()")


def _say(label: str, sentence: str) -> None:
    typer.echo(f"{label:8} {sentence}")
