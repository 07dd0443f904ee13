"""What the table on a page says of a class, asked of the class itself."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable
from typing import Any

import numpy as np
from docstrings import safe
from families import TITLES, family_of

from anymax.activation import Activation
from anymax.loss import Loss
from anymax.monomial import ONE
from anymax.output import Given

ASKED = {
    "a": "`a`",
    "log": "`log a`",
    "log_not": "`log(1 - a)`",
    "less": "`1 - a`",
    "sum": "the sum of the outputs",
}


def of_activation(made: Activation) -> list[tuple[str, str]]:
    """The table of an activation."""
    J = made.jacobian(np.array([0.3, -0.2, 0.7]))
    questions = [q for q in ("log", "log_not", "less") if made.knows(q)]
    row = made.coupling == "row"
    return [
        ("signature", f"`{_signature(made)}`"),
        ("family", _family(made.name)),
        ("range", _cell(str(made.range))),
        ("coupling", "a row: takes `axis=` and `mask=`" if row else "element-wise"),
        ("structure", f"`{re.sub(r',? ?shape .*(?=.$)', '', repr(J))}`"),
        ("answered from z", _asked(questions)),
        ("log-normaliser", "yes: z-loss works" if made.knows("log_normalizer") else ""),
        ("matching loss", _matching(made)),
        ("convex in", _asked(made.convex)),
        ("concave in", _asked(made.concave)),
    ]


def _family(name: str) -> str:
    family = family_of(name)
    return f"[{TITLES[family]}](../families/{family}.md)" if family else ""


def _asked(questions: Iterable[str]) -> str:
    return ", ".join(ASKED[q] for q in ASKED if q in set(questions))


def _matching(made: Activation) -> str:
    if made.knows("potential"):
        return "yes, with gradient `a - y`"
    return _cell(f"none: {made.unmatched}")


def of_loss(made: Loss) -> list[tuple[str, str]]:
    """The table of a loss."""
    meant = "" if made.meant == made.domain else str(made.meant)
    return [
        ("signature", f"`{_signature(made)}`"),
        ("outputs", _cell(str(made.domain))),
        ("meant for", _cell(meant)),
        ("targets", _targets(made)),
        ("slope", _slope(made)),
        ("convex in a", "yes" if made.convex else "no"),
        ("rising in", _asked(made.rising)),
        ("falling in", _asked(made.falling)),
    ]


def _targets(made: Loss) -> str:
    if type(made).accepted is Loss.accepted:
        return _cell(str(made.targets))
    return "the activation's range with its edges; for the simplex class indices too"


def _slope(made: Loss) -> str:
    """What the derivative by a is kept over."""
    if made.needs:
        return "none: `dL/dz` is what is known"
    a = np.array([0.2, 0.3, 0.5])
    y = made.targets.indicate(np.eye(3)[1])
    with np.errstate(all="ignore"):
        over = made.slope(Given().output(a), y).over
    return "an array, nothing under it" if over == ONE else f"a fraction over `{over}`"


def _signature(made: Any) -> str:
    parameters = inspect.signature(type(made)).parameters.values()
    plain = [p.replace(annotation=inspect.Parameter.empty) for p in parameters]
    return f"{type(made).__name__}{inspect.Signature(plain)}"


def _cell(text: str) -> str:
    return safe(text).replace("|", "\\|")
