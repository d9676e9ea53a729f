"""Signature jobs travel in batches, keep their own verdicts, and stop cleanly."""

from collections.abc import Sequence

import trio
import trio.testing

from chain.primitives.keys import KeyPair, SignatureCheck
from p2p.checking import BATCH_CHECKS, SignatureChecks
from p2p.protocol.effects import CheckSignatures
from p2p.verifier import CHUNK_CHECKS, InlineVerifier, ThreadVerifier

KEY = KeyPair.from_seed(b"k" * 32)


def check(number: int, *, good: bool = True) -> SignatureCheck:
    message = b"message %d" % number
    signature = KEY.sign(message if good else b"another")
    return KEY.public, message, signature


class Recording:
    """A verifier that answers only when released, and remembers the sizes of its batches."""

    def __init__(self) -> None:
        self.sizes: list[int] = []
        self.release = trio.Event()

    async def verify(self, checks: Sequence[SignatureCheck]) -> list[bool]:
        self.sizes.append(len(checks))
        await self.release.wait()
        return [message != b"bad" for _, message, _ in checks]


def plain(count: int) -> tuple[SignatureCheck, ...]:
    return tuple((b"", b"good", b"") for _ in range(count))


async def test_jobs_waiting_together_go_together_and_each_gets_its_own_verdicts() -> None:
    verifier = Recording()
    delivered: dict[int, list[bool]] = {}
    checks = SignatureChecks(verifier, delivered.__setitem__)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(checks.run)
        checks.put(CheckSignatures(1, plain(1)))
        checks.put(CheckSignatures(2, plain(1)))
        await trio.testing.wait_all_tasks_blocked()
        for job in range(3, 7):
            checks.put(CheckSignatures(job, plain(200)))
        checks.put(CheckSignatures(7, ((b"", b"bad", b""), *plain(1))))
        verifier.release.set()
        await trio.testing.wait_all_tasks_blocked()
        nursery.cancel_scope.cancel()
    assert sum(verifier.sizes) == 804
    assert max(verifier.sizes) <= BATCH_CHECKS
    assert len(verifier.sizes) <= 4
    assert delivered[7] == [False, True]
    assert delivered[3] == [True] * 200


async def test_a_job_larger_than_a_batch_still_goes() -> None:
    verifier = Recording()
    verifier.release.set()
    delivered: dict[int, list[bool]] = {}
    checks = SignatureChecks(verifier, delivered.__setitem__)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(checks.run)
        checks.put(CheckSignatures(1, plain(2 * BATCH_CHECKS)))
        await trio.testing.wait_all_tasks_blocked()
        nursery.cancel_scope.cancel()
    assert len(delivered[1]) == 2 * BATCH_CHECKS


async def test_both_verifiers_agree_and_keep_order() -> None:
    checks = [check(i, good=i % 7 != 3) for i in range(CHUNK_CHECKS + 20)]
    expected = [i % 7 != 3 for i in range(len(checks))]
    assert await ThreadVerifier().verify(checks) == expected
    assert await ThreadVerifier().verify(checks[:CHUNK_CHECKS]) == expected[:CHUNK_CHECKS]
    assert await ThreadVerifier().verify(checks[2:4]) == expected[2:4]  # without a thread
    inline = InlineVerifier({})
    assert await inline.verify(checks) == expected
    assert await inline.verify(checks[:5]) == expected[:5]
    assert await ThreadVerifier().verify([]) == []
