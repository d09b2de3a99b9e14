"""Ctrl-C and SIGTERM: finish the step, save, end."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Protocol

from residency.engine.state import INTERRUPTED


class Stoppable(Protocol):
    """Whatever looks at `stop` between two steps."""

    stop: str | None


@contextmanager
def stop_on_signals(training: Stoppable) -> Iterator[None]:
    """Turns the first SIGINT or SIGTERM into `training.stop`; a second one is obeyed.

    So a step is never cut in half. Outside the main thread it does nothing.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    signals = (signal.SIGINT, signal.SIGTERM)
    old = {number: signal.getsignal(number) for number in signals}

    def ask(number: int, frame: FrameType | None) -> None:
        training.stop = INTERRUPTED
        for each in signals:
            signal.signal(each, old[each])

    for number in signals:
        signal.signal(number, ask)
    try:
        yield
    finally:
        for number in signals:
            signal.signal(number, old[number])
