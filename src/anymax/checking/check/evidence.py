"""The numbers that show a mistake: one row, what came back and what should have."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from anymax.checking.check.observing import Observation
from anymax.checking.check.probing import flat
from anymax.checking.check.setting import DERIVATIVE, GRADIENT, MATRIX, PRODUCT
from anymax.types import Array


def needed(seen: Observation) -> Array:
    """The right answer, flattened: J^T g, J, or the gradient."""
    if seen.setting.kind in (PRODUCT, DERIVATIVE):
        return np.asarray(flat(seen.g) @ seen.J)
    return seen.J.ravel()


def returned(seen: Observation) -> Array:
    """What came back, in the same form: an element-wise derivative times g."""
    if seen.setting.kind == DERIVATIVE:
        return flat(seen.answer) * flat(seen.g)
    return seen.claim.ravel() if seen.setting.kind == MATRIX else flat(seen.answer)


def shown(seen: Observation) -> dict[str, Any]:
    """The row that is most wrong, with its inputs, and by how much it is wrong."""
    right, came = needed(seen), returned(seen)
    n = seen.x.shape[-1] if seen.x.shape[-1] > 1 else seen.x.size
    size = len(right) if len(right) < n else n
    away = np.abs(came - right)
    away = np.where(np.isfinite(away), away, np.inf)
    row = int(np.argmax(away)) // size if size else 0
    part = slice(row * size, (row + 1) * size)
    found: dict[str, Any] = {}
    inputs = flat(seen.x)
    if seen.setting.kind != MATRIX:
        name = "a" if seen.setting.subject.loss else "z"
        found[name] = inputs[part]
        if seen.y is not None and np.shape(seen.y) == seen.x.shape:
            found["y"] = flat(np.asarray(seen.y))[part]
        if seen.setting.kind != GRADIENT and seen.g.shape == seen.x.shape:
            found["g"] = flat(seen.g)[part]
    name = "g * returned" if seen.setting.kind == DERIVATIVE else "returned"
    found[name] = came[part]
    found["right"] = right[part]
    found["relative error"] = error(seen)
    if seen.setting.batch and seen.setting.kind in (PRODUCT, DERIVATIVE, GRADIENT):
        found["row"] = row
    return found


def where(wrong: Sequence[Observation]) -> dict[str, Any]:
    """From what input to what input the answers are wrong, where it is one by one."""
    off: list[Array] = []
    fine: list[Array] = []
    for seen in wrong:
        J, claim = seen.J, seen.claim
        if len(J) == J.shape[1] and seen.x.size == len(J):
            bad = np.diag(~(np.abs(claim - J) <= seen.tolerance))
        elif len(J) == 1:
            bad = ~(np.abs(claim - J) <= seen.tolerance)[0]
        else:
            return {}
        at = flat(seen.x)
        if seen.y is not None and np.shape(seen.y) == seen.x.shape:
            at = at - flat(np.asarray(seen.y))
        off.append(at[bad & seen.slopes.smooth])
        fine.append(at[~bad & seen.slopes.smooth])
    loss = wrong[0].setting.subject.loss
    letter = "a - y" if loss else "z"
    found = {}
    for said, values in (
        ("wrong", np.concatenate(off)),
        ("right", np.concatenate(fine)),
    ):
        if len(values):
            span = f"{values.min():.3g} to {values.max():.3g}"
            found[f"{said} for {letter} in"] = f"{span} ({len(values)} numbers)"
    return found


def error(seen: Observation) -> float:
    """The distance of the answer from the right one, relative to its size."""
    right, came = needed(seen), returned(seen)
    size = float(np.linalg.norm(right))
    away = float(np.linalg.norm(came - right))
    return away / size if size else away
