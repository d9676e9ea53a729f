"""Reading the ledger: blocks, transactions, accounts, datasets, proofs. Nothing here changes it."""

from dataclasses import dataclass

from chain import tables
from chain.block import Block, Header, Receipt, decode_block
from chain.chainstate import Chainstate
from chain.consensus.engine import HeaderNode
from chain.consensus.headertree import HeaderTree
from chain.genesis import Genesis
from chain.in_force import context_at, parameters_at
from chain.parameters import Parameters
from chain.past import BLOCKS_UNDONE_MAX, PastState
from chain.primitives import merkle
from chain.primitives.hashing import HASH_BYTES, Hash
from chain.primitives.merkle import CompactRange
from chain.state.journal import State
from chain.state.smt import StateProof
from chain.store import KeyValueStore
from chain.transactions.body import Context
from chain.transactions.dataset import Dataset, dataset_of
from chain.transactions.envelope import LANE_MAX, Transaction, decode_transaction
from chain.transactions.identity import DidRecord, record_of
from chain.transactions.payment import balance, currency_of
from chain.transactions.rules import next_sequence

LOCATOR_DENSE = 10  # block ids one by one before the steps double (Bitcoin's getheaders)


@dataclass(frozen=True, slots=True)
class TransactionLocation:
    """Where a transaction is on the head's chain, and what came of it."""

    block_id: Hash
    height: int
    index: int
    receipt: Receipt


@dataclass(frozen=True, slots=True)
class Account:
    """An identity as the head's state has it; balances in minor units, next sequence by lane."""

    id: bytes
    record: DidRecord
    balances: dict[str, int]
    sequences: dict[int, int]


@dataclass(frozen=True, slots=True)
class HistoryEntry:
    """A transaction in an identity's history, and its place on the head's chain."""

    txid: Hash
    height: int
    index: int


@dataclass(frozen=True, slots=True)
class InclusionProof:
    """That a transaction is number `index` of `size` in a block: siblings, leaf to root."""

    header: Header
    index: int
    size: int
    path: tuple[Hash, ...]


