"""An answer that is right up to a number: which number, and what it grows with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from anymax.checking.check import points
from anymax.checking.check.evidence import shown
from anymax.checking.check.formulas import first_line, gradient_line, line
from anymax.checking.check.observing import Observation, look
from anymax.checking.check.report import Finding
from anymax.checking.check.setting import Setting
from anymax.types import Array


def factor(claims: Sequence[Array], truths: Sequence[Array]) -> float | None:
    """The c for which claims are nearest to c times the truths; None without truths."""
    over = sum(float((t * t).sum()) for t in truths)
    if not over:
        return None
    return sum(float((c * t).sum()) for c, t in zip(claims, truths, strict=True)) / over


def common(wrong: Sequence[Observation]) -> float | None:
    """The one number that all claims are the truth times; None if there is none."""
    where = [(s, s.smooth) for s in wrong]
    c = factor([s.claim[k] for s, k in where], [s.J[k] for s, k in where])
    if c is None or not np.isfinite(c) or abs(c) < 1e-6:
        return None
    if all(
        s.linear and not np.any(np.abs(s.offset) > s.tolerance.max()) for s in wrong
    ):
        return c if all(s.agrees(c * s.J, c) for s in wrong) else None
    return None


def named(wrong: Sequence[Observation], seed: int) -> list[Finding]:
    """Sign, batch size, number of outputs, or another constant."""
    c = common(wrong)
    if c is None:
        return []
    seen = wrong[0]
    evidence = shown(seen) | {"factor": c}
    right = first_line([gradient_line(seen.setting.subject, seen), line(seen)])
    if abs(c + 1) < 1e-4:
        message = "The answer is minus the derivative."
        return [Finding("sign", message, evidence, right)]
    by_rows, by_outputs = growth(seen, c, seed)
    sign = "" if c > 0 else ", and of the other sign"
    found = []
    said = f"{abs(c):.6g}"
    if by_rows and by_outputs == -by_rows and seen.setting.subject.loss:
        message = (
            f"The answer is {said} times the derivative{sign}: the number of rows over "
            "the number of outputs. A mean is taken over the wrong axis."
        )
        return [Finding("wrong-axis", message, evidence, right)]
    if by_rows:
        found.append(_by("batch-factor", "rows in the batch", c, by_rows, sign))
    if by_outputs:
        found.append(_by("feature-factor", "outputs", c, by_outputs, sign))
    if not found:
        message = f"The answer is {said} times the derivative{sign}."
        found.append(("constant-factor", message))
    wanted = f"return r / {c:.6g}  # r: what it returns now"
    fix = right if seen.setting.subject.loss and right else wanted
    return [Finding(code, message, evidence, fix) for code, message in found]


def _by(code: str, what: str, c: float, power: int, sign: str) -> tuple[str, str]:
    if power > 0:
        said = "the value divides by it and the gradient does not, or the reverse"
        if power == 1:
            said = f"it is a sum where the value is a mean over the {what}"
        return code, (
            f"The answer is {abs(c):.6g} times the derivative{sign}, and the factor "
            f"grows with the number of {what}: {said}."
        )
    return code, (
        f"The answer is {abs(c):.6g} times the derivative{sign}, and the factor falls "
        f"with the number of {what}: it is a mean where the value is a sum."
    )


def growth(seen: Observation, c: float, seed: int) -> tuple[int, int]:
    """The powers of the number of rows and of outputs that the factor grows with."""
    setting, shape = seen.setting, seen.setting.shape
    if setting.subject.vector:
        return 0, 0
    if setting.batch:
        count, n = shape
        taller = _again(replace(setting, shape=(count + 2, n)), seed)
        wider = _again(replace(setting, shape=(count, n + 2)), seed)
        return _power(taller, c, count), _power(wider, c, n)
    n = max(shape)
    longer = tuple(k + 2 if k == n else k for k in shape)
    return 0, _power(_again(replace(setting, shape=longer), seed), c, n)


def _power(other: float | None, c: float, count: int) -> int:
    """1 or -1 if c went with the count when that grew by 2, else 0."""
    if other is None:
        return 0
    for power in (1, -1):
        if abs(other / c - ((count + 2) / count) ** power) < 1e-3:
            return power
    return 0


def _again(setting: Setting, seed: int) -> float | None:
    """The factor in another shape; None where the subject does not take it."""
    rng = np.random.default_rng(seed + 1)
    try:
        x, y = setting.draw(rng, points.SCALES[0])
        seen = look(setting, rng, x, y)
    except Exception:
        # a layer of fixed width, say: then nothing can be learnt from another shape
        return None
    return None if seen is None else common([seen])
