"""Carries signature checks from the engines to the verifier, many jobs in one batch."""

from collections import deque
from collections.abc import Callable

import trio

from p2p.protocol.effects import CheckSignatures
from p2p.verifier import Verifier

PUMPS = 2  # one batch is being verified while the verdicts of another are acted upon
# About 18 ms on two threads. Larger batches would save nothing and delay the first verdicts; one
# job larger than this (a full block's) still goes as one.
BATCH_CHECKS = 512

Deliver = Callable[[int, list[bool]], None]


class SignatureChecks:
    """A queue of jobs. Its length is bounded by the engines, which bound what they ask for."""

    def __init__(self, verifier: Verifier, deliver: Deliver) -> None:
        self._verifier = verifier
        self._deliver = deliver
        self._jobs: deque[CheckSignatures] = deque()
        self._idle = trio.lowlevel.ParkingLot()

    def put(self, job: CheckSignatures) -> None:
        """Queue a job; its verdicts will be delivered from a pump's task."""
        self._jobs.append(job)
        self._idle.unpark()

    async def run(self) -> None:
        """Verify until cancelled."""
        async with trio.open_nursery() as nursery:
            for _ in range(PUMPS):
                nursery.start_soon(self._pump)

    async def _pump(self) -> None:
        while True:
            while not self._jobs:
                await self._idle.park()
            batch = self._take()
            checks = [check for job in batch for check in job.checks]
            verdicts = await self._verifier.verify(checks)
            start = 0
            for job in batch:
                end = start + len(job.checks)
                self._deliver(job.job, verdicts[start:end])
                start = end

    def _take(self) -> list[CheckSignatures]:
        batch = [self._jobs.popleft()]
        size = len(batch[0].checks)
        while self._jobs and size + len(self._jobs[0].checks) <= BATCH_CHECKS:
            batch.append(self._jobs.popleft())
            size += len(batch[-1].checks)
        return batch
