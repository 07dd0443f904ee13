"""Progress of a fit: a bar on a terminal, else a line an epoch in the log."""

from __future__ import annotations

import importlib
import importlib.util
import logging
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from anymax.training.history import Epoch

log = logging.getLogger("anymax")
Report = Callable[[Epoch], None]


@contextmanager
def progress(epochs: int, verbose: int) -> Iterator[Report]:
    """What to call with each finished epoch; verbose=0 says nothing."""
    if not verbose:
        yield lambda epoch: None
    elif not sys.stderr.isatty() or importlib.util.find_spec("rich") is None:
        yield lambda epoch: log.info("%s", epoch)
    else:
        with _bar(epochs) as report:
            yield report


@contextmanager
def _bar(epochs: int) -> Iterator[Report]:
    # rich is an extra, and too slow to import for those who never see a bar
    rich = importlib.import_module("rich.progress")
    console = importlib.import_module("rich.console").Console(stderr=True)
    with rich.Progress(console=console) as bar:
        task = bar.add_task("training", total=epochs)

        def report(epoch: Epoch) -> None:
            bar.update(task, advance=1, description=str(epoch))

        yield report
