"""Layers beside torch.nn and its autograd, in float64: values, gradients and state."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

import anymax as am

torch = pytest.importorskip("torch")
F = torch.nn.functional
pytestmark = pytest.mark.peers

RNG = np.random.default_rng(5)
N, ROWS = 6, 11
X = 1 + 2 * RNG.normal(size=(ROWS, 4, N))
G = RNG.normal(size=X.shape)
GAIN, SHIFT = RNG.normal(size=(2, N))
MEAN, VARIANCE = RNG.normal(size=N), RNG.random(N)
IDS = RNG.integers(9, size=(ROWS, 4))


def leaf(x):
    return torch.tensor(x, requires_grad=True)


def agree(layer, x, parameters, forward, state=(), training=False):
    """Value, vjp and its derivative are those that torch's autograd finds."""
    layer.build(x.shape[1:])
    y, point = layer.linearize((x,), parameters, state, training=training)
    leaves = [leaf(each) for each in (x, *parameters)]
    forwarded = forward(*leaves)
    g, tangents = (
        leaf(G[..., : y.shape[-1]]),
        [RNG.normal(size=z.shape) for z in leaves],
    )
    found = torch.autograd.grad(forwarded, leaves, g, create_graph=True)
    assert_allclose(y, forwarded.detach(), rtol=1e-12, atol=1e-13)
    by_inputs, by_parameters = point.vjp(g.detach().numpy())
    for one, two in zip((*by_inputs, *by_parameters), found, strict=True):
        assert_allclose(one, two.detach(), rtol=1e-10, atol=1e-12)
    along = sum(
        (f * torch.tensor(t)).sum() for f, t in zip(found, tangents, strict=True)
    )
    second = torch.autograd.grad(along, [*leaves, g], materialize_grads=True)
    v, zero = tangents, np.zeros(y.shape)
    changes = point.vjp_derivative((v[0],), tuple(v[1:]), g.detach().numpy(), zero)
    for one, two in zip((*changes[0], *changes[1]), second, strict=False):
        assert_allclose(one, two, rtol=1e-9, atol=1e-11)
    moved = point.jvp((v[0],), tuple(v[1:]))
    assert_allclose(moved, second[-1], rtol=1e-10, atol=1e-12)
    return point


def test_layer_norm():
    agree(
        am.LayerNorm(eps=1e-3),
        X,
        (GAIN, SHIFT),
        lambda x, gain, shift: F.layer_norm(x, (N,), gain, shift, 1e-3),
    )


def test_rms_norm():
    agree(
        am.RMSNorm(eps=1e-3),
        X,
        (GAIN,),
        lambda x, gain: F.rms_norm(x, (N,), gain, 1e-3),
    )


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("x", [X, X[:, 0]], ids=["time", "rows"])
def test_batch_norm(x, training, monkeypatch):
    monkeypatch.setitem(globals(), "G", G if x.ndim == 3 else G[:, 0])
    mean, variance = torch.tensor(MEAN), torch.tensor(VARIANCE)

    def forward(x, gain, shift):
        turned = x.movedim(-1, 1)
        y = F.batch_norm(turned, mean, variance, gain, shift, training, 0.25, 1e-3)
        return y.movedim(1, -1)

    layer = am.BatchNorm(momentum=0.75, eps=1e-3)
    point = agree(layer, x, (GAIN, SHIFT), forward, (MEAN, VARIANCE), training)
    count = x.size // N
    # torch keeps the variance with divisor count - 1; ours has count
    kept = (variance.numpy() - 0.75 * VARIANCE) * (count - 1) / count + 0.75 * VARIANCE
    assert_allclose(point.state[0], mean, rtol=1e-12)
    assert_allclose(point.state[1], kept if training else VARIANCE, rtol=1e-12)


def test_embedding():
    weight, g = RNG.normal(size=(9, 3)), RNG.normal(size=(ROWS, 4, 3))
    table = leaf(weight)
    forwarded = F.embedding(torch.tensor(IDS), table)
    forwarded.backward(torch.tensor(g))
    y, point = am.Embedding(9, 3).linearize((IDS,), (weight,))
    assert_allclose(y, forwarded.detach())
    assert_allclose(point.vjp(g)[1][0], table.grad, rtol=1e-12)


def test_dense_with_a_tied_weight():
    weight, bias = RNG.normal(size=(N, 3)), RNG.normal(size=N)
    encoder = am.Dense(3)
    encoder.build((N,))
    agree(
        am.Dense(weight=encoder.weight.T),
        X[..., :3].copy(),
        (weight, bias),
        lambda x, w, b: F.linear(x, w, b),
    )


@pytest.mark.parametrize("name", ["orthogonal", "truncated_normal"])
def test_initializers_spread_as_torchs(name):
    shape, scale = (200, 300), 0.7
    made = getattr(am.initializers, name)(scale)(np.random.default_rng(0), shape)
    theirs = torch.empty(shape, dtype=torch.float64)
    torch.manual_seed(0)
    if name == "orthogonal":
        torch.nn.init.orthogonal_(theirs, scale)
    else:
        torch.nn.init.trunc_normal_(theirs, 0, scale, -2 * scale, 2 * scale)
    marks = np.linspace(0.05, 0.95, 19)
    ours, expected = np.quantile(made, marks), np.quantile(theirs.numpy(), marks)
    assert_allclose(ours, expected, atol=0.02 * expected.max())
