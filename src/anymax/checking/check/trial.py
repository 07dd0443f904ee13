"""Find out by trying what shapes a subject takes and what its backward gives back."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from anymax.checking.check import points
from anymax.checking.check.report import CheckError, Finding
from anymax.checking.check.setting import (
    DERIVATIVE,
    GRADIENT,
    LIKE,
    MATRIX,
    PRODUCT,
    Setting,
    read,
)
from anymax.checking.check.subject import Subject
from anymax.types import Array

SHAPING = ("shape", "broadcast", "align", "matmul", "dimension", "size", "inhomogen")


class MisshapenError(Exception):
    """No shape fits what the backward gives back: this is the finding."""

    def __init__(self, finding: Finding) -> None:
        super().__init__(finding.message)
        self.finding = finding


@dataclass
class Failure:
    """One shape that did not go: how far it came, and why."""

    setting: Setting
    stage: str
    error: Exception | None = None
    answer: Array | None = None
    out: Array | None = None


def tried(
    subject: Subject, size: int, seed: int, form: str | None, vectors: bool = False
) -> Setting:
    """The first way of calling that gives an answer one can read."""
    failures: list[Failure] = []
    for setting in _settings(subject, size, form, vectors):
        answered = any(each.answer is not None for each in failures)
        if answered and (1 in setting.shape or setting.scalar):
            continue
        result = _try(setting, seed)
        if isinstance(result, Setting):
            return result
        failures.append(result)
    raise _refusal(subject, failures)


def _settings(
    subject: Subject, size: int, form: str | None, vectors: bool
) -> Iterator[Setting]:
    if subject.loss:
        domains = [points.SIMPLEX, points.REALS]
    else:
        domains = [points.REALS, points.POSITIVE, points.UNIT]
    if subject.domain is not None:
        domains = domains[:1]
    for n in _widths(subject, size):
        count = 4 if n != 4 else 3
        shapes = [(count, n), (n,), (n, 1), (1, n)]
        if subject.vector:
            shapes = [(n,)]
        elif vectors:
            shapes = [(n,), (n, 1)]
        for shape in shapes:
            for domain in domains:
                yield Setting(subject, shape, domain, form)
        if not subject.vector and not vectors:
            for domain in domains:
                yield Setting(subject, (n,), domain, form, scalar=True)


def _widths(subject: Subject, size: int) -> list[int]:
    """What to try as the number of inputs: the weights of a layer may fix it."""
    if subject.width is not None:
        return [subject.width]
    found = [size]
    for value in vars(subject.make().holder or object).values():
        if isinstance(value, np.ndarray) and value.ndim == 2:
            found += [n for n in value.shape if n not in found]
    return found[:5]


def _try(setting: Setting, seed: int) -> Setting | Failure:
    rng = np.random.default_rng(seed)
    x, y = setting.draw(rng)
    try:
        out = setting.value(x, y)
    except CheckError:
        raise
    except Exception as wrong:
        return Failure(setting, "forward", wrong)
    if not out.size or not np.all(np.isfinite(out)):
        return Failure(setting, "forward", out=out)
    g = setting.upstream(rng, out)
    try:
        answer = setting.answer(x, g, y)
    except CheckError:
        raise
    except Exception as wrong:
        return Failure(setting, "backward", wrong, out=out)
    return _readable(setting, x, y, out, g, answer)


def _readable(
    setting: Setting, x: Array, y: Array | None, out: Array, g: Array, answer: Array
) -> Setting | Failure:
    layout = read(answer, x, out)
    failure = Failure(setting, "shape", answer=answer, out=out)
    whole = setting.subject.loss or (out.size < x.size and out.size in (1, len(x)))
    if whole:
        fits = layout is not None and answer.shape == x.shape
        return replace(setting, kind=GRADIENT) if fits else failure
    if layout is None:
        return failure
    moves = setting.takes_g and _moves(setting)
    if layout == LIKE:
        if not moves and out.shape != x.shape:
            return failure
        return replace(setting, kind=PRODUCT if moves else DERIVATIVE)
    return failure if moves else replace(setting, kind=MATRIX, layout=layout)


def _moves(setting: Setting) -> bool:
    """Whether the answer depends on g at some of a few points."""
    rng = np.random.default_rng(1)
    for scale in (*points.SCALES, 4.0):
        x, y = setting.draw(rng, scale)
        shape = setting.value(x, y).shape
        one, other = rng.normal(size=(2, *shape))
        if _differs(setting.answer(x, one, y), setting.answer(x, other, y)):
            return True
    return False


def _differs(one: Array, other: Array) -> bool:
    return one.shape != other.shape or not np.allclose(
        one, other, rtol=1e-9, atol=0, equal_nan=True
    )


def _refusal(subject: Subject, failures: list[Failure]) -> Exception:
    """The finding wrong-shape, or why it cannot be checked."""
    for each in failures:
        if each.answer is not None:
            return MisshapenError(_finding(subject, each))
    for each in failures:
        if each.stage == "backward" and each.error is not None:
            said = str(each.error).lower()
            if isinstance(each.error, ValueError | IndexError) and any(
                word in said for word in SHAPING
            ):
                return MisshapenError(_finding(subject, each))
    for stage in ("backward", "forward"):
        for each in failures:
            if each.stage == stage and each.error is not None:
                kind = type(each.error).__name__
                text = " ".join(str(each.error).split()).rstrip(".")
                return CheckError(
                    f"the {stage} of {subject.name} stops on inputs of shape "
                    f"{each.setting.shape}: {kind}: {text}. Say what it takes with "
                    "args, or give an object that is ready."
                )
    return CheckError(
        f"the forward of {subject.name} gives NaN or inf on ordinary inputs of shape "
        f"{failures[0].setting.shape}. Mend it first."
    )


def _finding(subject: Subject, failure: Failure) -> Finding:
    needs, word = failure.setting.shape, subject.word
    if failure.answer is None:
        got = f"stops: {' '.join(str(failure.error).split()).rstrip('.')}"
        evidence = {"needed": str(needs), "error": str(failure.error)}
    else:
        got = f"gives back shape {failure.answer.shape}"
        evidence = {"needed": str(needs), "returned": str(failure.answer.shape)}
    if subject.loss:
        fix, advice = (
            f"return np.broadcast_to({word('g')}, {word('x')}.shape)",
            ("A gradient has the shape of what it is a gradient by: do not sum it."),
        )
        fix = f"assert gradient.shape == {word('x')}.shape  # one number for each"
    else:
        up = word("g")
        fix = f"return J.T @ {up}  # (n, n) with (n,): the sum over i of J[i, j] g[i]"
        advice = (
            "Where outputs depend on several inputs the derivative is a matrix, and "
            "the chain rule is J^T g, a sum, not an element-wise product g * J."
        )
    return Finding(
        "wrong-shape",
        f"{subject.called} {got}; it needs the shape of its inputs, {needs}. {advice}",
        evidence,
        fix,
    )
