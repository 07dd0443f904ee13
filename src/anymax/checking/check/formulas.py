"""Maps and losses that are known by their formula, for a mending line in the user's
own words; nothing is judged by them but by the numbers."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from anymax.checking.check.blocks import places
from anymax.checking.check.observing import Observation, coupling
from anymax.checking.check.probing import flat
from anymax.checking.check.setting import DERIVATIVE, MATRIX
from anymax.checking.check.subject import Subject
from anymax.types import Array, quiet


@dataclass(frozen=True)
class Known:
    """A map on a row: its value, its Jacobian from z and a, and lines that state it."""

    name: str
    value: Callable[[Array], Array]
    jacobian: Callable[[Array, Array], Array]
    product: str
    matrix: str = ""
    derivative: str = ""


def softmax(z: Array) -> Array:
    """exp z / sum exp z, of one row."""
    e = np.exp(z - z.max())
    return np.asarray(e / e.sum())


def sigmoid(z: Array) -> Array:
    """1 / (1 + exp(-z))."""
    return np.asarray(np.exp(-np.logaddexp(0, -z)))


def _taylor(z: Array) -> Array:
    h = 1 + z + z**2 / 2
    return np.asarray(h / h.sum())


def _sparsemax(z: Array) -> Array:
    ordered = np.sort(z)[::-1]
    shifted = np.cumsum(ordered) - 1
    count = int(np.sum(ordered * np.arange(1, len(z) + 1) > shifted))
    return np.asarray(np.maximum(z - shifted[count - 1] / count, 0))


def _centering(w: Array) -> Array:
    return np.asarray(np.diag(w) - np.outer(w, w) / w.sum())


def _taylor_jacobian(z: Array, a: Array) -> Array:
    h = (1 + z + z**2 / 2).sum()
    return np.asarray((np.diag(1 + z) - np.outer(a, 1 + z)) / h)


def _element(f: Callable[[Array, Array], Array]) -> Callable[[Array, Array], Array]:
    return lambda z, a: np.diag(f(z, a))


KEPT = ".sum(-1, keepdims=True)"
KNOWN = (
    Known(
        "softmax",
        softmax,
        lambda z, a: _centering(a),
        f"a * (g - (a * g){KEPT})",
        "np.diag(a) - np.outer(a, a)",
    ),
    Known(
        "log-softmax",
        lambda z: z - np.logaddexp.reduce(z),
        lambda z, a: np.eye(len(z)) - np.exp(a)[None],
        f"g - np.exp(a) * g{KEPT}",
        "np.eye(len(a)) - np.exp(a)",
    ),
    Known(
        "sparsemax",
        _sparsemax,
        lambda z, a: _centering((a > 0) * 1.0),
        f"(a > 0) * (g - ((a > 0) * g){KEPT} / (a > 0){KEPT})",
        "np.diag(a > 0) - np.outer(a > 0, a > 0) / (a > 0).sum()",
    ),
    Known(
        "Taylor softmax",
        _taylor,
        _taylor_jacobian,
        f"(1 + z) * (g - (a * g){KEPT}) / (1 + z + z**2 / 2){KEPT}",
        "(np.diag(1 + z) - np.outer(a, 1 + z)) / (1 + z + z**2 / 2).sum()",
    ),
    Known(
        "sigmoid", sigmoid, _element(lambda z, a: a - a**2), "g * a * (1 - a)",
        "np.diag(a * (1 - a))", "a * (1 - a)",
    ),
    Known(
        "tanh", np.tanh, _element(lambda z, a: 1 - a**2), "g * (1 - a**2)",
        "np.diag(1 - a**2)", "1 - a**2",
    ),
    Known(
        "ReLU", lambda z: np.maximum(z, 0), _element(lambda z, a: 1.0 * (z > 0)),
        "g * (a > 0)", "np.diag(1.0 * (a > 0))", "1.0 * (a > 0)",
    ),
    Known(
        "softplus", lambda z: np.logaddexp(0, z), _element(lambda z, a: sigmoid(z)),
        "g * (1 - np.exp(-a))", "np.diag(1 - np.exp(-a))", "1 - np.exp(-a)",
    ),
    Known("exp", np.exp, _element(lambda z, a: a), "g * a", "np.diag(a)", "a"),
)  # fmt: skip


@quiet
def map_of(seen: Observation) -> Known | None:
    """The known map that gives these outputs."""
    if seen.out.shape != seen.x.shape:
        return None
    kind = coupling(seen.J, seen.x.shape, seen.out.shape)
    x, out = flat(seen.x), flat(seen.out)
    for known in KNOWN:
        for at in places(seen.x.shape, kind):
            if not np.allclose(known.value(x[at]), out[at], rtol=1e-5, atol=1e-9):
                break
        else:
            return known
    return None


@quiet
def claimed_of(seen: Observation) -> Known | None:
    """The known map whose derivative the claim is."""
    if seen.out.shape != seen.x.shape:
        return None
    x = flat(seen.x)
    for known in KNOWN:
        for along in ("row", "column"):
            predicted = np.zeros_like(seen.J)
            for at in places(seen.x.shape, along):
                a = known.value(x[at])
                predicted[np.ix_(at, at)] = known.jacobian(x[at], a)
            if seen.agrees(predicted):
                return known
    return None


def line(seen: Observation) -> str:
    """The line that is right, in the names that the backward gives its arrays."""
    subject, known = seen.setting.subject, map_of(seen)
    kind = coupling(seen.J, seen.x.shape, seen.out.shape)
    if known is None:
        return _general(subject, seen.setting.kind, kind == "element")
    if seen.setting.kind == MATRIX and known.matrix:
        return f"return {renamed(subject, known.matrix)}"
    if seen.setting.kind == DERIVATIVE and known.derivative:
        return f"return {renamed(subject, known.derivative)}"
    said = renamed(subject, known.product)
    if kind == "column":
        said = said.replace("(-1, keepdims=True)", "(0, keepdims=True)")
    note = "" if seen.setting.takes_g else "  # g: dL/da, from above"
    return f"return {said}{note}"


def _general(subject: Subject, kind: str, element: bool) -> str:
    g = subject.word("g")
    if kind == MATRIX:
        return "return J  # J[i, j] = da_i / dz_j, the whole matrix"
    if element:
        return f"return {g} * derivative  # da_i / dz_i, one number for each"
    return f"return J.T @ {g}  # J[i, j] = da_i / dz_j, the whole matrix"


def renamed(subject: Subject, text: str) -> str:
    """The letters z, a, y and g in a formula as the backward's own parameters."""
    roles = {"z": "x", "a": "out", "g": "g"}
    if subject.loss:
        roles = {"a": "x", "y": "y", "g": "g"}
    words = {letter: subject.word(role) for letter, role in roles.items()}
    return re.sub(r"\b[zayg]\b", lambda m: words.get(m[0], m[0]), text)


