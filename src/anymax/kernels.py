"""Kernels: the one dispatch point to native code, `core`, None where NumPy does all.

ANYMAX_KERNELS=numpy turns the native side off, ANYMAX_TARGET forces an instruction set
that the processor has, ANYMAX_NUM_THREADS sets how many threads it uses.
"""

from __future__ import annotations

import importlib.util
import inspect
import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache, lru_cache
from importlib import import_module
from types import ModuleType
from typing import Any, NamedTuple

from anymax.described import Described

MOST_NUMBERS = 8
MOST_THREADS = 1024
SHARED = (".so", ".dylib", ".dll")
OWN = ("numbers",)


def _loaded() -> ModuleType | None:
    """The native module, set as the environment says; None if NumPy does all.

    Raises ValueError for what the environment says if it is not understood, or if the
    processor does not have it.
    """
    asked = os.environ.get("ANYMAX_KERNELS") or "native"
    if asked not in ("native", "numpy"):
        raise ValueError(
            f'ANYMAX_KERNELS needs "native" or "numpy"; got {asked!r}. Leave it unset '
            "for native kernels where they are built."
        )
    threads = _threads_asked()
    if asked == "numpy":
        return None
    try:
        found = import_module("anymax._core")
    except ModuleNotFoundError as error:
        if error.name != "anymax._core":
            raise
        return None
    if target := os.environ.get("ANYMAX_TARGET"):
        found.choose(target)
    if threads is not None:
        found.set_threads(threads)
    return found


def _threads_asked() -> int | None:
    asked = os.environ.get("ANYMAX_NUM_THREADS")
    if not asked:
        return None
    if not (asked.isascii() and asked.isdigit() and 1 <= int(asked) <= MOST_THREADS):
        raise ValueError(
            f"ANYMAX_NUM_THREADS needs a whole number from 1 to {MOST_THREADS}; got "
            f"{asked!r}. Leave it unset for a thread on each core."
        )
    return int(asked)


core: Any = _loaded()


class Info(NamedTuple):
    """What does the work, as `info` finds it."""

    native: bool
    why: str  # it is not native; else ""
    target: str = ""  # the instruction set in use
    targets: tuple[str, ...] = ()  # those there are, the best last
    threads: int = 0
    blas: str = ""  # what does the larger matrix products


def info() -> Info:
    """What does the work: native kernels and how, or NumPy alone and why.

    >>> from anymax import kernels
    >>> with kernels.numpy_only():
    ...     kernels.info().native
    False
    """
    if core is not None:
        open_blas()
        fitting = tuple(core.targets())
        return Info(True, "", core.target(), fitting, core.threads(), core.blas())
    if os.environ.get("ANYMAX_KERNELS") == "numpy":
        why = "ANYMAX_KERNELS=numpy turns native kernels off"
    elif importlib.util.find_spec("anymax._core") is None:
        why = "native kernels were not built, as where pip finds no compiler of C++20"
    else:
        why = "numpy_only() turns native kernels off"
    return Info(False, why)


@contextmanager
def numpy_only() -> Iterator[None]:
    """Within it NumPy does all: for comparisons."""
    global core
    before, core = core, None
    try:
        yield
    finally:
        core = before


def open_blas() -> bool:
    """Let matrix products use OpenBLAS, a copy private to anymax; whether there is one.

    It is the library within the package scipy-openblas32, which is never imported: that
    would give its symbols to SciPy too. Whoever is about to do products calls this.
    """
    if core is None or core.blas() != "own":
        return core is not None
    found = importlib.util.find_spec("scipy_openblas32")
    if found is None or found.origin is None:
        return False
    folder = os.path.join(os.path.dirname(found.origin), "lib")
    libraries = [
        os.path.join(folder, name)
        for name in os.listdir(folder)
        if name.startswith("libscipy_openblas") and name.endswith(SHARED)
    ]
    return any(core.open_blas(path) for path in libraries)


def set_num_threads(count: int) -> None:
    """Let the native kernels use so many threads, the caller's included.

    >>> import anymax as am
    >>> am.set_num_threads(2)
    """
    whole = isinstance(count, int) and not isinstance(count, bool)
    if not whole or not 1 <= count <= MOST_THREADS:
        raise ValueError(
            f"set_num_threads needs a whole number from 1 to {MOST_THREADS}; got "
            f"{count!r}."
        )
    if core is not None:
        core.set_threads(count)


def trim() -> None:
    """Give the memory that is kept for coming outputs back to the system.

    Native functions keep the blocks of freed outputs of 128 KB or more for outputs of
    the same size, since fresh memory costs more time than most of them: at most 1 GB,
    or a quarter of the machine's memory where that is less.

    >>> import anymax as am
    >>> am.trim()
    """
    if core is not None:
        core.trim()


def numbers(of: Described) -> tuple[float, ...] | None:
    """The constructor's arguments as numbers, in its order; None if they are not.

    None too for classes that are not anymax's own and for trainable hyper-parameters:
    what has no kernel. A class whose arguments are words states its own `numbers`,
    None where there is no kernel for them.
    """
    kind: Any = type(of)
    names = _arguments(kind)
    if names is None or of.trainables:
        return None
    if names == OWN:
        own: Any = of.numbers  # type: ignore[attr-defined]
        return None if own is None else tuple(own)
    if not names:
        return ()
    found = [getattr(of, name, None) for name in names]
    if not all(isinstance(value, bool | int | float) for value in found):
        return None
    return tuple(map(float, found))  # type: ignore[arg-type]


def handle(of: Described) -> Any:
    """What the native module knows this activation by, or None if it does not."""
    found = numbers(of)
    return None if core is None or found is None else find(type(of).__name__, found)


@lru_cache(maxsize=1024)
def find(name: str, found: tuple[float, ...]) -> Any:
    """The handle of an activation of this name and these numbers, or None."""
    return core.find(name, found)


@cache
def _arguments(kind: Any) -> tuple[str, ...] | None:
    """The names of a constructor's arguments but for the axis; OWN for a class that
    states its `numbers`, None for one that can have no kernel.
    """
    if not kind.__module__.startswith("anymax."):
        return None
    if hasattr(kind, "numbers"):
        return OWN
    names = tuple(name for name in inspect.signature(kind).parameters if name != "axis")
    return names if len(names) <= MOST_NUMBERS else None
