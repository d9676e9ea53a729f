"""What can be said against a header and a body without executing anything.

Spec: docs/spec/blocks.md, section 2. Each refusal names both values.
"""

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from chain.block import (
    BLOCK_OVERHEAD_BYTES,
    CERTIFICATES_BYTES_MAX,
    Block,
    Header,
    certificates_hash,
    list_root,
)
from chain.consensus.headertree import Entry
from chain.parameters import PARAMETER_RANGES
from chain.primitives.errors import Declined, Invalid
from chain.primitives.hashing import Hash
from chain.transactions.envelope import Transaction
from chain.transactions.governance_evidence import SubmitEvidence
from chain.transactions.identity import Register

# Clocks differ: a block for the next slot is taken, one further ahead waits with its sender.
SLOTS_AHEAD_MAX = 1
# Two blocks of one author for one slot are evidence against it; a third adds nothing.
BLOCKS_PER_SLOT_MAX = 2
# Signatures that the registrations of a block bring. They cost their senders nothing, each may have
# 33, and a block of unseen ones has them checked in one go: 30 ms. Eleven million identities of
# four keys a day are left, with a slot of a second.
PROOFS_MAX = 512
# Each costs its sender nothing either and the ledger half a millisecond, whether it proves anything
# or not: a block full of it would hold every node up for seconds. A third of the largest set can be
# reported in three blocks.
EVIDENCE_MAX = 32
BYTES_MAX = PARAMETER_RANGES["block_bytes_max"][1]
TRANSACTIONS_MAX = PARAMETER_RANGES["block_transactions_max"][1]


class Share(NamedTuple):
    """How much of a kind a block may hold (see `weight`), and the code of more."""

    most: int
    code: str


SHARES = {
    Register.KIND: Share(PROOFS_MAX, "too-many-registrations"),
    SubmitEvidence.KIND: Share(EVIDENCE_MAX, "too-much-evidence"),
}
"""By kind: those that cost far more to execute than they weigh. All others are free."""


def check_place(header: Header, chain: Hash, parent: Entry, slot: int) -> None:
    """Raise unless the header fits on its parent and in time."""
    if header.chain != chain:
        raise Invalid("wrong-chain", f"header of {header.chain.hex()}, ours is {chain.hex()}")
    above = parent.node
    if parent.invalid:
        raise Invalid("invalid-parent", f"{above.id.hex()} is invalid: {parent.invalid}")
    if header.height != above.height + 1:
        raise Invalid("wrong-height", f"height {header.height} on a parent at {above.height}")
    if header.slot <= above.slot:
        raise Invalid("wrong-slot", f"slot {header.slot} is not after its parent's, {above.slot}")
    if header.slot > slot + SLOTS_AHEAD_MAX:
        raise Declined("future-slot", f"slot {header.slot} has not begun, now is {slot}")
    history = parent.history.root()
    if header.history != history:
        raise Invalid(
            "wrong-history-root",
            f"header says {header.history.hex()}, its ancestors give {history.hex()}",
        )


def check_set(header: Header, set_id: int, set_hash: Hash) -> None:
    """Raise Invalid unless the header names the authority set in force."""
    if (header.set_id, header.set_hash) != (set_id, set_hash):
        raise Invalid(
            "wrong-set",
            f"header names set {header.set_id} {header.set_hash.hex()}, in force is {set_id} "
            f"{set_hash.hex()}",
        )


def check_body(block: Block, transactions: Sequence[Transaction]) -> None:
    """Raise Invalid unless the body is what the header commits to, and no larger than votes could
    ever allow; what they allow now is asked when the block is executed."""
    header = block.header
    if header.certificates != certificates_hash(block.certificates):
        raise Invalid(
            "wrong-certificates-hash",
            f"header says {header.certificates.hex()}, the body gives "
            f"{certificates_hash(block.certificates).hex()}",
        )
    size = sum(map(len, block.certificates))
    if size > CERTIFICATES_BYTES_MAX:
        raise Invalid(
            "certificates-too-large",
            f"{size} bytes of certificates, at most {CERTIFICATES_BYTES_MAX}",
        )
    check_size(block.transactions, BYTES_MAX, TRANSACTIONS_MAX)
    check_transactions_root(block)
    assert len(transactions) == len(block.transactions), "the caller decoded another body"


def check_transactions_root(block: Block) -> None:
    """Raise Invalid unless the transactions are those the header commits to."""
    given = list_root(block.transactions)
    if block.header.transactions != given:
        raise Invalid(
            "wrong-transactions-root",
            f"header says {block.header.transactions.hex()}, the body gives {given.hex()}",
        )


def check_size(transactions: Sequence[bytes], bytes_max: int, transactions_max: int) -> None:
    """Raise Invalid when a block of these transactions, encoded, is too large."""
    if len(transactions) > transactions_max:
        raise Invalid(
            "too-many-transactions",
            f"{len(transactions)} transactions, at most {transactions_max}",
        )
    size = BLOCK_OVERHEAD_BYTES + sum(map(len, transactions))
    if size > bytes_max:
        raise Invalid("block-too-large", f"{size} bytes, at most {bytes_max}")


def weight(transaction: Transaction) -> int:
    """What a transaction takes of the share of its kind: a registration its signatures."""
    body = transaction.body
    return body.signatures if isinstance(body, Register) else 1


def check_shares(transactions: Sequence[Transaction]) -> None:
    """Raise Invalid when a block has more of a kind than its share."""
    taken: Counter[str] = Counter()
    for transaction in transactions:
        if transaction.kind in SHARES:
            taken[transaction.kind] += weight(transaction)
    for kind, share in SHARES.items():
        if taken[kind] > share.most:
            raise Invalid(share.code, f"{kind} weighs {taken[kind]}, at most {share.most}")
