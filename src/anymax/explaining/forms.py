"""The product J^T g in equal forms: by a matrix, a double sum, a short formula."""

from __future__ import annotations

import numpy as np

from anymax.explaining.data import Form, Forms
from anymax.jacobian import Jacobian
from anymax.jacobian.base import Parts
from anymax.meeting import Meeting
from anymax.monomial import ONE, A, Monomial
from anymax.types import Array

ADDED = " + what the loss knows as dL/dz"


def forms(J: Jacobian, g: Array, past: Array | None = None) -> Forms:
    """The equal forms for one row, g (n,) arriving at the outputs."""
    dense = J.dense()
    terms = g[:, None] * dense
    added = "" if past is None else ADDED
    rest = 0.0 if past is None else past
    n = "n^2 multiplications"
    matrix = Form("matrix", f"J^T g{added}", f"{n} and numbers", dense.T @ g + rest)
    double = Form(
        "double sum",
        f"dL/dz_j = sum over i of g_i da_i/dz_j{added}",
        n,
        terms.sum(0) + rest,
    )
    parts = J.parts()
    if parts is None:
        short = Form("structured", f"J.vjp(g){added}", "as J has it", J.vjp(g) + rest)
        return Forms(g, None, (matrix, double, short), terms)
    formula, cost, values = _short(parts, g, J.monomial)
    short = Form("structured", formula + added, cost, values + rest)
    return Forms(g, parts.weight, (matrix, double, short), terms)


def _short(parts: Parts, g: Array, weight: Monomial | None) -> tuple[str, str, Array]:
    """diag(w) + left right^T, applied: for a centering w (g - <w, g> / sum w)."""
    w, left, right = parts
    if not np.any(left):
        return "w * g", "n multiplications", w * g
    total = w.sum()
    if np.array_equal(right, w) and np.allclose(left, -w / total, 1e-12, 1e-300):
        plain = weight == A and np.isclose(total, 1, 1e-12, 0)
        here = ", here a * (g - <a, g>)" if plain else ""
        formula = f"w * (g - <w, g> / sum(w)){here}"
        return formula, "about 3 n multiplications", w * (g - (w * g).sum() / total)
    formula = "w * g + right <left, g>"
    return formula, "about 3 n multiplications", w * g + right * (left * g).sum()


def cancelled(meeting: Meeting, gradient: Array) -> Form:
    """What the library computes: the fraction cancelled before it is evaluated."""
    J, slope = meeting.point.fixed.jacobian, meeting.slope
    weight = J.monomial
    cost = "a few n, nothing divided by an output"
    if slope.over == ONE or weight is None or not meeting.cancels:
        return Form("cancelled", "J.vjp(slope)", "as J has it", gradient)
    left = weight / slope.over
    t = "top" if left == ONE else f"top * {left}"
    if not J.coupled:
        return Form("cancelled", f"{t}, times the factor of w", cost, gradient)
    formula = f"t - (w / sum(w)) sum(t) with t = {t}, times the factor of w"
    return Form("cancelled", formula, cost, gradient)
