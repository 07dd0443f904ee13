"""The activations and losses by name: what a package of classes holds."""

from __future__ import annotations

from types import ModuleType
from typing import Any

from anymax.types import nearest


def names(package: ModuleType) -> list[str]:
    """The classes a package offers, in its own order."""
    listed: list[str] = package.__all__
    return listed


def samples(package: ModuleType) -> dict[str, Any]:
    """One instance of each class, made by its `sample` where it needs arguments."""
    return {name: getattr(package, name).sample() for name in names(package)}


def find(name: str, package: ModuleType, kind: str) -> Any:
    """The class of that name; ValueError with the nearest known name otherwise."""
    for known in names(package):
        if known.lower() == name.lower():
            return getattr(package, known)
    raise ValueError(f"no {kind} is called {name!r}; {nearest(name, names(package))}")
