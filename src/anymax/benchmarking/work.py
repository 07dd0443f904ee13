"""Work: what is timed, described by names and numbers alone."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from math import prod
from typing import Any

ROWS = 8192  # of an epoch

# Bytes an element costs at least, float32: what has to be read once and written once.
BYTES = {
    "softmax": 8,  # z; a
    "softmax_vjp": 12,  # a, g; dz
    "pair": 12,  # z, y; dz
    "classes": 8,  # z; dz: the targets are one index a row
    "sparse": 16,  # z, g; a, dz
    "alternating": 8,
}


@dataclass(frozen=True)
class Work:
    """A task with its sizes; every library derives the same arrays from it.

    `shape` is (rows, n) of logits, or the widths of a network's layers; `option` which
    pair or map it is; `deviation` that of the normal logits; `batch` the rows of a
    step or of a prediction.
    """

    task: str
    shape: tuple[int, ...]
    option: str = ""
    deviation: float = 1.0
    batch: int = 0

    @classmethod
    def of(cls, fields: dict[str, Any]) -> Work:
        """What `fields` gave, after a way through JSON."""
        return cls(**{**fields, "shape": tuple(fields["shape"])})

    @property
    def fields(self) -> dict[str, Any]:
        """Names and numbers for JSON."""
        return asdict(self)

    @property
    def layered(self) -> bool:
        """Whether the shape is that of a network."""
        return self.task in ("epoch", "predict")

    @property
    def label(self) -> str:
        """What a table's first column says.

        >>> Work("epoch", (64, 32, 10), batch=32).label
        '64-32-10, batch 32'
        >>> Work("sparse", (64, 10), "sparsemax", deviation=2.0).label
        'sparsemax (64, 10), narrow'
        """
        if self.layered:
            return f"{'-'.join(map(str, self.shape))}, batch {self.batch}"
        size = f"({', '.join(map(str, self.shape))})"
        if self.task == "sparse":
            return f"{self.option} {size}, {'narrow' if self.deviation > 1 else 'wide'}"
        return f"{self.option} {size}".strip()

    @property
    def elements(self) -> int:
        """How many logits there are; 0 for a network."""
        return 0 if self.layered else prod(self.shape)

    @property
    def classes(self) -> bool:
        """Whether the targets of a pair are class indices."""
        return self.option.endswith(("cross_entropy", "focal"))

    @property
    def bytes(self) -> int:
        """What has to move between memory and cores at the very least."""
        if self.layered:
            return 4 * self.weights if self.task == "predict" else 0
        task = "classes" if self.task == "pair" and self.classes else self.task
        return BYTES[task] * self.elements

    @property
    def weights(self) -> int:
        """The elements of all weight matrices of a network."""
        return sum(n * m for n, m in zip(self.shape, self.shape[1:], strict=False))

    @property
    def products(self) -> int:
        """Floating-point operations of the matrix products that cannot be avoided."""
        if self.task == "predict":
            return 2 * self.batch * self.weights
        if self.task == "epoch":
            # forward, by the weights, and by the inputs of all layers but the first
            return ROWS * (6 * self.weights - 2 * self.shape[0] * self.shape[1])
        return 0
