"""fit: shuffled minibatches through an objective and an optimizer."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from anymax.activation import Activation
from anymax.composite import leaves
from anymax.errors import DomainError, ShapeError
from anymax.loss import Loss
from anymax.network import Network
from anymax.noise import Key
from anymax.objective import Objective
from anymax.optim.adam import Adam
from anymax.optim.optimizer import Optimizer
from anymax.training.batches import batches, hold_out
from anymax.training.history import Epoch, History
from anymax.training.labels import Labels, encode_labels
from anymax.training.progress import progress
from anymax.types import Array, as_float


def fit(
    net: Network,
    loss: Loss,
    x: ArrayLike,
    y: ArrayLike,
    *,
    optimizer: Optimizer | None = None,
    epochs: int = 20,
    batch: int = 64,
    validation: float = 0.0,
    l1: float = 0.0,
    l2: float = 0.0,
    seed: int = 0,
    callbacks: Sequence[Callable[[Epoch], object]] = (),
    verbose: int = 1,
) -> History:
    """Minimise mean L(net(x), y) + l1 sum |w| + l2 / 2 sum w^2, in place, by batches.

    x (rows, ...) holds examples, y what the loss takes, or a label of any kind for each
    row: then `net.classes` keeps the labels, and `net.predict` answers with them. A
    network that is not built yet is built for x, from the same seed. Rows are shuffled
    anew each epoch; the same seed gives the same run.

    Args: `optimizer`, Adam(1e-3) by default, taken as a recipe: it is not changed
    itself; `batch`, rows a step, the last of an epoch may be fewer; `validation`, the
    fraction of rows held out, of each class alike; `l1`, `l2`, penalties on weights;
    `callbacks`, called with each Epoch; `verbose`, 0 for silence.
    Raises ShapeError, DomainError and TypeError for x and y that do not fit,
    FloatingPointError once the loss is no finite number.

    >>> import anymax as am
    >>> net = am.Chain(am.Dense(2), am.Softmax())
    >>> x, y = [[0.0, 1.0], [1.0, 0.0]] * 8, ["no", "yes"] * 8
    >>> history = am.fit(net, am.CrossEntropy(), x, y, epochs=100, batch=4, verbose=0)
    >>> net.predict([[0.0, 1.0], [1.0, 0.0]])
    array(['no', 'yes'], dtype='<U3')
    """
    _check_counts(epochs, batch)
    run = _prepare(net, loss, x, y, seed, l1, l2)
    rng = np.random.default_rng(seed)
    train, held = np.arange(len(run.x)), None
    if validation:
        train, held = hold_out(rng, len(run.x), validation, run.labels.indices)
    steps = _Steps(run, (optimizer or Adam()).fresh(), seed)
    history, began = History(), time.perf_counter()
    with progress(epochs, verbose) as report:
        for number in range(1, epochs + 1):
            chosen = (train[part] for part in batches(rng, len(train), batch))
            mean = sum(steps.take(rows, number) * len(rows) for rows in chosen) / len(
                train
            )
            epoch = Epoch(
                number, mean, *(() if held is None else _validated(run, held))
            )
            history.epochs.append(epoch)
            history.seconds = time.perf_counter() - began
            report(epoch)
            for callback in callbacks:
                callback(epoch)
    return history


@dataclass(frozen=True)
class _Run:
    """Checked rows, encoded targets, and what they are trained towards."""

    objective: Objective
    x: Array
    labels: Labels


class _Steps:
    """One optimizer going down one objective, batch by batch."""

    def __init__(self, run: _Run, optimizer: Optimizer, seed: int) -> None:
        self.run, self.optimizer, self.seed = run, optimizer, seed
        self.noisy = any(
            isinstance(leaf, Activation) and leaf.knows("perturb")
            for _, leaf in leaves(run.objective.net)
        )

    def take(self, rows: Array, epoch: int) -> float:
        """A step on these rows; their loss before it."""
        run, objective = self.run, self.run.objective
        key = Key(self.seed, step=self.optimizer.steps) if self.noisy else None
        x, y = run.x[rows], run.labels.targets[rows]
        value, gradient = objective.value_and_gradient(x, y, key=key)
        if not np.isfinite(value):
            raise FloatingPointError(
                f"training needs a finite loss; it became {value} in epoch {epoch}. "
                "Lower the learning rate, scale x, or take a loss finite on the edge."
            )
        self.optimizer.step(objective.net.parameters, gradient)
        return float(value)


def _prepare(
    net: Network,
    loss: Loss,
    x: ArrayLike,
    y: ArrayLike,
    seed: int,
    l1: float,
    l2: float,
) -> _Run:
    objective = Objective(net, loss, l1=l1, l2=l2)
    rows = checked_rows(x)
    if np.shape(y)[:1] != rows.shape[:1]:
        raise ShapeError(
            f"fit needs a target for each of {len(rows)} rows; got y of shape "
            f"{np.shape(y)}."
        )
    if not net.built:
        net.build(rows.shape[1:], seed=seed)
    (entered,) = net.enter(rows)
    labels = Labels(np.asarray(y))
    if objective.last.axis == -1:
        outputs = net.output_shape(*net.input_shapes)
        lead = rows.shape[: rows.ndim - len(net.input_shapes[0])]
        labels = encode_labels(y, (*lead, *outputs), objective.pair)
    net.classes, net.threshold = labels.classes, labels.threshold
    return _Run(objective, entered, labels)


def checked_rows(x: ArrayLike) -> Array:
    """Examples (rows, ...) of finite numbers; the error names where one is not."""
    rows = as_float(x, "x")
    if rows.ndim < 2:
        raise ShapeError(
            f"x needs shape (rows, features); got {rows.shape}. For one feature write "
            "x[:, None]."
        )
    if rows.size == 0:
        raise ShapeError(f"x needs at least one row and one feature; got {rows.shape}.")
    bad = ~np.isfinite(rows)
    if bad.any():
        at = tuple(int(i) for i in np.argwhere(bad)[0])
        where = f"row {at[0]}, column {', '.join(str(i) for i in at[1:])}"
        raise DomainError(
            f"x needs finite numbers; got {rows[at]} in {where}. Fill the gap, or "
            "leave the row out."
        )
    return rows


def _check_counts(epochs: int, batch: int) -> None:
    for name, count, least in (("epochs", epochs, 0), ("batch", batch, 1)):
        if not isinstance(count, int | np.integer) or count < least:
            raise ValueError(
                f"fit needs a whole number {name} >= {least}; got {count!r}."
            )


def _validated(run: _Run, held: Array) -> tuple[float, float | None]:
    """The loss on held rows without penalties, and the accuracy of class labels."""
    plain = Objective(run.objective.net, run.objective.loss)
    at = plain.forward(run.x[held], run.labels.targets[held])
    loss = float(at.meeting.value)
    if run.labels.indices is None:
        return loss, None
    wanted = run.labels.indices[held]
    known = wanted >= 0
    found = plain.net.decide(at.meeting.point.output.a)
    return loss, float(np.mean((found == wanted)[known])) if known.any() else None
