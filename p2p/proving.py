"""Verifying a receipt file of either kind, wherever it came from."""

from chain.receipts.finality import Basis
from chain.receipts.reading import decode_receipt_file
from chain.receipts.state import ProvenState, StateReceipt, verify_state_receipt
from chain.receipts.steps import Step, Unproven
from chain.receipts.transaction import ProvenTransaction, verify_transaction_receipt

Proven = ProvenTransaction | ProvenState


def verify_receipt(raw: bytes, basis: Basis, asked: bytes | None = None) -> Proven:
    """What a receipt proves; `asked` is the state key it must be about, if any. Raises Unproven."""
    receipt = decode_receipt_file(raw)
    if isinstance(receipt, StateReceipt):
        return verify_state_receipt(receipt, basis, asked)
    if asked is not None:
        raise Unproven(Step.STATE, "asked for a state key, the receipt is of a transaction")
    return verify_transaction_receipt(receipt, basis)
