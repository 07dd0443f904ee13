"""Mistakes told by calling again: another array in a place makes the answer right."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import permutations

import numpy as np

from anymax.checking.check.evidence import needed
from anymax.checking.check.observing import Observation
from anymax.checking.check.roles import CACHE, OUT, Signature, X
from anymax.checking.check.setting import (
    DERIVATIVE,
    LIKE,
    MATRIX,
    PRODUCT,
    Setting,
    matrix,
)
from anymax.checking.check.subject import Session
from anymax.types import Array, quiet


def right(seen: Observation, answer: Array) -> bool:
    """Whether an answer for the point and the g of an observation is right."""
    if seen.setting.kind == DERIVATIVE:
        return _right_derivative(seen, answer)
    if seen.setting.kind == MATRIX:
        answer = matrix(answer, seen.setting.layout, seen.x, seen.out)
    wanted = needed(seen)
    if answer.size != wanted.size:
        return False
    smooth = seen.slopes.smooth
    allowed = seen.tolerance.max() * (
        max(1.0, float(np.abs(seen.g).sum())) if seen.setting.kind == PRODUCT else 1.0
    )
    size = float(np.max(np.abs(wanted), initial=0))
    away = np.abs(np.asarray(answer, np.float64).ravel() - wanted) <= allowed + (
        1e-5 * size if seen.bytes == 8 else 1e-3 * size
    )
    if wanted.size == seen.J.size and seen.setting.layout != LIKE:
        away = away.reshape(seen.J.shape)[:, smooth]
    elif wanted.size == smooth.size:
        away = away[smooth]
    return bool(np.all(away))


def _right_derivative(seen: Observation, answer: Array) -> bool:
    """An element-wise derivative is right as the diagonal of a diagonal J."""
    claim = np.diag(np.asarray(answer, np.float64).ravel())
    near = np.abs(claim - seen.J) <= seen.tolerance
    return bool(np.all(near[seen.smooth]))


@quiet
def takes_input_for_output(wrong: Sequence[Observation]) -> bool:
    """Whether the answer is right once the backward is given a where it gets z."""
    return all(_with_output(seen) for seen in wrong)


def _with_output(seen: Observation) -> bool:
    if seen.out.shape != seen.x.shape:
        return False
    setting = seen.setting
    if X in setting.subject.answers.roles:
        try:
            given = setting.answer(seen.out, seen.g, seen.y, seen.out, before=seen.x)
        except Exception:
            return False
        return given.shape == seen.answer.shape and right(seen, given)
    session = setting.session()
    out = session.forward(seen.x, seen.y)
    if not _stored(session, seen.x, out):
        return False
    try:
        return right(seen, session.backward(seen.x, out, seen.g, seen.y))
    except Exception:
        return False


def _stored(session: Session, old: Array, new: Array) -> bool:
    """Put another array where an object holds this one; whether it held it."""
    held = getattr(session.live.holder, "__dict__", {})
    names = [name for name, value in held.items() if _is(value, old)]
    for name in names:
        setattr(session.live.holder, name, np.array(new, copy=True))
    raw = session.raw
    if isinstance(raw, tuple) and any(_is(each, old) for each in raw[1:]):
        rest = [np.array(new, copy=True) if _is(e, old) else e for e in raw[1:]]
        session.raw = (raw[0], *rest)
        return True
    return bool(names)


def _is(value: object, array: Array) -> bool:
    return isinstance(value, np.ndarray) and np.array_equal(value, array)


@quiet
def swapped(wrong: Sequence[Observation]) -> tuple[str, ...] | None:
    """The order of parameters with which every answer is right; None if there is none.

    Only an order in which the arrays that trade places are of one shape is tried.
    """
    setting = wrong[0].setting
    for order in _orders(setting):
        names = setting.subject.answers.names
        subject = replace(setting.subject, answers=Signature(names, order))
        if all(_right_as(seen, replace(setting, subject=subject)) for seen in wrong):
            return tuple(str(role) for role in order)
    return None


def _orders(setting: Setting) -> Iterator[tuple[str | None, ...]]:
    own = setting.subject.answers.roles
    if not 2 <= len(own) <= 4 or CACHE in own:
        return
    for order in permutations(own):
        if order != own:
            yield order


def _right_as(seen: Observation, setting: Setting) -> bool:
    try:
        answer = setting.answer(seen.x, seen.g, seen.y)
    except Exception:
        return False
    return answer.shape == seen.answer.shape and right(seen, answer)


def instead(setting: Setting) -> str:
    """The backward's words for z and a, to say which was taken for which."""
    subject = setting.subject
    return f"{subject.word(X)} where {subject.word(OUT)} belongs"
