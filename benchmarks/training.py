"""One epoch of 8192 rows: python benchmarks/training.py."""

from anymax.benchmarking.script import main
from anymax.benchmarking.table import Case, Goal, Table
from anymax.benchmarking.work import Work


def case(layers: tuple[int, ...], batch: int, must: float, aim: float) -> Case:
    """Against the best of all."""
    return Case(Work("epoch", layers, batch=batch), (Goal("best", must, aim),))


TABLE = Table(
    "training",
    "One epoch of 8192 rows, ReLU, softmax + cross-entropy, Adam: plan.epoch",
    (
        case((64, 32, 10), 32, 5.0, 6.0),
        case((64, 128, 10), 64, 3.0, 4.0),
        case((784, 128, 10), 64, 1.5, 1.8),
        case((784, 512, 512, 10), 128, 1.15, 1.3),
        case((784, 2048, 2048, 10), 256, 1.0, 1.05),
    ),
    tolerance=2e-2,
)

if __name__ == "__main__":
    main(TABLE)
