"""Prediction by a compiled network: python benchmarks/predict.py."""

from anymax.benchmarking.script import main
from anymax.benchmarking.table import Case, Goal, Table
from anymax.benchmarking.work import Work


def case(batch: int, must: float, aim: float) -> Case:
    """Against the best of all."""
    goals = (Goal("best", must, aim), Goal("best", ours="anymax eager"))
    return Case(Work("predict", (784, 128, 10), batch=batch), goals)


TABLE = Table(
    "predict",
    "Predict, ReLU and softmax: net.compile(batch=...)",
    (case(1, 1.3, 2.0), case(32, 1.2, 1.5), case(1024, 1.0, 1.05)),
)

if __name__ == "__main__":
    main(TABLE)
