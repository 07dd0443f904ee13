"""The native kernels as they lie, called one by one: their C structs in ctypes."""

import ctypes
from ctypes import (
    POINTER,
    Structure,
    c_bool,
    c_char_p,
    c_double,
    c_int,
    c_int64,
    c_uint64,
)
from ctypes import c_ssize_t as idx
from ctypes import c_void_p as array

import numpy as np

from anymax import kernels


class Numbers(Structure):
    _fields_ = (("v", c_double * 8), ("array", array), ("size", idx))


class Update(Structure):
    _fields_ = (
        ("parameters", array),
        ("gradient", array),
        ("moments", array * 3),
        ("decays", array),
        ("averaged", array),
        ("rate", c_double),
        ("decay", c_double),
        ("share", c_double),
        ("bound", c_double),
        ("scale", c_double),
        ("step", c_int64),
    )


class Span(Structure):
    _fields_ = tuple((name, idx) for name in ("begin", "width", "rows", "stride"))


STEP = ctypes.CFUNCTYPE(None, POINTER(Numbers), POINTER(Update), Span)


class OptimizerKernel(Structure):
    _fields_ = (("name", c_char_p), ("step", STEP))


class Optimizers(Structure):
    _fields_ = (("begin", POINTER(OptimizerKernel)), ("count", c_int))


class OptimizerFamily(Structure):
    _fields_ = (("single", Optimizers), ("twice", Optimizers))


class Draw(Structure):
    _fields_ = tuple((name, c_uint64) for name in ("seed", "layer", "step", "row"))


# What each kernel takes, by the letters below; and what it gives.
LAYERS = {
    "column_sums": ("aabii", None),
    "copy": ("aiaiii", None),
    "add": ("aiaiii", None),
    "multiply": ("aaabi", None),
    "take": ("aiaaii", None),
    "norm": ("bdaaaaaaii", None),
    "norm_vjp": ("baaaaaaaaaii", None),
    "batch_norm": ("daaaaaaaiii", None),
    "batch_norm_vjp": ("aaaaaaaaaiii", None),
    "move": ("daai", None),
    "held_norm": ("daaaaaaaii", None),
    "held_norm_vjp": ("aaaaaaaaii", None),
    "uniform": ("Daii", None),
    "dropout": ("Ddaaaii", None),
    "dropout_vjp": ("daaai", None),
    "gaussian": ("Ddaaaii", None),
    "gumbel": ("Daaii", None),
    "embed": ("aaaiii", idx),
    "embed_vjp": ("aaaii", None),
    "columns": ("aaaiii", None),
    "columns_vjp": ("aaaiii", None),
    "squares": ("adii", c_double),
    "largest": ("aii", c_double),
    "penalty": ("ddaaaii", c_double),
    "freeze": ("aaii", None),
}
LETTERS = {"a": array, "i": idx, "d": c_double, "b": c_bool, "D": POINTER(Draw)}


class LayerKernels(Structure):
    _fields_ = tuple(
        (name, ctypes.CFUNCTYPE(gives, *(LETTERS[letter] for letter in takes)))
        for name, (takes, gives) in LAYERS.items()
    )


class LayerFamily(Structure):
    _fields_ = (("single", LayerKernels), ("twice", LayerKernels))


def layer(name, dtype, *values):
    """Call a kernel of the layers on arrays, numbers and keys."""
    family = LayerFamily.from_address(kernels.core.tables()["layers"])
    given = [at(v) if v is None or isinstance(v, np.ndarray) else v for v in values]
    return getattr(of(family, dtype), name)(*given)


def of(table, dtype):
    """The half of a table for float32 or float64."""
    return table.single if np.dtype(dtype) == np.float32 else table.twice


def optimizers(dtype):
    """The kernels of the optimizers by name."""
    family = OptimizerFamily.from_address(kernels.core.tables()["optimizers"])
    found = of(family, dtype)
    return {found.begin[i].name.decode(): found.begin[i] for i in range(found.count)}


def numbers(values):
    """What a kernel takes of a constructor."""
    return Numbers((c_double * 8)(*values))


def at(values):
    """Where an array lies, or null."""
    if values is None:
        return None
    assert values.flags.c_contiguous
    return values.ctypes.data
