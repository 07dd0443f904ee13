"""Steps of a plan from one start, native and by NumPy."""

import numpy as np

import anymax as am
from anymax import kernels


def taken(make, loss, x, y, *, steps=200, batch=16, seed=1, dtype="float64", **rest):
    """So many steps from the same start; parameters, state and losses."""
    weight = rest.pop("sample_weight", None)
    shapes = [each.shape[1:] for each in (x if isinstance(x, tuple) else (x,))]
    net = make().build(*shapes, seed=seed, dtype=dtype)
    plan = am.Plan(net, loss, batch=batch, seed=3, **rest)
    rng, means = np.random.default_rng(5), []
    while plan.steps < steps:
        means.append(plan.epoch(x, y, rng.permutation(len(y)), sample_weight=weight))
    return net.parameters, net.kept, np.array(means)


def compared(make, loss, x, y, rtol=1e-10, **rest):
    native = taken(make, loss, x, y, **rest)
    with kernels.numpy_only():
        numpys = taken(make, loss, x, y, **rest)
    for one, two in zip(native, numpys, strict=True):
        scale = max(np.abs(two).max(initial=0), 1e-300)
        assert np.abs(one - two).max(initial=0) <= rtol * scale
