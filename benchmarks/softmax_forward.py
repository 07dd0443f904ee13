"""Softmax of rows of logits: python benchmarks/softmax_forward.py."""

from anymax.benchmarking.script import main
from anymax.benchmarking.table import Case, Goal, Table
from anymax.benchmarking.work import Work


def case(shape: tuple[int, ...], must: float, aim: float) -> Case:
    """Against the best of all, memory handed in included."""
    return Case(Work("softmax", shape), (Goal("best", must, aim),))


def large(shape: tuple[int, ...]) -> Case:
    """onnxruntime keeps its memory; the others as one installs them, and the best."""
    goals = (
        Goal("onnxruntime", 1.1),
        Goal("installed:torch,jax,numpy", 4.0),
        Goal("best", None, 1.3),
    )
    return Case(Work("softmax", shape), goals)


TABLE = Table(
    "softmax_forward",
    "Softmax forward: am.softmax(z)",
    (
        case((64, 10), 4.0, 6.0),
        case((128, 1000), 1.1, 1.4),
        case((4096, 1000), 1.2, 1.4),
        large((1024, 32768)),
        large((256, 131072)),
        large((32, 1_000_000)),
    ),
)

if __name__ == "__main__":
    main(TABLE)
