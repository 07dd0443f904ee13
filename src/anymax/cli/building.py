"""From settings to a network, its pair and its optimizer."""

from __future__ import annotations

import inspect
from dataclasses import replace

from anymax.cli import names
from anymax.cli.options import widths
from anymax.cli.settings import Norm, Settings
from anymax.combine import Chain
from anymax.layers import BatchNorm, Dense, Dropout, LayerNorm, RMSNorm
from anymax.map import Map
from anymax.optim.lbfgs import LBFGS
from anymax.optim.optimizer import Optimizer
from anymax.pair import Pair

EPOCHS, BATCH = 30, 32
STEPS, MOST = 1000, 500  # small data go round until about so many steps are taken
NORMS: dict[Norm, type[Map]] = {
    Norm.layer: LayerNorm,
    Norm.batch: BatchNorm,
    Norm.rms: RMSNorm,
}


def paired(settings: Settings, classes: bool) -> Pair:
    """The last map and the loss; those that are not given are the usual ones."""
    output, loss = settings.output, settings.loss
    if output is None:
        output = "Softmax" if classes else "Identity"
    if loss is None:
        loss = "CrossEntropy" if classes else "SquaredError"
    return Pair(names.activation(output), names.loss(loss))


def network(settings: Settings, pair: Pair, features: int, outputs: int) -> Chain:
    """The layers that the settings name, built."""
    layers: list[Map] = []
    for width in widths(settings.hidden):
        layers.append(Dense(width))
        if settings.normalize is not Norm.none:
            layers.append(NORMS[settings.normalize]())
        layers.append(names.activation(settings.activation))
        if settings.dropout:
            layers.append(Dropout(settings.dropout))
    net = Chain(*layers, Dense(outputs), pair.activation)
    return net.build(features, seed=settings.seed)


def ruled(settings: Settings, each: int) -> Optimizer | LBFGS:
    """The optimizer for so many steps an epoch, with its rate or its schedule."""
    made = names.rule("Adam" if settings.optimizer is None else settings.optimizer)
    if isinstance(made, LBFGS):
        return searching(made, settings)
    own = inspect.signature(type(made)).parameters["lr"].default
    given = settings.lr is not None or settings.schedule is not None
    if given and made.lr != own:
        raise ValueError(
            "the learning rate is given twice, by --lr or --schedule and in "
            f"--optimizer {settings.optimizer}; keep one."
        )
    if settings.schedule is not None:
        steps = epochs_of(settings, each) * each
        start = settings.lr or own
        return replace(made, lr=names.schedule(settings.schedule, start, steps))
    return made if settings.lr is None else replace(made, lr=settings.lr)


def epochs_of(settings: Settings, each: int) -> int:
    """What was asked for, or 30, and more where that makes fewer than 1000 steps."""
    enough = min(-(-STEPS // each), MOST)
    return settings.epochs or max(EPOCHS, enough)


def searching(made: LBFGS, settings: Settings) -> LBFGS:
    """L-BFGS with as many iterations as epochs are asked for, if any are."""
    given = {
        "--lr": settings.lr,
        "--schedule": settings.schedule,
        "--batch": settings.batch,
    }
    for name, value in given.items():
        if value is not None:
            raise ValueError(
                "LBFGS takes all rows at once and searches for the length of its steps;"
                f" got {name} {value}. Leave it out."
            )
    return replace(made, max_iterations=settings.epochs) if settings.epochs else made
