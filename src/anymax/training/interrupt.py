"""Ctrl-C as something that is looked at between steps, where all arrays are whole."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

import numpy as np


class Interrupt:
    """Whether Ctrl-C was pressed; a second one goes through as KeyboardInterrupt."""

    def __init__(self) -> None:
        self.flag = np.zeros(1, np.uint8)  # native code reads it between steps

    @property
    def asked(self) -> bool:
        return bool(self.flag[0])

    def handle(self, number: int, frame: FrameType | None) -> None:
        self.flag[0] = 1
        signal.signal(signal.SIGINT, signal.default_int_handler)


@contextmanager
def deferred() -> Iterator[Interrupt]:
    """Note Ctrl-C instead of raising it, within; in the main thread and where no other
    handler was installed, else it is left as it is."""
    interrupt = Interrupt()
    ours = (
        threading.current_thread() is threading.main_thread()
        and signal.getsignal(signal.SIGINT) is signal.default_int_handler
    )
    if ours:
        signal.signal(signal.SIGINT, interrupt.handle)
    try:
        yield interrupt
    finally:
        if ours:
            signal.signal(signal.SIGINT, signal.default_int_handler)
