"""Write a page for each activation and each loss: python tools/make_pages.py.

A page comes from the docstring and from the class itself. Its section "When to use it"
is written by hand, in the page, and kept as it stands.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from anymax import activations, losses
from anymax.activation import Activation
from anymax.checking.cells import describe
from anymax.errors import DomainError
from anymax.loss import Loss
from anymax.monomial import ONE
from anymax.output import Given
from anymax.pair import Pair
from anymax.registry import samples

DOCS = Path(__file__).parents[1] / "docs"
PACKAGES = {"activations": activations, "losses": losses}
TITLES = {"activations": "Activations", "losses": "Losses"}
WHEN = "## When to use it"
ANY = "../idea.md#what-any-with-any-means"
STATUSES = {
    "fused": "[Fused](../idea.md#weights-cancel-so-there-is-no-table-of-pairs)",
    "plain": "Goes, with nothing to cancel",
    "boundary": f"Goes, and may touch [the edge]({ANY})",
    "doubtful": f"Goes, but is [doubtful]({ANY})",
    "refused": f"[Refused]({ANY})",
}
ASKED = {
    "a": "`a`",
    "log": "`log a`",
    "log_not": "`log(1 - a)`",
    "less": "`1 - a`",
    "sum": "the sum of the outputs",
}
PAPERS = {"doi": "https://doi.org/", "arXiv": "https://arxiv.org/abs/"}
PAPER = re.compile(r"(doi|arXiv):(\S*[^\s.,;)])")
SPECIAL = re.compile(r"([*_\[\]]|<(?=[a-zA-Z/!]))")
STARTS = re.compile(r"(Args|Raises|Sources?)[: ]")


def main() -> None:
    """Write every page that differs, and say which."""
    for kind, package in PACKAGES.items():
        for name in samples(package):
            path = place(kind, name)
            _write(path, page(kind, name, path.read_text() if path.exists() else ""))
        _write(DOCS / kind / "index.md", index(kind))


def place(kind: str, name: str) -> Path:
    """Where the page of a class is: under the name of its file."""
    module = getattr(PACKAGES[kind], name).__module__.rpartition(".")[2]
    return DOCS / kind / f"{module}.md"


def page(kind: str, name: str, written: str) -> str:
    """The page of a class; `written` is the one there is, whose advice is kept."""
    cls = getattr(PACKAGES[kind], name)
    formula, prose, entries, example = _read(cls)
    facts = _activation(name) if kind == "activations" else _loss(name)
    met = _met("losses" if kind == "activations" else "activations", name)
    rows = [f"| {key} | {value} |" for key, value in [*facts, *entries] if value]
    parts = [
        f"# {name}",
        f"`{formula}`",
        *prose,
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
        "Written by `python tools/make_pages.py` from the docstrings. "
        "What goes with what, with the error measured for each pair: `anymax pairs`.",
        "",
        "| name | formula |",
        "| --- | --- |",
    ]
    for name in samples(PACKAGES[kind]):
        formula = _read(getattr(PACKAGES[kind], name))[0].replace("|", "\\|")
        lines.append(f"| [{name}]({place(kind, name).name}) | `{formula}` |")
    return "\n".join(lines) + "\n"


# ---- the docstring


def _read(cls: type) -> tuple[str, list[str], list[tuple[str, str]], str]:
    """A docstring: formula, paragraphs, entries (arguments, source ...), example."""
    text = inspect.getdoc(cls) or ""
    before, mark, after = text.partition(">>> ")
    first, *paragraphs = before.strip().split("\n\n")
    prose, entries = [], []
    for paragraph in paragraphs:
        lines = paragraph.splitlines()
        starts = [i for i, line in enumerate(lines) if STARTS.match(line)]
        said = lines[: starts[0]] if starts else lines
        if said:
            prose.append(_safe("\n".join(said)))
        for start, stop in pairwise([*starts, len(lines)]):
            entries.append(_entry(" ".join(lines[start:stop])))
    formula = " ".join(first.split()).rstrip(".")
    return formula, prose, entries, (mark + after).rstrip()


def _entry(text: str) -> tuple[str, str]:
    """An entry as a row of the table of facts."""
    head = STARTS.match(text)
    assert head is not None
    key = {"Args": "arguments", "Raises": "raises"}.get(head[1], "source")
    pieces = PAPER.split(text[head.end() :].strip())
    pieces[::3] = [_cell(piece) for piece in pieces[::3]]
    for i in range(1, len(pieces), 3):
        where, paper = pieces[i], pieces[i + 1]
        pieces[i : i + 2] = [f"[{where}:{_cell(paper)}]", f"({PAPERS[where]}{paper})"]
    return key, "".join(pieces)


def _safe(text: str) -> str:
    """Text whose formulas Markdown leaves alone."""
    pieces = text.split("`")
    pieces[::2] = [re.sub(SPECIAL, r"\\\1", piece) for piece in pieces[::2]]
    return "`".join(pieces)


def _cell(text: str) -> str:
    return _safe(text).replace("|", "\\|")


def _advice(written: str) -> str:
    """The section written by hand, as it stands in the page."""
    _, head, rest = written.partition(WHEN)
    return head + rest.partition("\n## ")[0].rstrip() if head else ""


# ---- the class


def _activation(name: str) -> list[tuple[str, str]]:
    made: Activation = _made("activations")[name]
    J = made.jacobian(np.array([0.3, -0.2, 0.7]))
    questions = [q for q in ("log", "log_not", "less") if made.knows(q)]
    row = made.coupling == "row"
    return [
        ("signature", f"`{_signature(made)}`"),
        ("range", _cell(str(made.range))),
        ("coupling", "a row: takes `axis=` and `mask=`" if row else "element-wise"),
        ("structure", f"`{re.sub(r',? ?shape .*(?=.$)', '', repr(J))}`"),
        ("answered from z", _asked(questions)),
        ("log-normaliser", "yes: z-loss works" if made.knows("log_normalizer") else ""),
        ("matching loss", _matching(made)),
        ("convex in", _asked(made.convex)),
        ("concave in", _asked(made.concave)),
    ]


def _asked(questions: Iterable[str]) -> str:
    return ", ".join(ASKED[q] for q in ASKED if q in set(questions))


def _matching(made: Activation) -> str:
    if made.knows("potential"):
        return "yes, with gradient `a - y`"
    return _cell(f"none: {made.unmatched}")


def _loss(name: str) -> list[tuple[str, str]]:
    made: Loss = _made("losses")[name]
    meant = "" if made.meant == made.domain else str(made.meant)
    return [
        ("signature", f"`{_signature(made)}`"),
        ("outputs", _cell(str(made.domain))),
        ("meant for", _cell(meant)),
        ("targets", _targets(made)),
        ("slope", _slope(made)),
        ("convex in a", "yes" if made.convex else "no"),
        ("rising in", _asked(made.rising)),
        ("falling in", _asked(made.falling)),
    ]


def _targets(made: Loss) -> str:
    if type(made).accepted is Loss.accepted:
        return _cell(str(made.targets))
    return "the activation's range with its edges; for the simplex class indices too"


def _slope(made: Loss) -> str:
    """What the derivative by a is kept over."""
    if made.needs:
        return "none: `dL/dz` is what is known"
    a = np.array([0.2, 0.3, 0.5])
    y = made.targets.indicate(np.eye(3)[1])
    with np.errstate(all="ignore"):
        over = made.slope(Given().output(a), y).over
    return "an array, nothing under it" if over == ONE else f"a fraction over `{over}`"


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


def _signature(made: Any) -> str:
    parameters = inspect.signature(type(made)).parameters.values()
    plain = [p.replace(annotation=inspect.Parameter.empty) for p in parameters]
    return f"{type(made).__name__}{inspect.Signature(plain)}"


def _write(path: Path, text: str) -> None:
    if path.exists() and path.read_text() == text:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    print(path.relative_to(DOCS.parent))


if __name__ == "__main__":
    main()
