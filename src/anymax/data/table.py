"""Table: cells of text under names, read as numbers or as labels."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from anymax.types import Array, nearest

SHOWN = 30  # characters of a cell that a message shows


@dataclass(frozen=True)
class Table:
    """Rows of cells; `lines` says in which line of the file each begins.

    Every error is a ValueError that names the file, and the line and the column.
    """

    path: str
    header: tuple[str, ...]
    rows: tuple[list[str], ...]
    lines: tuple[int, ...]

    def __len__(self) -> int:
        return len(self.rows)

    def cells(self, name: str) -> list[str]:
        """The cells of a column, without the spaces around them."""
        if name not in self.header:
            known = [each for each in self.header if each]
            raise ValueError(
                f"{self.path} has no column {name!r}; {nearest(name, known)}"
            )
        at = self.header.index(name)
        return [row[at].strip() for row in self.rows]

    def numbers(self, name: str) -> Array:
        """A column as finite numbers (N,) float64."""
        values = [_number(cell) for cell in self.cells(name)]
        for value, cell, line in zip(values, self.cells(name), self.lines, strict=True):
            if value is None:
                raise ValueError(f"{self.at(name, line)} {_needs(cell)}")
        return np.array(values, float)

    def features(self, names: list[str] | tuple[str, ...]) -> Array:
        """Columns of numbers side by side, (N, n)."""
        return np.stack([self.numbers(name) for name in names], -1)

    def labels(self, name: str) -> list[str]:
        """A column as text, none of it empty."""
        cells = self.cells(name)
        gaps = [line for cell, line in zip(cells, self.lines, strict=True) if not cell]
        if gaps:
            more = f", and in {len(gaps) - 1} more lines" if len(gaps) > 1 else ""
            raise ValueError(
                f"{self.at(name, gaps[0])} is empty{more}; every row needs a target: "
                "fill it in, or remove the row."
            )
        return cells

    def numeric(self, name: str) -> bool:
        """Whether a column is one of numbers: at least half of what it holds."""
        cells = [cell for cell in self.cells(name) if cell]
        known = sum(_number(cell) is not None for cell in cells)
        return 2 * known >= len(cells)

    def at(self, name: str, line: int) -> str:
        """The beginning of an error message about one cell."""
        return f"{self.path}, line {line}: column {name!r}"

    def texts(self, names: list[str]) -> list[str]:
        """Those of the columns that hold text."""
        return [name for name in names if not self.numeric(name)]


def shown(cell: str) -> str:
    """A cell for a message, cut where it is long."""
    return repr(cell if len(cell) <= SHOWN else f"{cell[:SHOWN]}...")


def _number(cell: str) -> float | None:
    """A finite number, or None."""
    try:
        value = float(cell)
    except ValueError:
        return None
    return value if math.isfinite(value) and "_" not in cell else None


def _needs(cell: str) -> str:
    if not cell:
        return "is empty; fill it in, or remove the row."
    return f"needs a finite number; got {shown(cell)}."
