"""anymax: any activation with any loss, at any layer, with exact derivatives."""

import os
import sys
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

_PROGRAMS = ("-m", "anymax", "anymax.exe")

# What the environment says about native kernels is read at once, and stops the import
# if it is not understood; but the command line says that itself, in one sentence.
try:
    import_module("anymax.kernels")
except ValueError:
    if os.path.basename([*sys.argv, ""][0]) not in _PROGRAMS:
        raise

if TYPE_CHECKING:  # what a type checker and a reader see; _HOMES is what is run
    from anymax.activation import Activation as Activation
    from anymax.activations import *
    from anymax.certificate import Certificate as Certificate
    from anymax.checking.check import CheckError as CheckError
    from anymax.checking.check.check import check as check
    from anymax.checking.gradient import GradientCheck as GradientCheck
    from anymax.checking.gradient import gradient_error as gradient_error
    from anymax.checking.lint import LintReport as LintReport
    from anymax.checking.lint import lint as lint
    from anymax.combine import Chain as Chain
    from anymax.combine import Concatenate as Concatenate
    from anymax.combine import Gate as Gate
    from anymax.combine import Parallel as Parallel
    from anymax.combine import Residual as Residual
    from anymax.described import Described as Described
    from anymax.errors import DomainError as DomainError
    from anymax.errors import ShapeError as ShapeError
    from anymax.explaining import Explanation as Explanation
    from anymax.functional import entmax as entmax
    from anymax.functional import log_softmax as log_softmax
    from anymax.functional import logsumexp as logsumexp
    from anymax.functional import softmax as softmax
    from anymax.functional import sparsemax as sparsemax
    from anymax.jacobian import Affine as Affine
    from anymax.jacobian import Centering as Centering
    from anymax.jacobian import Diagonal as Diagonal
    from anymax.jacobian import Explicit as Explicit
    from anymax.jacobian import Jacobian as Jacobian
    from anymax.jacobian import Product as Product
    from anymax.jacobian import RankOne as RankOne
    from anymax.jacobian import Sum as Sum
    from anymax.kernels import set_num_threads as set_num_threads
    from anymax.kernels import trim as trim
    from anymax.layers import *
    from anymax.loading import Checkpoint as Checkpoint
    from anymax.loading import load as load
    from anymax.loading import load_checkpoint as load_checkpoint
    from anymax.loss import Loss as Loss
    from anymax.losses import *
    from anymax.map import Linearization as Linearization
    from anymax.map import Map as Map
    from anymax.map import Parameter as Parameter
    from anymax.monomial import Monomial as Monomial
    from anymax.monomial import Slope as Slope
    from anymax.network import Network as Network
    from anymax.noise import Key as Key
    from anymax.objective import Objective as Objective
    from anymax.optim import *
    from anymax.output import Output as Output
    from anymax.output import Tangent as Tangent
    from anymax.pair import Pair as Pair
    from anymax.plan import Plan as Plan
    from anymax.sets import Ball as Ball
    from anymax.sets import Classes as Classes
    from anymax.sets import Interval as Interval
    from anymax.sets import LogSimplex as LogSimplex
    from anymax.sets import Raw as Raw
    from anymax.sets import Set as Set
    from anymax.sets import Signs as Signs
    from anymax.sets import Simplex as Simplex
    from anymax.trainable import Trainable as Trainable
    from anymax.training import Callback as Callback
    from anymax.training import EarlyStopping as EarlyStopping
    from anymax.training import Epoch as Epoch
    from anymax.training import History as History
    from anymax.training import fit as fit

# Where each name is from. It is imported when it is first asked for, so that importing
# anymax costs little. "*": all that the package lists.
_HOMES = {
    "anymax.activation": "Activation",
    "anymax.activations": "*",
    "anymax.certificate": "Certificate",
    "anymax.checking.check": "CheckError",
    "anymax.checking.check.check": "check",
    "anymax.checking.gradient": "GradientCheck gradient_error",
    "anymax.checking.lint": "LintReport lint",
    "anymax.combine": "Chain Concatenate Gate Parallel Residual",
    "anymax.described": "Described",
    "anymax.errors": "DomainError ShapeError",
    "anymax.explaining": "Explanation",
    "anymax.functional": "entmax log_softmax logsumexp softmax sparsemax",
    "anymax.jacobian": "Affine Centering Diagonal Explicit Jacobian Product RankOne "
    "Sum",
    "anymax.kernels": "set_num_threads trim",
    "anymax.layers": "*",
    "anymax.loading": "Checkpoint load load_checkpoint",
    "anymax.loss": "Loss",
    "anymax.losses": "*",
    "anymax.map": "Linearization Map Parameter",
    "anymax.monomial": "Monomial Slope",
    "anymax.network": "Network",
    "anymax.noise": "Key",
    "anymax.objective": "Objective",
    "anymax.optim": "*",
    "anymax.output": "Output Tangent",
    "anymax.pair": "Pair",
    "anymax.plan": "Plan",
    "anymax.sets": "Ball Classes Interval LogSimplex Raw Set Signs Simplex",
    "anymax.trainable": "Trainable",
    "anymax.training": "Callback EarlyStopping Epoch History fit",
}

# No type checker sees these: it would take any name for known.
if not TYPE_CHECKING:

    def __getattr__(name: str) -> Any:
        if name == "__all__":
            found = _public()
        elif name.startswith("_"):
            raise AttributeError(f"module 'anymax' has no attribute {name!r}")
        else:
            found = _found(name)
        globals()[name] = found
        return found

    def __dir__() -> list[str]:
        return sorted({*_public(), *(name for name in globals() if name[0] == "_")})


def _found(name: str) -> Any:
    """What has this name: listed here, a module, or in a package's own list."""
    listed = [home for home, names in _HOMES.items() if name in names.split()]
    if listed:
        return getattr(import_module(listed[0]), name)
    if name.islower():
        return _module(name)
    for home, names in _HOMES.items():
        if names == "*" and name in import_module(home).__all__:
            return getattr(import_module(home), name)
    raise AttributeError(f"module 'anymax' has no attribute {name!r}")


def _module(name: str) -> ModuleType:
    """The module anymax.name, as if it had been imported before."""
    try:
        return import_module(f"anymax.{name}")
    except ModuleNotFoundError as error:
        if error.name != f"anymax.{name}":
            raise
        raise AttributeError(f"module 'anymax' has no attribute {name!r}") from None


def _public() -> list[str]:
    """Every public name, in the order of their homes."""
    names: list[str] = []
    for home, said in _HOMES.items():
        names += import_module(home).__all__ if said == "*" else said.split()
    return names
