"""Whether one row's answer depends on other rows, and along which axis."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from anymax.checking.check.observing import Observation, coupling
from anymax.checking.check.probing import moved
from anymax.checking.check.setting import GRADIENT, MATRIX, PRODUCT
from anymax.types import Array, quiet

BY = 0.3


@quiet
def mixed(wrong: Sequence[Observation]) -> str | None:
    """The code "wrong-axis" or "batch-coupled", if rows mix in the answers."""
    seen = wrong[0]
    gradient = seen.setting.kind == GRADIENT
    by_rows = gradient or seen.out.shape[:1] == seen.x.shape[:1]
    if not (seen.setting.batch and by_rows):
        return None
    own = coupling(seen.J, seen.x.shape, seen.out.shape)
    if seen.setting.kind == PRODUCT and square(seen):
        claimed = coupling(seen.claim, seen.x.shape, seen.out.shape)
        if {own, claimed} == {"row", "column"}:
            return "wrong-axis"
        if claimed in ("column", "whole") and own in ("row", "element"):
            return "batch-coupled"
    if gradient:
        return _of_a_gradient(seen)
    if seen.setting.kind == MATRIX or own in ("column", "whole"):
        return None
    return next((code for code in map(_moving, wrong) if code), None)


def square(seen: Observation) -> bool:
    """Whether outputs and inputs have one shape."""
    return seen.x.shape == seen.out.shape


def _moving(seen: Observation) -> str | None:
    """Whether the first row's answer moves with the other rows of z."""
    for by in (BY, -BY, 5 * BY, -5 * BY):
        x = np.array(seen.x, copy=True)
        x[1:] = x[1:] + by
        x[1:, 0] -= 2 * by
        out = seen.setting.value(x, seen.y)
        if not np.allclose(out[0], seen.out[0], rtol=1e-9):
            return None
        answer = seen.setting.answer(x, seen.g, seen.y)
        if answer.shape == seen.answer.shape and not _same(answer[0], seen.answer[0]):
            return "batch-coupled"
    return None


def _of_a_gradient(seen: Observation) -> str | None:
    """The same for a loss, whose own coupling is told by moving a row."""
    row, column = _pattern(seen)
    if not row:
        return None
    return "wrong-axis" if column else "batch-coupled"


def _pattern(seen: Observation) -> tuple[bool, bool]:
    """Whether the answer at (0, 0) moves with (1, ...) though the slope there does not;
    and whether only with (1, 0), and not with (0, 1)."""
    n = seen.x.shape[1]
    base = seen.answer[0, 0]

    def moves(place: int) -> bool:
        x = moved(seen.x, place, BY * float(seen.x.flat[place]))
        answer = seen.setting.answer(x, None, seen.y)
        return not _same(answer[0, 0], base)

    def slope(x: Array) -> float:
        step = 1e-4
        up = seen.setting.value(moved(x, 0, step), seen.y).sum()
        down = seen.setting.value(moved(x, 0, -step), seen.y).sum()
        return float(up - down) / (2 * step)

    below = [moves(n + j) for j in range(min(n, 3))]
    other = np.array(seen.x, copy=True)
    other[1] *= 1 + BY
    own = slope(seen.x)
    if not any(below) or abs(slope(other) - own) > 1e-5 * max(1e-3, abs(own)):
        return False, False
    # along its own row the true slope must move: else no axis is summed over at all
    beside = abs(slope(moved(seen.x, 1, BY * float(seen.x.flat[1]))) - own)
    couples = beside > 1e-5 * max(1e-3, abs(own))
    return True, couples and below[0] and not any(below[1:]) and not moves(1)


def _same(one: Array, other: Array) -> bool:
    return bool(np.allclose(one, other, rtol=1e-9, atol=1e-12, equal_nan=True))


@quiet
def clipped(wrong: Sequence[Observation]) -> tuple[bool, float]:
    """Whether what is wrong is that the claim is not 0 where the map is constant.

    And the factor by which the rest differs: 1 where the rest is right.
    """
    rests: list[tuple[Array, Array]] = []
    some = False
    for seen in wrong:
        flat_out, flat_in = _constant(seen)
        if not seen.linear:
            return False, 1.0
        limit = seen.tolerance.max()
        live = np.abs(seen.claim) > limit
        dead = flat_out[:, None] | flat_in[None, :]
        some |= bool(np.any(live & dead & seen.smooth))
        rest = ~dead & seen.smooth
        rests.append((seen.claim[rest], seen.J[rest]))
    over = sum(float((J * J).sum()) for _, J in rests)
    if not some or not over:
        return False, 1.0
    c = sum(float((claim * J).sum()) for claim, J in rests) / over
    if abs(c) < 1e-6:
        return False, c
    size = max(float(np.max(np.abs(J), initial=0)) for _, J in rests)
    limit = max(seen.tolerance.max() for seen in wrong) * max(1.0, abs(c))
    fits = all(
        np.all(np.abs(claim - c * J) <= limit + 1e-5 * abs(c) * size)
        for claim, J in rests
    )
    return bool(fits), c


def _constant(seen: Observation) -> tuple[Array, Array]:
    """Which outputs do not move at all, and which inputs move none."""
    limit = 1e-9 * max(1e-12, float(np.max(np.abs(seen.J), initial=0)))
    error = 2 * seen.slopes.error
    still = np.abs(seen.J) <= limit + error * (error < 1e-7)
    if len(seen.J) == 1:
        return np.zeros(1, bool), still[0]
    rows, columns = still[:, seen.slopes.smooth], still
    return np.asarray(rows.all(1)), np.asarray(columns.all(0))


@quiet
def deliberate(seen: Observation) -> bool:
    """Whether the answer is wrong only where the value is constant, and constant too.

    A loss that clips outputs and then takes value and gradient at the clipped ones is
    of one piece: outside what it is meant for it still says in which direction to go.
    """
    if seen.setting.kind != GRADIENT:
        return False
    _, dead = _constant(seen)
    wrong = np.abs(seen.claim - seen.J)[0] > seen.tolerance.max()
    if np.any(wrong & ~dead & seen.slopes.smooth):
        return False
    x = np.array(seen.x, copy=True)
    x.flat[np.flatnonzero(dead)] *= 1 + BY / 3
    answer = seen.setting.answer(x, None, seen.y)
    places = np.flatnonzero(dead)
    return bool(
        np.allclose(answer.ravel()[places], seen.answer.ravel()[places], rtol=1e-6)
    )
