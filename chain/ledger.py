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
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager

from chain import tables
from chain.activation import Activation
from chain.block import BLOCK_OVERHEAD_BYTES, Block, Header, encode_block
from chain.chainstate import Executed
from chain.consensus.engine import Author, Engine, HeaderNode
from chain.consensus.finality.certificate import Certificate
from chain.consensus.finality.recovery import Recovery
from chain.consensus.finality.standing import Standing
from chain.consensus.finality.vote import SignedVote
from chain.consensus.headertree import Entry
from chain.drafting import Draft, drafted_header, guard_slot
from chain.execution import select_executable
from chain.finality import Finality
from chain.founding import open_chain
from chain.genesis import Genesis
from chain.grouped import GroupedStore
from chain.handovers import Handovers
from chain.ledger_events import (
    BlockConnected,
    BlockDisconnected,
    BlockFinalized,
    BlockJustified,
    CertificateFound,
    EvidenceFound,
    FinalityAlarm,
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
from chain.recovering import Recovering
from chain.slots import count_in_slot, double_block
from chain.store import Batch, KeyValueStore
from chain.transactions.envelope import Transaction
from chain.transactions.rules import next_sequence
from chain.validation import check_body, check_place, check_set

__all__ = [
    "BlockConnected",
    "BlockDisconnected",
    "BlockFinalized",
    "BlockJustified",
    "CertificateFound",
    "Draft",
    "EvidenceFound",
    "FinalityAlarm",
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
        founding = self.header_at(0)
        assert founding is not None, "the chain is founded"
        self.finality = Finality(genesis.hash, tree.node(founding.id), store, tree)
        self.handovers = Handovers(store, tree, self.finality.sets)
        self._recovering = Recovering(store, tree, self.finality)
        self._activation = Activation(genesis, store, tree, chainstate, self.finality)
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
        self.mempool.check_registrations(tx)
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
        self.finality.check_branch(header.parent)
        check_set(header, parent.standing.set_id, parent.standing.set_hash)
        target = self.engine.target(parent.node, self._tree.node)
        self.check_seal(header, seal, target)
        return parent, target

    def check_linked(self, header: Header, seal: bytes, parent: HeaderNode, target: int) -> None:
        """Raise Declined or Invalid unless a header may follow `parent`, whose body may be missing.

        Whether the set it names is in force there is seen once the bodies are; until then it is
        the parent's or the next, and the seal is by the set that it names (Declined `unknown-set`
        while that is not known here).
        """
        above = parent.header
        same = (header.set_id, header.set_hash) == (above.set_id, above.set_hash)
        if not same and header.set_id != above.set_id + 1:
            raise Invalid(
                "wrong-set", f"set {header.set_id} after set {above.set_id} in the header before"
            )
        known = self._tree.entry(parent.id)
        if known is not None:
            self.finality.check_branch(parent.id)
            check_set(header, known.standing.set_id, known.standing.set_hash)
        self.check_seal(header, seal, target)

    def check_seal(self, header: Header, seal: bytes, target: int) -> None:
        """Raise Invalid unless the header is sealed as the set it names demands.

        What was good is remembered: headers come before their blocks, and are checked then.
        Raises Declined while that set is not known here.
        """
        if self._seals.get(header.id) == seal:
            return
        self.engine.check(header, seal, target, self.finality.sets.get(header.set_hash))
        self._seals[header.id] = seal
        if len(self._seals) > SEALS_KNOWN_MAX:
            self._seals.popitem(last=False)

    def proposes(self, author: bytes, slot: int, parent: HeaderNode | None = None) -> bool:
        """Whether `author` may make a block for `slot`, on the head or another accepted block."""
        above = parent or self.head
        authorities = self.finality.authorities(above.id)
        return self.engine.proposes(author, slot, above, authorities)

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
        standing, certificates = self.finality.judge(block, parent)
        batch = Batch()
        node = HeaderNode(
            header, block.seal, parent.node.weight + self.engine.weight(target), target
        )
        self._owed += self._count_in_slot(node, above, batch)
        history = parent.history.append(merkle.leaf_hash(header.raw))
        entry = Entry(node, history, "", standing)
        recovery = self._recovering.meet(entry)
        batch.put(tables.BLOCK + header.id, encode_block(block))
        self.finality.entered(parent.standing, standing, certificates, batch)
        self._owed += self.finality.absorb(certificates, slot, batch)
        executed = self._executed(block, transactions, standing)
        try:
            moved = self._activation.accept(entry, transactions, executed, batch)
        except Invalid:
            self._keep(certificates)
            raise
        moved += self._follow(self.finality.retry)
        if recovery is not None and self._tree.good(header.id):
            moved += self._follow(lambda batch: self._recovering.enter(recovery, batch))
        for transaction in transactions:
            self._know(transaction.raw)
        events, self._owed = self._owed + self._settle(moved, slot), []
        judged = self._tree.entry(header.id)
        if judged is not None and judged.invalid:
            # Blocks below it may have moved the head: whoever follows the events hears next time.
            self._owed = events
            code, _, reason = judged.invalid.partition(": ")
            raise Invalid(code, reason)
        return events

    def _keep(self, certificates: Sequence[Certificate]) -> None:
        """Certificates count whatever became of the block that brought them: a quorum signed."""
        if certificates:
            self._owed += self._follow(self.finality.keep)
            self._owed += self._activation.run()

    def _executed(
        self, block: Block, transactions: Sequence[Transaction], standing: Standing
    ) -> Executed | None:
        """What executing a block of ours gave when it was made."""
        prepared, self._prepared = self._prepared, None
        return prepared[1] if prepared is not None and prepared[0] == block.id else None

    def _follow(self, step: Callable[[Batch], list[LedgerEvent]]) -> list[LedgerEvent]:
        """A step of finality, written, and the head where it then belongs."""
        batch = Batch()
        events = step(batch)
        if batch.puts or batch.deletes:
            self._store.write(batch)
        return events + self._activation.run() if events else events

    # Finality

    def add_vote(
        self, signed: SignedVote, slot: int, *, checked: bool = False
    ) -> list[LedgerEvent]:
        """Take a vote, which may justify, finalize, move the head, or prove an offence.

        `checked`: what `finality.judge_vote` asked for has been verified. Raises Declined (early,
        old, known, of a set not known yet) or Invalid (its sender's fault).
        """

        def step(batch: Batch) -> list[LedgerEvent]:
            return self.finality.add_vote(signed, slot, batch, checked=checked)

        return self._settle(self._follow(step), slot)

    def add_certificate(
        self, certificate: Certificate, slot: int, *, checked: bool = False
    ) -> list[LedgerEvent]:
        """Take a certificate from a peer; as `add_vote`."""

        def step(batch: Batch) -> list[LedgerEvent]:
            return self.finality.add_certificate(certificate, slot, batch, checked=checked)

        return self._settle(self._follow(step), slot)

    def recover(self, recovery: Recovery, slot: int) -> list[LedgerEvent]:
        """Let another set take over where people decided so. Raises Invalid, nothing changed."""

        def step(batch: Batch) -> list[LedgerEvent]:
            return self._recovering.load(recovery, self.chain, batch)

        return self._settle(self._follow(step), slot)

    @property
    def recoveries(self) -> list[Recovery]:
        """The recoveries that were loaded here, whether their blocks have come or not."""
        return self._recovering.loaded

    def _count_in_slot(
        self, node: HeaderNode, above: Sequence[SealedHeader], batch: Batch
    ) -> list[LedgerEvent]:
        """See slots.count_in_slot; evidence, if this block and an earlier one are."""
        if not self.engine.exclusive:
            return []
        sealed = [child for child, seal in above if self._is_linked(child, seal, node)]
        other = count_in_slot(self._store, node, sealed, batch)
        if other is None:
            return []
        evidence = double_block(
            self._tree, node, other, self.finality.sets.get(node.header.set_hash)
        )
        return [] if evidence is None else [EvidenceFound(evidence)]

    def _is_linked(self, child: Header, seal: bytes, node: HeaderNode) -> bool:
        try:
            self.check_linked(child, seal, node, self.engine.target(node, self._tree.node))
        except (Invalid, Declined):
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
        if not self.proposes(author.did, slot):
            raise Declined("not-our-slot", f"slot {slot} on {head.height} is another's, or past")
        if self.engine.exclusive:
            guard_slot(self._store, slot)
        entry = self._tree.entry(head.id)
        assert entry is not None, "the head is in the tree"
        certificates, after = self.finality.fresh(entry, slot)
        context = self.context(slot)
        limits = self.parameters
        room = BlockRoom(
            limits.block_transactions_max, limits.block_bytes_max - BLOCK_OVERHEAD_BYTES
        )
        waiting = select(self.mempool, self.next_sequence, slot, room)
        state = self._chainstate.begin(self.finality.sets.get(after.set_hash))
        chosen, receipts = select_executable(state, waiting, context)
        executed = self._chainstate.finish(state, receipts)
        header = drafted_header(entry, slot, author.did, certificates, chosen, executed)
        self._prepared = (header.id, executed)
        target = self.engine.target(head, self._tree.node)
        return Draft(header, target, tuple(chosen), certificates)

    def seal(self, draft: Draft, author: Author, attempts: range) -> Block | None:
        """The draft as a block, or None when none of the attempts (nonces) sealed it."""
        seal = self.engine.seal(draft.header, author, draft.target, attempts)
        return None if seal is None else draft.sealed(seal)


def _dropped(drops: Sequence[Drop]) -> list[LedgerEvent]:
    return [TransactionDropped(drop.tx.id, drop.code, drop.reason) for drop in drops]
