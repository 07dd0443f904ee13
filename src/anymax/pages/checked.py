"""check_page: what the checker found, as one self-contained page."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from html import escape
from typing import Any

from anymax.explaining.markup import document, long, scrolled, table, top

STYLE = """
.shown { text-align: left; }
.shown td { font-variant-numeric: tabular-nums; padding-left: 1rem; }
.finding code { white-space: pre; }
"""


def check_page(report: Mapping[str, Any]) -> str:
    """A page of `Report.as_dict()`: each finding with its numbers and the line that
    mends it. It asks the network for nothing and opens from the disk.

    >>> import anymax as am
    >>> page = check_page(am.check(am.Softmax()).as_dict())
    >>> "is right" in page
    True
    """
    findings = report["findings"]
    count = "1 finding" if len(findings) == 1 else f"{len(findings)} findings"
    said = "is right" if report["ok"] else f"has {count}"
    title = f"{report['subject']} {said}"
    head = top(title, escape(str(report["checked"])))
    body = "".join(_finding(i, each) for i, each in enumerate(findings, 1))
    return document(title, f"{head}<main>{body}</main>", STYLE)


def _finding(number: int, finding: Mapping[str, Any]) -> str:
    code = escape(finding["code"])
    parts = [
        f'<section class="card finding"><h2>{number}. {code}</h2>',
        f"<p>{escape(finding['message'])}</p>",
    ]
    rows = list(_rows(finding["evidence"]))
    if rows:
        parts.append(
            table(["what", "numbers"], rows, f"what shows {code}", kind="shown")
        )
    if finding["fix"]:
        mends = scrolled(
            f"<code>{escape(finding['fix'])}</code>", "the line that mends"
        )
        parts.append(f"<h3>The line that mends it</h3>{mends}")
    return "".join(parts) + "</section>"


def _rows(evidence: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for name, value in evidence.items():
        yield escape(name), escape(_said(value))


def _said(value: Any) -> str:
    """A number, a row of numbers, or words."""
    if isinstance(value, list):
        return ", ".join(_said(each) for each in value)
    if isinstance(value, int | float) and not isinstance(value, bool):
        return long(value)
    return str(value)
