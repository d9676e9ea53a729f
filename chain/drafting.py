"""Blocks of our own before they are sealed, and the guard of the slots they are for."""

from collections.abc import Sequence
from dataclasses import dataclass

from chain import tables
from chain.block import Block, Header, certificates_hash, list_root
from chain.chainstate import Executed
from chain.consensus.headertree import Entry
from chain.primitives.errors import Declined
from chain.primitives.hashing import sha256
from chain.store import Batch, KeyValueStore
from chain.transactions.envelope import Transaction


@dataclass(frozen=True, slots=True)
class Draft:
    """A block that lacks its seal, and what sealing it has to meet."""

    header: Header
    target: int
    transactions: tuple[Transaction, ...]
    certificates: tuple[bytes, ...] = ()

    def sealed(self, seal: bytes) -> Block:
        """The block."""
        return Block(
            self.header, seal, self.certificates, tuple(tx.raw for tx in self.transactions)
        )


def drafted_header(
    parent: Entry,
    slot: int,
    author: bytes,
    certificates: tuple[bytes, ...],
    transactions: Sequence[Transaction],
    executed: Executed,
) -> Header:
    """The header of a block that was executed on its parent's state."""
    above, standing = parent.node.header, parent.standing
    return Header(
        chain=above.chain,
        height=above.height + 1,
        slot=slot,
        parent=above.id,
        state=executed.update.root,
        transactions=list_root([tx.raw for tx in transactions]),
        receipts=list_root([receipt.encode() for receipt in executed.receipts]),
        history=parent.history.root(),
        certificates=certificates_hash(certificates),
        set_id=standing.set_id,
        set_hash=standing.set_hash,
        next_set=sha256(executed.next_set) if executed.next_set else b"",
        author=author,
    )


def guard_slot(store: KeyValueStore, slot: int) -> None:
    """Write down that a block for this slot is being made. Raises Declined when one was before."""
    row = store.get(tables.GUARD)
    last = -1 if row is None else int.from_bytes(row, "big")
    if slot <= last:
        raise Declined("slot-guarded", f"slot {slot}: a block for slot {last} was made here")
    batch = Batch()
    batch.put(tables.GUARD, slot.to_bytes(8, "big"))
    store.write(batch, durable=True)
