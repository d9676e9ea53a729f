"""Making the best chain the head's: disconnect down to the fork, connect up to the best tip."""

from collections.abc import Sequence

from chain import tables
from chain.block import decode_block
from chain.chainstate import Chainstate, Executed
from chain.consensus.engine import HeaderNode
from chain.consensus.headertree import Entry, HeaderTree, better
from chain.finality import Finality
from chain.genesis import Genesis
from chain.in_force import context_at, parameters_at
from chain.ledger_events import BlockConnected, BlockDisconnected, HeadChanged, LedgerEvent
from chain.primitives.errors import Invalid
from chain.primitives.hashing import Hash
from chain.store import Batch, KeyValueStore
from chain.transactions.envelope import Transaction, decode_transaction
from chain.validation import check_shares, check_size


class Activation:
    """Moves the head of a chainstate along a header tree, one atomic step at a time."""

    def __init__(
        self,
        genesis: Genesis,
        store: KeyValueStore,
        tree: HeaderTree,
        chainstate: Chainstate,
        finality: Finality,
    ) -> None:
        self._genesis = genesis
        self._store = store
        self._tree = tree
        self._chainstate = chainstate
        self._finality = finality
        self._connected: list[Sequence[Transaction]] = []
        self._disconnected: list[Sequence[Transaction]] = []

    def accept(
        self,
        entry: Entry,
        transactions: Sequence[Transaction],
        executed: Executed | None,
        batch: Batch,
    ) -> list[LedgerEvent]:
        """Take a block that passed every check without execution; `batch` holds its body.

        In the usual case, a child of the head, acceptance and execution are one batch. `executed`
        is given for a block of our own, which was executed when it was made. Raises Invalid for a
        child of the head that does not execute, with nothing stored.
        """
        head = self._chainstate.head
        grows = entry.node.parent == head.id and better(entry.node, head)
        if not grows or not self._finality.allows(head.id):
            self._tree.add(entry, batch)
            self._store.write(batch)
            return self.run()
        event = self._connect(entry, transactions, executed, batch, new=True)
        return [event, HeadChanged(head.id, entry.node.id, entry.node.height, 0)]

    def run(self) -> list[LedgerEvent]:
        """Move the head to where it belongs, as far as that proves valid on the way."""
        old = self._chainstate.head
        events: list[LedgerEvent] = []
        while (choice := self._finality.choice(self._chainstate.head)).head.id != (
            self._chainstate.head.id
        ):
            best = choice.head
            branch = self._branch(best)
            if branch is None:
                continue
            fork = branch[-1].parent if branch else best.id
            while self._chainstate.head.id != fork:
                events.append(self._disconnect())
            events += self._climb(best, branch)
        events += self._finality.note_alarm(choice.alarm)
        new = self._chainstate.head
        if new.id != old.id:
            events.append(HeadChanged(old.id, new.id, new.height, self._abandoned(old)))
        return events

    def take_connected(self) -> list[Sequence[Transaction]]:
        """Transactions of the blocks connected since the last call, in order."""
        taken, self._connected = self._connected, []
        return taken

    def take_disconnected(self) -> list[Sequence[Transaction]]:
        """Transactions of the blocks disconnected since the last call, in that order."""
        taken, self._disconnected = self._disconnected, []
        return taken

    def _branch(self, tip: HeaderNode) -> list[HeaderNode] | None:
        """The blocks from `tip` down to a child of the head's chain; None when one is invalid."""
        branch: list[HeaderNode] = []
        node = tip
        while not self._is_canonical(node.id):
            entry = self._tree.entry(node.id)
            assert entry is not None
            if entry.invalid:
                self._reject(tip, branch, entry.invalid)
                return None
            branch.append(node)
            node = self._tree.node(node.parent)
        return branch

    def _climb(self, tip: HeaderNode, branch: list[HeaderNode]) -> list[LedgerEvent]:
        """Connect a branch, lowest block first, as far as it is valid."""
        events: list[LedgerEvent] = []
        for position in range(len(branch) - 1, -1, -1):
            entry = self._tree.entry(branch[position].id)
            assert entry is not None
            transactions = self._transactions(entry.node.id)
            try:
                events.append(self._connect(entry, transactions, None, Batch(), new=False))
            except Invalid as refusal:
                self._reject(tip, branch[: position + 1], str(refusal))
                break
        return events

    def _reject(self, tip: HeaderNode, blocks: Sequence[HeaderNode], reason: str) -> None:
        """Mark blocks, given from `tip` downwards, as invalid."""
        batch = Batch()
        for node in blocks or (tip,):
            self._tree.mark_invalid(node.id, reason, batch)
        lowest = blocks[-1] if blocks else tip
        parent = self._tree.entry(lowest.parent)
        if parent is not None and not parent.invalid:
            self._tree.retip(parent.node, batch)
        self._store.write(batch)

    def _connect(
        self,
        entry: Entry,
        transactions: Sequence[Transaction],
        executed: Executed | None,
        batch: Batch,
        *,
        new: bool,
    ) -> BlockConnected:
        node = entry.node
        parent = self._chainstate.view
        limits = parameters_at(self._genesis, parent)
        raws = [transaction.raw for transaction in transactions]
        check_size(raws, limits.block_bytes_max, limits.block_transactions_max)
        check_shares(transactions)
        if executed is None:
            context = context_at(self._genesis, parent, node.slot)
            authorities = self._finality.sets.get(entry.standing.set_hash)
            executed = self._chainstate.execute(transactions, context, authorities)
        step = self._chainstate.connect(node, transactions, executed, batch)
        if new:
            self._tree.add(entry, batch)
        self._store.write(batch)
        self._chainstate.commit(step)
        self._connected.append(transactions)
        ids = tuple(transaction.id for transaction in transactions)
        return BlockConnected(node.id, node.height, node.slot, node.header.author, ids)

    def _disconnect(self) -> BlockDisconnected:
        head = self._chainstate.head
        transactions = self._transactions(head.id)
        batch = Batch()
        step = self._chainstate.disconnect(self._tree.node(head.parent), transactions, batch)
        self._store.write(batch)
        self._chainstate.commit(step)
        self._disconnected.append(transactions)
        return BlockDisconnected(head.id, head.height)

    def _transactions(self, block_id: Hash) -> list[Transaction]:
        """The transactions of a stored block; their signatures were checked when it came."""
        raw = self._store.get(tables.BLOCK + block_id)
        assert raw is not None, f"block {block_id.hex()} is missing from the store"
        block = decode_block(raw)
        return [decode_transaction(data, self._genesis.hash) for data in block.transactions]

    def _abandoned(self, old: HeaderNode) -> int:
        """How many blocks, from `old` down, the head's chain does not contain."""
        depth, node = 0, old
        while not self._is_canonical(node.id):
            depth, node = depth + 1, self._tree.node(node.parent)
        return depth

    def _is_canonical(self, block_id: Hash) -> bool:
        node = self._tree.node(block_id)
        return self._store.get(tables.height_key(node.height)) == block_id
