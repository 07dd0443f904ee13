"""What the benchmarks time computes the same in every library."""

from __future__ import annotations

import numpy as np
import pytest

from anymax.benchmarking.libraries import LIBRARIES, missing
from anymax.benchmarking.operation import Library
from anymax.benchmarking.ours import PAIRS, SPARSE, Anymax
from anymax.benchmarking.table import OURS, peers
from anymax.benchmarking.work import Work

pytestmark = pytest.mark.peers

# torch_compile has the expressions of torch, and compiles them for a long time
NAMES = [
    name for name in LIBRARIES if name not in ("anymax", "machine", "torch_compile")
]
SMALL = [
    Work("softmax", (6, 10)),
    Work("softmax_vjp", (6, 10)),
    *(Work("pair", (6, 10), option) for option in PAIRS),
    *(Work("sparse", (6, 10), name, d) for name in SPARSE for d in (2.0, 0.01)),
    Work("epoch", (8, 6, 4), batch=1024),
    Work("predict", (8, 6, 4), batch=3),
]


@pytest.fixture(scope="module", params=NAMES)
def library(request) -> Library:
    if missing(request.param):
        pytest.skip(f"needs {' and '.join(missing(request.param))}")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OMP_NUM_THREADS", "1")
        made = LIBRARIES[request.param]()
    made.name = request.param
    return made


@pytest.mark.parametrize("work", SMALL, ids=lambda work: f"{work.task} {work.label}")
def test_peers_compute_what_we_do(library, work, monkeypatch):
    if library.name not in peers(work):
        pytest.skip(f"{library.name} is not asked for it")
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    wanted = Anymax().operations(work)[OURS].prepare(0)
    for said, operation in library.operations(work).items():
        got = operation.prepare(0)
        np.testing.assert_allclose(got, wanted, 2e-3, err_msg=said)
