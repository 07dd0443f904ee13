"""Value and gradient from indices: python benchmarks/softmax_cross_entropy.py."""

from anymax.benchmarking.script import main
from anymax.benchmarking.table import Case, Goal, Table
from anymax.benchmarking.work import Work

OPTION = "softmax + cross_entropy"


def case(shape: tuple[int, ...], must: float, aim: float) -> Case:
    """Against the best of all."""
    return Case(Work("pair", shape, OPTION), (Goal("best", must, aim),))


def large(shape: tuple[int, ...]) -> Case:
    """Against the peers as one installs them, and with memory kept."""
    goals = (Goal("installed", 6.0), Goal("best", 3.0, 4.5))
    return Case(Work("pair", shape, OPTION), goals)


TABLE = Table(
    "softmax_cross_entropy",
    "Softmax + cross-entropy from indices: pair.value_and_gradient(z, y)",
    (
        case((64, 10), 5.0, 8.0),
        case((128, 1000), 6.0, 9.0),
        case((4096, 1000), 2.5, 3.0),
        large((1024, 32768)),
        large((256, 131072)),
        large((32, 1_000_000)),
    ),
)

if __name__ == "__main__":
    main(TABLE)
