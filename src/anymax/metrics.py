"""Metrics: how good predictions are, said in one number that people know."""

from __future__ import annotations

from collections.abc import Callable
from types import MappingProxyType
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike

from anymax.errors import ShapeError
from anymax.types import Array, numbers

Metric: TypeAlias = Callable[[Array, Array], Any]


def accuracy(y_true: ArrayLike, y_pred: ArrayLike) -> float:
    """The share of labels that are right; labels of any kind, of the same shape.

    >>> from anymax.metrics import accuracy
    >>> accuracy(["cat", "dog", "cat", "dog"], ["cat", "dog", "dog", "dog"])
    0.75
    """
    true, predicted = _paired(np.asarray(y_true), np.asarray(y_pred))
    return float(np.mean(true == predicted))


def macro_f1(y_true: ArrayLike, y_pred: ArrayLike) -> float:
    """The mean over classes of 2 hits / (true + predicted), every class alike.

    Classes are those that occur among the true or the predicted labels.

    >>> from anymax.metrics import macro_f1
    >>> round(macro_f1([0, 0, 0, 1], [0, 0, 1, 1]), 4)
    0.7333
    """
    true, predicted = _paired(np.asarray(y_true), np.asarray(y_pred))
    scores = []
    for label in np.unique(np.concatenate([true.ravel(), predicted.ravel()])):
        hits = np.sum((true == label) & (predicted == label))
        scores.append(2 * hits / (np.sum(true == label) + np.sum(predicted == label)))
    return float(np.mean(scores))


def mean_absolute_error(y_true: ArrayLike, y_pred: ArrayLike) -> float:
    """mean |y - a| over all numbers.

    >>> from anymax.metrics import mean_absolute_error
    >>> mean_absolute_error([1.0, 2.0], [1.5, 1.0])
    0.75
    """
    true, predicted = _paired(numbers(y_true, "y_true"), numbers(y_pred, "y_pred"))
    return float(np.mean(np.abs(true.astype(np.float64) - predicted)))


def r2(y_true: ArrayLike, y_pred: ArrayLike) -> float:
    """1 - sum (y - a)^2 / sum (y - mean y)^2, the mean of it over the outputs (..., n).

    1 is perfect, 0 as good as the mean; an output whose targets are all the same counts
    1 where it is hit exactly, else 0. Vectors (N,) are one output.

    >>> from anymax.metrics import r2
    >>> r2([1.0, 2.0, 3.0], [1.0, 2.0, 2.0])
    0.5
    """
    true, predicted = _paired(numbers(y_true, "y_true"), numbers(y_pred, "y_pred"))
    n = true.shape[-1] if true.ndim > 1 else 1
    y, a = (each.astype(np.float64).reshape(-1, n) for each in (true, predicted))
    missed, spread = ((y - a) ** 2).sum(0), ((y - y.mean(0)) ** 2).sum(0)
    flat = spread == 0
    explained = 1 - missed / np.where(flat, 1, spread)
    return float(np.mean(np.where(flat, missed == 0, explained)))


OF_LABELS = MappingProxyType({"accuracy": accuracy, "macro_f1": macro_f1})
OF_VALUES = MappingProxyType({"mean_absolute_error": mean_absolute_error, "r2": r2})


def _paired(true: Array, predicted: Array) -> tuple[Array, Array]:
    if true.shape != predicted.shape or true.size == 0:
        raise ShapeError(
            "a metric needs true and predicted values of the same shape, at least one; "
            f"got {true.shape} and {predicted.shape}."
        )
    return true, predicted
