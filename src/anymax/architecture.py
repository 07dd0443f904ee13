"""Architecture: maps, losses and optimizers as names and numbers, and back again."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import MISSING, fields, is_dataclass
from inspect import Parameter, signature
from typing import Any, TypeAlias

import numpy as np

from anymax.described import Described
from anymax.map import Map
from anymax.tying import Tied
from anymax.types import Array

Plain: TypeAlias = Any  # what JSON holds: None, bool, number, string, list or dict
NUMERIC = re.compile(r"bool|u?int(8|16|32|64)|float(16|32|64)")
TEXT = re.compile(r"[US]\d+")
ABSENT = object()


class Writer:
    """Objects to what JSON holds: a class is its name, an array is its numbers.

    A map met again is written as the number it got at first, so that what is shared
    stays shared. `own` and `custom` are the classes and functions met, by name: those
    of anymax, and those that whoever reads it has to bring.
    """

    def __init__(self) -> None:
        self.numbers: dict[int, int] = {}  # by identity; `maps` keeps it unique
        self.maps: list[Map] = []
        self.own: dict[str, Any] = {}
        self.custom: dict[str, Any] = {}

    def write(self, value: Any) -> Plain:
        """Any argument of a constructor; ValueError for what has no such form."""
        if isinstance(value, np.ndarray):
            return {**self._array(value), "shape": list(value.shape)}
        if isinstance(value, np.generic):
            return {**self._array(np.asarray(value)), "shape": None}
        if isinstance(value, float) and not math.isfinite(value):
            return {"float": repr(float(value))}
        if value is None or isinstance(value, bool | int | float | str):
            return value
        if isinstance(value, list):
            return [self.write(each) for each in value]
        if isinstance(value, tuple):
            return {"tuple": [self.write(each) for each in value]}
        if isinstance(value, Tied):
            owner = self.write(value.owner)
            return {"tied": owner, "of": value.name, "transposed": value.transposed}
        if isinstance(value, Described) or _is_record(value):
            return self._object(value)
        if callable(value) and not isinstance(value, type):
            return self._function(value)
        raise ValueError(
            f"save needs arguments that are numbers, strings, arrays or anymax's "
            f"objects; got {value!r}."
        )

    def _object(self, value: Any) -> Plain:
        if id(value) in self.numbers:
            return {"again": self.numbers[id(value)]}
        written: dict[str, Plain] = self._named(type(value), "class")
        if isinstance(value, Map):
            written["number"] = self.numbers[id(value)] = len(self.maps)
            self.maps.append(value)
        given = {name: self.write(each) for name, each in arguments(value)}
        return {**written, "arguments": given}

    def _function(self, value: Any) -> Plain:
        name = getattr(value, "__name__", "")
        if not name.isidentifier():
            raise ValueError(
                f"save needs functions that have a name; got {value!r}. Define it with "
                "def, and pass it to am.load in custom=."
            )
        return self._named(value, "function")

    def _named(self, value: Any, kind: str) -> dict[str, Plain]:
        name = value.__name__
        ours = (value.__module__ or "").partition(".")[0] == "anymax"
        known = self.own if ours else self.custom
        if known.setdefault(name, value) is not value:
            raise ValueError(
                f"save needs another name for each class and function; got two that "
                f"are called {name}. Rename one."
            )
        return {kind: name} if ours else {kind: name, "custom": True}

    def _array(self, array: Array) -> dict[str, Plain]:
        kind, name = array.dtype.kind, array.dtype.name
        if kind in "US":
            size = array.dtype.itemsize // (4 if kind == "U" else 1)
            name = f"{kind}{size}"
        elif kind in "OT":
            name = {"O": "object", "T": "string"}[kind]
        elif not NUMERIC.fullmatch(name):
            raise ValueError(
                f"save needs arrays of numbers or strings; got dtype {array.dtype}."
            )
        items = array.ravel().tolist()
        if kind == "S":
            items = [each.decode("latin-1") for each in items]
        return {"array": [self.write(each) for each in items], "dtype": name}


class Reader:
    """What a Writer wrote, to objects: names are looked up, nothing is imported.

    `own` are the classes and functions of anymax by name, `custom` the caller's.
    """

    def __init__(self, own: Mapping[str, Any], custom: Mapping[str, Any]) -> None:
        self.own, self.custom = own, custom
        self.met: dict[int, Any] = {}

    def read(self, plain: Plain) -> Any:
        """The object; ValueError for unknown names, arguments and forms."""
        match plain:
            case None | bool() | int() | float() | str():
                return plain
            case list():
                return [self.read(each) for each in plain]
            case {"tuple": list(each)}:
                return tuple(self.read(each))
            case {"float": "inf" | "-inf" | "nan" as text}:
                return float(text)
            case {"array": list(items), "dtype": str(dtype), "shape": shape}:
                return self._array(self.read(items), dtype, shape)
            case {"again": int(number)} if number in self.met:
                return self.met[number]
            case {"tied": owner, "of": str(name), "transposed": bool(transposed)}:
                return Tied(self._map(owner), name, transposed)
            case {"function": str(name)}:
                return self._find(name, plain, of_class=False)
            case {"class": str(name), "arguments": dict(given)}:
                return self._made(name, plain, given)
        raise ValueError(f"its description holds {str(plain)[:60]!r}.")

    def _made(self, name: str, plain: Plain, given: dict[str, Plain]) -> Any:
        kind = self._find(name, plain, of_class=True)
        known = {each: self.read(value) for each, value in given.items()}
        made = called(kind, known)
        if "number" in plain:
            self.met[plain["number"]] = made
        return made

    def _map(self, plain: Plain) -> Map:
        owner = self.read(plain)
        if not isinstance(owner, Map):
            raise ValueError(f"it ties a weight to {owner!r}, which is no layer.")
        return owner

    def _find(self, name: str, plain: Plain, *, of_class: bool) -> Any:
        known = self.custom if plain.get("custom") else {**self.custom, **self.own}
        if name in known and isinstance(known[name], type) == of_class:
            return known[name]
        kind = "class" if of_class else "function"
        raise ValueError(
            f"it names a {kind} {name} that anymax does not have. Pass it as "
            f'custom={{"{name}": {name}}}.'
        )

    def _array(self, items: list[Any], dtype: str, shape: Plain) -> Any:
        if dtype in ("object", "string"):
            kind: Any = np.dtypes.StringDType() if dtype == "string" else object
        elif NUMERIC.fullmatch(dtype) or TEXT.fullmatch(dtype):
            kind = np.dtype(dtype)
        else:
            raise ValueError(f"it holds an array of dtype {dtype!r}.")
        if dtype.startswith("S"):
            items = [each.encode("latin-1") for each in items]
        array = np.empty(len(items), kind)
        array[:] = items
        return array[0] if shape is None else array.reshape(shape)


def arguments(thing: Any) -> Iterator[tuple[str, Any]]:
    """The constructor's arguments that differ from their defaults, by name."""
    if not isinstance(thing, Described):
        for each in fields(thing):
            value = getattr(thing, each.name)
            if each.init and (each.default is MISSING or value is not each.default):
                yield each.name, value
        return
    for name in signature(type(thing)).parameters:
        if name not in thing.trainables and getattr(thing, name, ABSENT) is ABSENT:
            raise ValueError(
                f"save needs {thing.name} to keep its argument {name} as self.{name}; "
                "got no such attribute. Set it in __init__."
            )
    yield from thing.config().items()


def called(kind: type, given: dict[str, Any]) -> Any:
    """An object of a class from arguments by name; ValueError for unknown ones."""
    takes = signature(kind).parameters
    extra = [name for name in given if name not in takes]
    if extra:
        raise ValueError(f"{kind.__name__} takes no argument {', '.join(extra)}.")
    rest = next(
        (n for n, p in takes.items() if p.kind is Parameter.VAR_POSITIONAL), None
    )
    if rest is None:
        return kind(**given)
    before = list(takes)[: list(takes).index(rest)]
    first = [given.pop(name, takes[name].default) for name in before]
    return kind(*first, *given.pop(rest, ()), **given)


def _is_record(value: Any) -> bool:
    """Whether it is a dataclass's object, as Trainable and the initializers are."""
    return is_dataclass(value) and not isinstance(value, type)
