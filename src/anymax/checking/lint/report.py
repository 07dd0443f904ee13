"""Findings: what is doubtful about a network and its data, and the line to write."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Finding:
    """A doubt under a code, in a sentence, with the line of code that ends it."""

    code: str
    message: str
    fix: str

    def __str__(self) -> str:
        return f"{self.code}: {self.message}\n    {self.fix}"


@dataclass(frozen=True)
class LintReport:
    """Findings, the most telling first; none where nothing was found."""

    findings: tuple[Finding, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether nothing was found."""
        return not self.findings

    def __iter__(self) -> Iterator[Finding]:
        return iter(self.findings)

    def __len__(self) -> int:
        return len(self.findings)

    def to_dict(self) -> dict[str, Any]:
        """As `am.check` reports: {"ok": bool, "findings": [...]}."""
        return {"ok": self.ok, "findings": [asdict(each) for each in self]}

    def __str__(self) -> str:
        return "\n".join(map(str, self)) or "nothing found"
