"""Numbers and lists on the command line: what they need is said with what came."""

from __future__ import annotations

import csv
import math

import typer


def widths(text: str) -> list[int]:
    """The widths in "64,32"; no hidden layer for "none"."""
    if text.strip().lower() in ("", "none"):
        return []
    parts = [part.strip() for part in text.split(",")]
    if not all(part.isdecimal() and int(part) > 0 for part in parts):
        raise ValueError(f"--hidden needs widths as 64,32, or none; got {text!r}.")
    return [int(part) for part in parts]


def columns(text: str) -> list[str]:
    """The names in "age,height"; a name with a comma stands in quotes."""
    try:
        (parts,) = csv.reader([text], strict=True, skipinitialspace=True)
    except (csv.Error, ValueError):
        parts = [""]
    found = [part.strip() for part in parts]
    if not found or not all(found) or len(set(found)) < len(found):
        raise ValueError(
            f"--columns needs different names, as age,height; got {text!r}."
        )
    return found


def joined(names: list[str] | tuple[str, ...]) -> str:
    """Names as one option, which `columns` takes apart again."""
    return ",".join('"' + name.replace('"', '""') + '"' for name in names)


def count(text: str) -> int:
    """A whole number of at least 1."""
    return whole(text, 1)


def seeded(text: str) -> int:
    """A whole number that every generator takes as its seed."""
    return whole(text, 0)


def whole(text: str, least: int) -> int:
    """A whole number between `least` and what fits 32 bits."""
    most = 2**32 - 1
    if not str(text).isdecimal() or not least <= int(text) <= most:
        raise typer.BadParameter(
            f"it needs a whole number {least} to {most}; got {text!r}."
        )
    return int(text)


def rated(text: str) -> float:
    """A positive number."""
    rate = _number(text)
    if not 0 < rate < math.inf:
        raise typer.BadParameter(f"it needs a number > 0; got {text!r}.")
    return rate


def penalty(text: str) -> float:
    """A number of at least 0."""
    value = _number(text)
    if not 0 <= value < math.inf:
        raise typer.BadParameter(f"it needs a number >= 0; got {text!r}.")
    return value


def share(text: str) -> float:
    """A number in [0, 1)."""
    value = _number(text)
    if not 0 <= value < 1:
        raise typer.BadParameter(f"it needs a number in [0, 1); got {text!r}.")
    return value


def part(text: str) -> float:
    """A number in (0, 1)."""
    value = _number(text)
    if not 0 < value < 1:
        raise typer.BadParameter(f"it needs a number between 0 and 1; got {text!r}.")
    return value


def _number(text: str) -> float:
    """The number that a text is; NaN where it is none."""
    try:
        return float(text)
    except ValueError:
        return math.nan
