"""What this machine can do at best: raw Ed25519 verifications on one thread and on two."""

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from chain.primitives.keys import KeyPair, SignatureCheck, verify_all

CHECKS = 6_000


@dataclass(frozen=True, slots=True)
class VerifyLimit:
    """Verifications per second of 300-byte messages, by libsodium, called from Python."""

    one_thread: float
    two_threads: float


def signature_checks(count: int) -> list[SignatureCheck]:
    """Distinct valid checks, so that nothing is cached anywhere."""
    pair = KeyPair.from_seed(bytes(32))
    messages = [index.to_bytes(4, "big") * 75 for index in range(count)]
    return [(pair.public, message, pair.sign(message)) for message in messages]


def measure_verify_limit() -> VerifyLimit:
    """Medians of three runs each."""
    checks = signature_checks(CHECKS)
    halves = [checks[: CHECKS // 2], checks[CHECKS // 2 :]]
    one: list[float] = []
    two: list[float] = []
    with ThreadPoolExecutor(2) as pool:
        for _ in range(3):
            start = time.perf_counter()
            assert all(verify_all(checks))
            one.append(CHECKS / (time.perf_counter() - start))
            start = time.perf_counter()
            assert all(all(answers) for answers in pool.map(verify_all, halves))
            two.append(CHECKS / (time.perf_counter() - start))
    return VerifyLimit(sorted(one)[1], sorted(two)[1])
