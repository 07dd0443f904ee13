"""A Jacobian at one sample in words, and in numbers where it is narrow."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from anymax.activation import Activation
from anymax.explaining.data import View
from anymax.jacobian import Jacobian
from anymax.linearized import ActivationLinearization
from anymax.map import Arrays, Linearization, Map
from anymax.types import Array

WIDE = 16  # a Jacobian is shown in numbers up to so many outputs and inputs
LOOKED = 2**16  # and looked at, to name its structure, up to so many numbers


def structure_of(point: Linearization, output: Array) -> Jacobian | None:
    """The structured Jacobian of an activation along a single row."""
    if isinstance(point, ActivationLinearization) and output.ndim == 1:
        return point.fixed.jacobian
    return None


def structured(J: Jacobian, map: Map) -> View:
    """An activation's Jacobian."""
    m, n = J.shape[-2:]
    kind = "couples the outputs" if J.coupled else "is diagonal"
    dense = J.dense() if max(m, n) <= WIDE else None
    return View(f"{kind}: {J!r}{_inexact(map)}", (m, n), J.coupled, dense)


def _inexact(map: Map) -> str:
    if isinstance(map, Activation) and not map.exact:
        return "; not the derivative of what it computes, on purpose"
    return ""


def by_products(
    map: Map,
    point: Linearization,
    inputs: Arrays,
    output: Array,
    names: tuple[str, ...],
    parameters: Arrays,
) -> View:
    """A layer's Jacobian, which only multiplies: those by several inputs side by side.

    Row i is what comes down from a unit covector at output i.
    """
    shape = (output.size, sum(x.size for x in inputs))
    coupled = map.coupling != "element"
    kind = "couples its inputs" if coupled else "is diagonal"
    if len(inputs) > 1:
        kind = "has a block for each input, side by side"
    view = View(f"{kind}: {map!r}{_inexact(map)}", shape, coupled)
    if shape[0] * shape[1] > LOOKED:
        return view
    rows = []
    for unit in np.eye(output.size):
        down = point.vjp(unit.reshape(output.shape))[0]
        rows.append(np.concatenate([np.ravel(g) for g in down]))
    dense = np.array(rows).reshape(shape)
    shown = dense if max(shape) <= WIDE else None
    words = _named(dense, names, parameters)
    return replace(view, structure=words or view.structure, dense=shown)


def _named(dense: Array, names: tuple[str, ...], parameters: Arrays) -> str:
    """What the numbers are, where that is easily said."""
    m, n = dense.shape
    if m == n and np.array_equal(dense, np.eye(n)):
        return "is the identity"
    if not dense.any():
        return "is 0: the outputs do not move with the inputs"
    for name, array in zip(names, parameters, strict=True):
        if array.shape == (n, m) and np.array_equal(dense, array.T):
            return f"is {name} transposed, the same at every input"
    if np.isin(dense, (0, 1)).all() and (dense.sum(1) == 1).all():
        return "picks or sorts its inputs: one 1 in each row"
    return ""
