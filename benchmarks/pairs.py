"""Five pairs without a kernel of their own: python benchmarks/pairs.py."""

from squared_error import cases

from anymax.benchmarking.script import main
from anymax.benchmarking.table import Table

OPTIONS = (
    "tanh + huber",
    "entmax15 + squared_error",
    "gelu + log_cosh",
    "taylor_softmax + focal",
    "sigmoid + squared_error",
)

TABLE = Table(
    "pairs",
    "Pairs without a kernel of their own: pair.value_and_gradient(z, y)",
    tuple(case for option in OPTIONS for case in cases(option)),
)

if __name__ == "__main__":
    main(TABLE)
