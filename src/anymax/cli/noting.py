"""Notes before training: what lint finds in a task."""

from __future__ import annotations

from anymax.checking.lint import lint
from anymax.cli.saying import say
from anymax.cli.task import Task

LOOKED_AT = 1000  # rows that are looked at


def note(task: Task) -> None:
    """One line for each finding: what is doubtful, and what ends it."""
    objective, (x, _) = task.objective, task.inputs
    y = task.targets(task.source.split.y_train)
    found = lint(objective.net, objective.loss, y[:LOOKED_AT], x[:LOOKED_AT])
    for finding in found:
        say("note", f"{finding.message} ({finding.code})")
