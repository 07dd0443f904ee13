"""What a file of the command line holds: a network, and how rows come to it."""

from __future__ import annotations

import inspect
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from anymax import io, loading
from anymax.cli import names
from anymax.cli.saying import counted
from anymax.cli.settings import TaskName
from anymax.data.scaling import Scaling
from anymax.data.table import Table
from anymax.loss import Loss
from anymax.network import Network
from anymax.objective import Objective
from anymax.optim.lbfgs import LBFGS
from anymax.optim.optimizer import Optimizer
from anymax.sets import LogSimplex, Simplex
from anymax.types import Array

KEY = "preprocessing"
TAKEN = {"seed": int, "test_size": float, "validation": float, "batch": int}


class Waiting(NamedTuple):
    """What --patience knows of the best epoch, whose network the file holds."""

    monitor: str
    best: float
    best_epoch: int
    waited: int


@dataclass(frozen=True)
class Saved:
    """A network with its loss, the columns it takes, and the scales of both ends.

    `units` is the scaling of a target of values, None where it is taken as it is.
    `columns` and `target` are empty for a file that Python wrote. `seed`, `test_size`
    and `validation` are what its rows were split with, `batch` how many a step took,
    None where that is not known. `state` is where its training goes on from.
    """

    net: Network
    loss: Loss | None
    columns: tuple[str, ...]
    target: str
    scaling: Scaling
    units: Scaling | None = None
    optimizer: Optimizer | LBFGS | None = None
    epochs: int = 0
    seed: int | None = None
    test_size: float | None = None
    validation: float | None = None
    batch: int | None = None
    waiting: Waiting | None = None
    state: Mapping[str, Any] = field(default_factory=dict)

    @property
    def classes(self) -> Array | None:
        """What it tells apart: labels, or indices where it has met none."""
        last = self.net.split()[1].range
        if self.net.classes is None and isinstance(last, Simplex | LogSimplex):
            return np.arange(self.outputs)
        return self.net.classes

    @property
    def outputs(self) -> int:
        """How many the network has."""
        return self.net.output_shape(*self.net.input_shapes)[-1]

    @property
    def task(self) -> TaskName:
        """What its target is taken as."""
        if self.classes is None:
            return TaskName.regression
        return TaskName.classification

    def inputs(self, table: Table, target: str = "") -> Array:
        """The rows of a table as the network takes them."""
        return self.scaling.apply(table.features(self.named(table, target)))

    def named(self, table: Table, target: str = "") -> tuple[str, ...]:
        """The columns to take: those it was trained on, else all but the target."""
        if self.columns:
            return self.columns
        if target:
            table.cells(target)  # a name that is not there is no miscount
        width = len(self.scaling.shift)
        names = tuple(name for name in table.header if not target or name != target)
        if len(names) != width:
            beside = f" beside the target {target!r}" if target else ""
            raise ValueError(
                f"{table.path} has {counted(len(names), 'column')}{beside}, but the "
                f"network takes {width} and its file names none; keep those {width} "
                "columns alone."
            )
        return names

    def values(self, outputs: Array) -> Array:
        """Outputs in the units of the target."""
        wide = outputs.astype(np.float64)
        return wide if self.units is None else self.units.undo(wide)

    def objective(self) -> Objective:
        """The network with its loss; ValueError where none was saved."""
        if self.loss is None:
            raise ValueError(
                "the file holds no loss to evaluate; save it with net.save(path, "
                "loss=...)."
            )
        return Objective(self.net, self.loss)

    def write(self, path: str) -> None:
        """Put it into a file, whole or not at all."""
        state = self.state or None
        kept = io.stored(self.net, self.loss, self.optimizer, self.epochs, state)
        kept.description[KEY] = {
            "columns": list(self.columns),
            "target": self.target,
            "scaling": _lists(self.scaling),
            "units": None if self.units is None else _lists(self.units),
            "seed": self.seed,
            "test_size": self.test_size,
            "validation": self.validation,
            "batch": self.batch,
            "waiting": None if self.waiting is None else self.waiting._asdict(),
        }
        io.write(path, io.packed(kept))


def read(path: str, custom: str | None = None) -> Saved:
    """What `write` or `net.save` wrote; `custom` is a file with classes of one's own.

    Raises ValueError for what is no such file.
    """
    found = loading.load_checkpoint(path, _classes(custom))
    said = io.read(path).description.get(KEY)
    net, (shape, *others) = found.network, found.network.input_shapes
    if len(shape) != 1 or others:
        raise ValueError(
            f"{path} takes examples of shape {found.network.input_shapes}; the command "
            "line knows rows of features only."
        )
    try:
        ends, taken = _ends(said, shape[0]), _taken(said or {})
    except (KeyError, TypeError, ValueError) as wrong:
        raise ValueError(f"{path} has a damaged preprocessing: {wrong}.") from None
    return Saved(
        net,
        found.loss,
        *ends,
        found.optimizer,
        found.epochs,
        state=found.state,
        **taken,
    )


def _ends(
    said: Mapping[str, Any] | None, width: int
) -> tuple[tuple[str, ...], str, Scaling, Scaling | None]:
    """The columns, the target and the scaling of both, as `write` put them."""
    if said is None:
        return (), "", Scaling.none(width), None
    units = None if said["units"] is None else _scaling(said["units"], 1)
    columns = tuple(map(str, said["columns"]))
    return columns, str(said["target"]), _scaling(said["scaling"], width), units


def _taken(said: Mapping[str, Any]) -> dict[str, Any]:
    """How rows were split and taken; older files do not say all of it."""
    known = {name: said[name] for name in TAKEN if said.get(name) is not None}
    found: dict[str, Any] = {name: TAKEN[name](each) for name, each in known.items()}
    return found | {"waiting": _waiting(said.get("waiting"))}


def _waiting(said: Mapping[str, Any] | None) -> Waiting | None:
    if said is None:
        return None
    best = float(said["best"])
    if not math.isfinite(best):
        raise ValueError(f"its best loss is {best}")
    return Waiting(
        str(said["monitor"]), best, int(said["best_epoch"]), int(said["waited"])
    )


def _classes(custom: str | None) -> Mapping[str, Any]:
    """The classes and functions of a user's file by name."""
    if custom is None:
        return {}
    found = vars(names.load(custom))
    return {
        name: each
        for name, each in found.items()
        if inspect.isclass(each) or inspect.isfunction(each)
    }


def _lists(scaling: Scaling) -> dict[str, list[float]]:
    return {"shift": scaling.shift.tolist(), "scale": scaling.scale.tolist()}


def _scaling(said: Mapping[str, list[float]], width: int) -> Scaling:
    shift, scale = (np.array(said[name], float) for name in ("shift", "scale"))
    if shift.shape != (width,) or scale.shape != (width,):
        raise ValueError(f"its scaling is not of {width} columns")
    return Scaling(shift, scale)
