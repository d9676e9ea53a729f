"""A second ledger of a dishonest producer, on which it makes the blocks its node does not make."""

from collections.abc import Sequence
from dataclasses import replace

from chain.block import BLOCK_OVERHEAD_BYTES, NO_CERTIFICATES, Header, Receipt, list_root
from chain.consensus.engine import Author
from chain.execution import execute, select_executable
from chain.ledger import Draft, Ledger
from chain.pool.assembly import BlockRoom, select
from chain.pool.mempool import Mempool
from chain.store import MemoryStore
from chain.transactions.envelope import Transaction, decode_transaction
from chain.transactions.rules import apply_transaction

FOLLOW_BLOCKS_MAX = 500
"""Blocks executed at one go, half a second at most: a long chain is taken over in several."""


class Scratch(Ledger):
    """Holds the node's chain up to some height, in memory, and makes any block on top of it."""

    def __init__(self, followed: Ledger) -> None:
        super().__init__(followed.genesis, MemoryStore(), followed.engine)
        self._followed = followed

    def follow(self, height: int) -> bool:
        """Take over the node's chain up to `height`; whether its block there is the head now."""
        missing: list[int] = []
        for at in range(height, 0, -1):
            block_id = self._followed.block_id_at(at)
            if block_id is None or self.has_block(block_id):
                break
            missing.append(at)
        for at in missing[: -FOLLOW_BLOCKS_MAX - 1 : -1]:
            self._take(at)
        return self.head.id == self._followed.block_id_at(height)

    def draft(self, slot: int, author: Author, transactions: Sequence[Transaction]) -> Draft:
        """A block on the head with these transactions. Raises Invalid when none may have them.

        Nothing guards a slot here: that is what this ledger is for.
        """
        state = self._chainstate.begin(self.finality.authorities(self.head.id))
        receipts = execute(state, transactions, self.context(slot))
        executed = self._chainstate.finish(state, receipts)
        header = replace(
            self.empty(slot, author).header,
            state=executed.update.root,
            transactions=list_root([tx.raw for tx in transactions]),
            receipts=list_root([receipt.encode() for receipt in receipts]),
        )
        return Draft(header, self.engine.target(self.head, self._tree.node), tuple(transactions))

    def carried_out(self, header: Header, transactions: Sequence[Transaction]) -> Header:
        """A header for these transactions on the head, whether or not a block may have them.

        Each is applied unchecked, so whoever forgets to check finds nothing else that is wrong.
        """
        state = self._chainstate.begin(self.finality.authorities(self.head.id))
        context = self.context(header.slot)
        receipts: list[Receipt] = []
        for tx in transactions:
            outcome = apply_transaction(state, tx, context)
            receipts.append(Receipt(tx.id, outcome.ok, outcome.code, outcome.events))
        executed = self._chainstate.finish(state, receipts)
        return replace(
            header,
            state=executed.update.root,
            transactions=list_root([tx.raw for tx in transactions]),
            receipts=list_root([receipt.encode() for receipt in receipts]),
        )

    def executable(self, mempool: Mempool, slot: int) -> list[Transaction]:
        """What of a mempool can be in a block on the head, in order."""
        limits = self.parameters
        room = BlockRoom(
            limits.block_transactions_max, limits.block_bytes_max - BLOCK_OVERHEAD_BYTES
        )
        waiting = select(mempool, self.next_sequence, slot, room)
        state = self._chainstate.begin(self.finality.authorities(self.head.id))
        return select_executable(state, waiting, self.context(slot))[0]

    def empty(self, slot: int, author: Author) -> Draft:
        """An empty block on the head."""
        head = self.head
        entry = self._tree.entry(head.id)
        assert entry is not None, "the head is in the tree"
        header = Header(
            chain=self.chain,
            height=head.height + 1,
            slot=slot,
            parent=head.id,
            state=head.header.state,
            transactions=list_root([]),
            receipts=list_root([]),
            history=entry.history.root(),
            certificates=NO_CERTIFICATES,
            set_id=entry.standing.set_id,
            set_hash=entry.standing.set_hash,
            next_set=b"",
            author=author.did,
        )
        return Draft(header, self.engine.target(head, self._tree.node), ())

    def _take(self, height: int) -> None:
        block = self._followed.block_at(height)
        assert block is not None, f"the node's chain has no block at {height}"
        transactions = [decode_transaction(raw, self.chain) for raw in block.transactions]
        self.import_block(block, transactions, block.header.slot)
