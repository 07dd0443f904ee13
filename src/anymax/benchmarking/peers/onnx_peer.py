"""ONNX Runtime, on small graphs built here."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from importlib import import_module
from os import environ
from typing import Any

import numpy as np

from anymax.benchmarking import inputs
from anymax.benchmarking.operation import Library, Operation
from anymax.benchmarking.ours import product
from anymax.benchmarking.work import Work


class OnnxRuntime(Library):
    """With results of its own, and bound to memory made beforehand."""

    def __init__(self) -> None:
        self.runtime = import_module("onnxruntime")
        self.onnx = import_module("onnx")
        self.tasks: dict[str, Callable[[Work], dict[str, Operation]]] = {
            "softmax": self.softmax,
            "predict": self.predict,
            "alternating": self.alternating,
        }

    def operations(self, work: Work) -> dict[str, Operation]:
        return self.tasks[work.task](work)

    def session(self, nodes: list[Any], weights: list[Any], x: Any, n: int) -> Any:
        """A session for a graph from x to a, (..., n)."""
        helper, kind = self.onnx.helper, self.onnx.TensorProto.FLOAT
        given = helper.make_tensor_value_info("x", kind, list(x.shape))
        wanted = helper.make_tensor_value_info("a", kind, [len(x), n])
        graph = helper.make_graph(nodes, "net", [given], [wanted], weights)
        versions = [helper.make_opsetid("", 17)]
        model = helper.make_model(graph, opset_imports=versions, ir_version=8)
        options = self.runtime.SessionOptions()
        options.intra_op_num_threads = int(environ["OMP_NUM_THREADS"])
        options.inter_op_num_threads = 1
        return self.runtime.InferenceSession(
            model.SerializeToString(), options, providers=["CPUExecutionProvider"]
        )

    def both(self, session: Any, x: Any, n: int) -> dict[str, Operation]:
        """The plain call, and the bound one."""
        out = self.runtime.OrtValue.ortvalue_from_numpy(np.empty((len(x), n), x.dtype))
        binding = session.io_binding()
        binding.bind_ortvalue_input("x", self.runtime.OrtValue.ortvalue_from_numpy(x))
        binding.bind_ortvalue_output("a", out)
        bound = partial(session.run_with_iobinding, binding)
        return {
            "onnxruntime": Operation(partial(session.run, ["a"], {"x": x}), list),
            "onnxruntime bound": Operation(bound, lambda _: [out.numpy()], tuned=True),
        }

    def softmax(self, work: Work) -> dict[str, Operation]:
        """One node."""
        z = inputs.logits(work)
        node = self.onnx.helper.make_node("Softmax", ["x"], ["a"], axis=-1)
        return self.both(self.session([node], [], z, work.shape[-1]), z, work.shape[-1])

    def predict(self, work: Work) -> dict[str, Operation]:
        """Gemm, Relu, ..., Softmax."""
        make, array = self.onnx.helper.make_node, self.onnx.numpy_helper.from_array
        nodes, weights, below = [], [], "x"
        layers = inputs.layers(work)
        for i, (w, b) in enumerate(layers):
            weights += [array(w, f"w{i}"), array(b, f"b{i}")]
            nodes.append(make("Gemm", [below, f"w{i}", f"b{i}"], [f"z{i}"]))
            last = i + 1 == len(layers)
            below = "a" if last else f"h{i}"
            nodes.append(make("Softmax" if last else "Relu", [f"z{i}"], [below]))
        x, n = inputs.batch(work), work.shape[-1]
        return self.both(self.session(nodes, weights, x, n), x, n)

    def alternating(self, work: Work) -> dict[str, Operation]:
        """Softmax after a product of NumPy's."""
        plain = self.softmax(work)["onnxruntime"]
        return {"onnxruntime": Operation(plain.call, plain.results, product())}
