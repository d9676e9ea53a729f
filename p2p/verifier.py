"""Signature checks given to a node: batched into worker threads, or inline for virtual time."""

from collections.abc import Sequence
from typing import Protocol

import trio

from chain.primitives.keys import SignatureCheck, verify_all

# libsodium runs without the GIL, so two threads use the second core; a third gains nothing on the
# small machines this is meant for and costs switches on all.
THREADS = 2
# About 9 ms of work: long enough to hide the hop to a thread (0.1 ms), short enough to share.
CHUNK_CHECKS = 128
# Less than a millisecond of the loop. The hop to a thread and back costs as much of the loop's time
# as two checks; and there every check ends with a wait for the interpreter's lock, which a busy
# loop makes several times longer than the check itself. What a frame or two bring is not sent away.
ON_LOOP_CHECKS = 16


class Verifier(Protocol):
    """Checks Ed25519 signatures; the verdicts come in the order of the checks."""

    async def verify(self, checks: Sequence[SignatureCheck]) -> list[bool]: ...


class ThreadVerifier:
    """Splits a batch into chunks over worker threads and waits for all; the least stays here."""

    def __init__(self, threads: int = THREADS) -> None:
        self._limiter = trio.CapacityLimiter(threads)

    async def verify(self, checks: Sequence[SignatureCheck]) -> list[bool]:
        if len(checks) <= ON_LOOP_CHECKS:
            await trio.lowlevel.checkpoint()
            return verify_all(checks)
        if len(checks) <= CHUNK_CHECKS:
            return await self._chunk(list(checks))
        chunks = [checks[i : i + CHUNK_CHECKS] for i in range(0, len(checks), CHUNK_CHECKS)]
        verdicts: list[list[bool]] = [[] for _ in chunks]

        async def run(index: int) -> None:
            verdicts[index] = await self._chunk(list(chunks[index]))

        async with trio.open_nursery() as nursery:
            for index in range(len(chunks)):
                nursery.start_soon(run, index)
        return [verdict for chunk in verdicts for verdict in chunk]

    async def _chunk(self, checks: list[SignatureCheck]) -> list[bool]:
        return await trio.to_thread.run_sync(verify_all, checks, limiter=self._limiter)


class InlineVerifier:
    """Checks on the loop, with a cache that nodes of one simulation share.

    Whether a signature is valid does not depend on who checks it, so a simulation of many nodes
    pays for each only once. The cache is bounded by being emptied: a simulation is short.
    """

    CACHE_MAX = 200_000  # about 60 MB of keys, more transactions than a simulation carries

    def __init__(self, cache: dict[SignatureCheck, bool]) -> None:
        self._cache = cache

    async def verify(self, checks: Sequence[SignatureCheck]) -> list[bool]:
        await trio.lowlevel.checkpoint()
        unknown = [check for check in checks if check not in self._cache]
        if len(self._cache) + len(unknown) > self.CACHE_MAX:
            self._cache.clear()
            unknown = list(checks)
        self._cache.update(zip(unknown, verify_all(unknown), strict=True))
        return [self._cache[check] for check in checks]
