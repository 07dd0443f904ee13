"""Labels of any kind as targets that a loss takes, and the classes they stand for."""

from __future__ import annotations

import logging
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from anymax.errors import ShapeError
from anymax.pair import Pair
from anymax.types import Array

log = logging.getLogger("anymax")


class Labels(NamedTuple):
    """Targets; for classes also their labels, each row's index, and the threshold."""

    targets: Array
    classes: Array | None = None
    indices: Array | None = None
    threshold: float = 0.5


def encode_labels(
    y: ArrayLike,
    shape: tuple[int, ...],
    pair: Pair,
    known: Array | None = None,
) -> Labels:
    """Targets for outputs of a shape (..., n).

    Several outputs: a label for each row, of any kind, becomes a class index, or the
    one-hot row that the loss takes in its place. One output: two labels become the two
    ends of the targets; integers only do where the targets are bounded, else they are
    values. Whatever has the shape of the outputs is values. Classes that are `known`
    stay the classes as long as y has no others.
    """
    array = np.asarray(y)
    lead, n = shape[:-1], shape[-1]
    kind = array.dtype.kind
    if array.shape != lead or kind not in "OSUTbiu":
        if kind in "OSUT":
            raise ShapeError(f"labels need shape {lead}, one a row; got {array.shape}.")
        return Labels(array)
    if n == 1:
        return _two(array, pair, known)
    ignored = _ignored(array, pair)
    classes = _classes(array[~ignored], n, known)
    _check_ignored(classes, pair.loss.ignore_index)
    index = np.searchsorted(classes, np.where(ignored, classes[0], array))
    index = np.where(ignored, -1, index)
    if not pair.targets.classes:
        log.info("%s takes no class indices: labels became rows.", pair.loss.name)
        return Labels(pair.targets.indicate(np.eye(n)[index]), classes, index)
    ignore = pair.loss.ignore_index
    targets = index if ignore is None else np.where(ignored, ignore, index)
    return Labels(targets, classes, index)


def _two(array: Array, pair: Pair, known: Array | None) -> Labels:
    """Labels for one output: the ends of the targets, or values as they are."""
    classes = _unique(array)
    if known is not None and len(known) == 2 and _among(classes, known):
        classes = known
    hull = pair.targets.hull
    bounded = bool(np.isfinite(hull.low) and np.isfinite(hull.high))
    whole = array.dtype.kind in "iu"
    if whole and not (bounded and len(classes) == 2):
        return Labels(array)
    if len(classes) != 2:
        raise ShapeError(
            f"one output tells two classes apart; got {len(classes)} labels. Give the "
            "last layer a unit for each class, or check y."
        )
    ends = pair.targets.indicate(np.array([[0.0], [1.0]]))[:, 0]
    index = np.searchsorted(classes, array)
    return Labels(ends[index], classes, index, float(ends.mean()))


def _ignored(array: Array, pair: Pair) -> Array:
    ignore = pair.loss.ignore_index
    if ignore is None or array.dtype.kind not in "iu":
        return np.zeros(array.shape, bool)
    return np.asarray(array == ignore)


def _check_ignored(classes: Array, ignore: int | None) -> None:
    """Refuse an ignore_index that would mean one of the renumbered classes."""
    if ignore is None or (classes.dtype.kind in "iu" and classes[0] == 0):
        return
    if 0 <= ignore < len(classes):
        raise ValueError(
            f"ignore_index={ignore} needs labels 0 to {len(classes) - 1}; got "
            f"{classes[0]!r} and others. Renumber them, or ignore a negative index."
        )


def _classes(array: Array, n: int, known: Array | None) -> Array:
    """The n labels, sorted: 0 .. n-1 where the labels are such numbers already."""
    if known is not None and len(known) == n and _among(_unique(array), known):
        return known
    whole = array.dtype.kind in "iu"
    if whole and (array.size == 0 or (array.min() >= 0 and array.max() < n)):
        return np.arange(n)
    classes = _unique(array)
    if len(classes) > n:
        raise ShapeError(
            f"{n} outputs tell {n} classes apart; got {len(classes)} labels. Give the "
            f"last layer {len(classes)} units."
        )
    if len(classes) < n:
        raise ShapeError(
            f"{n} outputs need {n} classes; got {len(classes)} labels. Give the last "
            f"layer {len(classes)} units, or pass class indices 0 to {n - 1}."
        )
    return classes


def _among(labels: Array, known: Array) -> bool:
    """Whether all labels are known ones, of the same kind."""
    kinds = {
        "i" if each.dtype.kind in "iu" else each.dtype.kind for each in (labels, known)
    }
    return len(kinds) == 1 and bool(np.isin(labels, known).all())


def _unique(array: Array) -> Array:
    try:
        return np.unique(array)
    except TypeError:
        raise TypeError(
            "labels need to be of one kind, all strings or all numbers; got a mixture. "
            "Convert them with y.astype(str)."
        ) from None
