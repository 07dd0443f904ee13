"""Parameters whose names say nothing: the one meaning that makes the answer right."""

from __future__ import annotations

from dataclasses import replace
from itertools import permutations

import numpy as np

from anymax.checking.check.observing import observed
from anymax.checking.check.report import CheckError
from anymax.checking.check.roles import OUT, UP, Signature, X
from anymax.checking.check.subject import Subject
from anymax.checking.check.trial import MisshapenError, tried
from anymax.types import quiet


@quiet
def completed(subject: Subject, size: int, seed: int) -> Subject:
    """The subject with every parameter's role known; CheckError if it cannot be."""
    if subject.answers.known:
        return subject
    if not subject.loss:
        for each in _meanings(subject.answers):
            with_roles = replace(subject, answers=each)
            if _right(with_roles, size, seed):
                return with_roles
    raise CheckError(
        f"{subject.called} takes parameters whose names do not say what they are. Say "
        "it with args, as args='z,a,g': z the input, a the output, g from above."
    )


def _meanings(signature: Signature) -> list[Signature]:
    """Every way to give the unknown parameters the roles that are left."""
    free = [role for role in (X, OUT, UP) if role not in signature.roles]
    unknown = signature.roles.count(None)
    found = []
    for order in permutations(free, unknown):
        left = iter(order)
        roles = tuple(next(left) if r is None else r for r in signature.roles)
        found.append(Signature(signature.names, roles))
    return found


def _right(subject: Subject, size: int, seed: int) -> bool:
    rng = np.random.default_rng(seed)
    try:
        setting = tried(subject, size, seed, None)
        seen = observed(setting, rng, 1.0)
    except (CheckError, MisshapenError):
        return False
    return seen is not None and seen.right
