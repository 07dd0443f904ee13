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
from importlib import import_module
from types import ModuleType
from typing import Any

from anymax.described import Described

MOST_NUMBERS = 8
SHARED = (".so", ".dylib", ".dll")


def _loaded() -> ModuleType | None:
    """The native module; None if it was not built, or is turned off.

    Raises ValueError for settings that are not understood, ImportError for a target
    that the processor does not have.
    """
    asked = os.environ.get("ANYMAX_KERNELS", "native")
    if asked not in ("native", "numpy"):
        raise ValueError(
            f'ANYMAX_KERNELS needs "native" or "numpy"; got {asked!r}. Leave it unset '
            "for native kernels where they are built."
        )
    if asked == "numpy":
        return None
    try:
        return import_module("anymax._core")
    except ModuleNotFoundError as error:
        if error.name != "anymax._core":
            raise
        return None


core: Any = _loaded()


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
    if isinstance(count, bool) or not isinstance(count, int) or count < 1:
        raise ValueError(f"set_num_threads needs a whole number >= 1; got {count!r}.")
    if core is not None:
        core.set_threads(count)


def numbers(of: Described) -> tuple[float, ...] | None:
    """The constructor's arguments as numbers, in its order; None if they are not.

    None too for classes that are not anymax's own and for trainable hyper-parameters:
    what has no kernel. A class whose arguments are words states its own `numbers`.
    """
    kind = type(of)
    if not kind.__module__.startswith("anymax.") or of.trainables:
        return None
    own = getattr(of, "numbers", None)
    if own is not None:
        return tuple(own)
    found = []
    for name in inspect.signature(kind).parameters:
        value = getattr(of, name, None)
        if name == "axis":
            continue
        if not isinstance(value, bool | int | float):
            return None
        found.append(float(value))
    return tuple(found) if len(found) <= MOST_NUMBERS else None
