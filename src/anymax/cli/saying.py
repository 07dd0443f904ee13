"""How a line of output looks: what it is about, then a sentence."""

from __future__ import annotations

from pathlib import Path

import typer

from anymax.described import Described


def say(label: str, sentence: str) -> None:
    """One line on stdout."""
    typer.echo(f"{label:8} {sentence}")


def short(part: Described) -> str:
    """Its repr, without the brackets where they are empty."""
    return repr(part).removesuffix("()")


def counted(number: int, noun: str) -> str:
    """ "1 row", "2 rows".

    >>> counted(2, "class")
    '2 classes'
    """
    return f"{number} {noun}{'' if number == 1 else 'es' if noun[-1] == 's' else 's'}"


def writable(path: str) -> None:
    """Refuse the name of a file that cannot be written, before any work is done."""
    if not Path(path).resolve().parent.is_dir():
        raise ValueError(f"there is no folder {Path(path).parent} to write {path} to.")
    if Path(path).is_dir():
        raise ValueError(f"{path} is a folder; name a file to write to.")
