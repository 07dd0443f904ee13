"""Activations and losses from text: Softmax, Entmax(alpha=1.5), mine.py:Mine."""

from __future__ import annotations

import ast
import inspect
import re
import sys
from functools import partial
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any

from anymax import activations, losses
from anymax.activation import Activation
from anymax.loss import Loss
from anymax.registry import find
from anymax.trainable import Trainable
from anymax.types import nearest

IN_A_FILE = re.compile(r"(?P<path>.+\.py):(?P<said>.+)", re.DOTALL)
loaded: dict[str, ModuleType] = {}  # users' files by path, each run once


def activation(text: str) -> Activation:
    """The activation that a text names.

    >>> activation("Entmax(alpha=1.25)")
    Entmax(alpha=1.25)
    >>> activation("Normalized(Softplus)")
    Normalized(Softplus())
    """
    made: Activation = _made(text, activations, Activation, "activation")
    return made


def loss(text: str) -> Loss:
    """The loss that a text names.

    >>> loss("CrossEntropy(label_smoothing=0.1)")
    CrossEntropy(label_smoothing=0.1)
    """
    made: Loss = _made(text, losses, Loss, "loss")
    return made


def _made(text: str, package: ModuleType, base: type, kind: str) -> Any:
    """An instance of a registered class, or of one in a user's file."""
    look = partial(find, package=package, kind=kind)
    said, file = text, None
    if at := IN_A_FILE.fullmatch(text.strip()):
        file = load(at["path"])
        said = at["said"]
        look = partial(_find_in, file=file, base=base, kind=kind)
    try:
        node = ast.parse(said.strip(), mode="eval").body
    except (SyntaxError, ValueError):
        node = ast.Constant(None)
    if not isinstance(node, ast.Name | ast.Call):
        raise ValueError(
            f"{text!r} names no {kind}; write Name, Name(option=1.5) or file.py:Name."
        )
    return _built(node, look, text)


def _built(node: ast.expr, look: Any, text: str) -> Any:
    """What names, calls of names and literals stand for; nothing else is evaluated."""
    match node:
        case ast.Name(id=name):
            return _instance(look(name), [], {}, text)
        case ast.Call(func=ast.Name(id=name), args=args, keywords=keywords):
            given = [_built(each, _inner, text) for each in args]
            named = {str(k.arg): _built(k.value, _inner, text) for k in keywords}
            return _instance(look(name), given, named, text)
    try:
        return ast.literal_eval(node)
    except (ValueError, TypeError):
        raise ValueError(
            f"{text!r} may hold names, numbers, strings and lists only; got "
            f"{ast.unparse(node)}."
        ) from None


def _inner(name: str) -> Any:
    """A class that may be an argument: Normalized(Exp), Trainable(1.5, lower=1)."""
    if name == Trainable.__name__:
        return Trainable
    return find(name, activations, "activation")


def _instance(cls: Any, given: list[Any], named: dict[str, Any], text: str) -> Any:
    try:
        inspect.signature(cls).bind(*given, **named)
    except TypeError as wrong:
        takes = ", ".join(inspect.signature(cls).parameters) or "nothing"
        raise ValueError(f"{cls.__name__} takes {takes}; {text!r}: {wrong}.") from None
    try:
        return cls(*given, **named)
    except TypeError as wrong:
        raise ValueError(f"{text!r}: {wrong}") from wrong


def load(path: str) -> ModuleType:
    """A user's file, run once; a ValueError says what is wrong with it."""
    file = Path(path).expanduser().resolve()
    key = str(file)
    if key in loaded:
        return loaded[key]
    if not file.is_file():
        raise ValueError(f"there is no file {path}; check the path before the colon.")
    spec = spec_from_file_location(f"anymax_user_{file.stem}_{len(loaded)}", file)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    # As for a script: its neighbours can be imported, and pickle finds its classes.
    sys.modules[spec.name] = module
    sys.path.append(str(file.parent))
    try:
        spec.loader.exec_module(module)
    except SyntaxError as wrong:
        raise ValueError(
            f"{path} is not Python: line {wrong.lineno}: {wrong.msg}."
        ) from None
    except (Exception, SystemExit) as wrong:
        kind = type(wrong).__name__
        raise ValueError(f"{path} stops when it is run: {kind}: {wrong}.") from wrong
    loaded[key] = module
    return module


def _find_in(name: str, file: ModuleType, base: type, kind: str) -> Any:
    """The class of that name in a user's file."""
    found = getattr(file, name, None)
    if isinstance(found, type) and issubclass(found, base):
        return found
    where = Path(str(file.__file__)).name
    if found is not None:
        raise ValueError(
            f"{where}:{name} is no {kind}; derive the class from {base.__module__}."
            f"{base.__name__}."
        )
    own = [
        each
        for each, value in vars(file).items()
        if isinstance(value, type) and value.__module__ == file.__name__
    ]
    hint = nearest(name, own) if own else "it holds no classes."
    raise ValueError(f"{where} has no class called {name!r}; {hint}")
