"""What an explanation holds: dataclasses, each of which can say itself as JSON."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from anymax.types import Array

Said = dict[str, Any]


def plain(x: Array | float | None, gap: str | None = "nan") -> Any:
    """An array as nested lists; infinities are words, and NaN is what `gap` says.

    >>> plain(np.array([1.0, np.inf]))
    [1.0, 'inf']
    """
    if x is None:
        return None
    array = np.asarray(x)
    if array.ndim:
        return [plain(each, gap) for each in array]
    number = float(array)
    if np.isfinite(number):
        return number
    return gap if np.isnan(number) else f"{number:g}"


@dataclass(frozen=True)
class Value:
    """An array, dL/d(it), and the same by finite differences, NaN where not taken."""

    name: str
    values: Array
    gradient: Array | None = None
    differences: Array | None = None

    @property
    def shape(self) -> tuple[int, ...]:
        return self.values.shape

    @property
    def error(self) -> float | None:
        """The largest distance of gradient and differences, over max(1, norm)."""
        if self.gradient is None or self.differences is None:
            return None
        taken = np.isfinite(self.differences)
        if not taken.any():
            return None
        apart = np.abs(self.gradient - self.differences)[taken].max()
        size = max(1.0, float(np.linalg.norm(self.differences[taken])))
        return float(apart / size)

    def to_dict(self) -> Said:
        return {
            "name": self.name,
            "shape": list(self.shape),
            "values": plain(self.values),
            "gradient": plain(self.gradient),
            "differences": plain(self.differences, None),
            "error": plain(self.error),
        }


@dataclass(frozen=True)
class View:
    """A Jacobian as it is shown: in words, and in numbers where it is narrow."""

    structure: str
    shape: tuple[int, int]
    coupled: bool
    dense: Array | None = None
    cancelled: str | None = None

    def to_dict(self) -> Said:
        return {
            "structure": self.structure,
            "shape": list(self.shape),
            "dense": plain(self.dense),
            "coupled": self.coupled,
            "cancelled": self.cancelled,
        }


@dataclass(frozen=True)
class Form:
    """One way to compute J^T g, what it costs for n outputs, and what it gives."""

    name: str
    formula: str
    cost: str
    values: Array

    def to_dict(self) -> Said:
        said = {"name": self.name, "formula": self.formula, "cost": self.cost}
        return {**said, "values": plain(self.values)}


@dataclass(frozen=True)
class Forms:
    """The product J^T g in equal forms; `terms` (n, n) are g_i da_i/dz_j."""

    g: Array
    weights: Array | None
    equal: tuple[Form, ...]
    terms: Array | None

    def to_dict(self) -> Said:
        return {
            "g": plain(self.g),
            "weights": plain(self.weights),
            "equal": [form.to_dict() for form in self.equal],
            "terms": plain(self.terms),
        }


@dataclass(frozen=True)
class Backward:
    """The product of one step in both layouts, with the shape of every factor."""

    row: str
    column: str

    def to_dict(self) -> Said:
        return {"row": self.row, "column": self.column}


@dataclass(frozen=True)
class Step:
    """A map where it stands: its outputs, and what passes through it downwards."""

    outputs: Value
    map: str
    formula: str
    takes: tuple[str, ...]
    jacobian: View
    backward: Backward
    down: tuple[tuple[str, Array], ...]
    parameters: tuple[Value, ...] = ()
    forms: Forms | None = None

    def to_dict(self) -> Said:
        return {
            **self.outputs.to_dict(),
            "map": self.map,
            "formula": self.formula,
            "takes": list(self.takes),
            "jacobian": self.jacobian.to_dict(),
            "backward": self.backward.to_dict(),
            "down": [{"to": to, "values": plain(g)} for to, g in self.down],
            "parameters": [each.to_dict() for each in self.parameters],
            "forms": None if self.forms is None else self.forms.to_dict(),
        }


@dataclass(frozen=True)
class Cost:
    """The loss at the outputs, and its slope dL/da = top / over."""

    loss: str
    formula: str
    value: float
    target: Array
    top: Array
    over: str
    past: Array | None
    cancellation: str
    doubt: str | None

    def to_dict(self) -> Said:
        slope = {
            "top": plain(self.top),
            "over": self.over,
            "past": plain(self.past),
        }
        return {
            "loss": self.loss,
            "formula": self.formula,
            "value": plain(self.value),
            "target": plain(self.target),
            "slope": slope,
            "cancellation": self.cancellation,
            "doubt": self.doubt,
        }


@dataclass(frozen=True)
class Explanation:
    """One sample's way up to the loss and down again, step by step; float64.

    `steps` are in the order they are computed, the last being the map that meets the
    loss. `to_dict` is what `anymax explain --json` prints.

    >>> import anymax as am
    >>> made = am.Pair(am.Softmax(), am.CrossEntropy()).explanation([0.5, -0.2], 1)
    >>> [step.map for step in made.steps], made.inputs[0].gradient.round(4)
    (['Softmax()'], array([ 0.6682, -0.6682]))
    """

    title: str
    inputs: tuple[Value, ...]
    steps: tuple[Step, ...]
    loss: Cost

    CONVENTION: ClassVar[tuple[tuple[str, str], ...]] = (
        ("row", "a gradient is a row (1, n): g_in = g J, the chain rule left to right"),
        ("column", "a gradient is a column (n, 1): g_in = J^T g, its transpose"),
    )

    @property
    def forms(self) -> Forms | None:
        """Those of the last step."""
        return self.steps[-1].forms

    def to_dict(self) -> Said:
        """As the docstring of this package states it."""
        return {
            "title": self.title,
            "convention": dict(self.CONVENTION),
            "inputs": [each.to_dict() for each in self.inputs],
            "steps": [each.to_dict() for each in self.steps],
            "loss": self.loss.to_dict(),
            "forms": None if self.forms is None else self.forms.to_dict(),
        }
