"""check: anybody's map or loss, and the mistake in its derivative by name."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import Any

from anymax.checking.check.calling import found as found_by_name
from anymax.checking.check.examining import Examined, examined
from anymax.checking.check.own import own_findings, own_subject
from anymax.checking.check.report import CheckError, Report
from anymax.checking.check.subject import Subject
from anymax.checking.check.tensors import tensor_subject, widened
from anymax.checking.check.unnamed import completed
from anymax.objective import Objective
from anymax.types import quiet


@quiet
def check(
    thing: Any,
    derivative: Callable[..., Any] | None = None,
    *,
    args: str | Sequence[str] | None = None,
    size: int = 5,
    seed: int = 0,
    forward: str | None = None,
    backward: str | None = None,
) -> Report:
    """Whether a backward is the derivative of its forward, and if not, what it is.

    J is measured by differences of fourth order at random points, with an estimate of
    their error, and the backward is asked for J^T g with random g and every unit
    vector; then its answer is compared with what each known mistake would answer.
    Points next to a kink are left out.

    Args: `thing`, a class or instance with a forward and a backward, two functions as
    `check(f, derivative=df)`, a loss with `value(a, y)` and `gradient(a, y)`, anything
    of anymax, a torch or JAX callable. `args` says what the backward takes where the
    names of its parameters do not, as "z,a,g": z the input, a the output, g = dL/da.
    `size`, the number of inputs; `forward` and `backward`, the methods' names. A
    returned Jacobian is J[i, j] = da_i/dz_j.
    Raises CheckError, a ValueError, for what cannot be checked.

    >>> import anymax as am
    >>> import numpy as np
    >>> def softmax(z):
    ...     e = np.exp(z - z.max(-1, keepdims=True))
    ...     return e / e.sum(-1, keepdims=True)
    >>> report = am.check(softmax, derivative=lambda a, g: g * a * (1 - a))
    >>> report.findings[0].code
    'diagonal-only'
    """
    if isinstance(size, bool) or not isinstance(size, int) or size < 2:
        raise CheckError(f"size needs a whole number of at least 2; got {size!r}.")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if isinstance(thing, Objective):
            said = "gradient by the parameters, against differences along many of them"
            found = own_findings(thing, seed)
            return Report(
                f"Objective({thing.net!r}, {thing.loss!r})", said, tuple(found)
            )
        subject = own_subject(thing, size) or tensor_subject(thing, derivative)
        if subject is None:
            functions = widened(thing), widened(derivative)
            subject = found_by_name(*functions, forward, backward, args, size)
        subject = completed(subject, size, seed)
        result = _examined(subject, size, seed)
    return Report(subject.name, _said(subject, result), tuple(result.findings))


def _examined(subject: Subject, size: int, seed: int) -> Examined:
    """The findings; what stops in the subject's own code is said in a sentence."""
    try:
        return examined(subject, size, seed)
    except CheckError:
        raise
    except Exception as wrong:
        text = " ".join(str(wrong).split()).rstrip(".")
        raise CheckError(
            f"{subject.name} stops while it is checked: {type(wrong).__name__}: {text}."
        ) from wrong


def _said(subject: Subject, result: Examined) -> str:
    """How it was called and read, in a sentence."""
    if result.setting is None:
        return f"{subject.called} was tried with several shapes."
    setting = result.setting
    layout = f" {setting.layout}" if setting.kind == "a Jacobian" else ""
    on = "one number at a time" if setting.scalar else f"shape {setting.shape}"
    form = f", targets as {setting.form}" if setting.form and subject.loss else ""
    return (
        f"{subject.called} gives {setting.kind}{layout}; looked at {result.points} "
        f"points of {on}{form}, against differences of fourth order."
    )
