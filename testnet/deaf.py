"""Worker processes that do not hear Ctrl-C: a terminal sends it to all, the parent ends them."""

import multiprocessing
import signal
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from multiprocessing import forkserver, resource_tracker
from multiprocessing.context import ForkServerContext


def deaf_context(preload: Sequence[str]) -> ForkServerContext:
    """Makes processes, forked from a clean one that has imported `preload` once.

    That one starts with SIGINT blocked, which it and its children inherit: also while a second of
    imports goes on there.
    """
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(list(preload))
    resource_tracker.ensure_running()  # started later, it would let SIGINT through again
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        forkserver.ensure_running()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
    return context


@contextmanager
def interrupt_held() -> Iterator[None]:
    """Ctrl-C takes effect when the block has ended.

    For the start of a process: interrupted within it, nobody would know whom to end, and the child
    would end in a traceback over half of its orders.
    """
    if threading.current_thread() is not threading.main_thread():
        yield  # Ctrl-C interrupts the main thread alone
        return
    heard: list[int] = []
    before = signal.signal(signal.SIGINT, lambda number, frame: heard.append(number))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
        if heard:
            signal.raise_signal(signal.SIGINT)