def losses(a: Array, y: Array) -> dict[str, Array]:
    """Gradients that are known, by the line that gives them."""
    return {
        "a - y": a - y,
        "2 * (a - y)": 2 * (a - y),
        "-y / a": -y / a,
        "(a - y) / (a * (1 - a))": (a - y) / (a * (1 - a)),
    }


@quiet
def gradient_line(subject: Subject, seen: Observation) -> str:
    """The line of a loss's gradient where it is known, with the factor it has."""
    if seen.y is None or np.shape(seen.y) != seen.x.shape:
        return ""
    count = seen.x.shape[0] if seen.setting.batch else 1
    factors = {
        1.0: "", 1 / count: " / len(a)", 1 / seen.x.size: " / a.size", 0.5: " / 2",
        1 / seen.x.shape[-1]: " / a.shape[-1]",
    }  # fmt: skip
    for said, values in losses(seen.x, np.asarray(seen.y)).items():
        for factor, ending in factors.items():
            if np.allclose(flat(values) * factor, seen.J[0], rtol=1e-6, atol=1e-9):
                whole = f"({said})" if ending and said == "a - y" else said
                return f"return {renamed(subject, whole + ending)}"
    return ""


def first_line(lines: Sequence[str]) -> str:
    """The first that says something."""
    return next((each for each in lines if each), "")
