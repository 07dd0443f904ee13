"""The arrays of a piece of work, the same in every process."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from anymax.benchmarking.work import ROWS, Work

Array = NDArray[np.float32]
Labels = NDArray[np.int64]


def normal(work: Work, seed: int) -> Array:
    """Independent normal numbers of deviation 1, of the work's shape."""
    drawn = np.random.default_rng(seed).standard_normal(work.shape, np.float32)
    return drawn


def logits(work: Work) -> Array:
    """z, normal with the work's deviation."""
    z = normal(work, 1)
    z *= np.float32(work.deviation)
    return z


def covector(work: Work) -> Array:
    """g, normal."""
    return normal(work, 2)


def values(work: Work) -> Array:
    """y of the outputs' shape, normal."""
    return normal(work, 3)


def labels(work: Work) -> Labels:
    """y as one class index a row."""
    rows, n = work.shape
    return np.random.default_rng(4).integers(0, n, rows)


def targets(work: Work) -> Array | Labels:
    """What a pair is met by."""
    return labels(work) if work.classes else values(work)


def softmax(z: Array) -> Array:
    """Row-wise, for those that start from a forward result."""
    a = z - z.max(-1, keepdims=True)
    np.exp(a, out=a)
    a /= a.sum(-1, keepdims=True)
    return a


# ---- networks


def layers(work: Work) -> list[tuple[Array, Array]]:
    """W (n, m) and b (m,) of each layer, uniform as Glorot and Bengio say."""
    rng = np.random.default_rng(5)
    made = []
    for n, m in zip(work.shape, work.shape[1:], strict=False):
        bound = np.sqrt(6 / (n + m))
        w = rng.uniform(-bound, bound, (n, m)).astype(np.float32)
        made.append((w, np.zeros(m, np.float32)))
    return made


def flat(parameters: list[tuple[Array, Array]]) -> Array:
    """All of them in one vector."""
    return np.concatenate([part.ravel() for both in parameters for part in both])


def examples(work: Work) -> tuple[Array, Labels]:
    """x (8192, n) normal, y the class a random linear map says."""
    rng = np.random.default_rng(6)
    x = rng.standard_normal((ROWS, work.shape[0]), np.float32)
    teacher = rng.standard_normal((work.shape[0], work.shape[-1]), np.float32)
    return x, (x @ teacher).argmax(-1)


class Orders:
    """Permutations of the rows, one an epoch; `next` makes the one in `now`."""

    def __init__(self) -> None:
        self.rng = np.random.default_rng(7)
        self.next()

    def next(self) -> None:
        self.now = self.rng.permutation(ROWS)


def batch(work: Work) -> Array:
    """x (batch, n) to predict."""
    rng = np.random.default_rng(8)
    return rng.standard_normal((work.batch, work.shape[0]), np.float32)
