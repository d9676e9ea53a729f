"""Worker processes that do not hear Ctrl-C: a terminal sends it to all, the parent ends them."""

import multiprocessing
import signal
from collections.abc import Sequence
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
