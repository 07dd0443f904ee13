"""Softmax with squared error: python benchmarks/squared_error.py."""

from anymax.benchmarking.script import main
from anymax.benchmarking.table import Case, Goal, Table
from anymax.benchmarking.work import Work


def cases(option: str) -> tuple[Case, ...]:
    """Against the best of all; the largest against the peers as one installs them,
    with no goal against those whose memory is kept."""
    largest = (Goal("installed", 3.0, 7.0), Goal("best"))
    return (
        Case(Work("pair", (64, 10), option), (Goal("best", 5.0, 8.0),)),
        Case(Work("pair", (4096, 1000), option), (Goal("best", 2.0, 3.0),)),
        Case(Work("pair", (256, 131072), option), largest),
    )


TABLE = Table(
    "squared_error",
    "Softmax + squared error: pair.value_and_gradient(z, y)",
    cases("softmax + squared_error"),
)

if __name__ == "__main__":
    main(TABLE)
