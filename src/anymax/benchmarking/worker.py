"""A process that holds one library and runs blocks of calls when it is told to.

python -m anymax.benchmarking.worker NAME: a line of JSON in, a line of JSON out. In
between it sleeps, so that its threads disturb nobody.
"""

from __future__ import annotations

import gc
import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TextIO

from anymax.benchmarking.libraries import LIBRARIES
from anymax.benchmarking.operation import Library, Operation
from anymax.benchmarking.work import Work


class Worker:
    """Answers what the coordinator asks, for one library."""

    def __init__(self, library: Library) -> None:
        self.library = library
        self.operations: dict[str, Operation] = {}

    def answer(self, asked: dict[str, Any]) -> dict[str, Any]:
        """One of: prepare a piece of work, run a block of it, drop it."""
        if asked["do"] == "prepare":
            return self.prepare(Work.of(asked["work"]))
        if asked["do"] == "block":
            operation = self.operations[asked["operation"]]
            return {"times": operation.block(asked["seconds"])}
        self.drop()
        return {}

    def prepare(self, work: Work) -> dict[str, Any]:
        """The operations there are, with what each of them computes."""
        self.drop()
        found = {}
        for name, operation in self.library.operations(work).items():
            marks = operation.prepare()
            self.operations[name] = operation
            found[name] = {"fingerprint": marks, "tuned": operation.tuned}
        return {"operations": found}

    def drop(self) -> None:
        """Forget the work, and its memory."""
        self.operations.clear()
        gc.collect()
        self.library.release()


@contextmanager
def private_stdout() -> Iterator[TextIO]:
    """The real stdout, while everything that prints goes to stderr."""
    with os.fdopen(os.dup(1), "w") as own:
        os.dup2(2, 1)
        yield own


def main(name: str) -> None:
    """Answer until the other side closes the pipe."""
    with private_stdout() as out:
        worker = Worker(LIBRARIES[name]())
        gc.disable()
        print(json.dumps({"ready": name}), file=out, flush=True)
        for line in sys.stdin:
            try:
                answer = worker.answer(json.loads(line))
            except Exception as wrong:
                answer = {"error": f"{type(wrong).__name__}: {wrong}"}
            print(json.dumps(answer), file=out, flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
