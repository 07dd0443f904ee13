"""Functions and modules of torch and JAX, taken as maps of NumPy arrays.

Neither is imported here unless what is checked comes from it.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
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
        module = used.__name__ if isinstance(used, ModuleType) else used
        module = module if isinstance(module, str) else getattr(used, "__module__", "")
        if str(module).split(".")[0] in LIBRARIES:
            return str(module).split(".")[0].removesuffix("lib")
    return None


def _torch(thing: Any, torch: Any) -> Subject:
    name = getattr(thing, "__name__", type(thing).__name__)
    if inspect.isclass(thing):
        if issubclass(thing, torch.autograd.Function):
            apply, count = thing.apply, len(roles.parameters(thing.forward)) - 1
        else:
            thing = thing()
            apply, count = thing, len(roles.parameters(thing.forward))
    else:
        apply, count = thing, len(roles.parameters(getattr(thing, "forward", thing)))
    if isinstance(apply, torch.nn.Module):
        apply = apply.double()

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


def _jax(thing: Any, jax: Any) -> Subject:
    name = getattr(thing, "__name__", type(thing).__name__)
    count = len(roles.parameters(thing))
    wide = getattr(jax, "enable_x64", None) or import_module(
        "jax.experimental"
    ).enable_x64

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
            f"{name} needs one array, or outputs and targets; it takes {count}. Wrap it "
            "in a function of one."
        )
    up = Signature(("z",), (X,)) if count == 1 else Signature(("a", "y"), (X, TARGET))
    down = Signature((*up.names, "g"), (*up.roles, UP))
    return Subject(
        name, count == 2, lambda: Live(forward, backward), up, down, "the backward pass"
    )
