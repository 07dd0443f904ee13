"""What a mistaken backward of a map would claim, from the numerical Jacobian alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from anymax.checking.check.blocks import parts, places
from anymax.checking.check.formulas import KNOWN, line
from anymax.checking.check.observing import Observation, coupling
from anymax.checking.check.probing import ROUNDING, STEP, WIDE_STEP, flat, slopes
from anymax.checking.check.setting import DERIVATIVE, MATRIX
from anymax.types import Array, quiet

Predict = Callable[[Observation], Array | None]


@dataclass(frozen=True)
class Candidate:
    """A mistake: its code, the matrix it would claim, and what to say about it."""

    code: str
    predict: Predict
    message: str
    fix: Callable[[Observation], str] = line

    def fits(self, wrong: Sequence[Observation]) -> bool:
        """Whether every claim is as predicted, of those for which this predicts."""
        predicted = [(seen, self.predict(seen)) for seen in wrong]
        stated = [(s, p) for s, p in predicted if p is not None]
        explains = any(s.differs(~np.isnan(p)) for s, p in stated)
        return explains and all(s.agrees(p) for s, p in stated)


def identity(seen: Observation) -> Array | None:
    """I: g goes through as it came."""
    return np.eye(len(seen.J)) if square(seen) else None


def diagonal(seen: Observation) -> Array | None:
    """The diagonal of J."""
    if not square(seen) or _element(seen):
        return None
    return np.diag(np.diag(seen.J))


def rank_one_missing(seen: Observation) -> Array | None:
    """diag(d) of J = diag(d) + u v^T."""
    return _assembled(seen, 0.0)


def rank_one_reversed(seen: Observation) -> Array | None:
    """diag(d) - u v^T of J = diag(d) + u v^T."""
    return _assembled(seen, -1.0)


def output(seen: Observation) -> Array | None:
    """diag(a)."""
    return np.diag(flat(seen.out)) if square(seen) else None


def transposed(seen: Observation) -> Array | None:
    """J^T."""
    if not square(seen) or np.allclose(seen.J, seen.J.T, atol=seen.tolerance.max()):
        return None
    # where the map is not smooth a row of J is as unsure as the column
    other = np.array(seen.J.T)
    other[~seen.slopes.smooth] = np.nan
    return other


@quiet
def doubled(seen: Observation) -> Array | None:
    """J at a instead of z: the map is applied once more on the way back."""
    if not square(seen):
        return None
    setting, wide = seen.setting, seen.bytes < 8
    step = WIDE_STEP if wide else STEP
    session = setting.session()
    found = slopes(
        lambda at: session.forward(at, None), seen.out, step, ROUNDING[seen.bytes]
    )
    return np.where(found.smooth, found.J, np.nan)


@quiet
def twice(seen: Observation) -> Array | None:
    """The derivative of a known map where the outputs are that map of itself."""
    if not square(seen):
        return None
    x, out = flat(seen.x), flat(seen.out)
    blocks = places(seen.x.shape, coupling(seen.J, seen.x.shape, seen.out.shape))
    for known in KNOWN[:6]:
        once, again = np.zeros(len(x)), np.zeros(len(x))
        for at in blocks:
            once[at] = known.value(x[at])
            again[at] = known.value(once[at])
        if not np.allclose(again, out, rtol=1e-6) or np.allclose(once, again):
            continue
        for a in (once, again):
            predicted = np.zeros_like(seen.J)
            for at in blocks:
                predicted[np.ix_(at, at)] = known.jacobian(x[at], a[at])
            if seen.agrees(predicted):
                return predicted
    return None


def square(seen: Observation) -> bool:
    """Whether outputs and inputs have one shape."""
    return seen.out.shape == seen.x.shape


def _element(seen: Observation) -> bool:
    return coupling(seen.J, seen.x.shape, seen.out.shape) == "element"


def _assembled(seen: Observation, sign: float) -> Array | None:
    """diag(d) + sign u v^T, NaN in blocks that are not of this structure."""
    if not square(seen) or _element(seen):
        return None
    predicted = np.zeros_like(seen.J)
    kind = coupling(seen.J, seen.x.shape, seen.out.shape)
    for at, part in zip(places(seen.x.shape, kind), parts(seen), strict=True):
        if part is None:
            predicted[np.ix_(at, at)] = np.nan
        else:
            inner = np.diag(part.d) + sign * np.outer(part.u, part.v)
            predicted[np.ix_(at, at)] = inner
    return predicted


MISSING = Candidate(
    "jacobian-missing",
    identity,
    "What comes from above goes through as it came: the Jacobian is left out. That is "
    "right only where the loss has been given its gradient by z.",
)
ONE_MISSING = Candidate(
    "rank-one-missing",
    rank_one_missing,
    "The Jacobian is diag(d) + u v^T, and the answer has diag(d) alone: what every "
    "output loses to the others, the sum over g, is left out.",
)
AS_DERIVATIVE = Candidate(
    "output-as-derivative",
    output,
    "The output itself is given as its derivative.",
)
DIAGONAL = Candidate(
    "diagonal-only",
    diagonal,
    "Only the diagonal of the Jacobian is used, da_i/dz_i. Here every output depends "
    "on several inputs, so the sum over i of da_i/dz_j g_i is needed: J^T g.",
)
TRANSPOSED = Candidate(
    "transposed-jacobian",
    transposed,
    "The Jacobian is transposed: J g where J^T g is needed, and this J is not "
    "symmetric.",
    lambda s: (
        line(s) if s.setting.kind != MATRIX else "return J.T  # J[i, j] = da_i/dz_j"
    ),
)
REVERSED = Candidate(
    "sign",
    rank_one_reversed,
    "The part of the Jacobian beside its diagonal has the wrong sign.",
)
DOUBLED = Candidate(
    "double-softmax",
    doubled,
    "The derivative is taken at the output instead of the input: the map is applied a "
    "second time on the way back.",
)
TWICE = Candidate(
    "double-softmax",
    twice,
    "The forward applies its map twice, and the derivative is that of applying it "
    "once.",
    lambda s: "return f(z)  # once",
)


def of(seen: Observation) -> list[Candidate]:
    """The candidates in the order in which they are believed."""
    # Where the output stands alone in the answer it was taken for a derivative; where
    # it multiplies g, or stands in a matrix, the rest of that matrix was forgotten.
    output_first = seen.setting.kind == DERIVATIVE
    middle = (
        [AS_DERIVATIVE, ONE_MISSING] if output_first else [ONE_MISSING, AS_DERIVATIVE]
    )
    return [MISSING, *middle, DIAGONAL, TRANSPOSED, REVERSED, TWICE, DOUBLED]
