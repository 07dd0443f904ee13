"""Observation: one point, with the Jacobian there and the one that the backward claims.

A backward that gives the product with g is asked for every unit vector g, so that its
claim is a whole matrix too; then every convention is compared in the same way.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from anymax.cached import cached_property
from anymax.checking.check import points
from anymax.checking.check.probing import (
    ROUNDING,
    STEP,
    WIDE_STEP,
    Slopes,
    flat,
    slopes,
)
from anymax.checking.check.setting import (
    DERIVATIVE,
    GRADIENT,
    MATRIX,
    Setting,
    matrix,
)
from anymax.types import Array

TRIES = 8


@dataclass
class Observation:
    """x, y and outputs; J by differences, `claim` by the backward, both (m, n).

    For gradients of a number, or of a number per row, m is 1. `offset` is what a
    product gives for g = 0, `linear` whether it is linear in g besides.
    """

    setting: Setting
    x: Array
    y: Array | None
    out: Array
    g: Array
    answer: Array
    slopes: Slopes
    claim: Array
    offset: Array
    linear: bool = True
    bytes: int = 8
    extra: dict[str, Array] = field(default_factory=dict)

    @property
    def J(self) -> Array:  # noqa: N802  (its name in every formula)
        """The Jacobian by differences."""
        return self.slopes.J

    @cached_property
    def tolerance(self) -> Array:
        """What J may differ from the truth by, entry by entry."""
        share = 2e-6 if self.bytes == 8 else 2e-3
        size = float(np.max(np.abs(self.J), initial=0))
        floor = 1e-10 if self.bytes == 8 else 1e-4
        return 20 * self.slopes.error + share * size + floor

    @cached_property
    def smooth(self) -> Array:
        """Entries (m, n) at which the map is smooth."""
        return np.broadcast_to(self.slopes.smooth, self.J.shape)

    @cached_property
    def right(self) -> bool:
        """Whether the claim is the Jacobian."""
        zero = float(np.max(np.abs(self.offset), initial=0)) <= np.max(self.tolerance)
        return self.linear and bool(zero) and self.agrees(self.J)

    def agrees(self, predicted: Array, factor: float = 1.0) -> bool:
        """Whether the claim is what was predicted; NaN there says nothing."""
        known = self.smooth & ~np.isnan(predicted)
        if not known.any():
            return True
        size = max(float(np.max(np.abs(predicted[known]), initial=0)), 0.0)
        share = 4e-6 if self.bytes == 8 else 4e-3
        allowed = self.tolerance * max(1.0, abs(factor)) + share * size
        with np.errstate(invalid="ignore"):
            away = np.abs(self.claim - predicted) <= allowed
        return bool(np.all(away[known]))

    def differs(self, where: Array) -> bool:
        """Whether the claim is not the Jacobian in some of these entries."""
        away = ~(np.abs(self.claim - self.J) <= self.tolerance)
        return bool(np.any(away & where & self.smooth))

    def distance(self, predicted: Array) -> float:
        """How far the claim is from a prediction, relative to the Jacobian's size."""
        known = self.smooth & np.isfinite(predicted) & np.isfinite(self.claim)
        away = float(np.linalg.norm((self.claim - predicted)[known]))
        return away / max(float(np.linalg.norm(self.J[known])), 1e-12)


def observed(
    setting: Setting, rng: np.random.Generator, scale: float, wide: bool = False
) -> Observation | None:
    """A look at a random point that is smooth in most directions; None without one."""
    best: Observation | None = None
    for _ in range(TRIES):
        x, y = setting.draw(rng, scale)
        try:
            found = look(setting, rng, x, y, wide)
        except ArithmeticError:
            continue
        if found is None:
            continue
        if best is None or found.slopes.smooth.sum() > best.slopes.smooth.sum():
            best = found
        if best.slopes.smooth.all():
            break
    return best if best is not None and best.slopes.smooth.any() else None


def look(
    setting: Setting,
    rng: np.random.Generator,
    x: Array,
    y: Array | None,
    wide: bool = False,
) -> Observation | None:
    """What is to be seen at x; None where the outputs are not finite."""
    out = setting.value(x, y)
    if not np.all(np.isfinite(out)):
        return None
    count = 4 if wide else 8
    step = WIDE_STEP if count == 4 else STEP
    if setting.domain == points.SIMPLEX and wide:
        step = WIDE_STEP / 4
    session = setting.session()
    found = slopes(lambda at: session.forward(at, y), x, step, ROUNDING[count])
    if not np.all(np.isfinite(found.J[:, found.smooth])):
        return None
    g = setting.upstream(rng, out)
    answer = setting.answer(x, g, y)
    if setting.kind == GRADIENT:
        found = Slopes(
            found.J.sum(0, keepdims=True),
            found.error.sum(0, keepdims=True),
            found.smooth,
        )
        claim, offset, linear = flat(answer)[None], np.zeros(x.size), True
    else:
        claim, offset, linear = _claimed(setting, x, out, g, answer)
    seen = Observation(
        setting, x, y, out, g, answer, found, claim, offset, linear, count
    )
    return seen


def _claimed(
    setting: Setting, x: Array, out: Array, g: Array, answer: Array
) -> tuple[Array, Array, bool]:
    """The claimed matrix, what is added to it, and whether there is one at all."""
    still = np.zeros(x.size)
    if setting.kind == MATRIX:
        return matrix(answer, setting.layout, x, out), still, True
    if setting.kind == DERIVATIVE:
        return np.diag(flat(answer)), still, True
    offset = flat(setting.answer(x, np.zeros(out.shape)))
    rows = []
    for i in range(out.size):
        unit = np.zeros(out.shape)
        unit.flat[i] = 1
        rows.append(flat(setting.answer(x, unit)) - offset)
    claim = np.stack(rows)
    product, received = flat(g) @ claim + offset, flat(answer)
    size = 1e-6 + float(np.max(np.abs(claim), initial=0)) * out.size
    linear = bool(np.all(np.abs(product - received) <= 1e-5 * size))
    return claim, offset, linear


def coupling(J: Array, shape: tuple[int, ...], out: tuple[int, ...]) -> str:
    """Between what outputs and inputs a matrix couples: element, row, column, whole."""
    if len(shape) != 2 or 1 in shape or shape != out:
        size = float(np.max(np.abs(J), initial=0))
        square = J.shape[0] == J.shape[1]
        off = J - np.diag(np.diag(J)) if square else J
        return "element" if square and np.max(np.abs(off)) <= 1e-5 * size else "row"
    four = np.abs(J.reshape(*shape, *shape))
    count, n = shape
    same_row = np.eye(count, dtype=bool)[:, None, :, None]
    same_column = np.eye(n, dtype=bool)[None, :, None, :]
    limit = 1e-5 * float(four.max(initial=0))
    across_rows = bool(np.any(four[np.broadcast_to(~same_row, four.shape)] > limit))
    across_columns = bool(
        np.any(four[np.broadcast_to(~same_column, four.shape)] > limit)
    )
    names = {
        (False, False): "element",
        (False, True): "row",
        (True, False): "column",
        (True, True): "whole",
    }
    return names[across_rows, across_columns]
