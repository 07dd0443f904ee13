"""Loading: networks and their training from files, without running what they hold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from anymax import activations, layers, losses, optim
from anymax.architecture import Reader
from anymax.combine import Chain, Concatenate, Gate, Parallel, Residual
from anymax.initializers import INITIALIZERS
from anymax.io import (
    OPTIMIZER,
    PARAMETERS,
    RESUME,
    STATE,
    Path,
    Stored,
    read,
    shapes,
    unreadable,
)
from anymax.loss import Loss
from anymax.network import Network
from anymax.optim import LBFGS
from anymax.optim.optimizer import Optimizer
from anymax.registry import names
from anymax.trainable import Trainable
from anymax.types import KEPT, Array

PACKAGES = (activations, losses, layers, optim)
OTHERS = (Chain, Concatenate, Gate, Parallel, Residual, Trainable)


@dataclass(frozen=True)
class Checkpoint:
    """What a file holds: the network, and what its training goes on from.

    `loss` and `optimizer`, with its state, are None where they were not saved; `epochs`
    is how many had been trained. `state` is where training goes on from, as
    `am.fit(..., resume=found.state)` takes it.
    """

    network: Network
    loss: Loss | None = None
    optimizer: Optimizer | LBFGS | None = None
    epochs: int = 0
    state: Mapping[str, Any] = field(default_factory=dict)


def load(path: Path, custom: Mapping[str, Any] | None = None) -> Network:
    """The network that `net.save` wrote, with its classes and its threshold.

    It predicts the same, bit for bit. Nothing in a file is run or imported: it holds
    names of classes, which are looked up among anymax's own and in `custom`.

    Args: `path`; `custom`, classes and functions of your own by name, as
    {"MyMap": MyMap}.
    Raises FileNotFoundError if there is no such file; ValueError, naming the file, for
    one cut short or changed, another program's, one of a newer format, or one with a
    class that is not known.

    >>> import tempfile, anymax as am
    >>> net = am.Chain(am.Dense(2), am.Softmax()).build(3)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     net.save(f"{folder}/net.safetensors")
    ...     again = am.load(f"{folder}/net.safetensors")
    >>> again
    Chain(Dense(2), Softmax())
    """
    return load_checkpoint(path, custom).network


def load_checkpoint(path: Path, custom: Mapping[str, Any] | None = None) -> Checkpoint:
    """The network, and the loss and optimizer that were saved with it.

    The optimizer stands where it stood: its next step is the one that would have come.
    Args and errors are those of `load`.

    >>> import tempfile, anymax as am
    >>> net = am.Chain(am.Dense(2), am.Softmax()).build(3)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     net.save(f"{folder}/net.safetensors", loss=am.Focal(), optimizer=am.Adam())
    ...     found = am.load_checkpoint(f"{folder}/net.safetensors")
    >>> found.loss, found.optimizer
    (Focal(), Adam())
    """
    stored = read(path)
    try:
        return _restored(stored, Reader(known(), custom or {}))
    except Exception as error:  # a file may hold anything
        raise unreadable(path, str(error) or type(error).__name__) from error


def known() -> dict[str, Any]:
    """All that a file may name: anymax's classes, and its initializers."""
    listed = {name: getattr(p, name) for p in PACKAGES for name in names(p)}
    return {**listed, **INITIALIZERS, **{each.__name__: each for each in OTHERS}}


def _restored(stored: Stored, reader: Reader) -> Checkpoint:
    said = stored.description
    net, loss = reader.read(said["architecture"]), reader.read(said["loss"])
    optimizer = reader.read(said["optimizer"])
    for given, kinds in (
        (net, Network),
        (loss, Loss | None),
        (optimizer, Optimizer | LBFGS | None),
    ):
        if not isinstance(given, kinds):
            raise ValueError(f"it has {given!r} in a place where that does not belong.")
    dtype = np.dtype(said["dtype"])
    if dtype not in KEPT:
        raise ValueError(f"it computes in {dtype}.")
    _fill(net, tuple(tuple(shape) for shape in said["input_shapes"]), dtype, stored)
    net.classes = reader.read(said["classes"])
    net.threshold = reader.read(said["threshold"])
    state = {name: reader.read(x) for name, x in said["optimizer_state"].items()}
    _resume(optimizer, state, net.parameters, stored)
    standing = _standing(net, optimizer, stored)
    if "each" in said:  # steps of an epoch
        standing["each"] = int(said["each"])
    return Checkpoint(net, loss, optimizer, said["epochs"], standing)


def _fill(
    net: Network, inputs: tuple[Any, ...], dtype: np.dtype[Any], stored: Stored
) -> None:
    """Fix the shapes, and put in the arrays, which must be exactly those needed."""
    net.settle(inputs, set())
    wanted = shapes(net)
    others = (OPTIMIZER, RESUME)
    given = {n: t for n, t in stored.tensors.items() if not n.startswith(others)}
    for name in sorted(set(wanted) ^ set(given)):
        problem = "lacks" if name in wanted else "has no use for"
        raise ValueError(f"its network {problem} the array {name}.")
    for name, shape in wanted.items():
        _check_array(name, given[name], shape, dtype)
    flat, kept = (
        np.concatenate(
            [np.zeros(0, dtype)] + [given[n].ravel() for n in wanted if n.startswith(p)]
        )
        for p in (PARAMETERS, STATE)
    )
    net.__setstate__({"_flat": flat, "_kept": kept})  # as unpickling does, not drawing


def _resume(
    optimizer: Optimizer | LBFGS | None,
    state: dict[str, Any],
    flat: Array,
    stored: Stored,
) -> None:
    """Bring an optimizer to where it stood."""
    for name, array in stored.tensors.items():
        if name.startswith(OPTIMIZER):
            _check_array(name, array, flat.shape, flat.dtype)
            state[name.removeprefix(OPTIMIZER)] = array
    if isinstance(optimizer, Optimizer):
        optimizer.load_state(state)
    elif state:
        raise ValueError(f"it has a state for {optimizer!r}, which takes none.")


def _standing(
    net: Network, optimizer: Optimizer | LBFGS | None, stored: Stored
) -> dict[str, Any]:
    """Where training goes on from: the network as it is, unless the file has more."""
    found: dict[str, Any] = {"parameters": net.parameters, "kept": net.kept}
    for name, flat in found.items():
        other = stored.tensors.get(f"{RESUME}{name}", flat)
        _check_array(f"{RESUME}{name}", other, flat.shape, flat.dtype)
        found[name] = other.copy()
    rule = optimizer.state() if isinstance(optimizer, Optimizer) else {}
    return found | {f"{OPTIMIZER}{name}": value for name, value in rule.items()}


def _check_array(
    name: str, array: Array, shape: tuple[int, ...], dtype: np.dtype[Any]
) -> None:
    if array.shape != shape or array.dtype != dtype:
        raise ValueError(
            f"its array {name} needs shape {shape} and {dtype}; got {array.shape} and "
            f"{array.dtype}."
        )
