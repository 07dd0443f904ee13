"""What a process runs in: threads, processors, memory; and how to say so."""

from __future__ import annotations

import os
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from anymax import kernels

THREADS = 2
PACKAGES = (
    *("anymax", "numpy", "scipy", "torch", "jax", "optax", "onnxruntime"),
    *("scikit-learn", "entmax", "scipy-openblas32"),
)
# They bind a library to one processor's kernels, so no one is measured under them.
UNSET = ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")
# An allocator that never gives memory back, so that no page is new a second time.
KEEPING = {
    "MALLOC_MMAP_MAX_": "0",
    "MALLOC_TRIM_THRESHOLD_": "-1",
    "MALLOC_TOP_PAD_": "268435456",
}
# glibc's own copy then writes around the caches from 1 MB on.
STREAMING = {"GLIBC_TUNABLES": "glibc.cpu.x86_non_temporal_threshold=0x100000"}


def variables(threads: int, extra: dict[str, str]) -> dict[str, str]:
    """The environment of a process: so many threads for every library alike."""
    count = str(threads)
    names = ("OMP", "MKL", "OPENBLAS", "ANYMAX", "NUMEXPR", "VECLIB")
    asked = {f"{name}_NUM_THREADS": count for name in names}
    kept = {name: text for name, text in os.environ.items() if name not in UNSET}
    # NPROC is XLA's; inductor would start a process a processor to compile in.
    own = {"NPROC": count, "TORCHINDUCTOR_COMPILE_THREADS": "1", "JAX_PLATFORMS": "cpu"}
    return {**kept, **asked, **own, **extra}


def processors(threads: int) -> set[int]:
    """Those that every process is held to; empty where it cannot be."""
    if not hasattr(os, "sched_getaffinity"):
        return set()
    return set(sorted(os.sched_getaffinity(0))[:threads])


def model() -> str:
    """The processor's name as the system gives it."""
    path = Path("/proc/cpuinfo")
    lines = path.read_text().splitlines() if path.exists() else []
    names = [line.split(":", 1)[1].strip() for line in lines if "model name" in line]
    return names[0] if names else platform.processor() or "unknown processor"


def machine() -> str:
    """Processor, cores and system, in one line."""
    cores = os.cpu_count()
    return f"{model()}, {cores} cores, {platform.system()} {platform.machine()}"


def ours() -> str:
    """Which kernels of anymax do the work, and what the matrix products."""
    found = kernels.info()
    if not found.native:
        return f"anymax by NumPy alone ({found.why})"
    return f"anymax by native kernels for {found.target}, products by {found.blas}"


def versions() -> dict[str, str]:
    """What is installed of all that is measured."""
    found = {"python": platform.python_version()}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found
