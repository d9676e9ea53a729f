"""A crew of worker processes that run seeds side by side.

A pool of our own, because the standard ones do not say which task a dead worker had: here every
worker holds one seed, so a crash, an exhausted memory or a hang costs that seed only and is told
with it. Workers are replaced after RUNS_PER_WORKER runs, so nothing that leaks can pile up.
"""

import os
import signal
import sys
import tempfile
import time
from collections import deque
from collections.abc import Generator, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from multiprocessing.context import ForkServerContext, ForkServerProcess
from pathlib import Path
from types import FrameType, TracebackType
from typing import Self

from testnet.campaign.job import Job, carry_out
from testnet.campaign.summary import Lost, Result
from testnet.deaf import deaf_context, interrupt_held

RUNS_PER_WORKER = 50
"""A fresh worker costs some ten milliseconds; a leak of a megabyte a run stays below 50 MB."""

RUN_WALL_MAX_S = 900.0
"""An hour of virtual time runs in minutes; a run that needs longer than this hangs."""

LAST_WORDS_BYTES = 2_000
"""How much of what a dying worker wrote is looked at: its last line is what people need."""

GRACE_S = 2.0
"""From the polite signal to the one that cannot be refused."""


@dataclass(slots=True)
class Worker:
    """A process, our end of its pipe, and the seed it has since `began`."""

    process: ForkServerProcess
    pipe: Connection
    words: Path
    runs: int = 0
    seed: int | None = None
    began: float = field(default_factory=time.monotonic)


class Crew:
    """Runs seeds of one job on up to `size` processes; a context, so that none is left behind."""

    def __init__(self, job: Job, size: int, wall_max_s: float = RUN_WALL_MAX_S) -> None:
        self._job = job
        self._size = size
        self._wall_max_s = wall_max_s
        self._workers: list[Worker] = []
        self._context = context(job)
        self._folder = tempfile.TemporaryDirectory(prefix="cornerstone-crew-")
        self._hired = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        dismiss(self._workers)
        self._folder.cleanup()

    def results(self, seeds: Sequence[int]) -> Generator[Result, None, None]:
        """What came of each seed, in the order in which that is known."""
        waiting = deque(seeds)
        while waiting or any(worker.seed is not None for worker in self._workers):
            self._hand_out(waiting)
            yield from self._collect()

    def _hand_out(self, waiting: deque[int]) -> None:
        while waiting and len(self._workers) < self._size:
            self._workers.append(self._hire())
        for worker in self._workers:
            if waiting and worker.seed is None:
                worker.seed, worker.began = waiting.popleft(), time.monotonic()
                with suppress(BrokenPipeError):  # it has died; its silence is read as that
                    worker.pipe.send(worker.seed)

    def _collect(self) -> Iterator[Result]:
        busy = [worker for worker in self._workers if worker.seed is not None]
        oldest = min(worker.began for worker in busy)
        patience = max(0.0, oldest + self._wall_max_s - time.monotonic())
        ready = wait([worker.pipe for worker in busy], patience)
        for worker in busy:
            if worker.pipe in ready:
                yield self._hear(worker)
            elif time.monotonic() - worker.began >= self._wall_max_s:
                yield self._give_up(worker)

    def _hear(self, worker: Worker) -> Result:
        assert worker.seed is not None, "only busy workers are heard"
        try:
            result: Result = worker.pipe.recv()
        except (EOFError, ConnectionResetError):
            self._release(worker)
            return Lost(worker.seed, f"its worker {how_it_ended(worker)}")
        worker.seed, worker.runs = None, worker.runs + 1
        if worker.runs == RUNS_PER_WORKER:
            self._release(worker)
        return result

    def _give_up(self, worker: Worker) -> Result:
        assert worker.seed is not None, "only busy workers take too long"
        self._release(worker)
        return Lost(worker.seed, f"no result after {self._wall_max_s:g} s; its worker was stopped")

    def _hire(self) -> Worker:
        self._hired += 1
        words = Path(self._folder.name) / f"worker-{self._hired}"
        ours, theirs = self._context.Pipe()
        process = self._context.Process(target=serve, args=(self._job, theirs, words), daemon=True)
        with interrupt_held():
            process.start()
        theirs.close()
        return Worker(process, ours, words)

    def _release(self, worker: Worker) -> None:
        self._workers.remove(worker)
        dismiss([worker])


def context(job: Job) -> ForkServerContext:
    """Workers are forked from a clean process that has imported everything once."""
    return deaf_context([__name__, job.runner.__module__, *job.modules])


def serve(job: Job, pipe: Connection, words: Path) -> None:
    """A worker's life: take a seed, give back its result, until the other end is closed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to handle
    signal.signal(signal.SIGTERM, leave)
    with words.open("wb", buffering=0) as file:
        os.dup2(file.fileno(), sys.stderr.fileno())
    with suppress(EOFError, BrokenPipeError):
        while True:
            pipe.send(carry_out(job, pipe.recv()))


def leave(number: int, frame: FrameType | None) -> None:
    """Told to end: unwind, so that a worker's own processes end with it."""
    sys.exit(f"ended by {signal.Signals(number).name}")


def dismiss(workers: Sequence[Worker]) -> None:
    """Ends workers, whatever they do."""
    for worker in workers:
        worker.pipe.close()
        worker.process.terminate()
    for worker in workers:
        worker.process.join(GRACE_S)
        if worker.process.exitcode is None:
            worker.process.kill()
            worker.process.join()


def how_it_ended(worker: Worker) -> str:
    """For people: by which signal or with which exit code, and its last line."""
    code = worker.process.exitcode
    if code is None:
        ended = "closed its pipe"
    elif code < 0:
        ended = f"was ended by {signal.Signals(-code).name}"
    else:
        ended = f"ended with exit code {code}"
    last = last_line(worker.words)
    return f"{ended}: {last}" if last else ended


def last_line(path: Path) -> str:
    """The last line of a file that is not empty; nothing without a file."""
    if not path.is_file():
        return ""
    text = path.read_bytes()[-LAST_WORDS_BYTES:].decode(errors="replace")
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else ""
