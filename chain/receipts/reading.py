"""A receipt of either kind, told apart by its first field."""

from chain.primitives import cbor
from chain.receipts import state
from chain.receipts.state import StateReceipt, decode_state_receipt
from chain.receipts.transaction import TransactionReceipt, decode_transaction_receipt

AnyReceipt = TransactionReceipt | StateReceipt
_STATE = cbor.encode(state.FORMAT)


def decode_receipt_file(raw: bytes) -> AnyReceipt:
    """Read a receipt; what it says is not verified. Raises Unproven."""
    if raw[1:].startswith(_STATE):  # behind the one byte that opens the array
        return decode_state_receipt(raw)
    return decode_transaction_receipt(raw)
