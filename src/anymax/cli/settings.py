"""The options of anymax train, each with its default and its help, in one place."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any, get_type_hints

import typer

from anymax.cli.config import configured
from anymax.cli.options import count, part, penalty, rated, seeded, share
from anymax.data.sets import NAMES, TEST_SHARE


class TaskName(StrEnum):
    """What becomes of the target."""

    auto = "auto"
    classification = "classification"
    regression = "regression"


class Norm(StrEnum):
    """What stands between a hidden layer and its map."""

    none = "none"
    layer = "layer"
    batch = "batch"
    rms = "rms"


def _whole(said: str) -> Any:
    return typer.Option(parser=count, metavar="N", help=said)


@dataclass(frozen=True)
class Settings:
    """What `anymax train` is told; the fields are its options."""

    data: Annotated[
        str, typer.Argument(help=f"one of {', '.join(NAMES)}; or FILE.csv")
    ] = "digits"
    target: Annotated[
        str | None, typer.Option(metavar="COLUMN", help="of FILE.csv, what to predict")
    ] = None
    columns: Annotated[
        str | None,
        typer.Option(
            metavar="A,B,C",
            help="of FILE.csv, what to predict from; default all others",
        ),
    ] = None
    task: Annotated[
        TaskName,
        typer.Option(help="whether numbers in the target are classes or values"),
    ] = TaskName.auto
    test_size: Annotated[
        float, typer.Option(parser=part, metavar="X", help="share of rows to test with")
    ] = TEST_SHARE
    standardize: Annotated[
        bool, typer.Option(help="shift and scale the features to mean 0, variance 1")
    ] = True
    hidden: Annotated[
        str, typer.Option(help="widths of the hidden layers, as 64,32; or none")
    ] = "128"
    activation: Annotated[
        str,
        typer.Option(help="the map after each hidden layer, by name or file.py:Name"),
    ] = "ReLU"
    normalize: Annotated[
        Norm, typer.Option(help="what stands before each hidden map")
    ] = Norm.none
    dropout: Annotated[
        float,
        typer.Option(parser=share, metavar="RATE", help="after each hidden map"),
    ] = 0.0
    output: Annotated[
        str | None,
        typer.Option(
            help="the last map, as Softmax, Entmax(alpha=1.5) or file.py:Name; default "
            "Softmax, Identity for values"
        ),
    ] = None
    loss: Annotated[
        str | None,
        typer.Option(
            help="the loss, as Focal, Focal(gamma=1) or file.py:Name; default "
            "CrossEntropy, SquaredError for values"
        ),
    ] = None
    optimizer: Annotated[
        str | None,
        typer.Option(
            help="the rule of a step, as SGD, LBFGS or AdamW(decay=0.01); default Adam"
        ),
    ] = None
    lr: Annotated[
        float | None,
        typer.Option(
            "--lr",
            "--learning-rate",
            parser=rated,
            metavar="X",
            help="the learning rate; default the optimizer's own",
        ),
    ] = None
    schedule: Annotated[
        str | None,
        typer.Option(
            help="of the learning rate, as Cosine or Warmup(Cosine, 100); it starts at "
            "--lr and lasts all steps unless it says otherwise"
        ),
    ] = None
    epochs: Annotated[
        int | None,
        _whole("passes over the training rows; default 30, more for few rows"),
    ] = None
    batch: Annotated[int | None, _whole("rows a step; default 32, all for LBFGS")] = (
        None
    )
    validation: Annotated[
        float,
        typer.Option(
            parser=share, metavar="X", help="share of the training rows to validate on"
        ),
    ] = 0.0
    patience: Annotated[
        int | None,
        _whole("stop after so many epochs without a better loss; keep the best"),
    ] = None
    l1: Annotated[
        float, typer.Option(parser=penalty, metavar="X", help="penalty l1 sum |w|")
    ] = 0.0
    l2: Annotated[
        float, typer.Option(parser=penalty, metavar="X", help="penalty l2/2 sum w^2")
    ] = 0.0
    seed: Annotated[
        int, typer.Option(parser=seeded, metavar="N", help="of split, start and order")
    ] = 0
    save: Annotated[
        str | None, typer.Option(metavar="MODEL", help="file to write the network to")
    ] = None
    resume: Annotated[
        str | None,
        typer.Option(metavar="MODEL", help="file to go on from, with its network"),
    ] = None
    custom: Annotated[
        str | None,
        typer.Option(metavar="FILE.py", help="your classes that --resume MODEL names"),
    ] = None
    verbose: Annotated[
        int,
        typer.Option(
            parser=seeded, metavar="N", help="0 no epochs, 1 some, 2 a line for each"
        ),
    ] = 1
    config: Annotated[
        str | None,
        typer.Option(
            metavar="FILE.toml",
            is_eager=True,
            callback=configured,
            help="file with any of these options; what is typed wins",
        ),
    ] = None


def command(function: Callable[[Settings], None]) -> Callable[..., None]:
    """The function as a command that takes each field of Settings as an option."""

    def called(**given: Any) -> None:
        function(Settings(**given))

    called.__name__, called.__doc__ = function.__name__, function.__doc__
    called.__annotations__ = get_type_hints(Settings, include_extras=True)
    # typer reads the options off the signature
    signature = inspect.signature(Settings, eval_str=True)
    called.__signature__ = signature  # type: ignore[attr-defined]
    return called
