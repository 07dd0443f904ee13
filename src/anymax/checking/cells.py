"""One cell of the table of every activation against every loss, measured."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from anymax.activation import Activation
from anymax.differences import along, by_each
from anymax.errors import DomainError
from anymax.loss import Loss
from anymax.pair import Pair
from anymax.sets import Interval, Placement, Set, Simplex
from anymax.types import Array, quiet

ROWS, DRAWN, WIDTH = 5, 60, 5
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
    z, y, v = smooth_rows(pair, seed)
    meeting = pair.meet(z, y, reduce="none")
    slow = by_each(lambda x: pair.meet(x, y, reduce="none").value, z, STEP)
    moved = along(lambda x: _gradient(pair, x, y), z, v, STEP)
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
            f"{pair.activation!r} may touch the edge of what {pair.loss.name} is defined "
            "on; a target there costs inf, with a finite gradient."
        )
    if pair.doubt:
        return "doubtful", pair.doubt
    return ("fused" if pair.fused else "plain"), ""


def worst(found: Array, expected: Array) -> float:
    """The largest row's distance, relative to max(1, norm)."""
    away = np.linalg.norm(found - expected, axis=-1)
    size = np.maximum(1, np.linalg.norm(expected, axis=-1))
    return float(np.max(away / size))


def smooth_rows(pair: Pair, seed: int, n: int = WIDTH) -> tuple[Array, Array, Array]:
    """z, y and a tangent v where value and gradient are smooth, found by differences.

    A row passes if differences with two steps agree, of the value and of the gradient:
    no derivative of ours decides.
    """
    rng = np.random.default_rng(seed)
    z = 1.5 * rng.normal(size=(DRAWN, n))
    v = rng.normal(size=(DRAWN, n))
    y = on_support(
        pair.targets, drawn(pair.targets, rng, (DRAWN, n)), pair.activation(z)
    )
    finite = np.isfinite(pair.meet(z, y, reduce="none").value)
    good = finite & _smooth(lambda x: pair.meet(x, y, reduce="none").value, z, v)
    good &= _smooth(lambda x: _gradient(pair, x, y), z, v)
    at = np.flatnonzero(good)[:ROWS]
    if at.size < ROWS:
        raise RuntimeError(f"{pair!r} has only {at.size} smooth rows among {DRAWN}.")
    return z[at], y[at], v[at]


def drawn(targets: Set, rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    """Targets as values (..., n); class indices become one-hot rows."""
    y = targets.draw(rng, shape)
    return y if y.shape == shape else np.eye(shape[-1])[y]


def on_support(targets: Set, y: Array, a: Array) -> Array:
    """Targets moved to where the outputs are not at the edge: off it the value is inf."""
    zero, one = a == 0, a == 1
    if targets.contains(np.zeros((1, a.shape[-1])))[0]:
        y = np.where(zero, 0, y)
    if targets.holds(Interval(0, 1, "[]")):
        return np.where(one, 1, y)
    if isinstance(targets.closure, Simplex) or targets.holds(Simplex()):
        inside = np.where(zero, 0, y)
        total = inside.sum(-1, keepdims=True)
        return np.where(total > 0, inside / np.where(total > 0, total, 1), a)
    return y


def _gradient(pair: Pair, z: Array, y: Array) -> Array:
    return pair.meet(z, y, reduce="none").gradient()[0]


def _smooth(f: Callable[[Array], Array], z: Array, v: Array) -> Array:
    """Rows where f's differences along v and each axis agree with a wider step's."""
    units = [v, *np.eye(z.shape[-1])]
    good = np.ones(len(z), bool)
    for unit in units:
        near, wide = along(f, z, unit, STEP), along(f, z, unit, 2 * STEP)
        away = np.abs(near - wide) > 1e-8 * (1 + np.abs(near))
        good &= ~(away | ~np.isfinite(near)).reshape(len(z), -1).any(-1)
    return good
