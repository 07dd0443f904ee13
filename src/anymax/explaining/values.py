"""One array on a page: its numbers, what the loss does as they change, differences."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import product
from typing import Any

from anymax.explaining.heat import Matrix, equation
from anymax.explaining.markup import long, number, scrolled, table

OPEN = 12  # rows of a table that stands open
LISTED = 2000  # rows of one that can be opened
TELLING = 12  # entries that speak for more than that

Said = dict[str, Any]


def numbers(values: Any) -> list[Any]:
    """Nested lists, flattened in their order; a single number as a list of one."""
    if not isinstance(values, list):
        return [values]
    return [each for part in values for each in numbers(part)]


def shown(value: Said, label: str) -> str:
    """A Value: pictures where it is a matrix, a table of all its numbers, the error."""
    return "".join([*_pictures(value, label), _table(value, label), _error(value)])


def _pictures(value: Said, label: str) -> Iterator[str]:
    if len(value["shape"]) < 2:
        return
    names = {
        "values": value["name"],
        "gradient": "gradient",
        "differences": "differences",
    }
    matrices = [
        Matrix(_rows(value[key], value["shape"][-1]), name)
        for key, name in names.items()
        if value[key] is not None
    ]
    if not matrices[0].fits:
        return
    drawn = "".join(map(equation, matrices))
    yield scrolled(f'<div class="matrices">{drawn}</div>', label)


def _rows(values: Any, width: int) -> list[list[Any]]:
    """An array of any rank as rows of its last axis."""
    flat = numbers(values)
    return [flat[k : k + width] for k in range(0, len(flat), max(width, 1))]


def _table(value: Said, label: str) -> str:
    heads = ["entry", "value"]
    columns = [_entries(value["shape"]), numbers(value["values"])]
    for key in ("gradient", "differences"):
        if value[key] is not None:
            heads.append("dL/d(it)" if key == "gradient" else key)
            columns.append(numbers(value[key]))
    rows = list(zip(*columns, strict=True))
    if len(rows) > LISTED:
        kept = _telling(rows)
        said = f"{len(kept)} of {len(rows)} entries, those of the largest gradient"
        return table(heads, map(_written, kept), label, said)
    made = table(heads, map(_written, rows), label)
    if len(rows) <= OPEN and len(value["shape"]) < 2:
        return made
    summary = f"<summary>all {len(rows)} numbers of {label}</summary>"
    return f"<details>{summary}{made}</details>"


def _entries(sizes: Sequence[int]) -> list[str]:
    """The place of each entry, from 1: "2, 3"."""
    return [
        ", ".join(str(i + 1) for i in place) for place in product(*map(range, sizes))
    ]


def _telling(rows: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    """The rows of the largest gradient, or the first where there is none."""
    if len(rows[0]) < 3:
        return rows[:TELLING]
    return sorted(rows, key=lambda row: -abs(number(row[2])))[:TELLING]


def _written(row: Sequence[Any]) -> list[str]:
    return [row[0] or "it", *map(long, row[1:])]


def _error(value: Said) -> str:
    if value["error"] is None:
        return '<p class="soft">No differences were taken here.</p>'
    return (
        f'<p class="soft">Gradient and differences are {number(value["error"]):.1e} '
        "apart, of max(1, norm).</p>"
    )
