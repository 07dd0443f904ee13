"""repr from the constructor: its arguments that differ from their defaults."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping
from typing import Any, Self

import numpy as np


class Described:
    """Every constructor argument is kept under its own name; repr reads them back."""

    @property
    def name(self) -> str:
        return type(self).__name__

    @classmethod
    def sample(cls) -> Self:
        """An instance for tests and tables; overridden where arguments are needed."""
        return cls()

    @property
    def trainables(self) -> Mapping[str, Any]:
        """Arguments whose attribute is a number reached from something else."""
        return {}

    @property
    def fixed_width(self) -> int | None:
        """The one number of outputs it takes, where an argument has one for each."""
        given = [*self.config().values(), *self.trainables.values()]
        widths = [v.shape[0] for v in given if getattr(v, "shape", ())]
        return widths[0] if widths else None

    def config(self) -> dict[str, Any]:
        """The constructor's arguments that differ from their defaults."""
        said = {}
        for name, parameter in inspect.signature(type(self)).parameters.items():
            value = self.trainables.get(name, getattr(self, name, parameter.default))
            if not _same(value, parameter.default):
                said[name] = value
        return said

    def __repr__(self) -> str:
        return f"{self.name}({', '.join(self._said())})"

    def _said(self) -> Iterator[str]:
        parameters = inspect.signature(type(self)).parameters
        for name, value in self.config().items():
            kind = parameters[name].kind
            if kind is inspect.Parameter.VAR_POSITIONAL:
                yield from (_show(each) for each in value)
            elif kind is inspect.Parameter.POSITIONAL_OR_KEYWORD:
                yield _show(value)
            else:
                yield f"{name}={_show(value)}"


def _same(value: Any, default: Any) -> bool:
    if isinstance(value, tuple):
        return value == default
    return value is default or (np.ndim(value) == 0 and bool(value == default))


def _show(value: Any) -> str:
    if isinstance(value, np.ndarray):
        return np.array2string(value, separator=", ", threshold=8)
    return f"{value:g}" if isinstance(value, float) else repr(value)
