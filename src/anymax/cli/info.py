"""anymax info: what a file holds, or what is installed."""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError, version
from typing import Annotated

import typer

import anymax
from anymax import activations, kernels, layers, losses, optim
from anymax.cli.cancelling import cancelling
from anymax.cli.predict import Custom
from anymax.cli.saved import Saved, read
from anymax.cli.saying import counted, say, short
from anymax.data.sets import NAMES
from anymax.registry import names

# what pyproject.toml names, core and extras
PACKAGES = ("numpy", "scipy", "safetensors", "typer", "rich", "scikit-learn")
OTHERS = ("pandas", "polars", "matplotlib", "torch")
SHOWN = 12  # names that are listed of many


def info(
    model: Annotated[
        str | None, typer.Argument(metavar="[MODEL]", help="what train --save wrote")
    ] = None,
    custom: Custom = None,
) -> None:
    """Describe a saved network, or, without one, what is installed."""
    if model is None:
        _installed()
    else:
        _described(model, read(model, custom))


def _installed() -> None:
    say("anymax", f"{anymax.__version__}, Python {platform.python_version()}")
    say("with", ", ".join(f"{name} {_version(name)}" for name in PACKAGES))
    found = [name for name in OTHERS if _version(name) != "missing"]
    say("also", ", ".join(f"{name} {_version(name)}" for name in found) or "nothing")
    say("kernels", _kernels())
    say("data", ", ".join(NAMES))
    for label, package in (("maps", activations), ("losses", losses)):
        say(label, f"{len(names(package))}: {', '.join(names(package))}")
    say("layers", ", ".join(names(layers)))
    say("optim", ", ".join(names(optim)))
    typer.echo("next: anymax train digits")


def _kernels() -> str:
    found = kernels.info()
    if not found.native:
        return f"NumPy only: {found.why}"
    return (
        f"native, target {found.target} of {', '.join(found.targets)}; "
        f"{counted(found.threads, 'thread')}; BLAS {found.blas}"
    )


def _described(path: str, saved: Saved) -> None:
    net = saved.net
    typer.echo(net.summary())
    say("file", f"{path}, trained for {counted(saved.epochs, 'epoch')}")
    if saved.columns:
        say(
            "from", f"{counted(len(saved.columns), 'column')}: {_listed(saved.columns)}"
        )
    kinds = "values"
    if saved.classes is not None:
        labels = [str(each) for each in saved.classes]
        kinds = f"{counted(len(labels), 'class')}: {_listed(labels)}"
    say("predicts", f"{saved.target or 'the target'}, {kinds}")
    if saved.loss is not None:
        pair = saved.objective().pair
        said = cancelling(pair, saved.outputs)
        say("pair", f"{short(pair.activation)} + {short(pair.loss)}: {said}")
    if saved.optimizer is not None:
        say("rule", repr(saved.optimizer))
    typer.echo(f"next: anymax predict {path} FILE.csv")


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "missing"


def _listed(labels: list[str] | tuple[str, ...]) -> str:
    shown = ", ".join(labels[:SHOWN])
    return shown if len(labels) <= SHOWN else f"{shown}, ..."
