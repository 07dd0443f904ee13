"""Sparsemax and entmax-1.5, forward and vjp: python benchmarks/sparse.py."""

from anymax.benchmarking.script import main
from anymax.benchmarking.table import Case, Goal, Table
from anymax.benchmarking.work import Work

SHAPES = ((64, 10), (128, 1000), (4096, 1000), (256, 32768))
NARROW, WIDE = 2.0, 0.01  # the deviation of the logits


def case(option: str, shape: tuple[int, ...], deviation: float) -> Case:
    """Against the best way that the entmax package has."""
    must, aim = (10.0, 30.0) if deviation == NARROW else (3.0, 6.0)
    return Case(Work("sparse", shape, option, deviation), (Goal("best", must, aim),))


TABLE = Table(
    "sparse",
    "Sparsemax and entmax-1.5, forward and vjp",
    tuple(
        case(option, shape, deviation)
        for option in ("sparsemax", "entmax15")
        for deviation in (NARROW, WIDE)
        for shape in SHAPES
    ),
)

if __name__ == "__main__":
    main(TABLE)
