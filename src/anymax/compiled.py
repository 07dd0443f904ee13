"""Compiled: a network whose outputs one native call computes."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from anymax import kernels
from anymax.activation import Activation
from anymax.activations.gumbel_softmax import GumbelSoftmax
from anymax.errors import ShapeError
from anymax.layers import BatchNorm, Dropout, GaussianNoise
from anymax.lowering import lowered
from anymax.operation import Operation
from anymax.recipes import NUMPY, Recipe, recipe
from anymax.types import Array
from anymax.workspace import Workspace

if TYPE_CHECKING:
    from anymax.network import Network

SAME = Recipe("Copy")  # numbers that stay as they are need no operation


class Compiled:
    """What `net.compile` gives: a function that computes what the network does.

    Called with a row, (n,), or up to `batch` of them, (k, n), it gives a new array, or
    fills `out`. Numbers that are not in the network's dtype, or not in C order, are
    converted first. What one of the layers or activations has no kernel for, NumPy
    computes, and so it does where another thread is in the middle of a call: compile
    once for each thread. `native` says whether there is a kernel for everything.
    """

    def __init__(self, net: Network, batch: int) -> None:
        if isinstance(batch, bool) or not isinstance(batch, int) or batch < 1:
            raise ValueError(f"compile needs a whole batch >= 1; got {batch!r}.")
        self.net, self.batch = net, batch
        self._lower()

    def __call__(self, *inputs: ArrayLike, out: Array | None = None) -> Array:
        """The outputs for these rows."""
        if self._flat is self.net._flat and self._native is not None:
            a = kernels.core and kernels.core.predict(self._native, out, *inputs)
            if a is not None:
                return a
        return self._carefully(inputs, out)

    def __repr__(self) -> str:
        return f"{self.net!r}.compile(batch={self.batch})"

    def __reduce__(self) -> tuple[Any, ...]:
        return Compiled, (self.net, self.batch)

    @property
    def native(self) -> bool:
        """Whether native code does it all."""
        return self._native is not None

    # ---- what is not plain

    def _carefully(self, inputs: tuple[ArrayLike, ...], out: Array | None) -> Array:
        """Inputs of any kind; ShapeError and TypeError where they do not fit."""
        if self._flat is not self.net._flat:
            self._lower()
        arrays = self.net.enter(*inputs)
        shapes = self.net.input_shapes
        leading = {
            x.shape[: x.ndim - len(s)] for x, s in zip(arrays, shapes, strict=True)
        }
        for lead in leading:
            if prod(lead) > self.batch:
                raise ShapeError(
                    f"this network was compiled for up to {self.batch} rows; got "
                    f"{prod(lead)}. Pass fewer at a time, or compile with a larger "
                    "batch=."
                )
        a = self._rows(arrays, leading.pop()) if len(leading) == 1 else None
        return _put(self.net(*arrays) if a is None else a, out)

    def _rows(self, arrays: tuple[Array, ...], lead: tuple[int, ...]) -> Array | None:
        """The outputs for arrays of the network's dtype; None if NumPy has to."""
        if self._native is None or kernels.core is None:
            return None
        shapes = self.net.input_shapes
        rows = [
            np.ascontiguousarray(x).reshape(-1, *shape)
            for x, shape in zip(arrays, shapes, strict=True)
        ]
        a = kernels.core.predict(self._native, None, *rows)
        return None if a is None else a.reshape(*lead, *a.shape[1:])

    # ---- lowering

    def _lower(self) -> None:
        """Bind the arrays that the network has now."""
        net = self.net
        self._flat, self._native = net.parameters, None
        if kernels.core is None:
            return
        self._space = Workspace(self.batch, net.dtype, net.parameters.size)
        operations, inputs, output = lowered(net, net, self._space)
        places = {buffer.number: buffer.number for buffer in self._space.buffers}
        said = []
        for operation in operations:
            found = forward(operation)
            if found.kind == NUMPY:
                return
            if found == SAME:
                places[operation.gives.number] = places[operation.takes[0].number]
            else:
                said.append(_told(operation, found, places))
        last, first = places[output.number], [buffer.number for buffer in inputs]
        if last in first:
            return
        kernels.open_blas()
        buffers = [(each.value, None, False) for each in self._space.buffers]
        program = kernels.core.program_make(
            {
                **NO_TRAINING,
                "double": net.dtype == np.float64,
                "batch": self.batch,
                "buffers": buffers,
                "inputs": first,
                "operations": said,
                "logits": last,
                "parameters": net.parameters,
            }
        )
        examples = tuple(buffer.shape for buffer in inputs)
        self._native = kernels.core.predictor(program, examples, output.shape, last)


NO_TRAINING: dict[str, Any] = {
    "width": 1,
    "silences": False,
    "scattered": False,
    "seed": 0,
    "unwritten": (),
    "rounds": (),
    "gradient": None,
    "decays": None,
    "frozen": None,
    "l1": 0.0,
    "l2": 0.0,
}


def forward(operation: Operation) -> Recipe:
    """How an operation is done natively where nothing is trained."""
    map: Any = operation.map
    if type(map) in (Dropout, GaussianNoise):
        return SAME
    if type(map) is GumbelSoftmax and not (map.hard or map.trainables):
        return _along_rows(map, Recipe("Softmax", (map.temperature,)))
    found = recipe(operation)
    if type(map) is BatchNorm and found.kind != NUMPY:
        return Recipe("HeldNorm", (map.eps,), (), found.weights)
    return _along_rows(map, found) if isinstance(map, Activation) else found


def _along_rows(map: Activation, found: Recipe) -> Recipe:
    """A row map only along the last axis, whatever axes the rows of a call have."""
    along = map.coupling == "element" or map.axis == -1
    return found if along else Recipe(NUMPY)


def _told(
    operation: Operation, found: Recipe, places: dict[int, int]
) -> tuple[Any, ...]:
    """An operation as native code takes it, without gradients."""
    weights = [
        None if i is None else (operation.parameters[i], None, False)
        for i in found.weights
    ]
    return (
        found.kind,
        tuple(places[buffer.number] for buffer in operation.takes),
        operation.gives.number,
        (False,) * len(operation.takes),
        prod(operation.gives.shape[:-1]),
        (*weights, None, None),
        found.numbers,
        found.whole,
        operation.state.views,
        None,
    )


def _put(a: Array, out: Array | None) -> Array:
    """The outputs, or `out` filled with them."""
    if out is None:
        return a
    if not isinstance(out, np.ndarray) or out.dtype != a.dtype or out.shape != a.shape:
        given = (
            f"{out.dtype} of shape {out.shape}"
            if isinstance(out, np.ndarray)
            else type(out).__name__
        )
        raise ShapeError(
            f"out needs an array of {a.dtype} of shape {a.shape}; got {given}. Make it "
            "with np.empty, or leave it out."
        )
    if not out.flags.writeable:
        raise ValueError("out needs an array that can be written to; got a read-only.")
    out[...] = a
    return out
