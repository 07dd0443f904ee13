"""Named data sets of scikit-learn, split by class and scaled by the training rows."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import NamedTuple

from anymax.data.scaling import Scaling
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
    """Rows x (N, n) with class indices y (N,), and names for columns and classes.

    `one_unit` says that all features are measured alike, as the pixels of an image are,
    so that one shift and one scale serve them all.
    """

    name: str
    x: Array
    y: Array
    columns: tuple[str, ...]
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
        x_train, y_train, x_test, y_test = self.part(seed)
        scaling = Scaling.of(x_train, together=self.one_unit)
        return Split(scaling.apply(x_train), y_train, scaling.apply(x_test), y_test)

    def part(self, seed: int = 0, share: float = TEST_SHARE) -> Split:
        """The rows split as `split` does, a share of them to test with, not scaled."""
        split = import_module("sklearn.model_selection").train_test_split
        x_train, x_test, y_train, y_test = split(
            self.x, self.y, test_size=share, stratify=self.y, random_state=seed
        )
        return Split(x_train, y_train, x_test, y_test)


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
    # By name and only now: scikit-learn is an extra, and takes a second to import.
    bunch = getattr(import_module("sklearn.datasets"), f"load_{name}")()
    columns, classes = map(_texts, (bunch.feature_names, bunch.target_names))
    one_unit = "images" in bunch
    return DataSet(name, bunch.data, bunch.target, columns, classes, one_unit)


def _texts(names: list[object]) -> tuple[str, ...]:
    return tuple(str(each) for each in names)
