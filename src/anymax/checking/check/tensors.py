"""Functions and modules of torch and JAX, taken as maps of NumPy arrays.

Neither is imported here unless what is checked comes from it.
"""

from __future__ import annotations

import copy
import inspect
from collections.abc import Callable
from functools import wraps
from importlib import import_module
from types import ModuleType
from typing import Any

import numpy as np

from anymax.checking.check import roles
from anymax.checking.check.report import CheckError
from anymax.checking.check.roles import TARGET, UP, Signature, X
from anymax.checking.check.subject import Live, Subject
from anymax.types import Array

LIBRARIES = ("torch", "jax", "jaxlib")


def tensor_subject(thing: Any, derivative: object | None) -> Subject | None:
    """The subject that a torch or JAX callable makes; None for anything else."""
    library = _library(thing)
    if library is None or derivative is not None:
        return None
    if library == "torch":
        return _torch(thing, import_module("torch"))
    return _jax(thing, import_module("jax"))


def widened(thing: Any) -> Any:
    """A function that uses JAX, computing in float64 as the check does."""
    if not inspect.isroutine(thing) or _library(thing) != "jax":
        return thing
    wide = _wide(import_module("jax"))

    @wraps(thing)
    def wrapped(*arrays: Array) -> Any:
        with wide(True):
            return thing(*arrays)

    return wrapped


def _wide(jax: ModuleType) -> Any:
    """JAX's switch to float64, which has moved between its versions."""
    found = getattr(jax, "enable_x64", None)
    return import_module("jax.experimental").enable_x64 if found is None else found


def _library(thing: Any) -> str | None:
    """The library whose class, or whose functions, a callable is made of."""
    own = thing if inspect.isclass(thing) else type(thing)
    said = [cls.__module__ for cls in own.__mro__]
    said.append(str(getattr(thing, "__module__", "")))
    for module in said:
        if module.split(".")[0] in LIBRARIES:
            return module.split(".")[0].removesuffix("lib")
    code, scope = getattr(thing, "__code__", None), getattr(thing, "__globals__", {})
    for name in getattr(code, "co_names", ()):
        used = scope.get(name)
        whole = isinstance(used, ModuleType)
        home = str(getattr(used, "__name__" if whole else "__module__", ""))
        if home.split(".")[0] in LIBRARIES:
            return home.split(".")[0].removesuffix("lib")
    return None


def _torch(thing: Any, torch: Any) -> Subject:
    name = getattr(thing, "__name__", type(thing).__name__)
    apply, count = _applied(thing, torch)

    def enter(x: Array) -> Any:
        kept = torch.as_tensor(np.asarray(x))
        return kept.requires_grad_() if kept.is_floating_point() else kept

    def forward(x: Array, *y: Array) -> Array:
        return np.asarray(apply(enter(x), *map(torch.as_tensor, y)).detach().numpy())

    def backward(x: Array, *others: Array) -> Array:
        *y, g = others
        at = enter(x)
        out = apply(at, *map(torch.as_tensor, y))
        (found,) = torch.autograd.grad(out, at, torch.as_tensor(np.asarray(g)))
        return np.asarray(found.numpy())

    return _tensors(name, count, forward, backward)


def _applied(thing: Any, torch: Any) -> tuple[Any, int]:
    """What is called with tensors in float64, and how many of them."""
    whole = inspect.isclass(thing)
    if whole and issubclass(thing, torch.autograd.Function):
        # the first that its forward takes is the context
        return thing.apply, len(roles.parameters(thing.forward)) - 1
    made = thing() if whole else thing
    count = len(roles.parameters(getattr(made, "forward", made)))
    if isinstance(made, torch.nn.Module):
        made = copy.deepcopy(made).double()
    return made, count


def _jax(thing: Any, jax: Any) -> Subject:
    name = getattr(thing, "__name__", type(thing).__name__)
    count = len(roles.parameters(thing))
    wide = _wide(jax)

    def forward(*arrays: Array) -> Array:
        with wide(True):
            return np.asarray(thing(*map(jax.numpy.asarray, arrays)))

    def backward(x: Array, *others: Array) -> Array:
        *y, g = others
        with wide(True):
            below = [jax.numpy.asarray(each) for each in y]
            _, pull = jax.vjp(lambda at: thing(at, *below), jax.numpy.asarray(x))
            return np.asarray(pull(jax.numpy.asarray(g))[0])

    return _tensors(name, count, forward, backward)


def _tensors(
    name: str, count: int, forward: Callable[..., Array], backward: Callable[..., Array]
) -> Subject:
    if count not in (1, 2):
        raise CheckError(
            f"{name} needs one array, or outputs and targets; it takes {count}. Wrap "
            "it in a function of one."
        )
    up = Signature(("z",), (X,)) if count == 1 else Signature(("a", "y"), (X, TARGET))
    down = Signature((*up.names, "g"), (*up.roles, UP))
    return Subject(
        name, count == 2, lambda: Live(forward, backward), up, down, "the backward pass"
    )
