"""Matrices as SVG: shaded cells with their numbers, set out as an equation."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

from anymax.explaining.markup import number, shape, short

WIDE, HIGH = 58, 32  # of a cell with its number
SMALL = 18  # of one that shows its shade alone
GAP, SIGN, FOOT = 14, 26, 46
NUMBERED = 12  # columns that still show their numbers
LEAST = 0.65  # what it may shrink to before it scrolls
DRAWN = 64  # rows and columns that are drawn at all


@dataclass(frozen=True)
class Matrix:
    """Rows of numbers with a name; `note` stands for the shape where it is another."""

    rows: Sequence[Sequence[Any]]
    name: str = ""
    note: str = ""

    @property
    def size(self) -> tuple[int, int]:
        return len(self.rows), len(self.rows[0]) if self.rows else 0

    @property
    def fits(self) -> bool:
        return 0 < max(self.size) <= DRAWN and min(self.size) > 0


def column(values: Sequence[Any], name: str) -> Matrix:
    """A vector as a column."""
    return Matrix([[each] for each in values], name)


def line(values: Sequence[Any], name: str) -> Matrix:
    """A vector as a row."""
    return Matrix([list(values)], name)


def transposed(rows: Sequence[Sequence[Any]]) -> list[list[Any]]:
    """The rows as columns."""
    return [list(each) for each in zip(*rows, strict=True)]


def equation(*parts: Matrix | str, label: str = "") -> str:
    """Matrices with signs between them, as one picture; the label says what it is."""
    matrices = [part for part in parts if isinstance(part, Matrix)]
    wide = max(matrix.size[1] for matrix in matrices)
    cell = (WIDE, HIGH) if wide <= NUMBERED else (SMALL, SMALL)
    height = max(matrix.size[0] for matrix in matrices) * cell[1] + 8
    x, drawn = 4.0, []
    for part in parts:
        if isinstance(part, str):
            drawn.append(_text("sign", x + SIGN / 2, height / 2 + 7, part))
            x += SIGN + GAP
            continue
        rows, columns = part.size
        width = columns * cell[0] + 12
        y = (height - rows * cell[1]) / 2
        drawn.append(_brackets(x, y, width, rows * cell[1]))
        drawn += _cells(part, x + 6, y, cell)
        below = y + rows * cell[1]
        drawn.append(_text("name", x + width / 2, below + 20, part.name))
        drawn.append(
            _text("shape", x + width / 2, below + 37, part.note or shape(part.size))
        )
        x += width + GAP
    said = escape(label or _spoken(matrices), quote=True)
    return (
        f'<svg class="maths" role="img" aria-label="{said}" width="{x:g}" '
        f'height="{height + FOOT:g}" viewBox="0 0 {x:g} {height + FOOT:g}" '
        f'style="min-width: {LEAST * x:.0f}px">' + "".join(drawn) + "</svg>"
    )


def _cells(matrix: Matrix, left: float, top: float, cell: tuple[int, int]) -> list[str]:
    numbers = [[number(v) if v is not None else 0.0 for v in r] for r in matrix.rows]
    sizes = [abs(v) for row in numbers for v in row if math.isfinite(v)]
    most = max(sizes, default=0.0) or 1.0
    drawn = []
    for i, row in enumerate(numbers):
        for j, v in enumerate(row):
            x, y = left + j * cell[0], top + i * cell[1]
            place = f'x="{x:g}" y="{y:g}" width="{cell[0]}" height="{cell[1]}"'
            drawn.append(f'<rect class="box" {place}/>')
            share = abs(v) / most if math.isfinite(v) else 0
            if share > 0.004:
                sign = "p" if v > 0 else "m"
                drawn.append(
                    f'<rect class="{sign}" {place} fill-opacity="{share:.2f}"/>'
                )
            if cell[0] == WIDE:
                kind = "cell nil" if v == 0 else "cell"
                words = short(matrix.rows[i][j])
                drawn.append(_text(kind, x + WIDE / 2, y + HIGH / 2 + 5, words))
    return drawn


def _brackets(x: float, y: float, width: float, height: float) -> str:
    right = x + width
    return (
        f'<path class="bracket" d="M{x + 5:g} {y - 3:g}H{x:g}V{y + height + 3:g}'
        f'h5M{right - 5:g} {y - 3:g}H{right:g}V{y + height + 3:g}h-5"/>'
    )


def _text(kind: str, x: float, y: float, words: str) -> str:
    return f'<text class="{kind}" x="{x:g}" y="{y:g}">{escape(words)}</text>'


def _spoken(matrices: Sequence[Matrix]) -> str:
    """The numbers in words, as far as they can be listened to."""
    said = []
    for matrix in matrices:
        text = f"{matrix.name}, {shape(matrix.size)}"
        if max(matrix.size) <= 6:
            rows = (", ".join(short(v) for v in row) for row in matrix.rows)
            text += ": " + "; ".join(rows)
        said.append(text)
    return ". ".join(said) + "."
