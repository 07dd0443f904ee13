"""What a mistaken gradient of a loss would be, from the numerical one alone."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from anymax.checking.check import points
from anymax.checking.check.candidates import Candidate
from anymax.checking.check.factors import factor
from anymax.checking.check.formulas import gradient_line, losses, renamed, sigmoid
from anymax.checking.check.formulas import softmax as softmax_row
from anymax.checking.check.observing import Observation
from anymax.checking.check.probing import STEP, flat, jacobian
from anymax.types import Array, quiet


def mended(seen: Observation) -> str:
    """The right line, or that a gradient by a is needed."""
    found = gradient_line(seen.setting.subject, seen)
    return found or renamed(
        seen.setting.subject, "return dL_da  # by the outputs a, not by the logits"
    )


def softmax(x: Array) -> Array:
    """Along the features."""
    return np.apply_along_axis(softmax_row, points.features(x.shape), x)


@quiet
def through_softmax(seen: Observation) -> Array | None:
    """J^T G of a softmax with these outputs: the gradient by its logits."""
    axis = points.features(seen.x.shape)
    if not np.allclose(seen.x.sum(axis), 1, atol=1e-6):
        return None
    G = seen.J.reshape(seen.x.shape)
    found = seen.x * (G - (seen.x * G).sum(axis, keepdims=True))
    return _scaled(seen, found)


@quiet
def through_sigmoid(seen: Observation) -> Array | None:
    """The gradient by the logits of a sigmoid with these outputs."""
    if np.any((seen.x <= 0) | (seen.x >= 1)):
        return None
    return _scaled(seen, seen.x * (1 - seen.x) * seen.J.reshape(seen.x.shape))


@quiet
def through_log_softmax(seen: Observation) -> Array | None:
    """The gradient by the logits of a log-softmax with these outputs."""
    G = seen.J.reshape(seen.x.shape)
    total = G.sum(points.features(seen.x.shape), keepdims=True)
    if not np.any(np.abs(total) > seen.tolerance.max()):
        return None
    return _scaled(seen, G - np.exp(seen.x) * total)


def difference(seen: Observation) -> Array | None:
    """a - y, which is a gradient by logits for more than one loss."""
    if seen.y is None or np.shape(seen.y) != seen.x.shape:
        return None
    return _scaled(seen, seen.x - np.asarray(seen.y))


@quiet
def value_applies_softmax(seen: Observation) -> Array | None:
    """The gradient as though a were probabilities, of a value that softmaxes a."""
    G = seen.J.reshape(seen.x.shape)
    axis = points.features(seen.x.shape)
    size = float(np.max(np.abs(G), initial=0))
    free = size > 0 and np.max(np.abs(G.sum(axis))) < 1e-6 * size
    if not free or seen.y is None or not np.allclose(seen.x.sum(axis), 1, atol=1e-6):
        return None
    if np.shape(seen.y) == seen.x.shape:
        for values in losses(seen.x, np.asarray(seen.y)).values():
            scaled = _scaled(seen, values)
            if scaled is not None and seen.agrees(scaled):
                return scaled
    # softmax(log p) = p: the value without its softmax, along the simplex
    inner = jacobian(
        lambda p: seen.setting.value(np.log(p), seen.y), seen.x, STEP / 4
    ).sum(0)
    along = inner.reshape(seen.x.shape)
    rest = seen.claim.reshape(seen.x.shape) - along
    level = rest - rest.mean(axis, keepdims=True)
    small = np.max(np.abs(level)) < 1e-5 * max(1.0, float(np.max(np.abs(along))))
    return seen.claim if small else None


@quiet
def gradient_applies_map(seen: Observation) -> Array | None:
    """The gradient taken at softmax(a) or sigmoid(a), with or without its Jacobian."""
    for inner in (softmax, sigmoid):
        p = inner(seen.x)
        G = jacobian(lambda at: seen.setting.value(at, seen.y), p, STEP / 4).sum(0)
        G = G.reshape(seen.x.shape)
        axis = points.features(seen.x.shape)
        behind = p * (1 - p) * G
        if inner is softmax:
            behind = p * (G - (p * G).sum(axis, keepdims=True))
        for values in (G, behind):
            scaled = _scaled(seen, values)
            if scaled is not None and seen.agrees(scaled):
                return scaled
    return None


def ones(seen: Observation) -> Array | None:
    """1 for every output."""
    return np.ones_like(seen.J)


def outputs(seen: Observation) -> Array | None:
    """a itself."""
    return flat(seen.x)[None]


def values(seen: Observation) -> Array | None:
    """The loss's own value."""
    if seen.out.size not in (1, seen.x.size, len(seen.x)):
        return None
    if seen.out.size == len(seen.x) and seen.x.ndim == 2:
        return np.repeat(flat(seen.out), seen.x.shape[1])[None]
    return np.broadcast_to(flat(seen.out), (1, seen.x.size))


def _scaled(seen: Observation, found: Array) -> Array | None:
    """A prediction times the one number that brings it nearest to the claim."""
    row = flat(found)[None]
    c = factor([seen.claim], [row])
    return None if not c else row * c


FUSED = (
    "This is the gradient by the logits, where the output layer's derivative has been "
    "multiplied in already; by the outputs a it is another. With any map between, that "
    "map's Jacobian then counts twice."
)
APPLIED = (
    "The value applies softmax to what it is given, and the gradient takes the same "
    "numbers for probabilities: after a softmax layer there are two."
)
AGAIN = (
    "The gradient applies softmax or sigmoid to outputs that the value takes for "
    "probabilities."
)
CANDIDATES: Sequence[Candidate] = (
    Candidate("double-softmax", value_applies_softmax, APPLIED, mended),
    Candidate("fused-gradient", through_softmax, FUSED, mended),
    Candidate("fused-gradient", through_sigmoid, FUSED, mended),
    Candidate("fused-gradient", through_log_softmax, FUSED, mended),
    Candidate("fused-gradient", difference, FUSED, mended),
    Candidate("double-softmax", gradient_applies_map, AGAIN, mended),
    Candidate("jacobian-missing", ones, "The gradient is 1 everywhere.", mended),
    Candidate(
        "output-as-derivative",
        outputs,
        "The outputs are given as the gradient.",
        mended,
    ),
    Candidate(
        "output-as-derivative", values, "The value is given as its gradient.", mended
    ),
)
