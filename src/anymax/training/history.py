"""History: what fit records after each epoch."""

from __future__ import annotations

from dataclasses import dataclass, field

from anymax.tables import table

SHOWN = 10  # rows that repr shows of a long history


@dataclass(frozen=True)
class Epoch:
    """One pass over the training rows; accuracy is there where labels are classes.

    `loss` is the mean of the batches as they were trained on, penalties included;
    `validation_loss` and `validation_accuracy` are taken after the epoch.
    """

    epoch: int
    loss: float
    validation_loss: float | None = None
    validation_accuracy: float | None = None

    def __str__(self) -> str:
        said = [f"epoch {self.epoch}: loss {self.loss:.4g}"]
        if self.validation_loss is not None:
            said.append(f"validation loss {self.validation_loss:.4g}")
        if self.validation_accuracy is not None:
            said.append(f"validation accuracy {self.validation_accuracy:.4f}")
        return ", ".join(said)


@dataclass
class History:
    """The epochs of one fit, in order; `seconds` is the time they took.

    >>> History([Epoch(1, 0.5), Epoch(2, 0.25)])
    epoch    loss
        1  0.5000
        2  0.2500
    """

    epochs: list[Epoch] = field(default_factory=list)
    seconds: float = 0.0

    def __len__(self) -> int:
        return len(self.epochs)

    def __repr__(self) -> str:
        if not self.epochs:
            return "History of no epochs"
        named: dict[str, list[float | None]] = {
            "loss": [e.loss for e in self.epochs],
            "validation loss": [e.validation_loss for e in self.epochs],
            "validation accuracy": [e.validation_accuracy for e in self.epochs],
        }
        known = {
            name: column for name, column in named.items() if column[-1] is not None
        }
        rows = [["epoch", *known]]
        for i in _shown(len(self.epochs)):
            cells = [f"{column[i]:.4f}" for column in known.values()]
            rows.append([str(self.epochs[i].epoch), *cells])
        return table(rows, "r" * len(rows[0]))


def _shown(count: int) -> list[int]:
    """Evenly spread row numbers, the first and the last among them."""
    if count <= SHOWN:
        return list(range(count))
    return sorted({round(i * (count - 1) / (SHOWN - 1)) for i in range(SHOWN)})
