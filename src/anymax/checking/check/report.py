"""Report: what a check found, as text for people and as JSON for programs."""

from __future__ import annotations

import json
import math
import textwrap
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

WIDTH = 88


class CheckError(ValueError):
    """What cannot be checked, and why, in one sentence."""


@dataclass(frozen=True)
class Finding:
    """One mistake: its `code`, what it means, numbers that show it, a mending line."""

    code: str
    message: str
    evidence: dict[str, Any] = field(default_factory=dict)
    fix: str = ""


@dataclass(frozen=True)
class Report:
    """Whether a derivative is right, and the findings, most telling first.

    `subject` names what was checked; `said` is how it was called and read.
    """

    subject: str
    said: str
    findings: tuple[Finding, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether there is no finding."""
        return not self.findings

    def as_dict(self) -> dict[str, Any]:
        """{"ok": ..., "findings": [...]}, of plain Python values."""
        found = [asdict(each) | {"evidence": plain(each.evidence)} for each in self]
        return {
            "ok": self.ok,
            "subject": self.subject,
            "checked": self.said,
            "findings": found,
        }

    def json(self, indent: int | None = None) -> str:
        """The same as text; what is no number in JSON, NaN and inf, is a string."""
        return json.dumps(self.as_dict(), indent=indent, allow_nan=False)

    def __iter__(self) -> Any:
        return iter(self.findings)

    def __str__(self) -> str:
        if self.ok:
            return f"{self.subject}: right\n{_wrapped(self.said, '  ')}"
        count = len(self.findings)
        many = "1 finding" if count == 1 else f"{count} findings"
        lines = [f"{self.subject}: {many}", _wrapped(self.said, "  ")]
        for number, each in enumerate(self.findings, 1):
            lines += ["", f"{number}. {each.code}", _wrapped(each.message, "   ")]
            lines += _tabled(each.evidence)
            if each.fix:
                lines += ["   fix", *(f"     {row}" for row in each.fix.splitlines())]
        return "\n".join(lines)


def plain(value: Any) -> Any:
    """Arrays as lists, NumPy's numbers as Python's, NaN and inf as strings."""
    if isinstance(value, dict):
        return {str(key): plain(each) for key, each in value.items()}
    if isinstance(value, np.ndarray | np.generic):
        return plain(value.tolist())
    if isinstance(value, list | tuple):
        return [plain(each) for each in value]
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value


def _wrapped(text: str, indent: str) -> str:
    return textwrap.fill(text, WIDTH, initial_indent=indent, subsequent_indent=indent)


def _tabled(evidence: dict[str, Any]) -> list[str]:
    """One line for each number or row of numbers, names in one column."""
    if not evidence:
        return []
    width = max(len(name) for name in evidence)
    return [f"     {name:{width}}  {_short(value)}" for name, value in evidence.items()]


def _short(value: Any) -> str:
    if isinstance(value, np.ndarray | list | tuple) and np.size(value):
        array = np.asarray(value)
        if array.dtype.kind in "fc" and array.ndim == 1:
            return np.array2string(array, precision=4, threshold=8, separator=" ")
    if isinstance(value, float):
        return f"{value:.4g}"
    return str(value)
