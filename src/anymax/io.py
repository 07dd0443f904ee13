"""io: a network as one safetensors file, written whole or not at all."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import secrets
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save as serialized

import anymax
from anymax.architecture import Reader, Writer
from anymax.composite import Composite, kept_slots, slots
from anymax.described import Described
from anymax.loss import Loss
from anymax.map import Shape
from anymax.types import Array

if TYPE_CHECKING:
    from anymax.network import Network

Path: TypeAlias = str | os.PathLike[str]

KEY = "anymax"  # the one key of the metadata: safetensors keeps no order of several
FORMAT = 1
PARAMETERS, STATE = "parameters.", "state."
OPTIMIZER, RESUME = "optimizer.", "resume."


@dataclass(frozen=True)
class Stored:
    """What a file holds: a description in names and numbers, and arrays by name."""

    description: dict[str, Any]
    tensors: dict[str, Array]


def save(
    net: Network,
    path: Path,
    loss: Loss | None = None,
    optimizer: Described | None = None,
    epochs: int = 0,
    state: Mapping[str, Any] | None = None,
) -> None:
    """Write a network, and what its training goes on from; see Network.save."""
    write(path, packed(stored(net, loss, optimizer, epochs, state)))


# ---- what is kept


def stored(
    net: Network,
    loss: Loss | None,
    optimizer: Described | None,
    epochs: int,
    state: Mapping[str, Any] | None = None,
) -> Stored:
    """A network in names, numbers and arrays, from which it can be made again."""
    _check_training(loss, optimizer)
    flat, writer = net.parameters, Writer()
    architecture = writer.write(net)
    standing = optimizer if state is None else _standing(optimizer, state)
    # an optimizer that keeps nothing between its calls has no state
    rule: dict[str, Any] = getattr(standing, "state", dict)()
    numbers = {n: v for n, v in rule.items() if not isinstance(v, np.ndarray)}
    description = {
        "format": "anymax",
        "format_version": FORMAT,
        "anymax": anymax.__version__,
        "architecture": architecture,
        "input_shapes": [list(shape) for shape in net.input_shapes],
        "dtype": flat.dtype.name,
        "classes": writer.write(net.classes),
        "threshold": writer.write(net.threshold),
        "loss": writer.write(loss),
        "optimizer": writer.write(optimizer),
        "optimizer_state": {n: writer.write(v) for n, v in numbers.items()},
        "epochs": int(epochs),
        **({"each": int(state["each"])} if state and "each" in state else {}),
    }
    _check_again(net, architecture, writer)
    moments = {n: v for n, v in rule.items() if n not in numbers}
    return Stored(
        description,
        {f"{PARAMETERS}{n}": v for n, v in net.named_parameters().items()}
        | {f"{STATE}{n}": v for n, v in net.named_state().items()}
        | {f"{OPTIMIZER}{n}": v for n, v in moments.items()}
        | {f"{RESUME}{n}": v for n, v in _elsewhere(net, state or {}).items()},
    )


def shapes(net: Composite) -> dict[str, Shape]:
    """The shape of each array of a network whose shapes are fixed, by name."""
    mine = {PARAMETERS: slots(net), STATE: kept_slots(net)}
    return {
        f"{kind}{name}": piece.shape
        for kind, found in mine.items()
        for name, piece in found.values()
    }


def _standing(optimizer: Any, state: Mapping[str, Any]) -> Any:
    """The optimizer, brought to where the state of a fit has it."""
    if optimizer is None:
        raise ValueError(
            "save needs the optimizer whose state it is to keep; got none. Pass "
            "optimizer= as it was passed to fit."
        )
    at = len(OPTIMIZER)
    given = {n[at:]: v for n, v in state.items() if n.startswith(OPTIMIZER)}
    if hasattr(optimizer, "fresh"):
        optimizer = optimizer.fresh()
        optimizer.load_state(given)
    elif given:  # as LBFGS, which keeps nothing between calls
        raise ValueError(
            f"save needs the optimizer whose state it is to keep; {optimizer!r} has "
            f"none, and got one of {', '.join(sorted(given))}. Pass optimizer= as it "
            "was passed to fit."
        )
    return optimizer


def _elsewhere(net: Network, state: Mapping[str, Any]) -> dict[str, Array]:
    """What training goes on from where that is not the network as it is.

    It is another where fit left averaged weights, or the best ones, in the network.
    """
    now = {"parameters": net.parameters, "kept": net.kept}
    given = {name: state[name] for name in now if name in state}
    same = all(np.array_equal(now[name], given[name]) for name in given)
    return {} if same else given


def _check_training(loss: Loss | None, optimizer: Described | None) -> None:
    if not (loss is None or isinstance(loss, Loss)):
        raise TypeError(f"save needs a loss, as am.CrossEntropy(); got {loss!r}.")
    if not (optimizer is None or isinstance(optimizer, Described)):
        raise TypeError(f"save needs an optimizer, as am.Adam(); got {optimizer!r}.")


def _check_again(net: Network, architecture: Any, writer: Writer) -> None:
    """Refuse a network that its own description does not give back."""
    again = Reader(writer.own, writer.custom).read(architecture)
    again.settle(net.input_shapes, set())
    if shapes(again) == shapes(net):
        return
    odd = sorted(set(shapes(again).items()) ^ set(shapes(net).items()))
    raise ValueError(
        f"save needs {net.name} to have the same arrays when made again from its "
        f"arguments; {odd[0][0]} differs. Keep shared maps and owners of tied weights "
        "among the arguments."
    )


# ---- bytes


def packed(kept: Stored) -> bytes:
    """The bytes of a file, the same ones for the same network."""
    tensors = {name: np.asarray(each, order="C") for name, each in kept.tensors.items()}
    sealed = {**kept.description, "checksum": checksum(kept)}
    return serialized(tensors, {KEY: _text(sealed)})


def checksum(kept: Stored) -> str:
    """SHA-256 of the description and of all arrays with their names and shapes."""
    total = hashlib.sha256(_text(kept.description).encode())
    for name, array in sorted(kept.tensors.items()):
        total.update(f"\n{name} {array.dtype.name} {array.shape}\n".encode())
        total.update(array.tobytes())
    return total.hexdigest()


def read(path: Path) -> Stored:
    """What an anymax file holds, checked against its checksum.

    Raises FileNotFoundError if there is none; ValueError for a folder, a file cut short
    or changed, another program's file, or one of a newer format.
    """
    if not os.path.exists(path):
        raise FileNotFoundError(f"load needs a file; there is no {os.fspath(path)}.")
    if not os.path.isfile(path):
        raise ValueError(f"load needs a file; {os.fspath(path)} is not one.")
    try:
        with safe_open(path, framework="np") as file:
            text = (file.metadata() or {}).get(KEY)
            if text is not None:
                description = _described(path, text)
                tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, TypeError, AttributeError, KeyError) as error:
        why = f"it was cut short, or is no safetensors file ({error})"
        raise unreadable(path, why) from error
    if text is None:
        raise unreadable(path, "another program wrote it. Load what net.save wrote")
    found = Stored(description, tensors)
    if description.pop("checksum", None) != checksum(found):
        raise unreadable(path, "it was changed after it was written. Save it again")
    return found


def unreadable(path: Path, why: str) -> ValueError:
    """The error for a file that is there, but cannot be read."""
    return ValueError(f"load cannot read {os.fspath(path)}: {why.rstrip('.')}.")


def _described(path: Path, text: str) -> dict[str, Any]:
    """The description, of a format that is known."""
    try:
        description = json.loads(text)
    except (ValueError, RecursionError):
        description = None
    if not isinstance(description, dict) or description.get("format") != "anymax":
        raise unreadable(path, "its description is damaged")
    version = description.get("format_version")
    if not isinstance(version, int) or version < 1:
        raise unreadable(path, f"its format is {version!r}")
    if version > FORMAT:
        raise unreadable(
            path,
            f"it has format {version}, written by anymax {description.get('anymax')}; "
            f"this anymax {anymax.__version__} reads up to {FORMAT}. Update anymax",
        )
    return description


def _text(description: dict[str, Any]) -> str:
    return json.dumps(description, allow_nan=False, separators=(",", ":"))


# ---- the file


def write(path: Path, data: bytes) -> None:
    """Put a file there, whole: until it is complete, what was there stays.

    Written beside it, synced and renamed. A link stays one; a file's mode stays.
    Raises ValueError for what is no file, OSError where nothing can be written.
    """
    target = os.path.realpath(path)
    if os.path.exists(target) and not os.path.isfile(target):
        raise ValueError(f"save needs the name of a file; {os.fspath(path)} is none.")
    folder = os.path.dirname(target)
    beside = os.path.join(folder, f".anymax-{secrets.token_hex(8)}.tmp")
    try:
        _write_synced(beside, data)
        if os.path.exists(target):
            shutil.copymode(target, beside)
        os.replace(beside, target)
    except OSError as error:
        raise type(error)(
            f"save cannot write {os.fspath(path)}: {error.strerror or error}. Nothing "
            "was changed; choose another folder or make room."
        ) from error
    finally:
        with contextlib.suppress(OSError):
            os.remove(beside)
    _sync_folder(folder)


def _write_synced(path: str, data: bytes) -> None:
    with open(path, "xb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _sync_folder(folder: str) -> None:
    """Make the new name last; the file is complete already where that is refused."""
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
