"""What a pair would do with given targets, and whether that can be meant."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import ArrayLike

from anymax.checking.lint.report import Finding
from anymax.errors import DomainError, ShapeError
from anymax.pair import Pair
from anymax.sets import REALS, UNIT, LogSimplex, Set, Simplex
from anymax.sets.base import SUM_TOLERANCE
from anymax.target import Target
from anymax.types import Array, numbers

ONE_HOT = "y = np.eye({n})[y]"


def targets_of(pair: Pair, y: ArrayLike, shape: tuple[int, ...]) -> list[Finding]:
    """Findings about targets for outputs of a shape (..., n), features last."""
    array = numbers(y, "y")
    try:
        target = pair.prepare(array, np.zeros(shape))
    except ShapeError as refusal:
        return [_misshapen(pair, array, shape, str(refusal))]
    except DomainError as refusal:
        return [_outside(pair, array, shape, str(refusal))]
    if array.shape == shape[:-1] and shape[-1] > 1:
        return [*_rows_as_indices(array), *_ignored(pair, target)]
    values = array if array.shape == shape else array[..., None]
    return [*_values(pair, values), *_ignored(pair, target)]


# ---- targets that the loss refuses


def _misshapen(pair: Pair, y: Array, shape: tuple[int, ...], sentence: str) -> Finding:
    n = shape[-1]
    if y.ndim and y.shape == shape[:-1] and n > 1:
        if y.dtype.kind in "biu":
            return Finding("indices-for-rows", sentence, ONE_HOT.format(n=n))
        return Finding("float-indices", sentence, "y = y.astype(int)")
    if y.shape == (*shape[:-1], 1):
        return Finding("target-shape", sentence, "y = y[..., 0]")
    if y.ndim == len(shape) and y.shape[-1] > 1 and _one_hot(y):
        return Finding(
            "one-hot-width",
            f"y holds one-hot rows of {y.shape[-1]} classes; there are {n} outputs.",
            f"net = am.Chain(..., am.Dense({y.shape[-1]}), am.{pair.activation!r})",
        )
    return Finding("target-shape", sentence, f"y = y.reshape({shape})")


def _outside(pair: Pair, y: Array, shape: tuple[int, ...], sentence: str) -> Finding:
    """Values that are no targets: indices, rows with another sum, or others."""
    if y.shape != shape:
        code = "index-out-of-range" if shape[-1] > 1 else "target-out-of-range"
        fix = "y = np.unique(y, return_inverse=True)[1]"
        return Finding(code, sentence, fix if shape[-1] > 1 else _rescaled(pair))
    if _indices(y) and not pair.targets.hull.contains(y.astype(float)).all():
        return _counted(pair, y)
    if (y >= 0).all() and not pair.targets.holds(UNIT) and _sums(pair, y):
        return Finding("rows-not-one", sentence, "y = y / y.sum(-1, keepdims=True)")
    return Finding("target-out-of-range", sentence, _rescaled(pair))


def _sums(pair: Pair, y: Array) -> bool:
    """Whether the rows would be targets if they summed to one."""
    total = y.sum(-1, keepdims=True)
    return bool((total > 0).all() and pair.targets.contains(y / total).all())


def _rescaled(pair: Pair) -> str:
    hull = pair.targets.hull
    if np.isfinite([hull.low, hull.high]).all():
        return (
            "y = (y - y.min()) / (y.max() - y.min())"
            if (hull.low, hull.high) == (0, 1)
            else f"y = np.where(y > 0, {hull.high:g}, {hull.low:g})"
        )
    return "loss = am.SquaredError()"


# ---- targets that it takes, but perhaps not as they are meant


def _rows_as_indices(y: Array) -> Iterator[Finding]:
    if y.ndim > 1 and y.shape[-1] > 2 and _one_hot(y):
        yield Finding(
            "one-hot-as-indices",
            f"y {y.shape} looks like one-hot rows, but its shape makes every 0 and 1 a "
            "class index of its own.",
            "y = y.argmax(-1)",
        )


def _values(pair: Pair, y: Array) -> Iterator[Finding]:
    """Rows of values (..., n) against what the outputs can be."""
    range, several = pair.activation.range, y.shape[-1] > 1
    shares = isinstance(_meaning(pair), Simplex) and several
    if shares and _indices(y):
        yield _counted(pair, y)
    elif shares and not _near_one(y).all():
        bad = int((~_near_one(y)).sum())
        yield Finding(
            "rows-not-one",
            f"{pair.activation.name} gives rows that sum to one; {bad} of "
            f"{_near_one(y).size} rows of y do not, so they weigh more or less than "
            "the others, or cannot be reached.",
            "y = y / y.sum(-1, keepdims=True)",
        )
    elif pair.targets == REALS and not isinstance(range, LogSimplex):
        yield from _out_of_reach(range, pair, y)
    exclusive = pair.targets == UNIT and UNIT.holds(range) and several
    if exclusive and not isinstance(range, Simplex) and _rows(y) > 1 and _one_hot(y):
        yield Finding(
            "sigmoid-exclusive",
            "every row of y has exactly one 1, so the classes exclude each other; the "
            f"outputs of {pair.activation.name} do not know of each other and sum to "
            "anything.",
            "net, loss = am.Chain(..., am.Softmax()), am.CrossEntropy()",
        )


def _meaning(pair: Pair) -> Set:
    """What rows of targets are: the set the outputs are in, or are meant for."""
    if isinstance(pair.loss.meant, Simplex) and pair.doubt is None:
        return pair.loss.meant
    range, targets = pair.activation.range, pair.targets
    joint = isinstance(range, Simplex) and targets != UNIT and targets.holds(range)
    return range if joint else REALS


def _out_of_reach(range: Set, pair: Pair, y: Array) -> Iterator[Finding]:
    hull = range.hull.closure
    good = hull.contains(y.astype(float))
    if good.all():
        return
    yield Finding(
        "target-out-of-reach",
        f"{pair.activation!r} gives {range}; y goes from {y.min():g} to {y.max():g}, "
        f"out of its reach in {int((~good).sum())} of {good.size} rows: the loss can "
        "never get to 0.",
        "net = am.Chain(..., am.Identity())  # or scale y into the range",
    )


def _ignored(pair: Pair, target: Target) -> Iterator[Finding]:
    if target.weight.size and not np.any(target.weight):
        why = "ignored" if not target.kept.any() else "of weight 0"
        yield Finding(
            "all-ignored",
            f"all {target.kept.size} rows of y are {why}: the loss is 0 and nothing is "
            f"learned; {pair.loss!r}.",
            f"loss = am.{pair.loss.name}()",
        )


# ---- what numbers look like


def _counted(pair: Pair, y: Array) -> Finding:
    return Finding(
        "indices-as-rows",
        f"y {y.shape} has the shape of the outputs, so its whole numbers up to "
        f"{int(y.max())} are read as values for each output; as class indices they "
        f"need shape {y.shape[:-1]}.",
        f"y = y[:, 0]  # {pair.loss.name} takes one index a row"
        if pair.targets.classes
        else ONE_HOT.format(n=y.shape[-1]).replace("[y]", "[y[:, 0]]"),
    )


def _indices(y: Array) -> bool:
    """Whether values are whole numbers beyond 0 and 1, stored as integers."""
    return y.dtype.kind in "iu" and bool(y.min(initial=0) >= 0 and y.max(initial=0) > 1)


def _one_hot(y: Array) -> bool:
    return bool(np.isin(y, (0, 1)).all() and (y.sum(-1) == 1).all() and y.size)


def _near_one(y: Array) -> Array:
    return np.abs(y.sum(-1) - 1) <= SUM_TOLERANCE


def _rows(y: Array) -> int:
    return int(np.prod(y.shape[:-1]))
