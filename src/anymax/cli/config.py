"""Options from a TOML file, under the names they have on the command line."""

from __future__ import annotations

import csv
import io
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import typer

from anymax.types import nearest

ALSO = {"learning_rate": "lr"}  # second names of options


def configured(context: typer.Context, path: str | None) -> str | None:
    """Make what a file says the default of each option; what is typed wins."""
    if path is not None:
        known = [each.name for each in context.command.params if each.name]
        known = [name for name in known if name not in ("config", "help")]
        context.default_map = read_config(path, known)
    return path


def read_config(path: str, known: list[str]) -> dict[str, Any]:
    """The options that a TOML file gives, by name, as they would be typed.

    Raises ValueError for what is no TOML, and for a key that is no option.
    """
    found: dict[str, Any] = {}
    for key, value in _read(path).items():
        name = key.replace("-", "_")
        name = ALSO.get(name, name)
        if name not in known:
            spelled = [each.replace("_", "-") for each in known]
            raise ValueError(
                f"{path}: no option is called {key!r}; {nearest(key, spelled)}"
            )
        if name in found:
            raise ValueError(f"{path} gives {name!r} twice; remove one of them.")
        found[name] = _typed(value, f"{path}: {key}")
    return found


def _read(path: str) -> Mapping[str, Any]:
    try:
        content = Path(path).read_bytes()
    except OSError as wrong:
        raise ValueError(f"{path} cannot be read: {wrong.strerror}.") from None
    try:
        return tomllib.loads(content.decode())
    except UnicodeDecodeError:
        raise ValueError(f"{path} is not UTF-8; save it as UTF-8.") from None
    except tomllib.TOMLDecodeError as wrong:
        raise ValueError(f"{path} is not TOML: {wrong}.") from None


def _typed(value: Any, where: str) -> Any:
    """A value as the command line has it: text, but for switches."""
    if isinstance(value, bool):
        return value
    if isinstance(value, str | int | float):
        return str(value)
    if isinstance(value, list) and all(isinstance(v, str | int) for v in value):
        line = io.StringIO()
        csv.writer(line, lineterminator="").writerow(value)
        return line.getvalue() or "none"
    raise ValueError(
        f"{where} needs text, a number, true or false, or a list of names or widths; "
        f"got {value!r}."
    )
