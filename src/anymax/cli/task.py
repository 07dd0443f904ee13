"""Task: a network, its pair, and rows as they come to it."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from anymax.cli.building import network, paired
from anymax.cli.options import joined
from anymax.cli.saved import Saved, read
from anymax.cli.settings import Settings
from anymax.cli.source import Source, sourced
from anymax.data.scaling import Scaling
from anymax.data.sets import NAMES
from anymax.objective import Objective
from anymax.pair import Pair
from anymax.sets.interval import REALS
from anymax.training.labels import encode_labels
from anymax.types import Array

FIXED = ("hidden", "activation", "normalize", "dropout", "output")  # by a saved network


@dataclass(frozen=True)
class Task:
    """A network that is built, its loss, and the rows.

    `before` is the file that it goes on from. `units` is the scaling of targets that
    are values, None where they are taken as they are.
    """

    objective: Objective
    source: Source
    scaling: Scaling
    units: Scaling | None = None
    before: Saved | None = None

    @property
    def inputs(self) -> tuple[Array, Array]:
        """The rows to train on and to test with, as the network takes them."""
        split = self.source.split
        return self.scaling.apply(split.x_train), self.scaling.apply(split.x_test)

    def targets(self, y: Array) -> Array:
        """Class indices or values as this loss takes them."""
        if self.source.classes is None:
            return y if self.units is None else self.units.apply(y)
        shape = (len(y), self.source.outputs)
        return encode_labels(y, shape, self.objective.pair).targets

    def values(self, outputs: Array) -> Array:
        """Outputs in the units of the target."""
        return outputs if self.units is None else self.units.undo(outputs)


def prepared(settings: Settings) -> Task:
    """The task that the settings describe, the network as it starts."""
    if settings.resume is not None:
        return _resumed(settings, read(settings.resume, settings.custom))
    source = sourced(settings)
    pair = paired(settings, source.classes is not None)
    x = source.split.x_train
    scaling = Scaling.none(x.shape[1])
    if settings.standardize:
        scaling = Scaling.of(x, together=source.together, names=source.columns)
    net = network(settings, pair, x.shape[1], source.outputs)
    source.check(pair)
    units = None
    if settings.standardize and source.classes is None and _free(pair):
        units = Scaling.of(source.split.y_train, names=(source.target,))
    return Task(
        Objective(net, pair.loss, **_penalties(settings)), source, scaling, units
    )


def _free(pair: Pair) -> bool:
    """Whether outputs and targets may be any numbers, so that units do not matter."""
    return pair.targets.holds(REALS) and pair.activation.range.holds(REALS)


def _penalties(settings: Settings) -> dict[str, float]:
    return {"l1": settings.l1, "l2": settings.l2}


def _resumed(settings: Settings, saved: Saved) -> Task:
    """The task of going on with a network that a file holds."""
    default = Settings()
    for name in FIXED:
        if getattr(settings, name) != getattr(default, name):
            raise ValueError(
                f"--{name} is that of the network in {settings.resume}; leave it out, "
                "or train anew without --resume."
            )
    source = sourced(_completed(_as_split(settings, saved), saved))
    _check_same(settings, source, saved)
    loss = saved.loss
    if settings.loss is not None or loss is None:
        given = Settings(loss=settings.loss)
        loss = paired(given, saved.net.classes is not None).loss
    objective = Objective(saved.net, loss, **_penalties(settings))
    source.check(objective.pair)
    return Task(objective, source, saved.scaling, saved.units, saved)


def _as_split(settings: Settings, saved: Saved) -> Settings:
    """The settings with the split of the file, but for what differs from the default.

    So rows that the network was trained on are not what it is tested with.
    """
    default = Settings()
    if saved.seed is not None and settings.seed == default.seed:
        settings = replace(settings, seed=saved.seed)
    if saved.test_size is not None and settings.test_size == default.test_size:
        settings = replace(settings, test_size=saved.test_size)
    return settings


def _completed(settings: Settings, saved: Saved) -> Settings:
    """The settings with the columns that the file names."""
    if settings.data in NAMES:
        return settings
    return Settings(
        data=settings.data,
        target=settings.target or saved.target or None,
        columns=settings.columns or joined(saved.columns) or None,
        task=saved.task,
        test_size=settings.test_size,
        seed=settings.seed,
    )


def _check_same(settings: Settings, source: Source, saved: Saved) -> None:
    """Refuse rows with other columns or other classes than the network knows."""
    width = len(saved.scaling.shift)
    names = saved.columns or source.columns
    if len(source.columns) != width or source.columns != names:
        raise ValueError(
            f"{settings.resume} was trained on {width} columns, {_listed(names)}; "
            f"{source.name} gives {len(source.columns)}, {_listed(source.columns)}."
        )
    ours, theirs = source.classes, saved.classes
    if ours is None or theirs is None:
        same = ours is theirs
    else:
        same = np.array_equal(ours, theirs)
    if not same:
        raise ValueError(
            f"{settings.resume} predicts {_kinds(theirs)}; the target of {source.name} "
            f"is {_kinds(ours)}. Resume on rows with the same classes."
        )


def _kinds(classes: Array | None) -> str:
    return "values" if classes is None else f"classes {_listed(classes.tolist())}"


def _listed(names: tuple[str, ...] | list[str]) -> str:
    shown = [str(each) for each in names[:5]]
    return ", ".join(shown) + (", ..." if len(names) > len(shown) else "")
