"""The short form: a case or two of every table, in half a minute."""

from __future__ import annotations

from anymax.benchmarking.table import Case, Goal, Table
from anymax.benchmarking.work import Work

SMALL, MIDDLE = (64, 10), (128, 1000)


def cases(task: str, *shapes: tuple[int, ...], option: str = "") -> tuple[Case, ...]:
    """One a shape, against the best of all."""
    return tuple(Case(Work(task, shape, option)) for shape in shapes)


SHORT = (
    Table("softmax_forward", "softmax", cases("softmax", SMALL, MIDDLE)),
    Table("softmax_vjp", "softmax, g J", cases("softmax_vjp", SMALL, MIDDLE)),
    Table(
        "softmax_cross_entropy",
        "value and gradient",
        cases("pair", SMALL, MIDDLE, option="softmax + cross_entropy"),
    ),
    Table(
        "pairs",
        "value and gradient of other pairs",
        cases("pair", SMALL, option="softmax + squared_error")
        + cases("pair", SMALL, option="tanh + huber"),
    ),
    Table(
        "sparse",
        "sparse maps, up and down",
        tuple(
            Case(Work("sparse", MIDDLE, name, deviation))
            for name, deviation in (("sparsemax", 2.0), ("entmax15", 0.01))
        ),
    ),
    Table(
        "training",
        "an epoch of 8192 rows, Adam",
        (Case(Work("epoch", (64, 32, 10), batch=32)),),
        tolerance=2e-2,
    ),
    Table("predict", "prediction", (Case(Work("predict", (784, 128, 10), batch=1)),)),
    Table(
        "alternating",
        "softmax between products of NumPy's",
        (Case(Work("alternating", MIDDLE), (Goal(),)),),
    ),
)
