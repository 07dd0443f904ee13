"""Numbers on the command line: what they need is said with what was given."""

from __future__ import annotations

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
    try:
        rate = float(text)
    except ValueError:
        rate = 0.0
    if not 0 < rate < math.inf:
        raise typer.BadParameter(f"it needs a number > 0; got {text!r}.")
    return rate
