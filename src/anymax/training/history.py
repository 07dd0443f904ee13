"""History: what fit records after each epoch, as a table and as a picture."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeAlias

from anymax.tables import table

SHOWN = 10  # rows that repr shows of a long history

Ending: TypeAlias = Literal["finished", "stopped", "interrupted"]


@dataclass(frozen=True)
class Epoch:
    """One pass over the training rows.

    `loss` is the mean of the batches as they were trained on, penalties included;
    `validation_loss`, without penalties, and `metrics`, of validation rows too, are
    taken after the epoch.

    >>> Epoch(3, 0.5, 0.25, {"accuracy": 0.9}).row
    {'epoch': 3, 'loss': 0.5, 'validation loss': 0.25, 'validation accuracy': 0.9}
    """

    epoch: int
    loss: float
    validation_loss: float | None = None
    metrics: Mapping[str, float] = field(default_factory=dict)

    @property
    def row(self) -> dict[str, float]:
        """All its numbers by name."""
        found: dict[str, float] = {"epoch": self.epoch, "loss": self.loss}
        if self.validation_loss is not None:
            found["validation loss"] = self.validation_loss
        return found | {f"validation {name}": v for name, v in self.metrics.items()}

    @property
    def watched(self) -> float:
        """The loss of validation, or of training where there is no other."""
        return self.loss if self.validation_loss is None else self.validation_loss

    def __str__(self) -> str:
        numbers = list(self.row.items())[1:]
        return f"epoch {self.epoch}: " + ", ".join(f"{n} {v:.4g}" for n, v in numbers)


@dataclass
class History:
    """The epochs of one fit, in order; `seconds` is the time they took.

    `ended` says why it did: "finished" all epochs, "stopped" by a callback, or
    "interrupted" by Ctrl-C. `state`, arrays and numbers by name, is where the last
    step left the network and the optimizer: `fit(..., resume=history.state)` goes on.
    It is empty after LBFGS, which keeps nothing.

    >>> history = History([Epoch(1, 0.5), Epoch(2, 0.25)])
    >>> history
    epoch    loss
        1  0.5000
        2  0.2500
    >>> history["loss"]
    [0.5, 0.25]
    """

    epochs: list[Epoch] = field(default_factory=list)
    seconds: float = 0.0
    ended: Ending = "finished"
    state: dict[str, Any] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.epochs)

    @property
    def rows(self) -> list[dict[str, float]]:
        """A dict for each epoch, as `pandas.DataFrame(history.rows)` takes them."""
        return [epoch.row for epoch in self.epochs]

    def __getitem__(self, name: str) -> list[float]:
        """One column, as "validation loss"; KeyError says which there are."""
        rows = self.rows
        known = list(rows[0]) if rows else []
        if name not in known:
            raise KeyError(f"no column {name!r}; there is {', '.join(known) or 'none'}")
        return [row[name] for row in rows]

    def __repr__(self) -> str:
        said = "" if self.ended == "finished" else f"{self.ended} "
        if not self.epochs:
            return f"{said}History of no epochs"
        names = list(self.epochs[0].row)
        rows = [names]
        for i in _shown(len(self.epochs)):
            number, *values = self.epochs[i].row.values()
            rows.append([str(number), *(f"{value:.4f}" for value in values)])
        ending = f"\n{said.strip()} after epoch {self.epochs[-1].epoch}" if said else ""
        return table(rows, "r" * len(names)) + ending

    def plot(self, path: str | Path | None = None) -> Any:
        """The columns over the epochs as a matplotlib Figure; written to path, if any.

        Losses share one picture, each metric has its own. Raises ImportError without
        matplotlib.
        """
        if importlib.util.find_spec("matplotlib") is None:
            raise ImportError("plot needs matplotlib: pip install anymax[plot].")
        # without pyplot, so that no window opens and no backend is chosen
        figure = importlib.import_module("matplotlib.figure").Figure(
            layout="constrained"
        )
        names = list(self.rows[0])[1:] if self.epochs else ["loss"]
        losses = [name for name in names if name in ("loss", "validation loss")]
        shown = [losses, *([name] for name in names if name not in losses)]
        axes = figure.subplots(1, len(shown), squeeze=False)[0]
        figure.set_size_inches(4.8 * len(shown), 3.6)
        for ax, group in zip(axes, shown, strict=True):
            for name in group:
                numbers = [row["epoch"] for row in self.rows]
                ax.plot(numbers, [row[name] for row in self.rows], label=name)
            ax.set_xlabel("epoch")
            ax.legend()
        if path is not None:
            figure.savefig(path)
        return figure


def _shown(count: int) -> list[int]:
    """Evenly spread row numbers, the first and the last among them."""
    if count <= SHOWN:
        return list(range(count))
    return sorted({round(i * (count - 1) / (SHOWN - 1)) for i in range(SHOWN)})
