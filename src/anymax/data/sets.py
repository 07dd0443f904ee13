"""Named data sets of scikit-learn, split by class and scaled by the training rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from sklearn import datasets
from sklearn.model_selection import train_test_split

from anymax.types import Array, nearest

NAMES = ("digits", "wine", "iris", "breast_cancer")
TEST_SHARE = 0.25


class Split(NamedTuple):
    """Rows to train on and to test with: x (N, n) float64, y (N,) class indices."""

    x_train: Array
    y_train: Array
    x_test: Array
    y_test: Array


@dataclass(frozen=True)
class DataSet:
    """Rows x (N, n) with class indices y (N,).

    `one_unit` says that all features are measured alike, as the pixels of an image are,
    so that one shift and one scale serve them all.
    """

    name: str
    x: Array
    y: Array
    classes: tuple[str, ...]
    one_unit: bool

    def split(self, seed: int = 0) -> Split:
        """A quarter of the rows of each class to test with, the rest to train on.

        x is shifted and scaled to mean 0 and variance 1 as the training rows say,
        column by column or all columns at once (`one_unit`); test rows decide nothing.

        >>> from anymax.data import load
        >>> split = load("iris").split(seed=0)
        >>> split.x_train.shape, split.y_test.shape
        ((112, 4), (38,))
        """
        x_train, x_test, y_train, y_test = train_test_split(
            self.x, self.y, test_size=TEST_SHARE, stratify=self.y, random_state=seed
        )
        axis = None if self.one_unit else 0
        shift, scale = x_train.mean(axis), x_train.std(axis)
        scale = np.where(scale > 0, scale, 1)
        return Split(
            (x_train - shift) / scale, y_train, (x_test - shift) / scale, y_test
        )


def load(name: str) -> DataSet:
    """The data set of that name: digits, wine, iris or breast_cancer.

    They come with scikit-learn; nothing is downloaded. Raises ValueError for another
    name.

    >>> load("digits").x.shape
    (1797, 64)
    """
    if name not in NAMES:
        raise ValueError(
            f"no data set is called {name!r}; {nearest(name, list(NAMES))}"
        )
    bunch = getattr(datasets, f"load_{name}")()
    classes = tuple(str(each) for each in bunch.target_names)
    return DataSet(name, bunch.data, bunch.target, classes, one_unit="images" in bunch)
