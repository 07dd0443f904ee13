"""scikit-learn: its compiled loss, and MLPClassifier."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from functools import partial
from importlib import import_module
from os import environ
from typing import Any

import numpy as np

from anymax.benchmarking import inputs
from anymax.benchmarking.operation import Library, Operation
from anymax.benchmarking.ours import alone
from anymax.benchmarking.work import Work


class ScikitLearn(Library):
    """Cross-entropy by the loss its own models use; a network by partial_fit."""

    def __init__(self) -> None:
        self.networks = import_module("sklearn.neural_network")
        self.losses = import_module("sklearn._loss.loss")
        self.threads = int(environ["OMP_NUM_THREADS"])
        self.tasks: dict[str, Callable[[Work], dict[str, Operation]]] = {
            "pair": self.pair,
            "epoch": self.epoch,
            "predict": self.predict,
        }

    def operations(self, work: Work) -> dict[str, Operation]:
        return self.tasks[work.task](work)

    def pair(self, work: Work) -> dict[str, Operation]:
        """With new results, and into memory that is there."""
        rows, n = work.shape
        z, y = inputs.logits(work), inputs.labels(work).astype(np.float32)
        share = np.full(rows, 1 / rows, np.float32)
        loss = self.losses.HalfMultinomialLoss(n_classes=n)
        plain = partial(loss.loss_gradient, y, z, share, n_threads=self.threads)
        into = partial(plain, loss_out=np.empty_like(y), gradient_out=np.empty_like(z))
        return {
            "sklearn": Operation(plain, _summed),
            "sklearn out": Operation(into, _summed, tuned=True),
        }

    def classifier(self, work: Work) -> Any:
        """An MLPClassifier with the parameters of `inputs`, at step 0."""
        made = self.networks.MLPClassifier(
            work.shape[1:-1], batch_size=work.batch, alpha=0.0, shuffle=False
        )
        x, y = inputs.examples(work)
        made.set_params(batch_size=len(x))
        made.partial_fit(x, y, classes=np.arange(work.shape[-1]))
        made.set_params(batch_size=work.batch)
        for i, (w, b) in enumerate(inputs.layers(work)):
            made.coefs_[i][...], made.intercepts_[i][...] = w, b
        adam = made._optimizer
        adam.t = 0
        for memory in (*adam.ms, *adam.vs):
            memory[...] = 0
        return made

    def epoch(self, work: Work) -> dict[str, Operation]:
        """One partial_fit on all rows, which it shuffles itself; the first one in the
        common order, for the comparison."""
        made, orders = self.classifier(work), inputs.Orders()
        x, y = inputs.examples(work)
        before = inputs.flat(inputs.layers(work))
        turns = {"first": True}

        def call() -> Any:
            if not turns["first"]:
                return made.partial_fit(x, y)
            made.partial_fit(x[orders.now], y[orders.now])
            made.set_params(shuffle=True)
            turns["first"] = False
            return made

        def change(_: Any) -> list[Any]:
            after = list(zip(made.coefs_, made.intercepts_, strict=True))
            return [inputs.flat(after) - before]

        return {"sklearn": Operation(call, change, orders.next)}

    def predict(self, work: Work) -> dict[str, Operation]:
        """predict_proba."""
        call = partial(self.classifier(work).predict_proba, inputs.batch(work))
        return {"sklearn": Operation(call, alone)}


def _summed(both: Any) -> list[Any]:
    return [both[0].sum(), both[1]]


warnings.filterwarnings("ignore", module="sklearn")
