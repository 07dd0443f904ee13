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


def find(
    name: str,
    package: ModuleType,
    kind: str,
    base: type | tuple[type, ...] = object,
) -> Any:
    """The class of that name, a subclass of `base`; "squared_error" is SquaredError.

    Raises ValueError with the nearest known name.
    """
    offered = {each: getattr(package, each) for each in names(package)}
    known = [each for each, cls in offered.items() if issubclass(cls, base)]
    plain = name.replace("_", "").lower()
    for each in known:
        if each.lower() == plain:
            return offered[each]
    raise ValueError(f"no {kind} is called {name!r}; {nearest(name, known)}")
