"""The ledger: the one public face of the chain. Submit, import, propose, look up, prove.

Rules:
- A block is stored when its header and body pass, executed when its chain becomes the best. *Why:*
  a side branch costs its sender a seal per block and us only disk.
- The head moves one block at a time, each move one atomic batch. *Why:* a crash in the middle of a
  reorganisation leaves a consistent ledger on the way, and the next start goes on from there.
- Signatures of transactions are the caller's to check. *Why:* they need no state, so they are
  checked in batches, elsewhere, once.
"""

from collections import OrderedDict
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass

from chain import tables
from chain.activation import Activation
from chain.block import (
    BLOCK_OVERHEAD_BYTES,
    NO_CERTIFICATES,
    Block,
    Header,
    encode_block,
    list_root,
)
from chain.chainstate import Executed
from chain.consensus.engine import Author, Engine, HeaderNode
from chain.consensus.headertree import Entry
from chain.founding import open_chain
from chain.genesis import Genesis
from chain.grouped import GroupedStore
from chain.ledger_events import (
    BlockConnected,
    BlockDisconnected,
    HeadChanged,
    LedgerEvent,
    TransactionAdded,
    TransactionDropped,
)
from chain.pool.assembly import BlockRoom, select
from chain.pool.mempool import Drop, Mempool, MempoolLimits, displaced
from chain.pool.policy import check_relay
from chain.primitives import merkle
from chain.primitives.errors import Declined, Invalid
from chain.primitives.hashing import Hash, sha256
from chain.queries import Queries
from chain.state.journal import State
from chain.store import Batch, KeyValueStore
from chain.transactions.envelope import Transaction
from chain.transactions.rules import next_sequence
from chain.validation import BLOCKS_PER_SLOT_MAX, check_body, check_place, check_set

__all__ = [
    "BlockConnected",
    "BlockDisconnected",
    "Draft",
    "HeadChanged",
    "Ledger",
    "LedgerEvent",
    "SealedHeader",
    "TransactionAdded",
    "TransactionDropped",
]

# Hashes of transactions whose signature was good, 100 bytes each: what a minute of full load
# brings by gossip and then again in blocks.
SIGNATURES_KNOWN_MAX = 65_536
# Seals of headers whose blocks have not come yet, 200 bytes each: twice what may be wanted at once.
SEALS_KNOWN_MAX = 4_096


SealedHeader = tuple[Header, bytes]


@dataclass(frozen=True, slots=True)
class Draft:
    """A block that lacks its seal, and what sealing it has to meet."""

    header: Header
    target: int
    transactions: tuple[Transaction, ...]


