"""Softmax between products of NumPy's: python benchmarks/alternating.py.

NumPy's own threads go on spinning after a product; ours must not wait for them. Only
the softmax is timed, beside its own time on one thread with nothing in between.
"""

from anymax.benchmarking.process import Setting
from anymax.benchmarking.script import main
from anymax.benchmarking.table import Case, Goal, Table
from anymax.benchmarking.work import Work

ONE = Setting("anymax", " 1 thread", threads=1)

TABLE = Table(
    "alternating",
    "Softmax in a loop with np.matmul of 512 x 512: the softmax part",
    (
        Case(
            Work("alternating", (128, 1000)),
            (Goal("anymax alone 1 thread", 1.5, 1.15, at_most=True), Goal("best")),
        ),
    ),
    extra=(ONE,),
)

if __name__ == "__main__":
    main(TABLE)
