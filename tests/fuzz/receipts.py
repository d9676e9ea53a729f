"""Receipts for the fuzzer: read, and verified against a genesis, whatever they say."""

from chain.primitives.errors import Refusal
from chain.primitives.keys import KeyPair
from chain.receipts.cose import export
from chain.receipts.reading import decode_receipt_file
from chain.receipts.state import StateReceipt, verify_state_receipt
from chain.receipts.transaction import verify_transaction_receipt
from tests.chain.receipts.test_state import ABSENT, HELD
from tests.chain.receipts.world import Paying, handed_over, settled


def receipt_samples() -> tuple[bytes, ...]:
    """Both kinds, with and without a handover."""
    chains: tuple[Paying, ...] = (settled(), handed_over())
    samples: list[bytes] = []
    for chain in chains:
        samples.append(chain.receipt(chain.paid[0]).encode())
        samples += (chain.maker.state(key).encode() for key in (HELD, ABSENT))
    return tuple(samples)


def verified(data: bytes) -> bool:
    """Whether a receipt proves something; what is read encodes to the same bytes."""
    basis = handed_over().basis
    try:
        receipt = decode_receipt_file(data)
    except Refusal:
        return False
    assert receipt.encode() == data
    try:
        if isinstance(receipt, StateReceipt):
            verify_state_receipt(receipt, basis)
        else:
            verify_transaction_receipt(receipt, basis)
    except Refusal:
        return False
    return True


def cose_samples() -> tuple[bytes, ...]:
    """A COSE receipt."""
    chain = settled()
    return (export(chain.receipt(chain.paid[0]), KeyPair.from_seed(b"c" * 32)).encode(),)
