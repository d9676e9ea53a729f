"""What happens right after a fork: a child that shares nothing with its parent but memory.

A child of the supervisor must not hold the supervisor's sockets, must not outlive it, and must
never return into the supervisor's loop.
"""

import ctypes
import os
import signal
import socket
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from types import TracebackType

PR_SET_PDEATHSIG = 1
PR_SET_NAME = 15
EXIT_CRASHED = 70
"""EX_SOFTWARE of sysexits.h: the child ended by an exception of its own."""

if sys.platform == "linux":
    _libc = ctypes.CDLL(None, use_errno=True)

ChildMain = Callable[[socket.socket], int]
"""Runs in the child with its end of the pipe; returns the exit code."""


class NeverReturn:
    """Leaves the process when its block ends, however it ends, and tells the log about a crash."""

    def __init__(self) -> None:
        self.code = EXIT_CRASHED

    def __enter__(self) -> "NeverReturn":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if error is not None:
            traceback.print_exception(error)
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(self.code)


def fork_child(
    title: str, log: Path, close_inherited: Callable[[], None], main: ChildMain
) -> tuple[int, socket.socket]:
    """Forks; the parent gets (pid, its end of the pipe). Call it from a single-threaded process.

    `close_inherited` runs in the child and closes whatever the parent holds open. Output of the
    child goes to `log`.
    """
    ours, theirs = socket.socketpair()
    parent = os.getpid()
    pid = os.fork()
    if pid != 0:
        theirs.close()
        return pid, ours
    with NeverReturn() as end:
        ours.close()
        close_inherited()
        die_with_parent(parent)
        name_process(title)
        redirect_output(log)
        end.code = main(theirs)
    raise AssertionError("a child never gets here")


def reset_signals() -> None:
    """Back to what a fresh process would have."""
    signal.set_wakeup_fd(-1)
    for number in (signal.SIGTERM, signal.SIGCHLD, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)


def die_with_parent(parent: int) -> None:
    """Asks the kernel for SIGKILL when the parent ends (Linux; elsewhere the pipe's end tells)."""
    if sys.platform == "linux":
        _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != parent:  # it ended before we could ask
            os._exit(EXIT_CRASHED)


def name_process(title: str) -> None:
    """What `ps -o comm` and `top` show; the kernel keeps 15 bytes."""
    if sys.platform == "linux":
        _libc.prctl(PR_SET_NAME, title.encode()[:15], 0, 0, 0)


def redirect_output(log: Path) -> None:
    """Standard output and error go to the log, standard input is empty."""
    log.parent.mkdir(parents=True, exist_ok=True)
    target = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.dup2(target, 1)
    os.dup2(target, 2)
    os.close(target)
    os.close(nothing)
