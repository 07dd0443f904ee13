"""Where rows come from: a named set, or a CSV file with a target column."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from pathlib import Path

import numpy as np

from anymax.cli.options import columns
from anymax.cli.settings import Settings, TaskName
from anymax.data.csv_file import read_csv
from anymax.data.sets import NAMES, TEST_SHARE, Split, load
from anymax.data.table import Table, shown
from anymax.pair import Pair
from anymax.training.batches import hold_out
from anymax.types import Array, nearest

FEW = 20  # so many different whole numbers may be classes


@dataclass(frozen=True)
class Source:
    """Rows to train on and to test with, not scaled yet, and what they are called.

    The targets are class indices (N,) where there are `classes`, values (N, 1) where
    not; `decided` says which, and why, where that was a choice. `together` means one
    scale for all columns. `seed` and `test_size` are what it was split with.
    """

    name: str
    split: Split
    columns: tuple[str, ...]
    target: str
    classes: Array | None = None
    together: bool = False
    decided: str = ""
    table: Table | None = None
    seed: int = 0
    test_size: float = TEST_SHARE

    @property
    def outputs(self) -> int:
        """How many the network needs."""
        return 1 if self.classes is None else len(self.classes)

    def check(self, pair: Pair) -> None:
        """Refuse values that the loss does not take; the message names the line."""
        if self.classes is None and self.table is not None:
            check_values(self.table, self.target, pair)


def sourced(settings: Settings) -> Source:
    """The rows that the settings name."""
    name = settings.data
    if name in NAMES:
        return _named(settings)
    if Path(name).suffix or Path(name).exists():
        return _from_file(settings)
    raise ValueError(
        f"no data set is called {name!r}; {nearest(name, list(NAMES))} For a file of "
        "your own write FILE.csv --target COLUMN."
    )


def _named(settings: Settings) -> Source:
    given = [settings.target, settings.columns, settings.task != TaskName.auto]
    if any(given):
        raise ValueError(
            "--target, --columns and --task go with FILE.csv; "
            f"{settings.data} has a target and columns of its own."
        )
    data = load(settings.data)
    split = data.part(settings.seed, settings.test_size)
    classes = np.array(data.classes)
    return Source(
        data.name,
        split,
        data.columns,
        "target",
        classes,
        together=data.one_unit,
        seed=settings.seed,
        test_size=settings.test_size,
    )


def _from_file(settings: Settings) -> Source:
    table = read_csv(settings.data)
    target = settings.target
    if target is None:
        raise ValueError(
            f"{table.path} needs --target COLUMN, what to predict; it has "
            f"{', '.join(name for name in table.header if name)}."
        )
    classes, y, decided = target_of(table, target, settings.task)
    names = selected(table, target, settings.columns)
    x = table.features(names)
    train, test = _parts(len(x), settings, None if classes is None else y)
    split = Split(x[train], y[train], x[test], y[test])
    name = Path(table.path).name
    return Source(
        name,
        split,
        tuple(names),
        target,
        classes,
        decided=decided,
        table=table,
        seed=settings.seed,
        test_size=settings.test_size,
    )


def _parts(rows: int, settings: Settings, labels: Array | None) -> tuple[Array, Array]:
    """Row numbers to train on and to test with, of each class alike."""
    try:
        return hold_out(rows, settings.test_size, settings.seed, labels)
    except ValueError:
        raise ValueError(
            f"--test-size {settings.test_size:g} of the {rows} rows in "
            f"{settings.data} leaves none to test with, or none to train on; add rows "
            "or change it."
        ) from None


# ---- columns


def selected(table: Table, target: str, text: str | None) -> list[str]:
    """The names of the features: those that are given, or all but the target."""
    if text is None:
        names = [name for name in table.header if name != target]
        _check_unselected(table, names)
        return names
    names = columns(text)
    if target in names:
        raise ValueError(f"--columns holds the target {target!r} itself; leave it out.")
    return names


def _check_unselected(table: Table, names: list[str]) -> None:
    if not names:
        raise ValueError(
            f"{table.path} has no column beside the target; add one to predict from."
        )
    if "" in names:
        at = table.header.index("") + 1
        raise ValueError(
            f"{table.path}, line 1: column {at} has no name; name it, or select others "
            "with --columns A,B,C."
        )
    for name in table.texts(names):
        first = next(cell for cell in table.cells(name) if cell)
        usable = [each for each in names if table.numeric(each)]
        choice = f"select columns of numbers with --columns {','.join(usable)}"
        raise ValueError(
            f"{table.path}: column {name!r} holds text, as {shown(first)}; "
            f"{choice if usable else 'encode it as numbers'}."
        )


# ---- the target


def target_of(
    table: Table, name: str, task: TaskName
) -> tuple[Array | None, Array, str]:
    """Classes with indices (N,), or None with values (N, 1); and what was decided."""
    cells = table.labels(name)
    kinds = len(set(cells))
    _check_several(table, name, kinds)
    if task is TaskName.classification or not table.numeric(name):
        if task is TaskName.regression:
            table.numbers(name)
        why = "" if task is TaskName.classification else " since it is text"
        return _classes(table, name, f"classification{why}")
    values = table.numbers(name)
    whole = bool(np.all(values == np.round(values)))
    few = whole and kinds <= FEW and 2 * kinds <= len(cells)
    if task is TaskName.auto and few:
        return _classes(
            table,
            name,
            f"classification since it is {kinds} different whole numbers "
            "(--task regression for values)",
        )
    hint = "" if task is TaskName.regression else " (--task classification for classes)"
    said = f"regression: {name} is {kinds} different numbers{hint}"
    return None, values[:, None], said


def _classes(table: Table, name: str, said: str) -> tuple[Array, Array, str]:
    labels = labels_of(table, name)
    classes, index = np.unique(labels, return_inverse=True)
    _check_several(table, name, len(classes))
    head, _, tail = said.partition(" ")
    decided = f"{head}: {name} is {len(classes)} classes{tail and f' {tail}'}"
    decided += _merged(table.labels(name), index)
    return classes, index, decided


def _check_several(table: Table, name: str, kinds: int) -> None:
    if kinds == 1:
        cells = table.labels(name)
        raise ValueError(
            f"{table.path}: column {name!r} holds {shown(cells[0])} only, in all "
            f"{len(cells)} rows; there is nothing to learn to tell apart."
        )


def _merged(cells: list[str], index: Array) -> str:
    """What is said of labels that are the same number, written in two ways."""
    first: dict[int, str] = {}
    for cell, at in zip(cells, index.tolist(), strict=True):
        if first.setdefault(at, cell) != cell:
            return f"; {first[at]!r} and {cell!r} are one class, as the same number"
    return ""


def labels_of(table: Table, name: str) -> Array:
    """A column as labels: int64 where all of it is whole and fits, else text."""
    cells = table.labels(name)
    found = [whole(cell) for cell in cells]
    values = [each for each in found if each is not None]
    return np.array(values if len(values) == len(cells) else cells)


def whole(cell: str) -> int | None:
    """The whole number that a cell is, as 1, 01 or 1.0; None if none, or not int64."""
    try:
        value = Decimal(cell)
    except InvalidOperation:
        return None
    if "_" in cell or not value.is_finite() or not -(2**63) <= value < 2**63:
        return None
    return int(value) if value == value.to_integral_value() else None


def check_values(table: Table, name: str, pair: Pair) -> None:
    """Refuse values that are no targets of a pair; the message names the line."""
    values = table.numbers(name)
    good = pair.targets.contains(values[:, None])
    if not good.all():
        row = int(np.flatnonzero(~good)[0])
        raise ValueError(
            f"{table.at(name, table.lines[row])} is {values[row]:g}, but "
            f"{pair.loss.name} needs targets that are {pair.targets}; choose another "
            "loss, as SquaredError."
        )
