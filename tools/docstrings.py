"""Read the docstrings of anymax, and write them as Markdown."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import NamedTuple

PAPERS = {"doi": "https://doi.org/", "arXiv": "https://arxiv.org/abs/"}
PAPER = re.compile(r"(doi|arXiv):(\S*[^\s.,;)])")
SPECIAL = re.compile(r"([*_\[\]]|<(?=[a-zA-Z/!]))")
STARTS = re.compile(r"(Args|Raises|Returns|Sources?)[: ]")
KEYS = {"Args": "arguments", "Raises": "raises", "Returns": "returns"}


class Read(NamedTuple):
    """A docstring in parts."""

    first: str  # the first paragraph, as one line without its full stop
    prose: list[str]  # the other paragraphs, safe as Markdown
    entries: list[tuple[str, str]]  # arguments, raises, source, safe as Markdown
    example: str


def read(text: str) -> Read:
    """The parts of a docstring."""
    before, mark, after = text.partition(">>> ")
    first, *paragraphs = before.strip().split("\n\n")
    prose, entries = [], []
    for paragraph in paragraphs:
        lines = paragraph.splitlines()
        starts = [i for i, line in enumerate(lines) if STARTS.match(line)]
        said = lines[: starts[0]] if starts else lines
        if said:
            prose.append(safe("\n".join(said)))
        for start, stop in pairwise([*starts, len(lines)]):
            entries.append(_entry(" ".join(lines[start:stop])))
    formula = " ".join(first.split()).rstrip(".")
    return Read(formula, prose, entries, (mark + after).rstrip())


def markdown(text: str, formula: bool) -> str:
    """A docstring as Markdown; its first paragraph as code if it is a formula."""
    first, prose, entries, example = read(text)
    said = f"`{first}`" if formula and "`" not in first else safe(f"{first}.")
    parts = [said, *prose]
    parts += [f"**{key.capitalize()}**: {value}" for key, value in entries]
    if example:
        parts.append(f"```pycon\n{example}\n```")
    return "\n\n".join(parts)


def safe(text: str) -> str:
    """Text whose formulas Markdown leaves alone."""
    pieces = text.split("`")
    pieces[::2] = [re.sub(SPECIAL, r"\\\1", piece) for piece in pieces[::2]]
    return "`".join(pieces)


def _entry(text: str) -> tuple[str, str]:
    """An entry: its key, and its text with links to papers."""
    head = STARTS.match(text)
    assert head is not None
    pieces = PAPER.split(text[head.end() :].strip())
    pieces[::3] = [safe(piece) for piece in pieces[::3]]
    for i in range(1, len(pieces), 3):
        where, paper = pieces[i], pieces[i + 1]
        pieces[i : i + 2] = [f"[{where}:{safe(paper)}]", f"({PAPERS[where]}{paper})"]
    return KEYS.get(head[1], "source"), "".join(pieces)
