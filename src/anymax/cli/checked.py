"""The gradient of the very network that is to be trained, against differences."""

from __future__ import annotations

import numpy as np
import typer

from anymax.activation import Activation
from anymax.checking.gradient import GradientCheck, gradient_error
from anymax.cli.saying import say
from anymax.cli.task import Task
from anymax.composite import leaves

CHECKED = 5  # rows the gradient is checked on


def check(task: Task) -> None:
    """Compare the gradient with differences; exit 1 if it is wrong."""
    maps = [leaf for _, leaf in leaves(task.objective.net)]
    inexact = [each for each in maps if isinstance(each, Activation) and not each.exact]
    if inexact:
        say("check", f"none, since {inexact[0]!r} has another derivative on purpose")
        return
    found = _checked(task)
    if found is None:
        say("check", "none, since the loss is infinite on every row at the start")
        return
    say(
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
    targets = task.targets(task.source.split.y_train)
    x, objective = task.inputs[0], task.objective
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
