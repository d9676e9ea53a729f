"""Every single-byte change of a receipt is refused, with the failing step named."""

from collections import Counter
from collections.abc import Callable

import pytest

from chain.receipts.finality import Basis, FinalityProof
from chain.receipts.state import decode_state_receipt, verify_state_receipt
from chain.receipts.steps import Step, Unproven
from chain.receipts.transaction import decode_transaction_receipt, verify_transaction_receipt
from tests.chain.receipts.test_state import ABSENT, HELD
from tests.chain.receipts.world import Paying, handed_over

Check = Callable[[bytes], object]
FLIPS = (0x01, 0x80)
"""The changes of each byte in the usual run; the slow one makes all 255."""


def basis(chain: Paying, proof: FinalityProof) -> Basis:
    """The genesis, and which signatures are good: verifying them again is most of the time."""
    finals = (proof.final, *(handover.final for handover in proof.handovers))
    good = {vote for final in finals for vote in final.certificate.votes()}
    return Basis(chain.genesis, known=good.__contains__)


def transaction_check() -> tuple[bytes, Check]:
    chain = handed_over()
    receipt = chain.receipt(chain.paid[0])
    known = basis(chain, receipt.proof)
    return receipt.encode(), lambda raw: verify_transaction_receipt(
        decode_transaction_receipt(raw), known
    )


def state_check(key: bytes) -> tuple[bytes, Check]:
    chain = handed_over()
    receipt = chain.maker.state(key)
    known = basis(chain, receipt.proof)
    return receipt.encode(), lambda raw: verify_state_receipt(decode_state_receipt(raw), known, key)


def refusals(raw: bytes, check: Check, flips: tuple[int, ...]) -> Counter[Step]:
    """At which step each change is refused."""
    check(raw)
    steps = Counter[Step]()
    for place in range(len(raw)):
        for flip in flips:
            changed = bytearray(raw)
            changed[place] ^= flip
            with pytest.raises(Unproven) as caught:
                check(bytes(changed))
            assert caught.value.reason.startswith(f"{caught.value.step}: ")
            steps[caught.value.step] += 1
    assert steps.total() == len(raw) * len(flips)
    return steps


def test_every_byte_of_a_transaction_receipt_counts() -> None:
    steps = refusals(*transaction_check(), FLIPS)
    assert set(steps) >= set(Step) - {Step.STATE, Step.SIGNATURE}


@pytest.mark.parametrize("key", [HELD, ABSENT], ids=["value", "absence"])
def test_every_byte_of_a_state_receipt_counts(key: bytes) -> None:
    steps = refusals(*state_check(key), FLIPS)
    assert steps[Step.STATE]


@pytest.mark.slow
def test_every_change_of_every_byte_of_a_receipt_is_refused() -> None:
    refusals(*transaction_check(), tuple(range(1, 256)))
