"""Which rows go together: shuffled anew each epoch, or held out for validation."""

from __future__ import annotations

import numpy as np

from anymax.types import Array

SPLIT, SHUFFLE = 1, 2  # streams of random numbers apart from those of the layers


def shuffled(rows: int, seed: int, epoch: int) -> Array:
    """The row numbers 0 .. rows-1 in the order of an epoch, which seed and number fix.

    A run that is resumed at an epoch thus takes the rows as one that never stopped.
    """
    return np.random.default_rng([seed, epoch, SHUFFLE]).permutation(rows)


def hold_out(
    rows: int, fraction: float, seed: int, labels: Array | None = None
) -> tuple[Array, Array]:
    """Row numbers to train on and, a fraction of them, to validate on; both sorted.

    With labels (rows,) each class gives its own share, by largest remainder; a class
    of one row stays in training. Raises ValueError if either part would be empty.
    """
    if not 0 < fraction < 1:
        raise ValueError(
            f"validation needs a fraction between 0 and 1; got {fraction:g}."
        )
    rng = np.random.default_rng([seed, 0, SPLIT])
    groups = [np.arange(rows)]
    if labels is not None:
        groups = [np.flatnonzero(labels == label) for label in np.unique(labels)]
    wanted = round(fraction * rows)
    counts = _shares([len(group) for group in groups], wanted)
    taken = [
        rng.permutation(group)[:count]
        for group, count in zip(groups, counts, strict=True)
    ]
    held = np.sort(np.concatenate(taken)) if taken else np.arange(0)
    if not 0 < len(held) < rows:
        raise ValueError(
            f"validation={fraction:g} of {rows} rows leaves {len(held)} to validate on "
            f"and {rows - len(held)} to train on; both need at least one."
        )
    return np.setdiff1d(np.arange(rows), held, assume_unique=True), held


def _shares(sizes: list[int], wanted: int) -> list[int]:
    """How many of each group make up `wanted`, leaving one of each where possible."""
    exact = [wanted * size / max(sum(sizes), 1) for size in sizes]
    counts = [
        min(int(share), max(size - 1, 0))
        for share, size in zip(exact, sizes, strict=True)
    ]
    by_remainder = sorted(range(len(sizes)), key=lambda i: int(exact[i]) - exact[i])
    for i in by_remainder:
        if sum(counts) < wanted and counts[i] < sizes[i] - 1:
            counts[i] += 1
    return counts
