"""Evaluation: the loss and the metrics of a network on rows it is not trained on."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from anymax.metrics import OF_LABELS, OF_VALUES, Metric
from anymax.objective import Objective
from anymax.reduction import row_scale
from anymax.target import times
from anymax.training.labels import Labels
from anymax.training.rows import Rows
from anymax.types import Array, nearest

CHUNK = 4096  # rows that pass at a time


class Evaluation:
    """The loss without penalties, and metrics by name, of a network on certain rows."""

    def __init__(
        self, objective: Objective, rows: Rows, metrics: Sequence[str | Metric] | None
    ) -> None:
        self.objective = Objective(objective.net, objective.loss)
        self.rows, self.metrics = rows, chosen(metrics, rows.labels)

    def __call__(self) -> tuple[float, dict[str, float]]:
        """The loss, a mean over all that counts, and each metric."""
        value, outputs = self._passed()
        true, predicted = self._compared(outputs)
        found = {
            name: float(metric(true, predicted)) if true.size else float("nan")
            for name, metric in self.metrics.items()
        }
        return value, found

    def _passed(self) -> tuple[float, Array]:
        """The loss, and the outputs of all rows, features last."""
        total, counted, outputs = 0.0, 0.0, []
        whole = self.objective.net.coupling == "batch"
        chunk = len(self.rows) if whole else CHUNK
        for start in range(0, len(self.rows), chunk):
            part = self.rows.take(slice(start, start + chunk))
            meeting = self.objective.forward(
                part.inputs, part.labels.targets, part.weight
            ).meeting
            scale = row_scale(meeting.target, part.weight, "sum")
            counts = float(times(scale, meeting.target.weight).sum(dtype=np.float64))
            total += counts * float(meeting.value)
            counted += counts
            outputs.append(meeting.point.output.a)
        return total / counted if counted else 0.0, np.concatenate(outputs)

    def _compared(self, outputs: Array) -> tuple[Array, Array]:
        """What metrics compare: labels where there are classes, else numbers."""
        labels, net = self.rows.labels, self.objective.net
        if labels.classes is None or labels.indices is None:
            if labels.targets.size != outputs.size:  # class indices along another axis
                return labels.targets, net.decide(outputs)
            return labels.targets.reshape(outputs.shape), outputs
        known = labels.indices >= 0
        decided = net.decide(outputs)
        return labels.classes[labels.indices[known]], labels.classes[decided[known]]


def chosen(metrics: Sequence[str | Metric] | None, labels: Labels) -> dict[str, Metric]:
    """Metrics by name: accuracy by default where labels are classes, else none.

    Raises ValueError for a name that is not known, or that needs the other targets.
    """
    fitting = OF_VALUES if labels.classes is None else OF_LABELS
    if metrics is None:
        return {} if labels.classes is None else {"accuracy": OF_LABELS["accuracy"]}
    found: dict[str, Metric] = {}
    for metric in (metrics,) if isinstance(metrics, str) else metrics:
        if callable(metric):
            found[getattr(metric, "__name__", type(metric).__name__)] = metric
        elif metric in fitting:
            found[metric] = fitting[metric]
        else:
            raise ValueError(_refused(metric, labels, list(fitting)))
    return found


def _refused(metric: object, labels: Labels, fitting: list[str]) -> str:
    kind = "values" if labels.classes is None else "class labels"
    if metric in OF_LABELS or metric in OF_VALUES:
        return (
            f"{metric} is no metric of {kind}, which these targets are; choose among "
            f"{', '.join(fitting)}, or pass a function of y_true and y_pred."
        )
    return (
        f"metrics needs names or functions of y_true and y_pred; got {metric!r}, "
        f"{nearest(str(metric), [*OF_LABELS, *OF_VALUES])}"
    )
