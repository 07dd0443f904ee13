"""fit: training in one call, by shuffled minibatches through a plan."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from anymax.errors import ShapeError
from anymax.loss import Loss
from anymax.metrics import Metric
from anymax.network import Network
from anymax.objective import Objective
from anymax.optim.adam import Adam
from anymax.optim.lbfgs import LBFGS
from anymax.optim.optimizer import Optimizer
from anymax.plan import Plan
from anymax.training.batches import hold_out
from anymax.training.callbacks import Callback, Called, as_callbacks
from anymax.training.evaluation import Evaluation
from anymax.training.history import History
from anymax.training.progress import progress
from anymax.training.rows import Rows, checked_inputs, checked_targets, prepared
from anymax.training.run import Minibatches, Record, search

EPOCHS, BATCH = 20, 64


def fit(
    net: Network,
    loss: Loss,
    x: ArrayLike | tuple[ArrayLike, ...],
    y: ArrayLike,
    *,
    optimizer: Optimizer | LBFGS | None = None,
    epochs: int | None = None,
    batch: int | None = None,
    validation: float | tuple[Any, ArrayLike] = 0.0,
    metrics: Sequence[str | Metric] | None = None,
    sample_weight: ArrayLike | None = None,
    l1: float = 0.0,
    l2: float = 0.0,
    seed: int = 0,
    callbacks: Sequence[Callback | Called] | Callback | Called = (),
    resume: Mapping[str, Any] | None = None,
    verbose: int = 1,
) -> History:
    """Minimise mean L(net(x), y) + l1 sum |w| + l2 / 2 sum w^2, in place, by batches.

    x (rows, ...) holds examples, a tuple one array for each input of the network; y
    what the loss takes, or a label of any kind for each row: then `net.classes` keeps
    the labels, and `net.predict` answers with them. Tables and columns of pandas and
    polars will do for both. A network that is not built yet is built for x, from the
    same seed. Rows are shuffled anew each epoch; the same seed gives the same run.

    Ctrl-C ends the fit after the step under way: it returns, the network keeps what it
    learned, and `history.ended` is "interrupted". Only a second Ctrl-C, or one before
    the first step, is raised.

    With `LBFGS()` all rows are taken at once, in chunks, and an epoch is one of its
    iterations.

    Args: `optimizer`, Adam(1e-3) by default, taken as a recipe: it is not changed
    itself; where it has an `average`, validation and the final network use that;
    `epochs`, 20 by default, or the iterations of LBFGS; `batch`, rows a step, 64 by
    default, the last of an epoch may be fewer; `validation`, the fraction of rows held
    out, of each class alike, or other rows (x, y); `metrics` of these, by name as in
    `anymax.metrics` or as functions of y_true and y_pred, accuracy by default for class
    labels; `sample_weight` (rows,), what each row counts, in metrics all the same;
    `l1`, `l2`, penalties on weights; `callbacks`, functions of an Epoch, or Callback
    objects as EarlyStopping(), one or several; `resume`, the `history.state` of
    another fit of as many steps an epoch, to go on after its last step: with the same
    arguments the two are as one that never ended, and a schedule that is at 0 for all
    of these steps is refused;
    `verbose`, 0 for silence, else a bar on a terminal and lines in the log "anymax".
    Raises ShapeError, DomainError and TypeError for x and y that do not fit, ValueError
    for other arguments, FloatingPointError that names layer and step once a number is
    no longer finite: the parameters are those before that step.

    >>> import anymax as am
    >>> net = am.Chain(am.Dense(2), am.Softmax())
    >>> x, y = [[0.0, 1.0], [1.0, 0.0]] * 8, ["no", "yes"] * 8
    >>> history = am.fit(net, am.CrossEntropy(), x, y, epochs=100, batch=4, verbose=0)
    >>> net.predict([[0.0, 1.0], [1.0, 0.0]])
    array(['no', 'yes'], dtype='<U3')
    """
    _check(epochs, batch, seed)
    rule, count = _rule(optimizer, epochs, batch, resume)
    called = as_callbacks(callbacks)
    objective = Objective(net, loss, l1=l1, l2=l2)
    rows = _entered(objective, x, y, sample_weight, seed)
    train, held = _divided(objective, rows, validation, seed)
    validate = _validation(objective, held, metrics)
    net.classes, net.threshold = rows.labels.classes, rows.labels.threshold
    with progress(count, verbose) as report:
        record = Record(net, validate, called, report)
        if isinstance(rule, LBFGS):
            return search(rule, objective, train, record)
        size = min(BATCH if batch is None else batch, len(train))
        plan = Plan(net, loss, batch=size, optimizer=rule, l1=l1, l2=l2, seed=seed)
        batches = Minibatches(plan, train, seed)
        if resume is not None:
            batches.resume(resume)
            _check_rates(batches, count)
        return batches.run(count, record)


def _check(epochs: int | None, batch: int | None, seed: int) -> None:
    counts = (("epochs", epochs, 0), ("batch", batch, 1), ("seed", seed, 0))
    for name, count, least in counts:
        whole = isinstance(count, int | np.integer)
        if count is not None and not (whole and count >= least):
            raise ValueError(
                f"fit needs a whole number {name} >= {least}; got {count!r}."
            )


def _rule(
    optimizer: Optimizer | LBFGS | None,
    epochs: int | None,
    batch: int | None,
    resume: Mapping[str, Any] | None,
) -> tuple[Optimizer | LBFGS, int]:
    """The optimizer, and how many epochs it is to take."""
    if not isinstance(optimizer, LBFGS):
        if optimizer is not None and not isinstance(optimizer, Optimizer):
            raise TypeError(
                f"optimizer needs an object, as am.Adam(1e-3); got {optimizer!r}."
            )
        return optimizer or Adam(), EPOCHS if epochs is None else epochs
    for name, given in (("batch", batch), ("resume", resume)):
        if given is not None:
            raise ValueError(
                f"LBFGS takes all rows at once from where the network is; got {name}=. "
                "Leave it out, or choose an optimizer that goes by steps, as Adam()."
            )
    if epochs is not None:
        optimizer = replace(optimizer, max_iterations=epochs)
    return optimizer, optimizer.max_iterations


def _check_rates(batches: Minibatches, epochs: int) -> None:
    """Refuse to go on where a schedule has ended, and no step would change a thing."""
    optimizer, first = batches.plan.optimizer, batches.plan.steps
    last = (first // batches.each + epochs) * batches.each
    if first < last and not any(map(optimizer.rate, range(first, last))):
        raise ValueError(
            f"resume needs a rate above 0; {optimizer.lr!r} has ended, and gives 0 in "
            f"all of the {last - first} steps after step {first}. Pass an optimizer "
            "with a longer schedule, or with a fixed rate."
        )


def _entered(
    objective: Objective, x: Any, y: Any, sample_weight: Any, seed: int
) -> Rows:
    """The rows, checked; the network built for them if it was not."""
    net, inputs = objective.net, checked_inputs(x)
    given, weight = checked_targets(y, sample_weight, len(inputs[0]))
    if len(inputs) != net.arity:
        raise ShapeError(
            f"{net.name} takes {net.arity} inputs; got {len(inputs)}. A tuple x is one "
            "array for each input."
        )
    if not net.built:
        net.build(*(each.shape[1:] for each in inputs), seed=seed)
    return prepared(objective, inputs, given, weight, net.classes)


def _divided(
    objective: Objective, rows: Rows, validation: Any, seed: int
) -> tuple[Rows, Rows | None]:
    """Rows to train on, and rows to validate on, if any."""
    if isinstance(validation, tuple) and len(validation) == 2:
        inputs = checked_inputs(validation[0])
        given, _ = checked_targets(validation[1], None, len(inputs[0]))
        held = prepared(objective, inputs, given, None, rows.labels.classes)
        _check_classes(rows, held)
        return rows, held
    if not isinstance(validation, float | int | np.number):
        raise TypeError(
            "validation needs a fraction of the rows, or a tuple (x, y) of others; got "
            f"{type(validation).__name__}."
        )
    if not validation:
        return rows, None
    labels = rows.labels.indices
    by_class = labels if labels is not None and labels.ndim == 1 else None
    train, held_out = hold_out(len(rows), float(validation), seed, by_class)
    return rows.take(train), rows.take(held_out)


def _check_classes(rows: Rows, held: Rows) -> None:
    ours, theirs = rows.labels.classes, held.labels.classes
    if ours is None and theirs is None:
        return
    if ours is None or theirs is None or not np.array_equal(ours, theirs):
        raise ValueError(
            f"validation needs labels that y has, {ours}; got {theirs}. Check both."
        )


def _validation(
    objective: Objective, held: Rows | None, metrics: Sequence[str | Metric] | None
) -> Evaluation | None:
    if held is not None:
        return Evaluation(objective, held, metrics)
    if metrics:
        raise ValueError(
            f"metrics={metrics!r} needs validation rows; got none. Pass validation=0.1,"
            " or validation=(x, y)."
        )
    return None
