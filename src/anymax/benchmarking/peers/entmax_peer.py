"""The entmax package, on PyTorch."""

from __future__ import annotations

from functools import partial
from importlib import import_module
from os import environ
from typing import Any

from anymax.benchmarking import inputs
from anymax.benchmarking.operation import Library, Operation
from anymax.benchmarking.work import Work

PARTIAL = 100  # as many of the largest are sorted at first


class Entmax(Library):
    """Its three ways to the threshold: a sort, a partial sort, bisection."""

    def __init__(self) -> None:
        self.torch, self.entmax = import_module("torch"), import_module("entmax")
        self.torch.set_num_threads(int(environ["OMP_NUM_THREADS"]))

    def operations(self, work: Work) -> dict[str, Operation]:
        package = self.entmax
        if work.option == "sparsemax":
            sort, bisect = package.sparsemax, package.sparsemax_bisect
        else:
            sort, bisect = package.entmax15, partial(package.entmax_bisect, alpha=1.5)
        return {
            "entmax": self.both(work, partial(sort, dim=-1)),
            f"entmax k={PARTIAL}": self.both(work, partial(sort, dim=-1, k=PARTIAL)),
            "entmax bisect": self.both(work, partial(bisect, dim=-1)),
        }

    def both(self, work: Work, function: Any) -> Operation:
        """Up, and down by autograd."""
        z = self.torch.from_numpy(inputs.logits(work)).requires_grad_()
        g = self.torch.from_numpy(inputs.covector(work))
        grad = self.torch.autograd.grad

        def call() -> Any:
            a = function(z)
            return a.detach(), *grad(a, z, g)

        return Operation(call, list)
