"""Network: what users hold; a composite of maps that is called, and answers labels."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Mapping
from typing import Any, final

import numpy as np
from numpy.typing import ArrayLike

from anymax.activation import Activation
from anymax.compiled import Compiled
from anymax.composite import Composite, slots
from anymax.described import Described
from anymax.errors import ShapeError
from anymax.frames import as_numbers
from anymax.io import Path, save
from anymax.loss import Loss
from anymax.map import Arrays, Map, Shape
from anymax.sets import LogSimplex, Simplex
from anymax.tables import table
from anymax.types import Array, as_float, quiet


class Network(Composite):
    """A composite that users call; a subclass says what comes before its last map."""

    classes: Array | None = None  # the labels that `predict` answers with
    threshold: float = 0.5  # above it the one output of a network means classes[1]

    @abstractmethod
    def split(self) -> tuple[Network, Activation]:
        """What comes before the last map, and the last map itself."""

    @final
    @quiet
    def __call__(self, *inputs: ArrayLike) -> Array:
        """The outputs, (..., n) to (..., m), computed in the network's dtype."""
        kept = self.kept_views(self)
        return self.linearize(self.enter(*inputs), self.views(self), kept)[0]

    @final
    @quiet
    def logits(self, *inputs: ArrayLike) -> Array:
        """What the last map gets to see; the outputs where the last map is a layer."""
        trunk, _ = self.split()
        kept = self.kept_views(trunk)
        return trunk.linearize(self.enter(*inputs), self.views(trunk), kept)[0]

    @final
    def predict(self, *inputs: ArrayLike) -> Array:
        """Class labels, or the outputs where there are no classes.

        Labels are those of `classes` where fit has met some, else the indices of the
        largest outputs after a map to the simplex or to its logarithms.
        """
        a = self(*inputs)
        last = self.split()[1]
        if self.classes is None and not isinstance(last.range, Simplex | LogSimplex):
            return a
        index = self.decide(np.moveaxis(a, last.axis, -1))
        return index if self.classes is None else np.asarray(self.classes[index])

    @final
    def compile(self, *, batch: int = 1) -> Compiled:
        """A function of up to `batch` rows that gives what the network gives, sooner.

        It reads the parameters where they lie, so that it follows further training;
        after another `build` it is made anew at the next call. What a constructor was
        given, as a temperature, is what it was when compiled. No noise is drawn.

        Raises RuntimeError if not built, ValueError for a batch below 1.

        >>> import anymax as am
        >>> net = am.Chain(am.Dense(3), am.Softmax()).build(2)
        >>> predict = net.compile(batch=4)
        >>> bool(abs(predict([[1.0, 2.0]]) - net([[1.0, 2.0]])).max() < 1e-6)
        True
        """
        return Compiled(self, batch)

    @final
    def decide(self, a: Array) -> Array:
        """The index of the class that outputs (..., n) speak for, (...)."""
        if a.shape[-1] == 1:
            return (a[..., 0] > self.threshold).astype(np.intp)
        return np.asarray(a.argmax(-1))

    @final
    def enter(self, *inputs: ArrayLike) -> Arrays:
        """Inputs checked against the shapes built for, in the network's dtype."""
        dtype, shapes = self.dtype, self.input_shapes
        if len(inputs) != len(shapes):
            raise ShapeError(
                f"{self.name} needs {len(shapes)} inputs; got {len(inputs)}."
            )
        given = (as_float(as_numbers(x), "x") for x in inputs)
        arrays = tuple(x.astype(dtype, copy=False) for x in given)
        for array, shape in zip(arrays, shapes, strict=True):
            if array.shape[max(array.ndim - len(shape), 0) :] != shape:
                wanted = ", ".join(str(n) for n in shape)
                raise ShapeError(
                    f"{self.name} was built for inputs (..., {wanted}); got "
                    f"{array.shape}. Check the features of x, or build it again."
                )
        return arrays

    @final
    def save(
        self,
        path: Path,
        *,
        loss: Loss | None = None,
        optimizer: Described | None = None,
        epochs: int = 0,
        state: Mapping[str, Any] | None = None,
    ) -> None:
        """Write it into one safetensors file, for `am.load`; with what trains it.

        Arrays by name, and in the metadata the names of classes and their arguments, no
        code. The file is there whole or not at all: what was there before stays until
        then. With `loss`, `optimizer`, state included, and the `epochs` trained so far,
        `am.load_checkpoint` gives them back, and training goes on as it would have.
        After `am.fit`, which leaves the optimizer as it was, pass `state`, that of the
        history, as well.

        Raises RuntimeError if not built; ValueError for a class of one's own that does
        not keep its arguments, and what else cannot be written as names and numbers;
        OSError where there is no place to write.
        """
        save(self, path, loss, optimizer, epochs, state)

    @final
    def summary(self) -> str:
        """Each map with the shape it gives for one example and its parameters, as text.

        A map placed twice counts once, where it comes first.
        """
        total = f"{self.parameters.size:,} parameters, {self.dtype}"
        rows = [["map", "", "output", "parameters"], *self._rows(self, "", set())]
        return f"{table(rows, 'lllr')}\n{total}"

    def _rows(
        self, part: Composite, prefix: str, done: set[int]
    ) -> Iterator[list[str]]:
        shown = {id(n.map): s for n, s in zip(part.nodes(), part.reached, strict=True)}
        for position, inner in enumerate(part.maps):
            shape = shown[id(inner)]
            name = f"{prefix}{position}"
            if isinstance(inner, Composite):
                yield from self._rows(inner, f"{name}.", done)
                continue
            count = (
                "as before"
                if id(inner) in done and slots(inner)
                else self._count(inner)
            )
            done.add(id(inner))
            yield [name, repr(inner), _said(shape), count]

    def _count(self, leaf: Map) -> str:
        return f"{sum(view.size for view in self.views(leaf)):,}"


def _said(shape: Shape) -> str:
    return f"({', '.join(str(n) for n in ('...', *shape))})"
