"""explain: the chain rule of one sample, from the loss to the logits, as text."""

from __future__ import annotations

import numpy as np

from anymax.jacobian import Jacobian
from anymax.meeting import Meeting
from anymax.types import Array, quiet

SHOWN = 6  # a dense Jacobian is printed up to this width


@quiet
def explain(meeting: Meeting, activation: str, loss: str) -> str:
    """Each factor of dL/dz = J^T dL/da with its shape and numbers, then the product."""
    point = meeting.point.fixed
    out, slope, J = point.output, meeting.slope, point.jacobian
    n = out.a.size
    plain = slope.resolve(point.place())
    lines = [
        f"L = {loss} of a = {activation} at z, one sample, n = {n}",
        "",
        _row("z", out.z),
        _row("a", out.a),
        _row("y", meeting.target.values),
        f"L       ()      {float(meeting.value):.6g}",
        "",
        "slope dL/da, as a fraction and evaluated:",
        _row("top", slope.top, f"over {slope.over}"),
        _row("dL/da", plain.top),
        "",
        *_jacobian_lines(J, n),
        "",
        *_past_lines(slope.past),
        _row("dL/dz", meeting.gradient()[0]),
        f"what cancels: {meeting.cancellation}",
    ]
    return "\n".join(lines)


def _row(name: str, x: Array, note: str = "") -> str:
    numbers = np.array2string(
        x, precision=4, suppress_small=True, threshold=SHOWN + 2, separator=", "
    )
    return f"{name:7} {x.shape!s:7} {numbers}  {note}".rstrip()


def _jacobian_lines(J: Jacobian, n: int) -> list[str]:
    kind = "couples the outputs" if J.coupled else "is diagonal"
    lines = [f"J = da/dz {(n, n)} {kind}: {J!r}"]
    if n <= SHOWN:
        dense = np.array2string(
            J.dense(), precision=4, suppress_small=True, separator=", "
        )
        lines += ["        " + line for line in dense.splitlines()]
    return lines


def _past_lines(past: Array | None) -> list[str]:
    if past is None:
        return ["dL/dz = J^T dL/da"]
    return ["dL/dz = J^T dL/da + what the loss knows as dL/dz", _row("known", past)]
