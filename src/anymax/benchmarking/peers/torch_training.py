"""A network trained with PyTorch."""

from __future__ import annotations

from typing import Any

import numpy as np

from anymax.benchmarking import inputs
from anymax.benchmarking.operation import Operation
from anymax.benchmarking.work import Work


def network(torch: Any, work: Work) -> Any:
    """Linear layers with ReLU between them, the parameters of `inputs`."""
    parts: list[Any] = []
    for w, b in inputs.layers(work):
        linear = torch.nn.Linear(*w.shape)
        with torch.no_grad():
            linear.weight.copy_(torch.from_numpy(w.T))
            linear.bias.copy_(torch.from_numpy(b))
        parts += [linear, torch.nn.ReLU()]
    return torch.nn.Sequential(*parts[:-1])


def flat(net: Any) -> Any:
    """Its parameters in the order of `inputs.flat`."""
    found = [p.detach().numpy().T.ravel() for p in net.parameters()]
    return np.concatenate(found)


def training(torch: Any, work: Work, net: Any, *, compiled: bool = False) -> Operation:
    """An epoch: shuffled rows gathered a batch at a time, fused Adam."""
    entropy = torch.nn.functional.cross_entropy

    def loss(x: Any, y: Any) -> Any:
        return entropy(net(x), y)

    value = torch.compile(loss, dynamic=False) if compiled else loss
    adam = torch.optim.Adam(net.parameters(), lr=1e-3, fused=True)
    x, y = (torch.from_numpy(each) for each in inputs.examples(work))
    orders, before = inputs.Orders(), flat(net)

    def epoch() -> float:
        batches = torch.from_numpy(orders.now).split(work.batch)
        total = torch.zeros(())
        for at in batches:
            adam.zero_grad(set_to_none=True)
            cost = value(x[at], y[at])
            cost.backward()
            adam.step()
            total += cost.detach()
        return total.item() / len(batches)

    return Operation(epoch, lambda _: [flat(net) - before], orders.next)
