"""What every page is made of: one self-contained HTML document, numbers and tables."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from html import escape
from importlib.resources import files
from typing import Any

NAMED = {"inf": math.inf, "-inf": -math.inf, "nan": math.nan}
POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; "
    "img-src data:"
)


def asset(package: str, *path: str) -> str:
    """The text of a file that lies in a package."""
    return files(package).joinpath(*path).read_text("utf-8")


def document(title: str, body: str, style: str = "", script: str = "") -> str:
    """One HTML file that asks the network for nothing, and is not allowed to."""
    common = asset(__package__, "style.css")
    code = f"<script>\n{script}</script>\n" if script else ""
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f'<title>{escape(title)}</title>\n<link rel="icon" href="data:,">\n'
        f"<style>\n{common}{style}</style>\n</head>\n<body>\n{body}\n{code}"
        "</body>\n</html>\n"
    )


def top(title: str, *lines: str) -> str:
    """The head of a page: its title, sentences (HTML) and the choice of theme."""
    said = "".join(f'<p class="soft">{line}</p>' for line in lines)
    return (
        f'<header class="top"><div><h1>{escape(title)}</h1>{said}</div>{THEME}</header>'
    )


def choice(legend: str, name: str, options: Iterable[tuple[str, str, str]]) -> str:
    """Radio buttons as a row of words; an option is (value, word, attributes)."""
    buttons = "".join(
        f'<label><input type="radio" name="{name}" value="{escape(value)}" {more}>'
        f"<span>{escape(word)}</span></label>"
        for value, word, more in options
    )
    return (
        f'<fieldset class="choice {name}"><legend>{escape(legend)}</legend>'
        f"<div>{buttons}</div></fieldset>"
    )


THEME = choice(
    "theme",
    "theme",
    [
        ("auto", "auto", 'id="auto" checked'),
        ("light", "light", 'id="light"'),
        ("dark", "dark", 'id="dark"'),
    ],
)


def number(given: Any) -> float:
    """A number out of JSON, where inf and NaN are words."""
    return NAMED[given] if isinstance(given, str) else float(given)


def short(given: Any) -> str:
    """A number in at most seven characters, for a cell."""
    if given is None:
        return "–"
    x = number(given)
    if not math.isfinite(x):
        return "NaN" if math.isnan(x) else "∞" if x > 0 else "−∞"
    size = abs(x)
    if size == 0:
        return "0"  # and not -0
    if size >= 9999.5 or size < 5e-4:
        digits, power = f"{x:.0e}".split("e")
        return f"{digits}e{int(power)}".replace("-", "−")
    places = 3 if size < 9.9995 else 2 if size < 99.995 else 1
    return f"{x:.{places}f}".replace("-", "−")


def long(given: Any) -> str:
    """A number to six digits, for a table."""
    if given is None:
        return "–"
    x = number(given)
    if not math.isfinite(x) or x == 0:
        return short(x)
    return f"{x:.6g}".replace("-", "−")


def shape(sizes: Sequence[int]) -> str:
    """The shape in words: 4 × 3, or "a number"."""
    return " × ".join(map(str, sizes)) or "a number"


def scrolled(inside: str, label: str) -> str:
    """What may be wider than the page: it scrolls, and keys reach it."""
    return (
        f'<div class="scroll" tabindex="0" role="group" aria-label="{escape(label)}">'
        f"{inside}</div>"
    )


def table(
    head: Sequence[str],
    rows: Iterable[Sequence[str]],
    label: str,
    caption: str = "",
    kind: str = "numbers",
) -> str:
    """A table of HTML cells, the first of each row its header; `kind` is its class."""
    title = f"<caption>{caption}</caption>" if caption else ""
    top = "".join(f'<th scope="col">{each}</th>' for each in head)
    body = "".join(
        f'<tr><th scope="row">{first}</th>'
        + "".join(f"<td>{each}</td>" for each in rest)
        + "</tr>"
        for first, *rest in rows
    )
    return scrolled(
        f'<table class="{kind}">{title}<thead><tr>{top}</tr></thead>'
        f"<tbody>{body}</tbody></table>",
        label,
    )


def section(place: str, title: str, *parts: str) -> str:
    """A part of a page with its heading and an anchor."""
    return (
        f'<section class="card" id="{place}" aria-labelledby="{place}-title">'
        f'<h2 id="{place}-title">{escape(title)}</h2>{"".join(parts)}</section>'
    )
