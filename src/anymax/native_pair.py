"""How a pair is put together from native kernels, and called where they fit."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from anymax import kernels
from anymax.activation import Activation
from anymax.jacobian import Centering, Diagonal, Jacobian, Product
from anymax.loss import Loss
from anymax.losses.smoothing import DIALECTS
from anymax.meeting import Meeting
from anymax.monomial import ONE, A, Monomial
from anymax.sets import CLASSES, Either, Interval, Set, Signs, Simplex

if TYPE_CHECKING:
    from anymax.pair import Pair

VALUE, GRADIENT, BOTH = 1, 2, 3
PREPARED = ("class_weight", "ignore_index", "label_smoothing", "dialect", "z_loss")


SCALINGS = ("alpha", "pos_weight")  # a number for all outputs or one for each


class UnboundError(TypeError):
    """Why a pair, or a part of it, has no kernel."""


class Native:
    """The kernels of one pair, found when it first meets plain arrays.

    They belong to the pair as it was then; a change of its parts, a copy and a pickle
    find their own.
    """

    def __init__(self) -> None:
        self.bound: Any = None
        self.why = ""

    def __reduce__(self) -> tuple[type[Native], tuple[()]]:
        return Native, ()

    def meet(
        self,
        pair: Pair,
        wanted: int,
        z: ArrayLike,
        y: ArrayLike,
        sample_weight: ArrayLike | None,
        mask: ArrayLike | None,
        reduce: str,
    ) -> Any:
        """Value, gradient or both; None where NumPy is to compute them."""
        core = kernels.core
        if core is None or mask is not None or pair.axis not in (None, -1):
            return None
        found = core.pair_meet(
            self.bound, pair.activation, pair.loss, wanted, z, y, sample_weight, reduce
        )
        if found is not False:
            return found
        self.bind(pair)
        return core.pair_meet(
            self.bound, pair.activation, pair.loss, wanted, z, y, sample_weight, reduce
        )

    def bind(self, pair: Pair) -> None:
        """Look for the pair's kernels; `why` says what has none."""
        activation, loss = pair.activation, pair.loss
        seen = (*activation.__dict__.values(), *loss.__dict__.values())
        said, why = None, ""
        try:
            said = recipe(pair)
        except UnboundError as reason:
            why = str(reason)
        self.bound, missing = kernels.core.bind_pair(activation, loss, seen, said)
        self.why = why or missing


def recipe(pair: Pair) -> dict[str, Any]:
    """What the kernels have to know of a pair; UnboundError where they cannot do it.

    Exponents and structure are read off a meeting at one harmless row.
    """
    activation, loss = pair.activation, pair.loss
    if pair.axis not in (None, -1) or activation.axis != -1:
        raise UnboundError("the features are on another axis than the last")
    return {
        "map": activation.name,
        "map_numbers": _map_numbers(activation),
        "simplex": isinstance(activation.range, Simplex),
        "narrowest": 2 if isinstance(activation.range, Simplex) else 1,
        "width": pair.fixed_width or 0,
        **_of_loss(loss),
        **_of_targets(pair.targets),
        **_of_meeting(pair._trial(), loss),
    }


def _map_numbers(activation: Activation) -> list[float]:
    numbers = kernels.numbers(activation)
    if numbers is None:
        raise UnboundError(
            f"{activation!r} is no kernel's: arguments other than numbers"
        )
    return list(numbers)


def _of_loss(loss: Loss) -> dict[str, Any]:
    """Its name, its own numbers, and what is done to its targets beforehand."""
    if not type(loss).__module__.startswith("anymax."):
        raise UnboundError(f"{loss!r} is not one of anymax's own losses")
    weight, ignored = loss.class_weight, loss.ignore_index
    names = inspect.signature(type(loss)).parameters
    own = {name: getattr(loss, name) for name in names if name not in PREPARED}
    numbers = [float(own[name]) for name in own if name not in SCALINGS]
    scaling = next((own[name] for name in own if name in SCALINGS), None)
    z_loss = float(getattr(loss, "z_loss", 0.0))
    return {
        "loss": loss.name,
        "loss_numbers": [z_loss] if z_loss else numbers,
        "scaling": scaling.tolist() if isinstance(scaling, np.ndarray) else [],
        "every": float(scaling) if isinstance(scaling, float) else 1.0,
        "class_weight": [] if weight is None else [float(w) for w in weight],
        "ignores": ignored is not None,
        "ignored": 0 if ignored is None else int(ignored),
        "smoothing": float(getattr(loss, "label_smoothing", 0.0)),
        "dialect": DIALECTS.index(getattr(loss, "dialect", "torch")),
        "z_loss": z_loss,
    }


def _of_targets(targets: Set) -> dict[str, Any]:
    """The bounds of single targets, and what their rows must be."""
    parts = [targets]
    if isinstance(targets, Either):
        parts = [targets.first, targets.second]
    kinds = [part for part in parts if part != CLASSES]
    kind = kinds[0] if kinds else CLASSES
    if len(kinds) > 1 or not isinstance(kind, Interval | Simplex | Signs):
        raise UnboundError(f"targets that are {targets} are checked by NumPy")
    hull = kind.hull
    return {
        "classes": targets.classes,
        "signs": isinstance(kind, Signs),
        "sums": isinstance(kind, Simplex),
        "low": hull.low,
        "high": hull.high,
        "low_in": hull.ends[0] == "[",
        "high_in": hull.ends[1] == "]",
    }


def _of_meeting(meeting: Meeting, loss: Loss) -> dict[str, Any]:
    """Exponents and structure of slope and Jacobian."""
    out, jacobian = meeting.point.output, meeting.point.fixed.jacobian
    over, behind = meeting.slope.over, meeting.slope.past is not None
    said = {"left": ONE, "weight": ONE, "over": over, "logged": False}
    if behind and not getattr(loss, "z_loss", 0):
        kind = "past"
    elif over == ONE:
        kind = "plain"
    elif not jacobian.cancels:
        kind = "resolved"
    else:
        kind, inner = _structure(jacobian, over)
        weight = inner.weight
        if weight.point.a is not out.a and not np.array_equal(weight.point.a, out.a):
            raise UnboundError("the Jacobian is not that of the outputs")
        left = weight.monomial / over
        said = {"left": left, "weight": weight.monomial, "over": over}
        said["logged"] = weight.point._log is not None
    exponents = {
        name: [float(m.p), float(m.q), float(m.r)]
        for name, m in said.items()
        if isinstance(m, Monomial)
    }
    return {**said, **exponents, "structure": kind}


def _structure(jacobian: Jacobian, over: Monomial) -> tuple[str, Diagonal | Centering]:
    """How a weight meets the slope, and the structure that holds it."""
    inner = jacobian.left if isinstance(jacobian, Product) else jacobian
    if isinstance(inner, Centering):
        softmax = inner.logits is not None and inner.weight.monomial == A
        return "left_out" if softmax and (A / over).q < 0 else "centering", inner
    if isinstance(inner, Diagonal) and inner is jacobian:
        return "diagonal", inner
    raise UnboundError(f"{jacobian!r} is met by NumPy")
