"""What a subject does beside answering: chance, changed inputs, stale state."""

from __future__ import annotations

import numpy as np

from anymax.checking.check.observing import Observation
from anymax.checking.check.probing import precision
from anymax.checking.check.report import Finding
from anymax.checking.check.roles import OUT, TARGET, UP, X
from anymax.checking.check.setting import Setting
from anymax.checking.check.subject import as_array
from anymax.types import Array, quiet

Point = tuple[Array, Array | None]
CLOSE = 1e-9


@quiet
def chance(setting: Setting, at: Point, g: Array) -> Finding | None:
    """Two calls with the same arguments that answer differently."""
    x, y = at
    session = setting.session()
    first, second = session.forward(x, y), session.forward(x, y)
    if _differ(first, second) or _differ(first, setting.value(x, y)):
        return _chance("forward", first, second)
    once, again = setting.answer(x, g, y), setting.answer(x, g, y)
    if _differ(once, again):
        return _chance(setting.subject.backward, once, again)
    out = session.forward(x, y)
    for _ in range(2):
        repeated = session.backward(x, out, g, y)
        if _differ(once, repeated):
            return _chance(setting.subject.backward, once, repeated)
    return None


def _chance(which: str, once: Array, again: Array) -> Finding:
    return Finding(
        "non-deterministic",
        f"Two calls of {which} with the same arguments answer differently: noise, or "
        "something that is counted up. No difference quotient can be formed.",
        {"first": once.ravel()[:5], "second": again.ravel()[:5]},
        "rng = np.random.default_rng(0)  # made anew in each call",
    )


@quiet
def mutation(setting: Setting, at: Point, g: Array) -> Finding | None:
    """Arrays given to a subject, or got from it, that are changed by it."""
    if setting.scalar:
        return None
    x, y = at
    session = setting.session()
    out = session.forward(x, y)
    for role, was in ((X, x), (TARGET, y)):
        if was is not None and _differ(session.given[role], np.asarray(was)):
            return _mutation(setting, "the forward", role, was, session.given[role])
    raw = session.raw[0] if isinstance(session.raw, tuple) else session.raw
    kept = np.array(out, copy=True)
    session.backward(x, out, g, y)
    arrays = {X: x, OUT: kept, UP: g, TARGET: y}
    for role, given in session.given.items():
        was = arrays.get(role)
        if was is not None and _differ(given, np.asarray(was)):
            return _mutation(setting, setting.subject.backward, role, was, given)
    now = as_array(raw)
    if _differ(now, kept):
        return _mutation(setting, setting.subject.backward, OUT, kept, now)
    return None


def _mutation(
    setting: Setting, which: str, role: str, was: Array, now: Array
) -> Finding:
    word = setting.subject.word(role)
    return Finding(
        "mutates-input",
        f"{which} changes the array {word} that belongs to its caller: whoever "
        "reads it afterwards reads something else.",
        {"before": np.ravel(was)[:5], "after": np.ravel(now)[:5]},
        f"{word} = {word}.copy()  # first, or no in-place operation such as *= on it",
    )


@quiet
def stale(setting: Setting, first: Point, second: Point, g: Array) -> Finding | None:
    """A backward that answers for another forward than the one it is asked about."""
    subject = setting.subject
    if setting.scalar:
        return None
    g = np.ones_like(g) if subject.loss else g
    for asked, last, what in (
        (second, second, "the first forward it has seen, not the last"),
        (first, second, "the last forward, whatever arguments it is given"),
    ):
        told = {X, OUT} & set(subject.answers.roles)
        if asked is first and not told:
            continue
        session = setting.session()
        out = {id(first): session.forward(*first), id(last): session.forward(*last)}
        x, y = asked
        answer = session.backward(x, out[id(asked)], g, y)
        alone = setting.answer(x, g, y)
        if _differ(answer, alone):
            return Finding(
                "stale-state",
                f"{subject.called} answers for {what}: it reads what another call has "
                "stored.",
                {"answered": answer.ravel()[:5], "on its own": alone.ravel()[:5]},
                "self.a = a  # stored in every forward"
                if asked is second
                else f"a = {_forward_name(setting)}({subject.word(X)})  # not self.a",
            )
    return None


def _forward_name(setting: Setting) -> str:
    return getattr(setting.subject.make().forward, "__name__", "forward")


def coarse(seen: Observation) -> Finding | None:
    """Float64 goes in, and what comes back has fewer digits."""
    which, out, answer = "forward", seen.out, seen.answer
    if seen.bytes == 8:
        which = "backward"
        if precision(answer) == 8:
            return None
    return Finding(
        "float32-noise",
        f"Right as far as can be seen, but the {which} computes in float32: with a "
        "small step its rounding is larger than what is measured, so that a gradient "
        "check fails by chance. Check in float64.",
        {"digits": 7, "dtype": str(out.dtype if which == "forward" else answer.dtype)},
        "z = np.asarray(z, np.float64)  # keep the precision of what is given",
    )


def _differ(one: Array, other: Array) -> bool:
    return one.shape != other.shape or not np.allclose(
        one, other, rtol=CLOSE, atol=1e-300, equal_nan=True
    )
