"""What cancels in a pair, in one sentence, read off exponents and numbers."""

from __future__ import annotations

import numpy as np

from anymax.checking.cells import drawn
from anymax.meeting import Meeting
from anymax.monomial import ONE, Monomial
from anymax.pair import Pair
from anymax.types import Array, quiet

ROWS, SPREAD = 20, 3.0  # wide enough to meet every piece of a piecewise formula


@quiet
def cancelling(pair: Pair, width: int = 4) -> str:
    """The slope's fraction, the weight it meets, and what is left, for so many outputs.

    >>> import anymax as am
    >>> cancelling(am.Pair(am.Softmax(), am.CrossEntropy()))
    'slope -y / a, weight a: a cancels; the gradient is a sum(y) - y'
    """
    rng = np.random.default_rng(0)
    z = SPREAD * rng.normal(size=(ROWS, width))
    y = drawn(pair.targets, rng, z.shape)
    meeting = pair.meet(z, y, reduce="none")
    a, gradient = meeting.point.output.a, meeting.gradient()[0]
    found = _formula(gradient, a, y)
    slope = meeting.slope
    if slope.past is not None and slope.over == ONE and not np.any(slope.top):
        return (
            f"the loss knows its gradient by z itself: {found or 'no Jacobian is met'}"
        )
    result = f"; the gradient is {found}" if found else ""
    return f"{_slope(meeting, y)}, {_meets(meeting)}{result}"


def _slope(meeting: Meeting, y: Array) -> str:
    """The slope, its numerator named where its numbers are those of a formula."""
    slope = meeting.slope
    top = _formula(slope.top, meeting.point.output.a, y) or "s"
    if slope.over == ONE:
        return "slope s(a, y)" if top == "s" else f"slope {top}"
    several = sum(bool(e) for e in (slope.over.p, slope.over.q, slope.over.r)) > 1
    under = f"({slope.over})" if several else str(slope.over)
    return f"slope {f'({top})' if ' ' in top else top} / {under}"


def _meets(meeting: Meeting) -> str:
    """What of the slope's fraction and the Jacobian's weight is left."""
    over = meeting.slope.over
    weight = meeting.point.fixed.jacobian.monomial
    if over == ONE:
        return "not a fraction: nothing has to cancel"
    if weight is None or not meeting.cancels:
        return "no weight to meet it: the fraction is evaluated"
    left, gone = weight / over, _common(weight, over)
    said = f"weight {weight}: "
    if gone == ONE:
        return said + f"nothing cancels, {left} is left"
    return said + f"{gone} cancels" + ("" if left == ONE else f", {left} is left")


def _common(one: Monomial, other: Monomial) -> Monomial:
    """The factors both hold, to the smaller power."""
    pairs = ((one.p, other.p), (one.q, other.q), (one.r, other.r))
    return Monomial(*(min(pair) if min(pair) > 0 else 0 for pair in pairs))


def _formula(numbers: Array, a: Array, y: Array) -> str:
    """The first of a few formulas, times a number, that gives these numbers; or ""."""
    formulas = {
        "-y": -y,
        "a - y": a - y,
        "a sum(y) - y": a * y.sum(-1, keepdims=True) - y,
    }
    for said, values in formulas.items():
        factor = float((numbers * values).sum() / (values**2).sum())
        if factor > 0 and np.allclose(numbers, factor * values, rtol=1e-9, atol=1e-12):
            return _times(factor, said)
    return ""


def _times(factor: float, said: str) -> str:
    if np.isclose(factor, 1, rtol=1e-9):
        return said
    return (
        f"{factor:.3g} y".replace(" y", " (-y)")
        if said == "-y"
        else f"{factor:.3g} ({said})"
    )