class Ledger(Queries):
    """A chain on a store. `slot` is always the caller's: the ledger knows no clock."""

    def __init__(
        self,
        genesis: Genesis,
        store: KeyValueStore,
        engine: Engine,
        limits: MempoolLimits | None = None,
    ) -> None:
        """Open the chain in `store`, founding it when the store is new.

        Raises Invalid when the store holds another chain, StoreFailure when the disk fails.
        """
        self.genesis = genesis
        self.chain = genesis.hash
        self.engine = engine
        self.mempool = Mempool(limits or MempoolLimits())
        self._grouped = store = GroupedStore(store)
        tree, chainstate = open_chain(genesis, store)
        super().__init__(genesis, store, tree, chainstate)
        self._activation = Activation(genesis, store, tree, chainstate)
        self._set_hash = genesis.authority_set.hash
        self._signatures: OrderedDict[Hash, None] = OrderedDict()
        self._seals: OrderedDict[Hash, bytes] = OrderedDict()
        self._prepared: tuple[Hash, Executed] | None = None
        self._owed: list[LedgerEvent] = []
        self._activation.run()

    # Transactions

    def submit(self, tx: Transaction, slot: int) -> list[LedgerEvent]:
        """Take a transaction, whose signature was checked, into the mempool.

        Raises Declined, or Invalid when no ledger could ever take it.
        """
        self._know(tx.raw)
        if self.is_included(tx.id):
            raise Declined("already-included", f"{tx.id.hex()} is in a block already")
        check_relay(self._chainstate.view, tx, self.context(slot))
        admission = self.mempool.add(tx, slot, self.next_sequence)
        return [TransactionAdded(tx.id), *_dropped(displaced(tx, admission))]

    def expire(self, slot: int) -> list[LedgerEvent]:
        """Forget waiting transactions that can no longer be included."""
        return _dropped(self.mempool.expire(slot))

    def signature_known(self, raw: bytes) -> bool:
        """Whether these very bytes had a good signature not long ago."""
        return sha256(raw) in self._signatures

    def next_sequence(self, sender: bytes, lane: int) -> int:
        """The sequence number the ledger expects next."""
        return next_sequence(self._chainstate.view, sender, lane)

    def _know(self, raw: bytes) -> None:
        self._signatures[sha256(raw)] = None
        if len(self._signatures) > SIGNATURES_KNOWN_MAX:
            self._signatures.popitem(last=False)

    # Blocks

    def together(self) -> AbstractContextManager[None]:
        """Import several blocks inside as one write. Reading the store waits for the end of it."""
        return self._grouped.together()

    def check_header(self, header: Header, seal: bytes, slot: int) -> None:
        """Raise Declined (unknown parent, future slot) or Invalid unless the header stands."""
        self._judge_header(header, seal, slot)

    def _judge_header(self, header: Header, seal: bytes, slot: int) -> tuple[Entry, int]:
        parent = self._tree.entry(header.parent)
        if parent is None:
            raise Declined("unknown-parent", f"{header.parent.hex()} is not known here")
        check_place(header, self.chain, parent, slot)
        check_set(header, 0, self._set_hash)
        target = self.engine.target(parent.node, self._tree.node)
        self.check_seal(header, seal, parent.node, target)
        return parent, target

    def check_seal(self, header: Header, seal: bytes, parent: HeaderNode, target: int) -> None:
        """Raise Invalid unless the header is sealed as its place demands.

        What was good is remembered: headers come before their blocks, and are checked then.
        """
        if self._seals.get(header.id) == seal:
            return
        self.engine.check(header, seal, parent, target)
        self._seals[header.id] = seal
        if len(self._seals) > SEALS_KNOWN_MAX:
            self._seals.popitem(last=False)

    def import_block(
        self,
        block: Block,
        transactions: Sequence[Transaction],
        slot: int,
        above: Sequence[SealedHeader] = (),
    ) -> list[LedgerEvent]:
        """Take a block and make the best chain the head's; returns what changed, in order.

        `transactions` are the block's own, decoded and with good signatures; `above` are headers
        said to build on it. Raises Declined or Invalid, with nothing changed, or with the block
        marked as invalid.
        """
        header = block.header
        if self.has_block(header.id):
            raise Declined("already-known", f"block {header.id.hex()} is here already")
        parent, target = self._judge_header(header, block.seal, slot)
        check_body(block, transactions)
        batch = Batch()
        node = HeaderNode(
            header, block.seal, parent.node.weight + self.engine.weight(target), target
        )
        self._count_in_slot(node, above, batch)
        entry = Entry(node, parent.history.append(merkle.leaf_hash(header.raw)), "")
        batch.put(tables.BLOCK + header.id, encode_block(block))
        prepared, self._prepared = self._prepared, None
        executed = prepared[1] if prepared is not None and prepared[0] == header.id else None
        reorganisation = self._activation.accept(entry, transactions, executed, batch)
        for transaction in transactions:
            self._know(transaction.raw)
        events, self._owed = self._owed + self._settle(reorganisation, slot), []
        judged = self._tree.entry(header.id)
        if judged is not None and judged.invalid:
            # Blocks below it may have moved the head: whoever follows the events hears next time.
            self._owed = events
            code, _, reason = judged.invalid.partition(": ")
            raise Invalid(code, reason)
        return events

    def _count_in_slot(self, node: HeaderNode, above: Sequence[SealedHeader], batch: Batch) -> None:
        """Keep two blocks of an author in a slot as evidence; take a third only if it is needed.

        *Why needed:* who shows each half of the network another pair of three blocks would part
        it for good, were the third refused by those whose peers have built on it.
        """
        if not self.engine.exclusive:
            return
        header = node.header
        key = tables.slot_key(header.author, header.slot)
        seen = self._store.get(key) or b""
        if len(seen) < BLOCKS_PER_SLOT_MAX * len(header.id):
            batch.put(key, seen + header.id)
        elif not any(self._builds_on(node, child, seal) for child, seal in above):
            raise Declined(
                "too-many-in-slot",
                f"{header.author.hex()} has {BLOCKS_PER_SLOT_MAX} blocks in slot {header.slot} "
                "already, evidence enough, and nobody has built on this one",
            )

    def _builds_on(self, node: HeaderNode, child: Header, seal: bytes) -> bool:
        """Whether another author has put a sealed block on top of this one."""
        if child.parent != node.id or child.author == node.header.author:
            return False
        try:
            self.engine.check(child, seal, node, self.engine.target(node, self._tree.node))
        except Invalid:
            return False
        return True

    def _settle(self, moved: Sequence[LedgerEvent], slot: int) -> list[LedgerEvent]:
        """Let the mempool follow the head."""
        events = list(moved)
        left: list[Transaction] = []
        for transactions in reversed(self._activation.take_disconnected()):
            left.extend(transactions)
        for transactions in self._activation.take_connected():
            events += _dropped(self.mempool.on_block_connected(transactions))
        if left:
            again = [tx for tx in left if not self.is_included(tx.id)]
            reentry = self.mempool.on_block_disconnected(again, slot, self.next_sequence)
            events += [TransactionAdded(tx.id) for tx in reentry.added]
            events += _dropped(reentry.dropped)
        return events + self.expire(slot)

    # Making blocks

    def propose(self, slot: int, author: Author) -> Draft:
        """A block for `slot` on the head, with what waits in the mempool; not sealed yet.

        Raises Declined when the slot is not the author's, or (where slots are exclusive) when this
        store has proposed for it before: the guard is written before the draft is returned.
        """
        head = self.head
        if not self.engine.proposes(author.did, slot, head):
            raise Declined("not-our-slot", f"slot {slot} on {head.height} is another's, or past")
        if self.engine.exclusive:
            self._guard(slot)
        context = self.context(slot)
        limits = self.parameters
        room = BlockRoom(
            limits.block_transactions_max, limits.block_bytes_max - BLOCK_OVERHEAD_BYTES
        )
        state = State(self._chainstate.read)
        waiting = select(self.mempool, self.next_sequence, slot, room)
        chosen, receipts = self._activation.select(state, waiting, context)
        executed = self._chainstate.finish(state, receipts)
        header = Header(
            chain=self.chain,
            height=head.height + 1,
            slot=slot,
            parent=head.id,
            state=executed.update.root,
            transactions=list_root([tx.raw for tx in chosen]),
            receipts=list_root([receipt.encode() for receipt in receipts]),
            history=self._history(head),
            certificates=NO_CERTIFICATES,
            set_id=0,
            set_hash=self._set_hash,
            next_set=b"",
            author=author.did,
        )
        self._prepared = (header.id, executed)
        target = self.engine.target(head, self._tree.node)
        return Draft(header, target, tuple(chosen))

    def seal(self, draft: Draft, author: Author, attempts: range) -> Block | None:
        """The draft as a block, or None when none of the attempts (nonces) sealed it."""
        seal = self.engine.seal(draft.header, author, draft.target, attempts)
        if seal is None:
            return None
        return Block(draft.header, seal, (), tuple(tx.raw for tx in draft.transactions))

    def _history(self, head: HeaderNode) -> Hash:
        entry = self._tree.entry(head.id)
        assert entry is not None, "the head is in the tree"
        return entry.history.root()

    def _guard(self, slot: int) -> None:
        row = self._store.get(tables.GUARD)
        last = -1 if row is None else int.from_bytes(row, "big")
        if slot <= last:
            raise Declined("slot-guarded", f"slot {slot}: a block for slot {last} was made here")
        batch = Batch()
        batch.put(tables.GUARD, slot.to_bytes(8, "big"))
        self._store.write(batch)


def _dropped(drops: Sequence[Drop]) -> list[LedgerEvent]:
    return [TransactionDropped(drop.tx.id, drop.code, drop.reason) for drop in drops]
