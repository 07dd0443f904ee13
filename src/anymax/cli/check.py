"""anymax check: the mistake in a derivative of anybody's, by name."""

from __future__ import annotations

import inspect
from contextlib import redirect_stdout
from io import StringIO
from types import ModuleType
from typing import Annotated, Any

import typer

from anymax import io as files
from anymax.checking.check import CheckError
from anymax.checking.check import check as checked
from anymax.cli.names import load
from anymax.cli.saying import writable
from anymax.pages import check_page
from anymax.types import nearest

WRONG = 1
# How the derivative of a function f is called where people write one beside it.
BESIDE = "{0}_grad {0}_derivative {0}_backward {0}_prime {0}_gradient {0}_jacobian d_{0} d{0} grad_{0}"  # noqa: E501


def check(
    what: Annotated[
        str,
        typer.Argument(
            metavar="FILE.py:NAME",
            help="a class, an object or a function in a file; the file is run",
        ),
    ],
    as_json: Annotated[bool, typer.Option("--json", help="findings as JSON")] = False,
    args: Annotated[
        str | None,
        typer.Option(
            metavar="z,a,g",
            help="what the backward takes, in its order: z the input, a the output, "
            "g = dL/da, y the target; needed where its parameters' names do not say",
        ),
    ] = None,
    size: Annotated[
        int, typer.Option(metavar="N", help="how many inputs to check with")
    ] = 5,
    forward: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="the method, or the function, that maps"),
    ] = None,
    backward: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="the method, or the function, to check"),
    ] = None,
    seed: Annotated[int, typer.Option(metavar="N", help="of the points")] = 0,
    html: Annotated[
        str | None, typer.Option(metavar="FILE.html", help="write it as a page")
    ] = None,
) -> None:
    """Check a derivative of your own, and name the mistake in it.

    FILE.py is code, and it is run. NAME is a class or an object with a forward and a
    backward, or a function beside its derivative. The status is 0 if it is right, 1
    with findings, 2 if it cannot be checked.
    """
    thing, options = _found(what, forward, backward)
    # what it prints of its own, a thousand times over, would drown the findings
    with redirect_stdout(StringIO()):
        report = checked(thing, args=args, size=size, seed=seed, **options)
    if html is not None:
        writable(html)
        files.write(html, check_page(report.as_dict()).encode())
    typer.echo(report.json(indent=1) if as_json else str(report))
    if not report.ok:
        raise typer.Exit(WRONG)


def _found(
    what: str, forward: str | None, backward: str | None
) -> tuple[Any, dict[str, Any]]:
    """What FILE.py:NAME and the two options mean: an object, or two functions."""
    path, separator, name = what.rpartition(":")
    if not separator or not path.endswith(".py"):
        path, name = what, ""
    if not path.endswith(".py"):
        raise CheckError(
            f"check needs FILE.py:NAME, a class or a function in a file; got {what!r}."
        )
    file = load(path)
    if not name:
        if forward is None or backward is None:
            raise CheckError(
                f"check needs a name in {path}, as {path}:Softmax; got none. Or give "
                "two functions, with --forward and --backward."
            )
        return _own(file, forward), {"derivative": _own(file, backward)}
    thing = _own(file, name)
    if not inspect.isroutine(thing):
        return thing, {"forward": forward, "backward": backward}
    return thing, {"derivative": _derivative(file, name, backward)}


def _derivative(file: ModuleType, name: str, said: str | None) -> Any:
    """The function beside a function that is its derivative, by its name; or None."""
    if said is not None:
        return _own(file, said)
    names = [each.format(name) for each in BESIDE.split()]
    return next(
        (getattr(file, n) for n in names if callable(getattr(file, n, 0))), None
    )


def _own(file: ModuleType, name: str) -> Any:
    found = getattr(file, name, None)
    if found is None:
        known = [each for each in vars(file) if not each.startswith("_")]
        hint = nearest(name, known) if known else "it holds no names."
        raise CheckError(f"{file.__file__} has no {name}; {hint}")
    return found
