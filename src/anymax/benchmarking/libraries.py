"""What a worker can be told to load, by name."""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec

from anymax.benchmarking.operation import Library
from anymax.benchmarking.ours import Anymax
from anymax.benchmarking.peers.entmax_peer import Entmax
from anymax.benchmarking.peers.jax_peer import Jax
from anymax.benchmarking.peers.machine import Machine
from anymax.benchmarking.peers.numpy_peer import NumPy
from anymax.benchmarking.peers.onnx_peer import OnnxRuntime
from anymax.benchmarking.peers.sklearn_peer import ScikitLearn
from anymax.benchmarking.peers.torch_peer import Torch, TorchCompiled

LIBRARIES: dict[str, Callable[[], Library]] = {
    "anymax": Anymax,
    "numpy": NumPy,
    "torch": Torch,
    "torch_compile": TorchCompiled,
    "jax": Jax,
    "onnxruntime": OnnxRuntime,
    "sklearn": ScikitLearn,
    "entmax": Entmax,
    "machine": Machine,
}
# What has to be installed for them.
NEEDED = {
    "torch": ("torch",),
    "torch_compile": ("torch",),
    "jax": ("jax", "optax"),
    "onnxruntime": ("onnxruntime", "onnx"),
    "sklearn": ("sklearn",),
    "entmax": ("torch", "entmax"),
}


def missing(name: str) -> list[str]:
    """The packages that a library needs and that are not there."""
    return [each for each in NEEDED.get(name, ()) if find_spec(each) is None]
