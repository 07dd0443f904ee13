"""Write a page for each activation and each loss: python tools/make_pages.py.

A page comes from the docstring and from the class itself. Its section "When to use it"
is written by hand, in the page, and kept as it stands. The pages of the API reference
and of the examples are written as well. With --check nothing is written, and the status
is 1 if a page is not what it should be.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import api_pages
import gallery
from docstrings import Read, read
from facts import of_activation, of_loss
from pages import DOCS, picture

from anymax import activations, losses
from anymax.activation import Activation
from anymax.checking.cells import describe
from anymax.errors import DomainError
from anymax.loss import Loss
from anymax.pair import Pair
from anymax.registry import samples

PACKAGES = {"activations": activations, "losses": losses}
TITLES = {"activations": "Activations", "losses": "Losses"}
SAID = {
    "activations": "A page for each; the [families](../families/index.md) show them "
    "side by side.",
    "losses": "A page for each, with its value and its slope drawn along one logit.",
}
WHEN = "## When to use it"
ANY = "../idea.md#what-any-with-any-means"
STATUSES = {
    "fused": "[Fused](../idea.md#weights-cancel-so-there-is-no-table-of-pairs)",
    "plain": "Goes, with nothing to cancel",
    "boundary": f"Goes, and may touch [the edge]({ANY})",
    "doubtful": f"Goes, but is [doubtful]({ANY})",
    "refused": f"[Refused]({ANY})",
}


def main(arguments: list[str]) -> int:
    """Write every page that differs, or with --check say which they are."""
    checking = arguments == ["--check"]
    if arguments and not checking:
        print("usage: python tools/make_pages.py [--check]", file=sys.stderr)
        return 2
    stale = [
        (path, text)
        for path, text in pages()
        if not path.exists() or path.read_text() != text
    ]
    for path, text in stale:
        print(path.relative_to(DOCS.parent))
        if not checking:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
    return int(checking and bool(stale))


def pages() -> Iterator[tuple[Path, str]]:
    """Every page with its text; what is written by hand in it is kept."""
    for kind, package in PACKAGES.items():
        for name in samples(package):
            path = place(kind, name)
            yield path, page(kind, name, path.read_text() if path.exists() else "")
        yield DOCS / kind / "index.md", index(kind)
    for name, text in api_pages.pages().items():
        yield DOCS / "api" / name, text
    for name, text in gallery.pages().items():
        yield DOCS / "examples" / name, text


def place(kind: str, name: str) -> Path:
    """Where the page of a class is: under the name of its file."""
    module = getattr(PACKAGES[kind], name).__module__.rpartition(".")[2]
    return DOCS / kind / f"{module}.md"


def page(kind: str, name: str, written: str) -> str:
    """The page of a class; `written` is the one there is, whose advice is kept."""
    cls = getattr(PACKAGES[kind], name)
    formula, prose, said, example = _read(cls)
    entries = [(key, value.replace("|", "\\|")) for key, value in said]
    made = _made(kind)[name]
    facts = of_activation(made) if kind == "activations" else of_loss(made)
    met = _met("losses" if kind == "activations" else "activations", name)
    rows = [f"| {key} | {value} |" for key, value in [*facts, *entries] if value]
    parts = [
        f"# {name}",
        f"`{formula}`",
        *prose,
        _picture(kind, name),
        "\n".join(["| | |", "| --- | --- |", *rows]),
        _advice(written),
        "## Example",
        f"```pycon\n{example}\n```",
        "## What it goes with",
        "\n".join(f"- {key}: {value}" for key, value in met if value),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def index(kind: str) -> str:
    """The table of all pages of a kind."""
    lines = [
        f"# {TITLES[kind]}",
        "",
        f"{SAID[kind]} "
        "What goes with what, with the error measured for each pair: `anymax pairs`.",
        "",
        "| name | formula |",
        "| --- | --- |",
    ]
    for name in samples(PACKAGES[kind]):
        formula = _read(getattr(PACKAGES[kind], name)).first.replace("|", "\\|")
        lines.append(f"| [{name}]({place(kind, name).name}) | `{formula}` |")
    return "\n".join(lines) + "\n"


# ---- the page


def _read(cls: type) -> Read:
    return read(inspect.getdoc(cls) or "")


def _picture(kind: str, name: str) -> str:
    """Where a class has a picture of its own, the picture."""
    said = f"{name}: the value and the slope dL/dz along one logit."
    return picture(kind, place(kind, name).stem, said)


def _advice(written: str) -> str:
    """The section written by hand, as it stands in the page."""
    _, head, rest = written.partition(WHEN)
    return head + rest.partition("\n## ")[0].rstrip() if head else ""


# ---- what goes with what


def _met(kind: str, name: str) -> list[tuple[str, str]]:
    """What goes with a class, by status, each name a link to its page."""
    table = _statuses()
    rows = []
    for status, said in STATUSES.items():
        found = [
            other
            for other in samples(PACKAGES[kind])
            if table[(name, other) if kind == "losses" else (other, name)] == status
        ]
        links = [f"[{other}](../{kind}/{place(kind, other).name})" for other in found]
        rows.append((said, ", ".join(links)))
    return rows


@cache
def _statuses() -> dict[tuple[str, str], str]:
    return {
        (activation, loss): _status(one, two)
        for activation, one in _made("activations").items()
        for loss, two in _made("losses").items()
    }


def _status(activation: Activation, loss: Loss) -> str:
    try:
        return describe(Pair(activation, loss))[0]
    except (DomainError, TypeError):
        return "refused"


@cache
def _made(kind: str) -> dict[str, Any]:
    return samples(PACKAGES[kind])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
