"""The coordinator's end of a worker: one process, told what to do by lines of JSON."""

from __future__ import annotations

import json
import os
import selectors
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from functools import partial
from time import monotonic
from typing import Any

from anymax.benchmarking.environment import THREADS, processors, variables
from anymax.benchmarking.work import Work


@dataclass(frozen=True)
class Setting:
    """A library in a process of its own, and what its environment is told.

    `suffix` goes behind the names of its operations; `tuned` says that the environment
    is not what a plain user has.
    """

    library: str
    suffix: str = ""
    extra: dict[str, str] = field(default_factory=dict)
    tuned: bool = False
    threads: int = THREADS


class Failed(Exception):  # noqa: N818
    """A worker that cannot go on, with the reason in a sentence part."""


class Process:
    """A worker that has been started and answers in turn."""

    def __init__(self, setting: Setting) -> None:
        self.setting = setting
        held = processors(setting.threads)
        inherit = partial(os.sched_setaffinity, 0, held) if held else None
        # A peer's process has nothing of ours running in it.
        own = {} if setting.library == "anymax" else {"ANYMAX_KERNELS": "numpy"}
        self.errors = tempfile.TemporaryFile()  # noqa: SIM115
        self.process = subprocess.Popen(
            [sys.executable, "-m", "anymax.benchmarking.worker", setting.library],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.errors,
            env=variables(setting.threads, {**own, **setting.extra}),
            preexec_fn=inherit,
        )
        self.ready = False

    def wait(self, seconds: float = 120) -> None:
        """Until the library is loaded."""
        if not self.ready:
            self.receive(seconds)
            self.ready = True

    def prepare(self, work: Work) -> None:
        """Start to make a piece of work; `receive` tells what came of it."""
        self.send({"do": "prepare", "work": work.fields})

    def block(self, operation: str, seconds: float) -> list[float]:
        """Seconds a call, for as many calls as fit."""
        self.send({"do": "block", "operation": operation, "seconds": seconds})
        times: list[float] = self.receive(600)["times"]
        return times

    def drop(self) -> None:
        """Have the work's memory given back."""
        self.send({"do": "drop"})
        self.receive(60)

    def send(self, asked: dict[str, Any]) -> None:
        """A line to the worker."""
        assert self.process.stdin is not None
        try:
            self.process.stdin.write(json.dumps(asked).encode() + b"\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            raise Failed(self._last_words()) from None

    def receive(self, seconds: float) -> dict[str, Any]:
        """The worker's answer; Failed if it has none, or none in time."""
        assert self.process.stdout is not None
        until, line = monotonic() + seconds, b""
        with selectors.DefaultSelector() as selector:
            selector.register(self.process.stdout, selectors.EVENT_READ)
            while not line.endswith(b"\n"):
                if not selector.select(max(0, until - monotonic())):
                    self.close()
                    raise Failed(f"took more than {seconds:.0f} s")
                read = os.read(self.process.stdout.fileno(), 1 << 20)
                if not read:
                    raise Failed(self._last_words())
                line += read
        answer: dict[str, Any] = json.loads(line)
        if "error" in answer:
            raise Failed(answer["error"].strip().splitlines()[0][:200])
        return answer

    def close(self) -> None:
        """End it."""
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None:
                pipe.close()
        try:
            self.process.wait(2)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.errors.close()

    def _last_words(self) -> str:
        self.errors.seek(0)
        said = self.errors.read().decode(errors="replace").strip().splitlines()
        return said[-1][:200] if said else "ended without a word"
