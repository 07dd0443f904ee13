"""PyTorch, eager."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from importlib import import_module
from os import environ
from typing import Any

from anymax.benchmarking import inputs
from anymax.benchmarking.operation import Library, Operation
from anymax.benchmarking.ours import alone, product
from anymax.benchmarking.peers.torch_pairs import expressions
from anymax.benchmarking.peers.torch_training import network, training
from anymax.benchmarking.work import Work


class Torch(Library):
    """Its own kernels, with and without memory handed in; autograd; fused Adam."""

    def __init__(self) -> None:
        self.torch = import_module("torch")
        self.torch.set_num_threads(int(environ["OMP_NUM_THREADS"]))
        self.tasks: dict[str, Callable[[Work], dict[str, Operation]]] = {
            "softmax": self.softmax,
            "softmax_vjp": self.softmax_vjp,
            "pair": self.pair,
            "epoch": self.epoch,
            "predict": self.predict,
            "alternating": self.alternating,
        }

    def operations(self, work: Work) -> dict[str, Operation]:
        return self.tasks[work.task](work)

    def tensor(self, array: Any) -> Any:
        """On the array's memory."""
        return self.torch.from_numpy(array)

    def softmax(self, work: Work) -> dict[str, Operation]:
        """A new tensor, and into one that is there."""
        torch, z = self.torch, self.tensor(inputs.logits(work))
        into = partial(torch.softmax, z, -1, out=torch.empty_like(z))
        return {
            "torch": Operation(partial(torch.softmax, z, -1), alone),
            "torch out": Operation(into, alone, tuned=True),
        }

    def softmax_vjp(self, work: Work) -> dict[str, Operation]:
        """The kernel below autograd, with and without memory, and autograd itself."""
        torch, z = self.torch, self.tensor(inputs.logits(work)).requires_grad_()
        g = self.tensor(inputs.covector(work))
        graph = torch.softmax(z, -1)
        a = graph.detach()
        raw = partial(torch._softmax_backward_data, g, a, -1, torch.float32)
        below = torch.ops.aten._softmax_backward_data.out
        out = torch.empty_like(g)
        into = partial(below, g, a, -1, torch.float32, grad_input=out)
        grad = partial(torch.autograd.grad, graph, z, g, retain_graph=True)
        return {
            "torch": Operation(raw, alone),
            "torch out": Operation(into, alone, tuned=True),
            "torch autograd": Operation(grad, list),
        }

    def pair(self, work: Work) -> dict[str, Operation]:
        """Value and gradient by autograd."""
        found = expressions(self.torch).get(work.option)
        if found is None:
            return {}
        z = self.tensor(inputs.logits(work)).requires_grad_()
        y, grad = self.tensor(inputs.targets(work)), self.torch.autograd.grad

        def both() -> Any:
            value = found(z, y)
            return value.detach(), *grad(value, z)

        return {"torch": Operation(both, list)}

    def epoch(self, work: Work) -> dict[str, Operation]:
        """The usual loop."""
        return {"torch": training(self.torch, work, network(self.torch, work))}

    def predict(self, work: Work) -> dict[str, Operation]:
        """Under inference mode."""
        torch, net = self.torch, network(self.torch, work)
        net.append(torch.nn.Softmax(-1))
        x = self.tensor(inputs.batch(work))

        def forward() -> Any:
            with torch.inference_mode():
                return net(x)

        return {"torch": Operation(forward, alone)}

    def alternating(self, work: Work) -> dict[str, Operation]:
        """Softmax after a product of NumPy's."""
        call = partial(self.torch.softmax, self.tensor(inputs.logits(work)), -1)
        return {"torch": Operation(call, alone, product())}


class TorchCompiled(Torch):
    """PyTorch compiled: value and gradient as one graph."""

    def __init__(self) -> None:
        super().__init__()
        self.tasks = {"pair": self.pair, "epoch": self.epoch}

    def operations(self, work: Work) -> dict[str, Operation]:
        self.torch.compiler.reset()
        return super().operations(work)

    def pair(self, work: Work) -> dict[str, Operation]:
        """Through torch.func, so that both passes are compiled together; a map that
        is an autograd function of its own goes through autograd."""
        found = expressions(self.torch).get(work.option)
        if found is None:
            return {}
        if work.option.startswith("entmax"):
            return self.graph(work, found)
        both = self.torch.func.grad_and_value(found)
        compiled = self.torch.compile(both, dynamic=False)
        z, y = (self.tensor(each(work)) for each in (inputs.logits, inputs.targets))
        call = partial(compiled, z, y)
        return {"torch compile": Operation(call, lambda both: [both[1], both[0]])}

    def graph(self, work: Work, found: Any) -> dict[str, Operation]:
        """The forward pass compiled, the backward pass by autograd."""
        compiled = self.torch.compile(found, dynamic=False)
        z = self.tensor(inputs.logits(work)).requires_grad_()
        y, grad = self.tensor(inputs.targets(work)), self.torch.autograd.grad

        def both() -> Any:
            value = compiled(z, y)
            return value.detach(), *grad(value, z)

        return {"torch compile": Operation(both, list)}

    def epoch(self, work: Work) -> dict[str, Operation]:
        """The network with its loss compiled, forward and backward."""
        net = network(self.torch, work)
        return {"torch compile": training(self.torch, work, net, compiled=True)}
