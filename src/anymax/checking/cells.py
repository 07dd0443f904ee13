"""One cell of the table of every activation against every loss, measured."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np

from anymax.activation import Activation
from anymax.differences import along, by_each
from anymax.errors import DomainError
from anymax.loss import Loss
from anymax.pair import Pair
from anymax.sets import NOT_NEGATIVE, UNIT, Placement, Set
from anymax.types import Array, quiet

ROWS, DRAWN, BATCHES, WIDTH = 5, 60, 20, 5
STEP = 1e-3


@dataclass(frozen=True)
class Cell:
    """What became of one pair: its status, and how far it is from finite differences.

    `status` is "refused", "boundary", "doubtful", "fused" or "plain"; `sentence` says
    why where it is one of the first three. Errors are relative to max(1, norm), nan in
    a refused cell.
    """

    activation: str
    loss: str
    status: str
    sentence: str
    gradient_error: float = np.nan
    hvp_error: float = np.nan
    rows: int = 0


@quiet
def measure(activation: Activation, loss: Loss, seed: int = 0) -> Cell:
    """A cell of the table, at rows away from kinks and changes of support."""
    names = (repr(activation), repr(loss))
    try:
        pair = Pair(activation, loss)
    except (DomainError, TypeError) as refusal:
        return Cell(*names, "refused", str(refusal))
    status, sentence = describe(pair)
    z, y, v = smooth_rows(pair, seed, pair.fixed_width or WIDTH)
    meeting = pair.meet(z, y, reduce="none")
    slow = by_each(partial(_value, pair, y), z, STEP)
    moved = along(partial(_gradient, pair, y), z, v, STEP)
    return Cell(
        *names,
        status,
        sentence,
        worst(meeting.gradient()[0], slow),
        worst(meeting.hvp(v)[0], moved),
        len(z),
    )


def describe(pair: Pair) -> tuple[str, str]:
    """The status of a pair that is not refused, and the sentence to it."""
    if pair.placement is Placement.BOUNDARY:
        return "boundary", (
            f"{pair.activation!r} may touch the edge of what {pair.loss.name} is "
            "defined on; a target there costs inf, with a finite gradient."
        )
    if pair.doubt:
        return "doubtful", pair.doubt
    return ("fused" if pair.fused else "plain"), ""


def worst(found: Array, expected: Array) -> float:
    """The largest row's distance, relative to max(1, norm)."""
    away = np.linalg.norm(found - expected, axis=-1)
    size = np.maximum(1, np.linalg.norm(expected, axis=-1))
    return float(np.max(away / size))


def smooth_rows(pair: Pair, seed: int, n: int) -> tuple[Array, Array, Array]:
    """z, y and a tangent v where value and gradient are smooth, found by differences.

    A row passes if differences with two steps agree, of the value and of the gradient:
    no derivative of ours decides.
    """
    rng = np.random.default_rng(seed)
    found: list[tuple[Array, Array, Array]] = []
    for _ in range(BATCHES):
        z = 1.5 * rng.normal(size=(DRAWN, n))
        v = rng.normal(size=z.shape)
        y = on_support(pair, drawn(pair.targets, rng, z.shape), pair.activation(z))
        good = _finite(pair, z, y) & _smooth(partial(_value, pair, y), z, v)
        good &= _smooth(partial(_gradient, pair, y), z, v)
        found.append((z[good], y[good], v[good]))
        if sum(len(rows) for rows, _, _ in found) >= ROWS:
            break
    else:
        raise RuntimeError(f"{pair!r} has hardly a smooth row.")
    z, y, v = (np.concatenate(part)[:ROWS] for part in zip(*found, strict=True))
    return z, y, v


def drawn(targets: Set, rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    """Targets as values (..., n); class indices become one-hot rows."""
    y = targets.draw(rng, shape)
    return y if y.shape == shape else np.eye(shape[-1])[y]


def on_support(pair: Pair, y: Array, a: Array) -> Array:
    """Targets of a boundary pair moved off the edge outputs: there the value is inf."""
    if pair.placement is not Placement.BOUNDARY:
        return y
    y = np.where(a == 0, 0, y)
    if pair.targets.holds(NOT_NEGATIVE):
        return y
    if pair.targets.holds(UNIT):
        return np.where(a == 1, 1, y)
    best = np.eye(a.shape[-1])[np.argmax(a, -1)]
    total = y.sum(-1, keepdims=True)
    return np.where(total > 0, y / np.where(total > 0, total, 1), best)


def _value(pair: Pair, y: Array, z: Array) -> Array:
    return pair.meet(z, y, reduce="none").value


def _gradient(pair: Pair, y: Array, z: Array) -> Array:
    return pair.meet(z, y, reduce="none").gradient()[0]


def _finite(pair: Pair, z: Array, y: Array) -> Array:
    return np.isfinite(_value(pair, y, z))


def _smooth(f: Callable[[Array], Array], z: Array, v: Array) -> Array:
    """Rows where f's differences along v and each axis agree with a wider step's."""
    units = [v, *np.eye(z.shape[-1])]
    good = np.ones(len(z), bool)
    for unit in units:
        near, wide = along(f, z, unit, STEP), along(f, z, unit, 2 * STEP)
        away = np.abs(near - wide) > 1e-8 * (1 + np.abs(near))
        good &= ~(away | ~np.isfinite(near)).reshape(len(z), -1).any(-1)
    return good
