"""A covector through softmax: python benchmarks/softmax_vjp.py.

The bound operation writes into memory of its own; the eager spelling makes a new array.
"""

from anymax.benchmarking.script import main
from anymax.benchmarking.table import Case, Goal, Table
from anymax.benchmarking.work import Work

EAGER = "anymax eager"


def case(shape: tuple[int, ...], must: float, aim: float, *more: Goal) -> Case:
    """Against the best of all, memory handed in included."""
    return Case(Work("softmax_vjp", shape), (Goal("best", must, aim), *more))


def large(shape: tuple[int, ...]) -> Case:
    """Against the peers as one installs them, and with memory handed in or kept."""
    goals = (Goal("installed", 5.0), Goal("best", None, 1.3), Goal("best", ours=EAGER))
    return Case(Work("softmax_vjp", shape), goals)


TABLE = Table(
    "softmax_vjp",
    "Softmax vjp: a bound operation",
    (
        case((64, 10), 8.0, 12.0, Goal("best", 3.0, ours=EAGER)),
        case((128, 1000), 1.2, 1.6, Goal("best", ours=EAGER)),
        case((4096, 1000), 1.1, 1.3, Goal("best", ours=EAGER)),
        large((1024, 32768)),
        large((256, 131072)),
        large((32, 1_000_000)),
    ),
)

if __name__ == "__main__":
    main(TABLE)
