"""Formulas as the documentation writes them, turned into MathML."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import escape

TOKEN = re.compile(
    r"""(?P<rate>\bd\w*/d\w+)
      | (?P<number>\d+(?:\.\d+)?(?:e-?\d+)?)
      | (?P<word>[^\W\d_]+)
      | (?P<open><(?=[\w(][^<>]*>))
      | (?P<sign><=|>=|!=|\.\.\.|\S)
      | (?P<space>\s+)""",
    re.VERBOSE,
)
GREEK = dict(
    zip(
        "alpha beta gamma delta epsilon lambda mu sigma tau theta pi phi".split(),
        "αβγδελμστθπφ",
        strict=True,
    )
)
SIGNS = {"<=": "≤", ">=": "≥", "!=": "≠", "-": "−", "*": "∗", "'": "′", "...": "…"}
CLOSING = {"(": ")", "[": "]", "⟨": "⟩"}
OPERATORS = set("=<>≤≥≠−∗+/,;:|∑′…·×→⟵")


def mathml(text: str, *, block: bool = False) -> str:
    """A formula such as "a = exp(z / T) / sum exp(z / T)" as a <math> element.

    `^` raises and `_` lowers what follows, `dL/da` is a derivative, `<g, a>` a product
    of vectors; words stay words. What is no formula comes out as the same characters.

    >>> mathml("a^2")
    '<math><msup><mi>a</mi><mn>2</mn></msup></math>'
    """
    tokens = _tokens(text)
    inside = "".join(_row(tokens, 0)[0])
    kind = ' display="block"' if block else ""
    return f"<math{kind}>{inside}</math>"


def _tokens(text: str) -> list[tuple[str, str]]:
    """Kinds and characters; brackets that open and close are of kinds of their own."""
    found: list[tuple[str, str]] = []
    waiting: list[str] = []
    for match in TOKEN.finditer(text):
        kind, token = match.lastgroup or "sign", match[0]
        if kind == "open":
            token = "⟨"
        elif token == ">" and waiting[-1:] == ["⟩"]:
            token = "⟩"
        if token in CLOSING:
            kind = "open"
            waiting.append(CLOSING[token])
        elif waiting[-1:] == [token]:
            kind = "close"
            waiting.pop()
        found.append((kind, SIGNS.get(token, token)))
    return found


def _row(tokens: list[tuple[str, str]], at: int) -> tuple[list[str], int]:
    """Atoms with their scripts, up to the bracket that closes this row."""
    made: list[str] = []
    while at < len(tokens) and tokens[at][0] != "close":
        kind, token = tokens[at]
        if kind == "space":
            at += 1
            if made and at < len(tokens) and _apart(tokens[at - 2], tokens[at]):
                made.append('<mspace width="0.3em"/>')
        elif token in "^_" and made and at + 1 < len(tokens):
            script, at = _script(tokens, at + 1)
            tag = "msup" if token == "^" else "msub"
            made[-1] = f"<{tag}>{made[-1]}{script}</{tag}>"
        else:
            atom, at = _atom(tokens, at)
            made.append(atom)
    return made, at


def _script(tokens: list[tuple[str, str]], at: int) -> tuple[str, int]:
    """What is raised or lowered: an atom, or a minus with one; T is a transpose."""
    if tokens[at] == ("word", "T"):
        return "<mo>⊤</mo>", at + 1
    if tokens[at][1] == "−" and at + 1 < len(tokens):
        atom, end = _atom(tokens, at + 1)
        return f'<mrow><mo form="prefix">−</mo>{atom}</mrow>', end
    return _atom(tokens, at)


def _atom(tokens: list[tuple[str, str]], at: int) -> tuple[str, int]:
    kind, token = tokens[at]
    if kind != "open":
        return _single(kind, token), at + 1
    inside, stop = _row(tokens, at + 1)
    closing = tokens[stop][1] if stop < len(tokens) else ""
    return (
        f'<mrow><mo stretchy="false">{token}</mo>{"".join(inside)}'
        f'<mo stretchy="false">{closing}</mo></mrow>',
        stop + 1,
    )


def _single(kind: str, token: str) -> str:
    if kind == "number":
        return f"<mn>{token}</mn>"
    if kind == "rate":
        over, under = (_changed(part) for part in token.split("/"))
        return f"<mfrac><mrow>{over}</mrow><mrow>{under}</mrow></mfrac>"
    if token == "sum":
        return "<mo>∑</mo>"
    if kind == "word":
        return f"<mi>{GREEK.get(token, token)}</mi>"
    return f"<mo>{escape(token)}</mo>"


def _changed(part: str) -> str:
    """`da_i` as ∂a with its index."""
    name, _, index = part[1:].partition("_")
    symbol = f"<mi>{GREEK.get(name, name)}</mi>"
    return "<mo>∂</mo>" + (
        f"<msub>{symbol}<mi>{index}</mi></msub>" if index else symbol
    )


def _apart(left: tuple[str, str], right: tuple[str, str]) -> bool:
    """Whether the space between two tokens must be seen: neither is an operator."""
    return not ({left[1], right[1]} & (OPERATORS | {"^", "_", "sum"}))


def formulas(text: str) -> Iterator[str]:
    """The parts of a line that ";" separates, each as MathML."""
    for part in text.split("; "):
        yield mathml(part.strip())
