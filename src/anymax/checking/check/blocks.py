"""A Jacobian taken apart: its blocks, and each as diag(d) + u v^T where it is that."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from anymax.checking.check.observing import Observation, coupling
from anymax.types import Array


@dataclass(frozen=True)
class Parts:
    """J = diag(d) + u v^T of one block; `at` are its places among all inputs."""

    at: Array
    d: Array
    u: Array
    v: Array


def places(shape: tuple[int, ...], along: str) -> list[Array]:
    """The flat places of what belongs together: rows, columns, single numbers, all."""
    every = np.arange(int(np.prod(shape)))
    if along == "element":
        return [every[i : i + 1] for i in every]
    if len(shape) != 2 or 1 in shape or along == "whole":
        return [every]
    grid = every.reshape(shape)
    return list(grid) if along == "row" else list(grid.T)


def parts(seen: Observation) -> list[Parts | None]:
    """The blocks of J taken apart; None for one of another structure, or that hides it.

    A block that is 0 off its diagonal in a map that couples hides what it is made of.
    """
    kind = coupling(seen.J, seen.x.shape, seen.out.shape)
    return [
        _apart(seen.J[np.ix_(at, at)], at, float(np.max(np.abs(seen.J))))
        for at in places(seen.x.shape, kind)
    ]


def _apart(J: Array, at: Array, size: float) -> Parts | None:
    """Off its diagonal a block of rank one says what it is on the diagonal too."""
    limit = 1e-5 * size
    off = J - np.diag(np.diag(J))
    live = np.flatnonzero((np.abs(off).max(0) > limit) & (np.abs(off).max(1) > limit))
    if len(live) < 3:
        return None
    filled = _filled(off, live)
    if filled is None:
        return None
    left, values, right = np.linalg.svd(filled)
    if len(values) > 1 and values[1] > 1e-5 * values[0]:
        return None
    u, v = left[:, 0] * values[0], right[0]
    if u.sum() > 0:
        u, v = -u, -v
    return Parts(at, np.diag(J) - u * v, u, v)


def _filled(off: Array, live: Array) -> Array | None:
    """Off-diagonal entries with u_i v_i = J_ij J_ki / J_kj put on the diagonal."""
    filled = np.array(off)
    strong = live[np.argsort(-np.abs(off[np.ix_(live, live)]).sum(0))][:6]
    for i in live:
        pairs = [
            (abs(off[k, j]), k, j)
            for k in strong
            for j in strong
            if len({i, j, k}) == 3
        ]
        largest, k, j = max(pairs)
        if not largest:
            return None
        filled[i, i] = off[i, j] * off[k, i] / off[k, j]
    return filled
