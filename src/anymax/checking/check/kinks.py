"""Kinks: a derivative there may be any number between the two slopes beside it."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from anymax.checking.check.observing import Observation
from anymax.checking.check.probing import flat, one_sided
from anymax.checking.check.report import Finding
from anymax.checking.check.setting import DERIVATIVE, GRADIENT, MATRIX, matrix
from anymax.types import Array, quiet

SPECIAL = (0.0, 1.0, -1.0, 0.5, -0.5, 2.0, -2.0, 3.0, 6.0)


@quiet
def kink(seen: Observation) -> Finding | None:
    """A derivative at a kink that is not between the slopes beside it."""
    for x, j, t in _special(seen):
        try:
            found = _at(seen, x, j, t)
        except Exception:
            continue
        if found is not None:
            return found
    return None


def _special(seen: Observation) -> Iterator[tuple[Array, int, float]]:
    """Points with one number where maps like to have kinks: round z, or round a - y."""
    j = 1 if seen.x.size > 1 else 0
    for t in SPECIAL:
        places = [t]
        if seen.setting.subject.loss:
            # 0 and 1 are where probabilities end, not where a loss has a kink
            y = np.ravel(np.asarray(0.0 if seen.y is None else seen.y))
            target = float(y[j]) if y.size == seen.x.size else 0.0
            places = [p for p in (t, target + t) if p not in (0, 1)]
        for place in places:
            x = np.array(seen.x, copy=True)
            x.flat[j] = place
            yield x, j, place


def _at(seen: Observation, x: Array, j: int, t: float) -> Finding | None:
    setting, y = seen.setting, seen.y
    if not np.all(np.isfinite(setting.value(x, y))):
        return None
    left, right = one_sided(lambda at: setting.value(at, y), x, j)
    near = [setting.value(x + s * 1e-7 * (np.arange(x.size) == j).reshape(x.shape), y)
            for s in (-1, 1)]  # fmt: skip
    jump = max(float(np.max(np.abs(n - setting.value(x, y)))) for n in near)
    if not np.all(np.isfinite([*left, *right])) or jump > 1e-4 * (1 + abs(t)):
        return None
    claim = _column(seen, x, y, j)
    if setting.kind == GRADIENT:
        left, right = left.sum(keepdims=True), right.sum(keepdims=True)
    allowed = 1e-4 * (1 + np.abs(left) + np.abs(right))
    low, high = np.minimum(left, right) - allowed, np.maximum(left, right) + allowed
    if np.all((low <= claim) & (claim <= high)):
        return None
    worst = int(
        np.argmax(
            np.where(np.isnan(claim), np.inf, np.maximum(low - claim, claim - high))
        )
    )
    word = "a" if setting.subject.loss else "z"
    smooth = np.all(np.abs(left - right) <= allowed)
    evidence = {
        f"{word}[{j}]": t,
        "returned": float(claim[worst]),
        "slope to the left": float(left[worst]),
        "slope to the right": float(right[worst]),
    }
    if smooth:
        return Finding(
            "kink",
            f"At {word}[{j}] = {t:g} alone the answer is {claim[worst]:.4g}, and the "
            f"derivative there is {left[worst]:.4g}, the same from both sides: the "
            "formula makes an exception that the map does not make.",
            evidence,
            f"d = {left[worst]:.4g}  # at {word} == {t:g}",
        )
    return Finding(
        "kink",
        f"The map has a kink at {word}[{j}] = {t:g}, with slopes {left[worst]:.4g} and "
        f"{right[worst]:.4g} beside it; the answer there is {claim[worst]:.4g}, not "
        "between them.",
        evidence,
        f"np.where({word} == {t:g}, {left[worst]:.4g}, derivative)"
        "  # any number between the two slopes",
    )


def _column(seen: Observation, x: Array, y: Array | None, j: int) -> Array:
    """The claimed derivatives by the j-th number, of all outputs."""
    setting, out = seen.setting, seen.setting.value(x, seen.y)
    if setting.kind == GRADIENT:
        return flat(setting.answer(x, None, y))[j : j + 1]
    if setting.kind == DERIVATIVE:
        column = np.zeros(out.size)
        column[j] = flat(setting.answer(x, None, y))[j]
        return column
    if setting.kind == MATRIX:
        return matrix(setting.answer(x, None, y), setting.layout, x, out)[:, j]
    still = flat(setting.answer(x, np.zeros(out.shape), y))[j]
    column = np.zeros(out.size)
    for i in range(out.size):
        unit = np.zeros(out.shape)
        unit.flat[i] = 1
        column[i] = flat(setting.answer(x, unit, y))[j] - still
    return column
