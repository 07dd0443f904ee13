"""Examine a subject: look at points, name what is wrong, try the edges."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from anymax.checking.check import behaviour, points
from anymax.checking.check.jumps import jump
from anymax.checking.check.kinks import kink
from anymax.checking.check.large import unstable
from anymax.checking.check.naming import clipping, named, unknown
from anymax.checking.check.observing import Observation, coupling, observed
from anymax.checking.check.probing import resolution
from anymax.checking.check.report import CheckError, Finding
from anymax.checking.check.rows import deliberate
from anymax.checking.check.setting import GRADIENT, Setting
from anymax.checking.check.subject import Subject
from anymax.checking.check.trial import MisshapenError, tried

FORMS = (points.SOFT, points.ONE_HOT, points.INDEX, points.SIGNS)


@dataclass(frozen=True)
class Examined:
    """The findings, how the subject was called, and at how many points."""

    findings: list[Finding]
    setting: Setting | None = None
    points: int = 0
    wrong: bool = False  # whether the derivative is, beside anything else


def examined(subject: Subject, size: int, seed: int) -> Examined:
    """The findings of a map, or of a loss with the first targets that make it right."""
    if not subject.loss:
        return _of_form(subject, size, seed, None)
    forms = FORMS if subject.targets is None else FORMS[:1]
    first: Examined | None = None
    refusal: CheckError | None = None
    for form in forms:
        try:
            result = _of_form(subject, size, seed, form)
        except CheckError as why:
            refusal = refusal or why
            continue
        if first is None or _rescues(result, first):
            first = result
        if not first.wrong:
            return first
    if first is None:
        raise refusal or CheckError(f"{subject.name} takes no targets that are known.")
    return first


def _rescues(other: Examined, first: Examined) -> bool:
    """Whether the derivative is right with other targets: then it is meant for them.

    Only for inputs of the same shape: in another shape a mistake may not show.
    """
    if other.wrong or other.setting is None or first.setting is None:
        return False
    return other.setting.shape == first.setting.shape


def _of_form(subject: Subject, size: int, seed: int, form: str | None) -> Examined:
    rng = np.random.default_rng(seed)
    try:
        setting = tried(subject, size, seed, form)
    except MisshapenError as shape:
        return Examined([shape.finding])
    x, y = setting.draw(rng)
    g = setting.upstream(rng, setting.value(x, y))
    noisy = behaviour.chance(setting, (x, y), g)
    if noisy is not None:
        return Examined([noisy], setting, 1)
    setting, batch = _alone(setting, size, seed)
    seen = _looked(setting, rng)
    findings = _derivative(setting, seen, seed)
    if batch is not None and not findings:
        findings = _mixing(batch, seed)
    wrong = bool(findings)
    findings += _beside(setting, seen, rng, findings)
    return Examined(findings, setting, len(seen), wrong)


def _alone(setting: Setting, size: int, seed: int) -> tuple[Setting, Setting | None]:
    """A map that couples a whole batch is one of single vectors, if it takes them."""
    if setting.subject.loss or not setting.batch or setting.kind == GRADIENT:
        return setting, None
    seen = observed(setting, np.random.default_rng(seed), 1.0, _wide(setting, seed))
    if seen is None or coupling(seen.J, seen.x.shape, seen.out.shape) != "whole":
        return setting, None
    try:
        return tried(setting.subject, size, seed, None, vectors=True), setting
    except (CheckError, MisshapenError):
        return setting, None


def _wide(setting: Setting, seed: int) -> bool:
    x, y = setting.draw(np.random.default_rng(seed))
    return resolution(lambda at: setting.value(at, y), x) < 8


def _looked(setting: Setting, rng: np.random.Generator) -> list[Observation]:
    wide = _wide(setting, 0)
    tries = [observed(setting, rng, scale, wide) for scale in points.SCALES]
    seen = [each for each in tries if each is not None]
    if not seen:
        raise CheckError(
            f"the forward of {setting.subject.name} is nowhere smooth at the points "
            "tried, so that it has no derivative to compare with. Check another map."
        )
    return seen


def _derivative(
    setting: Setting, seen: Sequence[Observation], seed: int
) -> list[Finding]:
    """What is wrong with the answers, at ordinary points and then at others."""
    wrong = [each for each in seen if not each.right]
    if wrong:
        return named(wrong, seed)
    if setting.subject.loss and setting.domain == points.SIMPLEX:
        return _outside(setting, seed)
    return []


def _outside(setting: Setting, seed: int) -> list[Finding]:
    """A loss at outputs that are any numbers, where it has a value there."""
    if setting.subject.domain is not None:
        return []
    rng = np.random.default_rng(seed)
    other = replace(setting, domain=points.REALS)
    try:
        tries = [
            observed(other, rng, scale, _wide(other, seed)) for scale in (1.0, 2.0)
        ]
    except Exception:
        return []
    wrong = [each for each in tries if each is not None and not each.right]
    wrong = [each for each in wrong if not deliberate(each)]
    if not wrong:
        return []
    return clipping(wrong) or [unknown(wrong)]


def _mixing(batch: Setting, seed: int) -> list[Finding]:
    """A forward that mixes rows, where the backward takes batches row by row."""
    seen = observed(batch, np.random.default_rng(seed), 1.0, _wide(batch, seed))
    if seen is None or seen.right or batch.layout != "like the inputs":
        return []
    if coupling(seen.claim, seen.x.shape, seen.out.shape) not in ("row", "element"):
        return []
    return [
        Finding(
            "batch-coupled",
            "The forward mixes the rows of a batch, and the backward takes each row by "
            "itself: each output depends on all rows.",
            {"shape": str(batch.shape)},
            "x.sum(-1, keepdims=True)  # of each row alone, not x.sum()",
        )
    ]


def _beside(
    setting: Setting,
    seen: Sequence[Observation],
    rng: np.random.Generator,
    already: Sequence[Finding],
) -> list[Finding]:
    """State, precision, kinks, jumps and large numbers."""
    first, g = seen[0], seen[0].g
    x, y = setting.draw(rng)
    found = [
        behaviour.stale(setting, (first.x, first.y), (x, y), g),
        behaviour.mutation(setting, (first.x, first.y), g),
    ]
    if not already and not setting.subject.trusted:
        found.append(behaviour.coarse(first))
    edge = _edge(setting, first)
    if edge is not None:
        if not setting.subject.trusted:
            found.append(jump(edge, rng))
        if not already and first.bytes == 8:
            found.append(kink(edge))
        found.append(unstable(edge, rng))
    return _unique([each for each in found if each is not None], already)


def _edge(setting: Setting, first: Observation) -> Observation | None:
    """The point to look for edges from; None where not all numbers go."""
    if setting.subject.domain is not None and setting.subject.loss:
        return None if not setting.subject.name.startswith("Pair") else first
    if setting.domain == points.REALS:
        return first
    if setting.domain != points.SIMPLEX:
        return None
    rng = np.random.default_rng(0)
    other = replace(setting, domain=points.REALS)
    try:
        found = observed(other, rng, 1.0, first.bytes < 8)
    except Exception:
        return None
    return found if found is not None and found.right else None


def _unique(found: list[Finding], already: Sequence[Finding]) -> list[Finding]:
    codes = {each.code for each in already}
    return [each for each in found if each.code not in codes]