class Queries:
    """What can be asked of a chain."""

    def __init__(
        self, genesis: Genesis, store: KeyValueStore, tree: HeaderTree, chainstate: Chainstate
    ) -> None:
        self._genesis = genesis
        self._store = store
        self._tree = tree
        self._chainstate = chainstate

    @property
    def store(self) -> KeyValueStore:
        """Where the chain is kept, and the guards of keys beside it."""
        return self._store

    @property
    def head(self) -> HeaderNode:
        """The newest block of the best chain."""
        return self._chainstate.head

    @property
    def state(self) -> State:
        """The state at the head, to read."""
        return self._chainstate.view

    @property
    def parameters(self) -> Parameters:
        """The numbers a block on the head is held to."""
        return parameters_at(self._genesis, self._chainstate.view)

    def context(self, slot: int) -> Context:
        """Where the transactions of a block on the head are judged."""
        return context_at(self._genesis, self._chainstate.view, slot)

    def has_block(self, block_id: Hash) -> bool:
        """Whether a block was accepted, on whichever chain; one found invalid counts."""
        return self._tree.entry(block_id) is not None

    def node(self, block_id: Hash) -> HeaderNode | None:
        """An accepted header with its seal and weight."""
        entry = self._tree.entry(block_id)
        return None if entry is None else entry.node

    def header(self, block_id: Hash) -> Header | None:
        """An accepted header."""
        node = self.node(block_id)
        return None if node is None else node.header

    def block(self, block_id: Hash) -> Block | None:
        """An accepted block, on whichever chain."""
        raw = self._store.get(tables.BLOCK + block_id)
        return None if raw is None else decode_block(raw)

    def block_id_at(self, height: int) -> Hash | None:
        """The id of the block at a height of the head's chain."""
        if not 0 <= height <= self.head.height:
            return None
        row = self._store.get(tables.height_key(height))
        return None if row is None else Hash(row)

    def block_at(self, height: int) -> Block | None:
        """The block at a height of the head's chain."""
        block_id = self.block_id_at(height)
        return None if block_id is None else self.block(block_id)

    def header_at(self, height: int) -> Header | None:
        """The header at a height of the head's chain."""
        block_id = self.block_id_at(height)
        return None if block_id is None else self.header(block_id)

    def canonical(self, block_id: Hash) -> bool:
        """Whether a block is on the head's chain."""
        node = self.node(block_id)
        return node is not None and self.block_id_at(node.height) == block_id

    def encoded_receipts(self, block_id: Hash) -> list[bytes]:
        """The receipts of a block on the head's chain, each as the bytes that the receipts root
        covers: those of a full block take 70 ms to read."""
        return self._chainstate.encoded_receipts(block_id)

    def history_range(self, size: int) -> CompactRange:
        """What a tree over the first `size` headers (1 or more) of the head's chain comes to."""
        block_id = self.block_id_at(size - 1)
        entry = None if block_id is None else self._tree.entry(block_id)
        assert entry is not None, f"no block at height {size - 1}"
        return entry.history

    def locator(self) -> list[Hash]:
        """Ids from the head back to genesis, ever further apart, by which a peer finds the fork."""
        ids: list[Hash] = []
        height, step = self.head.height, 1
        while height > 0:
            block_id = self.block_id_at(height)
            assert block_id is not None
            ids.append(block_id)
            if len(ids) >= LOCATOR_DENSE:
                step *= 2
            height -= step
        first = self.block_id_at(0)
        assert first is not None
        return [*ids, first]

    def headers_after(self, locator: list[Hash], limit: int) -> list[tuple[Header, bytes]]:
        """Headers and seals of the head's chain behind the first id of `locator` that is on it."""
        start = 0
        for known in locator:
            if self.canonical(known):
                start = self._tree.node(known).height
                break
        last = min(start + limit, self.head.height)
        found: list[tuple[Header, bytes]] = []
        for height in range(start + 1, last + 1):
            block_id = self.block_id_at(height)
            assert block_id is not None
            node = self._tree.node(block_id)
            found.append((node.header, node.seal))
        return found

    def is_included(self, txid: Hash) -> bool:
        """Whether a transaction is in a block of the head's chain."""
        return self._store.get(tables.TRANSACTION + txid) is not None

    def transaction(self, txid: Hash) -> TransactionLocation | None:
        """Where a transaction is on the head's chain; None when it is not there."""
        row = self._store.get(tables.TRANSACTION + txid)
        if row is None:
            return None
        block_id = Hash(row[:HASH_BYTES])
        index = int.from_bytes(row[HASH_BYTES:], "big")
        receipt = self._chainstate.receipt(block_id, index)
        return TransactionLocation(block_id, self._tree.node(block_id).height, index, receipt)

    def included(self, location: TransactionLocation) -> Transaction:
        """The transaction at a location."""
        block = self.block(location.block_id)
        assert block is not None
        return decode_transaction(block.transactions[location.index], self._genesis.hash)

    def inclusion_proof(self, location: TransactionLocation) -> InclusionProof:
        """That the transaction is in its block."""
        block = self.block(location.block_id)
        assert block is not None
        path = merkle.inclusion_proof(block.transactions, location.index)
        return InclusionProof(block.header, location.index, len(block.transactions), tuple(path))

    def account(self, identity: bytes) -> Account | None:
        """An identity, its balances and sequence numbers at the head."""
        state = self._chainstate.view
        record = record_of(state, identity)
        if record is None:
            return None
        codes = [currency.code for currency in self._genesis.currencies]
        held = {code: balance(state, code, identity) for code in codes}
        lanes = {lane: next_sequence(state, identity, lane) for lane in range(LANE_MAX + 1)}
        used = {lane: sequence for lane, sequence in lanes.items() if sequence}
        return Account(identity, record, held, used)

    def account_transactions(
        self, identity: bytes, before: tuple[int, int] | None = None, *, limit: int
    ) -> list[HistoryEntry]:
        """An identity's transactions, newest first, those before the place (height, index)."""
        prefix = tables.ACCOUNT + identity
        start = b""
        if before is not None:
            if before == (0, 0):
                return []
            height, index = before
            height, index = (height, index - 1) if index else (height - 1, tables.INDEX_MAX)
            start = tables.account_key(identity, height, index)
        rows = self._store.scan(prefix, start, limit=limit, reverse=True)
        return [HistoryEntry(Hash(txid), *tables.account_place(key)) for key, txid in rows]

    def dataset(self, dataset_id: Hash) -> Dataset | None:
        """A published dataset."""
        return dataset_of(self._chainstate.view, dataset_id)

    def supply(self, code: str) -> int:
        """Minor units of a currency in existence at the head."""
        record = currency_of(self._chainstate.view, code)
        return 0 if record is None else record.supply

    def value(self, key: bytes) -> bytes | None:
        """The value of a state key at the head."""
        return self._chainstate.read(key)

    def prove(self, key: bytes) -> tuple[StateProof, Header]:
        """That a state key has its value, or none, under the head's state root."""
        return self._chainstate.tree.prove(key), self.head.header

    def state_at(self, header: Header) -> PastState:
        """The state after a block of the head's chain, when what is above has been undone.

        Raises Declined when it is too far back.
        """
        undone: list[Header] = []
        above = self.head.header
        while above.id != header.id and len(undone) <= BLOCKS_UNDONE_MAX:
            undone.append(above)
            above = self._tree.node(above.parent).header
        return PastState(self._store, undone, header)
