"""Parts from text: Softmax, Entmax(alpha=1.5), AdamW(decay=0.1), mine.py:Mine."""

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

from anymax import activations, losses, optim
from anymax.activation import Activation
from anymax.loss import Loss
from anymax.optim.lbfgs import LBFGS
from anymax.optim.optimizer import Optimizer
from anymax.optim.schedule import Schedule
from anymax.registry import find, names
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


def rule(text: str) -> Optimizer | LBFGS:
    """The optimizer that a text names.

    >>> rule("sgd(momentum=0.9)")
    SGD(momentum=0.9)
    """
    made: Optimizer | LBFGS = _made(text, optim, (Optimizer, LBFGS), "optimizer")
    return made


def schedule(text: str, rate: float, steps: int) -> Schedule:
    """The schedule that a text names; the rate and the steps it leaves out are these.

    >>> schedule("Warmup(Cosine, 10)", 0.1, 500)
    Warmup(Cosine(0.1, 500), 10)
    """
    left_out = {"rate": rate, "after": rate, "steps": steps}
    made: Schedule = _made(text, optim, Schedule, "schedule", left_out)
    return made


def _made(
    text: str,
    package: ModuleType,
    base: type | tuple[type, ...],
    kind: str,
    left_out: dict[str, Any] | None = None,
) -> Any:
    """An instance of a registered class, or of one in a user's file."""
    look = partial(find, package=package, kind=kind, base=base)
    said = text
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
    return _built(node, look, text, left_out or {})


def _built(node: ast.expr, look: Any, text: str, left_out: dict[str, Any]) -> Any:
    """What names, calls of names and literals stand for; nothing else is evaluated."""
    match node:
        case ast.Name(id=name):
            return _instance(look(name), [], {}, text, left_out)
        case ast.Call(func=ast.Name(id=name), args=args, keywords=keywords):
            given = [_built(each, _inner, text, left_out) for each in args]
            named = {
                str(k.arg): _built(k.value, _inner, text, left_out) for k in keywords
            }
            return _instance(look(name), given, named, text, left_out)
    try:
        return ast.literal_eval(node)
    except (ValueError, TypeError):
        raise ValueError(
            f"{text!r} may hold names, numbers, strings and lists only; got "
            f"{ast.unparse(node)}."
        ) from None


def _inner(name: str) -> Any:
    """A class that may be an argument: Normalized(Exp), Trainable(1.5), a schedule."""
    if name == Trainable.__name__:
        return Trainable
    if name.lower() in (each.lower() for each in names(optim)):
        return find(name, optim, "schedule", Schedule)
    return find(name, activations, "activation")


def _instance(
    cls: Any,
    given: list[Any],
    named: dict[str, Any],
    text: str,
    left_out: dict[str, Any],
) -> Any:
    signature = inspect.signature(cls)
    try:
        bound = signature.bind_partial(*given, **named).arguments
        missing = set(signature.parameters) & set(left_out) - set(bound)
        named = named | {name: left_out[name] for name in missing}
        signature.bind(*given, **named)
    except TypeError as wrong:
        takes = ", ".join(signature.parameters) or "nothing"
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


def _find_in(
    name: str, file: ModuleType, base: type | tuple[type, ...], kind: str
) -> Any:
    """The class of that name in a user's file."""
    found = getattr(file, name, None)
    if isinstance(found, type) and issubclass(found, base):
        return found
    where = Path(str(file.__file__)).name
    if found is not None:
        first = base[0] if isinstance(base, tuple) else base
        raise ValueError(
            f"{where}:{name} is no {kind}; derive the class from {first.__module__}."
            f"{first.__name__}."
        )
    own = [
        each
        for each, value in vars(file).items()
        if isinstance(value, type) and value.__module__ == file.__name__
    ]
    hint = nearest(name, own) if own else "it holds no classes."
    raise ValueError(f"{where} has no class called {name!r}; {hint}")
