"""Find the forward and the backward of anybody's object, and how to call them."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Callable, Sequence
from typing import Any

from anymax.checking.check import roles
from anymax.checking.check.report import CheckError
from anymax.checking.check.roles import TARGET, Signature, X
from anymax.checking.check.subject import Live, Subject

FORWARDS = """forward compute apply activate value loss cost evaluate eval call
activation function func fn f""".split()  # noqa: SIM905  (words read as words)
BACKWARDS = """backward delta grad gradient derivative vjp jacobian backprop
backpropagate backward_pass bprop prime deriv derivate f_prime df d
slope""".split()  # noqa: SIM905
INSTEAD = "Name them with forward= and backward=."


def found(
    thing: Any,
    derivative: Callable[..., Any] | None,
    forward: str | None,
    backward: str | None,
    args: str | Sequence[str] | None,
    size: int,
) -> Subject:
    """The subject that a class, an instance or two functions make."""
    if inspect.isroutine(thing) or hasattr(thing, "nin"):
        return _functions(thing, derivative, args)
    make, name = _maker(thing, size), _named(thing)
    first = make()
    up = _method(first, forward, FORWARDS, "forward", name)
    if derivative is not None:
        down, backward = derivative, getattr(derivative, "__name__", "derivative")
    else:
        backward = _method(first, backward, BACKWARDS, "backward", name, but=up)
        down = getattr(first, backward)

    def live() -> Live:
        own = make()
        below = derivative or getattr(own, str(backward))
        return Live(getattr(own, up), below, own)

    return _subject(name, getattr(first, up), down, backward, live, args)


def _functions(
    f: Callable[..., Any],
    derivative: Callable[..., Any] | None,
    args: str | Sequence[str] | None,
) -> Subject:
    name = getattr(f, "__name__", type(f).__name__)
    if derivative is None:
        raise CheckError(
            f"{name} is a function, so its derivative is needed beside it: "
            f"am.check({name}, derivative=...)."
        )
    down = getattr(derivative, "__name__", "derivative")
    return _subject(name, f, derivative, down, lambda: Live(f, derivative), args)


def _subject(
    name: str,
    up: Callable[..., Any],
    down: Callable[..., Any],
    backward: str,
    make: Callable[[], Live],
    args: str | Sequence[str] | None,
) -> Subject:
    given = roles.parameters(up)
    if len(given) not in (1, 2):
        raise CheckError(
            f"the forward of {name} needs one array, or outputs and targets; got "
            f"parameters ({', '.join(given)}). Give the others defaults."
        )
    loss = len(given) == 2
    takes = roles.of_a_loss(up) if loss else Signature(given, (X,))
    names = roles.parameters(down)
    if args is not None:
        answers = roles.told(args, names, loss)
    elif loss:
        answers = roles.of_a_loss(down)
    else:
        answers = roles.backward_of_map(down, names)
    if loss and set(takes.roles) != {X, TARGET}:
        raise CheckError(
            f"the forward of {name} takes {takes}, which is not outputs and targets. "
            "Call them a and y."
        )
    return Subject(name, loss, make, takes, answers, backward)


def _maker(thing: Any, size: int) -> Callable[[], Any]:
    """A function that gives a fresh object, with nothing stored in it yet."""
    if not inspect.isclass(thing):
        return _copier(thing)
    if _without_self(thing):
        return lambda: thing
    for arguments in ((), (size,)):
        try:
            first = thing(*arguments)
        except TypeError:
            continue
        except Exception as wrong:
            raise CheckError(
                f"{thing.__name__}() stops: {type(wrong).__name__}: {wrong}. Give an "
                "instance instead of the class."
            ) from wrong
        return _copier(first)
    raise CheckError(
        f"{thing.__name__} cannot be made without arguments. Give an instance instead "
        "of the class."
    )


def _copier(first: Any) -> Callable[[], Any]:
    # copies of one object: another object may start from other random weights
    return lambda: _copy(first)


def _without_self(cls: type) -> bool:
    """Whether its functions are meant to be called on the class itself."""
    for name in (*FORWARDS, *BACKWARDS):
        raw = inspect.getattr_static(cls, name, None)
        if inspect.isfunction(raw):
            names = roles.parameters(raw)
            if names[:1] in ((), ("self",), ("this",), ("cls",)):
                return False
            # one array, or outputs and targets, with no place left for an object
            return len(names) == 1 or (len(names) == 2 and roles.is_target(names[1]))
    return False


def _copy(thing: Any) -> Any:
    if inspect.ismodule(thing):
        return thing
    try:
        return copy.deepcopy(thing)
    except Exception:
        # A copy is only so that one call cannot spoil the next; some cannot be copied.
        return thing


def _named(thing: Any) -> str:
    own = thing if inspect.isclass(thing) or inspect.ismodule(thing) else type(thing)
    return str(own.__name__)


def _method(
    thing: Any, said: str | None, known: list[str], what: str, name: str, but: str = ""
) -> str:
    if said is not None:
        if callable(getattr(thing, said, None)):
            return said
        raise CheckError(f"{name} has no method called {said}. {INSTEAD}")
    for each in known:
        if each != but and callable(getattr(thing, each, None)):
            return each
    if what == "forward" and callable(thing) and not inspect.isclass(thing):
        return "__call__"
    raise CheckError(
        f"{name} has no {what} that is known by its name: "
        f"{', '.join(known[:7])}. {INSTEAD}"
    )
