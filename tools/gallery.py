"""The gallery: a page for each file of examples/, with its code and its picture."""

from __future__ import annotations

import ast
import re
from pathlib import Path

from pages import DOCS, picture

EXAMPLES = DOCS.parent / "examples"
PRINTS = "## What it prints"
ORDER = ("xor", "spiral", "iris", "wine", "digits", "breast_cancer")


def pages() -> dict[str, str]:
    """The text of each page under its file name; what is written by hand is kept."""
    made = {f"{path.stem}.md": _page(path) for path in examples()}
    made["index.md"] = _index()
    return made


def examples() -> list[Path]:
    """The examples, those known here in order, then others by name."""
    found = sorted(EXAMPLES.glob("*.py"))
    known = {name: place for place, name in enumerate(ORDER)}
    return sorted(found, key=lambda path: known.get(path.stem, len(ORDER)))


def _page(path: Path) -> str:
    title, said = _said(path)
    said = re.sub(r"Run: (.*)", r"Run: `\1`", said)
    code = path.read_text().split('"""\n', 1)[1].strip()  # the docstring is above
    written = DOCS / "examples" / f"{path.stem}.md"
    parts = [
        f"# {title}",
        said,
        picture("examples", path.stem, f"{title}: what the example learned."),
        f"```py\n{code}\n```",
        _kept(written.read_text() if written.exists() else ""),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _said(path: Path) -> tuple[str, str]:
    """A title, and the docstring as it stands."""
    text = ast.get_docstring(ast.parse(path.read_text())) or ""
    return re.split(r"[,:.]", text, maxsplit=1)[0], text


def _kept(written: str) -> str:
    _, head, rest = written.partition(PRINTS)
    return head + rest.rstrip() if head else ""


def _index() -> str:
    lines = [
        "# Examples",
        "",
        "Programs that run as they stand, from the folder `examples`. The tests run "
        "each and expect",
        "the score that it promises, in `tests/test_examples.py`.",
        "",
        "| example | what it shows |",
        "| --- | --- |",
    ]
    for path in examples():
        title, text = _said(path)
        first = " ".join(text.split("\n\n")[0].split())
        lines.append(f"| [{title}]({path.stem}.md) | {first} |")
    return "\n".join(lines) + "\n"
