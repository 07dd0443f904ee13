"""Formulas as the documentation writes them, turned into MathML."""

from __future__ import annotations

import re
from html import escape

TOKEN = re.compile(
    r"""(?P<rate>\bd\w*/d(?:\w+|\([^()]*\)))
      | (?P<size>\(\d+,\ \d+\))
      | (?P<number>\d+(?:\.\d+)?(?:e-?\d+)?)
      | (?P<word>[^\W\d_]+(?:_[^\W\d_]{2,})*)
      | (?P<open><(?=[\w(][^<>]*>))
      | (?P<sign><=|>=|!=|\.\.\.|\S)
      | (?P<space>\s+)""",
    re.VERBOSE,
)
GREEK = {
    "alpha": "α",
    "beta": "β",
    "gamma": "γ",
    "delta": "δ",
    "epsilon": "ε",
    "lambda": "λ",
    "mu": "μ",
    "sigma": "σ",
    "tau": "τ",
    "theta": "θ",
    "phi": "φ",
    "pi": "π",
}
SIGNS = {"<=": "≤", ">=": "≥", "!=": "≠", "-": "−", "*": "∗", "'": "′", "...": "…"}
JOINED = "\u2060"  # no line begins with the comma after a formula
CLOSING = {"(": ")", "[": "]", "⟨": "⟩"}
KNOWN = frozenset(
    """exp log sum max min mean abs diag sqrt tanh sigmoid softplus relu erf sin cos
    cosh sinh sign norm expm log std var huber top vjp""".split()  # noqa: SIM905
)
OPERATORS = set("=<>≤≥≠−∗+/,;:|∑′…·×→⟵")


def mathml(text: str) -> str:
    """A formula such as "a = exp(z / T) / sum exp(z / T)" as a <math> element.

    `^` raises and `_` lowers what follows, `dL/da` is a derivative, `<g, a>` a product
    of vectors; words stay words. What is no formula comes out as the same characters.

    >>> mathml("a^2")
    '<math><msup><mi>a</mi><mn>2</mn></msup></math>'
    """
    tokens = _tokens(text)
    inside = "".join(_row(tokens, 0)[0])
    return f"<math>{inside}</math>"


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
        return _single(kind, token, _first(tokens[:at])), at + 1
    inside, stop = _row(tokens, at + 1)
    closing = tokens[stop][1] if stop < len(tokens) else ""
    return (
        f'<mrow><mo stretchy="false">{token}</mo>{"".join(inside)}'
        f'<mo stretchy="false">{closing}</mo></mrow>',
        stop + 1,
    )


def _first(before: list[tuple[str, str]]) -> bool:
    """Whether a minus after these tokens is a sign, not a subtraction."""
    seen = [token for kind, token in before if kind != "space"]
    return not seen or seen[-1] in OPERATORS or before[-1][0] == "open"


def _single(kind: str, token: str, alone: bool) -> str:
    if kind == "number":
        return f"<mn>{token}</mn>"
    if kind == "rate":
        over, under = (_changed(part) for part in token.split("/"))
        return f"<mfrac><mrow>{over}</mrow><mrow>{under}</mrow></mfrac>"
    if kind == "size":
        return f"<mtext>({token[1:-1].replace(', ', ' × ')})</mtext>"
    if token in "−∑" and alone:
        return f'<mo form="prefix">{token}</mo>'
    if token == "sum":
        return "<mo>∑</mo>"
    if kind == "word":
        return f"<mi>{GREEK.get(token, token)}</mi>"
    return f"<mo>{escape(token)}</mo>"


def _changed(part: str) -> str:
    """`da_i` as ∂a with its index, `d(2.1)` as ∂ of a value of that name."""
    name = part[1:].strip("()")
    if not name.isidentifier():
        return f"<mo>∂</mo><mtext>{escape(part[1:])}</mtext>"
    name, _, index = name.partition("_")
    symbol = f"<mi>{GREEK.get(name, name)}</mi>"
    return "<mo>∂</mo>" + (
        f"<msub>{symbol}<mi>{index}</mi></msub>" if index else symbol
    )


def _apart(left: tuple[str, str], right: tuple[str, str]) -> bool:
    """Whether the space between two tokens must be seen: neither is an operator."""
    return not ({left[1], right[1]} & (OPERATORS | {"^", "_", "sum"}))


def sentence(text: str) -> str:
    """A line of documentation as HTML: formulas as MathML, words as they are.

    >>> sentence("y = x^2, any x.")
    '<math><mi>y</mi><mo>=</mo><msup><mi>x</mi><mn>2</mn></msup></math>\u2060, any x'
    """
    made: list[str] = []
    run: list[str] = []
    for word in text.rstrip(".").split():
        if _prose(word):
            made += [
                *_ended(run),
                f"<code>{escape(word)}</code>" if "_" in word else escape(word),
            ]
            run = []
            continue
        run.append(word)
        if word[-1] in ",;:" and _depth(run) == 0:
            made += _ended(run)
            run = []
    return " ".join([*made, *_ended(run)])


def _ended(run: list[str]) -> list[str]:
    """A run of words that may be a formula, its last comma outside of it."""
    text = " ".join(run)
    bare = text.rstrip(",;:")
    if not set(bare) & set("=^*/_+|-"):
        return [escape(text)] if text else []
    rest = text[len(bare) :]
    return [mathml(bare) + (JOINED + rest if rest else "")]


def _depth(run: list[str]) -> int:
    """How many brackets the words leave open."""
    text = " ".join(run)
    opened = sum(text.count(each) for each in "([") + len(re.findall(r"<\w", text))
    return (
        opened - sum(text.count(each) for each in ")]") - len(re.findall(r"\w>", text))
    )


def _prose(word: str) -> bool:
    """Whether letters stand here that are neither a function's name nor Greek."""
    names = re.findall(r"[^\W\d_]{2,}", re.sub(r"\bd\w*/d(\w+|\([^)]*\))", "", word))
    return any(name not in KNOWN and name not in GREEK for name in names)
