"""What a block does to the state. Read from top to bottom, this is the specification.

Spec: docs/spec/blocks.md, section 3.
"""

from collections.abc import Sequence

from chain.block import Receipt
from chain.primitives.errors import Invalid
from chain.state import paths
from chain.state.journal import State
from chain.transactions.body import Context
from chain.transactions.envelope import Transaction
from chain.transactions.rules import apply_transaction, check_transaction


def decided_set(state: State) -> bytes:
    """The next authority set, encoded, if the block that led to this state decided it."""
    pending = state.get(paths.PENDING_SET)
    return b"" if pending is None or pending == state.stored(paths.PENDING_SET) else pending


def execute(state: State, transactions: Sequence[Transaction], context: Context) -> list[Receipt]:
    """Apply the transactions of one block in order; a receipt for each.

    Their signatures have been checked. Raises Invalid, naming the first transaction that no block
    in this place may contain.
    """
    receipts: list[Receipt] = []
    for index, transaction in enumerate(transactions):
        try:
            check_transaction(state, transaction, context)
        except Invalid as refusal:
            where = f"transaction {index}, {transaction.id.hex()}"
            raise Invalid(refusal.code, f"{where}: {refusal.reason}") from None
        outcome = apply_transaction(state, transaction, context)
        receipts.append(Receipt(transaction.id, outcome.ok, outcome.code, outcome.events))
    return receipts


def select_executable(
    state: State, transactions: Sequence[Transaction], context: Context
) -> tuple[list[Transaction], list[Receipt]]:
    """Apply those of the transactions that may be included, leaving out the others."""
    chosen: list[Transaction] = []
    receipts: list[Receipt] = []
    for transaction in transactions:
        try:
            check_transaction(state, transaction, context)
        except Invalid:
            continue
        outcome = apply_transaction(state, transaction, context)
        chosen.append(transaction)
        receipts.append(Receipt(transaction.id, outcome.ok, outcome.code, outcome.events))
    return chosen, receipts
