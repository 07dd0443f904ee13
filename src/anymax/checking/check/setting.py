"""Setting: a subject with the shapes it takes, and how its answer is to be read."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from anymax.checking.check import points
from anymax.checking.check.roles import UP
from anymax.checking.check.subject import Session, Subject
from anymax.types import Array

LIKE, ROWS, FULL, FOUR = "like the inputs", "(N, n, n)", "(n, n)", "(N, n, N, n)"
PRODUCT, DERIVATIVE, MATRIX, GRADIENT = (
    "the product with g",
    "an element-wise derivative",
    "a Jacobian",
    "a gradient",
)


@dataclass(frozen=True)
class Setting:
    """How a subject is called: shape and kind of inputs and targets; and its answer."""

    subject: Subject
    shape: tuple[int, ...]
    domain: str
    form: str | None = None
    scalar: bool = False
    layout: str = LIKE
    kind: str = PRODUCT

    def draw(
        self, rng: np.random.Generator, scale: float = 1.0
    ) -> tuple[Array, Array | None]:
        """Inputs, and targets where it is a loss."""
        own = self.subject
        x = points.inputs(self.domain, rng, self.shape, scale)
        if own.domain is not None and not np.all(own.domain.contains(x)):
            # probabilities are inside most domains; what is drawn may be at the edge
            x = own.domain.draw(rng, self.shape)
        return x, self.target(rng)

    def target(self, rng: np.random.Generator) -> Array | None:
        """Targets alone."""
        if not self.subject.loss or self.form is None:
            return None
        if self.subject.targets is not None:
            y = self.subject.targets.draw(rng, self.shape)
            return y if y.shape == self.shape else np.eye(self.shape[-1])[y]
        return points.targets(self.form, rng, self.shape)

    def session(self) -> Session:
        """A fresh subject to call."""
        return Session(self.subject, self.scalar)

    def value(self, x: Array, y: Array | None = None) -> Array:
        """The outputs of a fresh subject."""
        return self.session().forward(x, y)

    def upstream(self, rng: np.random.Generator, out: Array) -> Array:
        """A covector: random for a map, ones for a loss."""
        if self.subject.loss or self.kind == GRADIENT:
            return np.ones(out.shape)
        return rng.normal(size=out.shape)

    def answer(
        self,
        x: Array,
        g: Array | None = None,
        y: Array | None = None,
        out: Array | None = None,
        before: Array | None = None,
    ) -> Array:
        """What a fresh subject's backward answers, after a forward of its own.

        `before` is what forward sees where that is not x, `out` what backward is told.
        """
        session = self.session()
        given = session.forward(x if before is None else before, y)
        own = given if out is None else out
        return session.backward(x, own, np.ones(own.shape) if g is None else g, y)

    @property
    def takes_g(self) -> bool:
        return UP in self.subject.answers.roles

    @property
    def batch(self) -> bool:
        """Whether there are several rows."""
        return len(self.shape) == 2 and 1 not in self.shape


def read(answer: Array, x: Array, out: Array) -> str | None:
    """How an answer's shape is to be read; None where it fits nothing."""
    if answer.shape == x.shape:
        return LIKE
    if answer.shape == (out.size, x.size):
        return FULL
    if x.ndim == 2 and out.ndim == 2 and len(x) == len(out):
        (count, n), m = x.shape, out.shape[1]
        if answer.shape == (count, m, n):
            return ROWS
        if answer.shape == (count, m, count, n):
            return FOUR
    return None


def matrix(answer: Array, layout: str, x: Array, out: Array) -> Array:
    """A returned Jacobian as one of flattened arrays, (m, n)."""
    if layout == ROWS:
        full = np.zeros((*out.shape, *x.shape))
        for b, block in enumerate(answer):
            full[b, :, b, :] = block
        return full.reshape(out.size, x.size)
    return np.asarray(answer, np.float64).reshape(out.size, x.size)
