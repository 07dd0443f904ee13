"""From wrong answers to the mistake that explains all of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from anymax.checking.check import candidates, factors, loss_candidates
from anymax.checking.check.candidates import Candidate
from anymax.checking.check.evidence import error, shown, where
from anymax.checking.check.exchanged import (
    instead,
    swapped,
    takes_input_for_output,
)
from anymax.checking.check.formulas import claimed_of, first_line, line, map_of
from anymax.checking.check.observing import Observation, coupling
from anymax.checking.check.report import Finding
from anymax.checking.check.rows import clipped, mixed
from anymax.checking.check.setting import GRADIENT

Seen = Sequence[Observation]
ROW = ".sum(-1, keepdims=True)"


def named(wrong: Seen, seed: int) -> list[Finding]:
    """The findings for answers that differ from the derivative: first the likeliest."""
    loss = wrong[0].setting.kind == GRADIENT
    tries: list[Callable[[Seen], list[Finding]]] = [
        lambda seen: factors.named(seen, seed),
        _offset,
        _candidate,
        _exchanged,
        _mixed,
        clipping,
    ]
    if loss:
        tries = [tries[0], _swapped, _clipped_alone, _candidate, _mixed, clipping]
    for each in tries:
        found = each(wrong)
        if found:
            return found
    return [unknown(wrong)]


def _candidate(wrong: Seen) -> list[Finding]:
    for each in _candidates(wrong):
        if each.fits(wrong):
            shows, fix = shown(wrong[0]), each.fix(wrong[0])
            return [Finding(each.code, each.message, shows, fix)]
    return []


def _candidates(wrong: Seen) -> Sequence[Candidate]:
    if wrong[0].setting.kind == GRADIENT:
        return loss_candidates.CANDIDATES
    return candidates.of(wrong[0])


def _exchanged(wrong: Seen) -> list[Finding]:
    if takes_input_for_output(wrong):
        setting = wrong[0].setting
        return [
            Finding(
                "input-for-output",
                "The formula is one in the output a, and the input z is put into it: "
                f"{instead(setting)}. Given a there the answer is right.",
                shown(wrong[0]),
                line(wrong[0]),
            )
        ]
    return _swapped(wrong)


def _swapped(wrong: Seen) -> list[Finding]:
    order = swapped(wrong)
    if order is None:
        return []
    subject = wrong[0].setting.subject
    letters = {"x": "a" if subject.loss else "z", "out": "a", "g": "g", "y": "y"}
    needs = ", ".join(letters.get(role, role) for role in order)
    has = ", ".join(letters.get(str(r), str(r)) for r in subject.answers.roles)
    return [
        Finding(
            "arguments-swapped",
            f"The answer is right if {subject.backward} is given ({needs}) in place of "
            f"({has}): two of its arguments are taken for each other.",
            shown(wrong[0]) | {"given": f"({has})", "right with": f"({needs})"},
            f"{subject.backward}({needs})",
        )
    ]


def _offset(wrong: Seen) -> list[Finding]:
    """Not 0 for g = 0: a sum over g has been replaced by a constant."""
    if not all(np.max(np.abs(s.offset)) > 100 * s.tolerance.max() for s in wrong):
        return []
    if not all(s.linear for s in wrong):
        return []
    return [
        Finding(
            "fused-gradient",
            "The answer is not 0 where g is 0: a sum over g, as sum_i a_i g_i, has "
            "been replaced by the number it has with one loss. With any other loss "
            "above it is wrong.",
            shown(wrong[0])
            | {"answer for g = 0": wrong[0].offset[: wrong[0].x.shape[-1]]},
            line(wrong[0]),
        )
    ]


def _mixed(wrong: Seen) -> list[Finding]:
    code = mixed(wrong)
    if code is None:
        return []
    right = line(wrong[0]) if wrong[0].setting.kind != GRADIENT else ""
    if code == "wrong-axis":
        own = coupling(wrong[0].J, wrong[0].x.shape, wrong[0].out.shape)
        axes = ("0", "-1") if own == "column" else ("-1", "0")
        message = (
            "The backward works along another axis than the forward: the value couples "
            f"numbers along axis {axes[0]}, the answer along axis {axes[1]}."
        )
        fix = first_line([right, f"sum over axis={axes[0]}, keepdims=True"])
        return [Finding(code, message, shown(wrong[0]), fix)]
    message = (
        "One row's answer depends on other rows, and its outputs do not: a sum, mean "
        "or maximum goes over the whole batch."
    )
    fix = first_line([right, f"x{ROW}  # of each row alone, not x.sum()"])
    return [Finding(code, message, shown(wrong[0]), fix)]


def clipping(wrong: Seen) -> list[Finding]:
    """Answers that are not 0 where the value is constant, and right elsewhere."""
    found, c = clipped(wrong)
    if not found:
        return []
    evidence = shown(wrong[0])
    word = wrong[0].setting.subject.word("x")
    findings = [
        Finding(
            "clipped-value",
            "The value is constant where the answer is not 0: it is clipped there, and "
            "its derivative is not.",
            evidence,
            f"return np.where(clipped, 0, r)  # clipped: which {word} are",
        )
    ]
    if abs(c - 1) > 1e-5:
        findings.append(
            Finding(
                "constant-factor",
                f"Elsewhere the answer is {c:.6g} times the derivative.",
                evidence | {"factor": c},
                f"return r / {c:.6g}  # r: what it returns now",
            )
        )
    return findings


def _clipped_alone(wrong: Seen) -> list[Finding]:
    """Clipping where everything else is right."""
    found = clipping(wrong)
    return found if len(found) == 1 else []


def unknown(wrong: Seen) -> Finding:
    """Where, how much, and what it is nearest to."""
    worst = max(wrong, key=error)
    if any(not np.all(np.isfinite(s.claim[s.smooth])) for s in wrong):
        said = "The answer is NaN or inf where the derivative is an ordinary number."
    elif all(not np.any(s.claim) and not np.any(s.offset) for s in wrong):
        said = "The answer is 0 everywhere, and the derivative is not."
    else:
        said = f"The answer is wrong by {100 * error(worst):.3g} % of its size."
    evidence = shown(worst) | {"wrong at": f"{len(wrong)} points"} | where(wrong)
    own, other = map_of(worst), claimed_of(worst)
    if other is not None and worst.setting.kind != GRADIENT:
        mine = f", not of {own.name}" if own and own is not other else ""
        said += f" It is the derivative of {other.name}{mine}."
    near = [
        (worst.distance(p), c.code)
        for c in _candidates(wrong)
        for p in [c.predict(worst)]
        if p is not None
    ]
    near = [each for each in near if np.isfinite(each[0])]
    if near:
        away, code = min(near)
        evidence["nearest"] = f"{code}, away by {away:.2g}"
    right = (
        loss_candidates.mended(worst) if worst.setting.kind == GRADIENT else line(worst)
    )
    return Finding("wrong-derivative", said, evidence, right)
