"""The state at the head, and the two steps that move the head: connect a block, disconnect one.

Each step adds its rows to a batch and returns what to do to memory once that batch is written, so
that the store and the memory beside it change together or not at all.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from chain import tables
from chain.block import Header, Receipt, decode_receipt, list_root
from chain.consensus.authorityset import AuthoritySet
from chain.consensus.engine import HeaderNode
from chain.execution import decided_set, execute
from chain.primitives import cbor, shape
from chain.primitives.errors import Invalid
from chain.primitives.hashing import Hash, sha256
from chain.state.journal import State
from chain.state.smt import StateTree, TreeUpdate
from chain.store import Batch, KeyValueStore, drain
from chain.transactions.body import Context
from chain.transactions.envelope import Transaction
from chain.transactions.governance_seats import enter_set

# State values kept in memory, about 300 bytes each: the accounts that are active now.
VALUES_CACHED_MAX = 65_536
UNDO_LIMITS = cbor.Limits(size=1 << 30, depth=2, items=1 << 24)


@dataclass(frozen=True, slots=True)
class Executed:
    """What executing a block gave: the values it changes, those it replaces, receipts, new tree."""

    changes: dict[bytes, bytes | None]
    undo: dict[bytes, bytes | None]
    receipts: tuple[Receipt, ...]
    update: TreeUpdate
    next_set: bytes  # the authority set this block decided, encoded; empty for none


@dataclass(frozen=True, slots=True)
class Step:
    """A move of the head whose rows are in a batch: what memory has to follow."""

    head: HeaderNode
    changes: dict[bytes, bytes | None]
    update: TreeUpdate


class Chainstate:
    """The head and its state."""

    def __init__(self, store: KeyValueStore, head: HeaderNode) -> None:
        self._store = store
        self.head = head
        self._tree = StateTree(lambda key: store.get(tables.PAGE + key), head.header.state)
        self._values: dict[bytes, bytes | None] = {}
        self.view = State(self.read)

    @property
    def tree(self) -> StateTree:
        """The state tree at the head."""
        return self._tree

    def read(self, key: bytes) -> bytes | None:
        """The value of a state key at the head."""
        values = self._values
        if key in values:
            return values[key]
        value = self._store.get(tables.STATE + key)
        self._keep(key, value)
        return value

    def begin(self, authorities: AuthoritySet) -> State:
        """The head's state as a block's transactions find it: with that set in force, which the
        block's certificates decide."""
        state = State(self.read)
        enter_set(state, authorities)
        return state

    def execute(
        self, transactions: Sequence[Transaction], context: Context, authorities: AuthoritySet
    ) -> Executed:
        """Execute transactions on the head's state, changing nothing. Raises Invalid."""
        state = self.begin(authorities)
        receipts = execute(state, transactions, context)
        return self.finish(state, receipts)

    def finish(self, state: State, receipts: Sequence[Receipt]) -> Executed:
        """What the changes in `state`, a state over `read`, amount to."""
        changes = state.changes()
        undo = {key: state.stored(key) for key in changes}
        update = self._tree.update(changes)
        return Executed(changes, undo, tuple(receipts), update, decided_set(state))

    def connect(
        self,
        node: HeaderNode,
        transactions: Sequence[Transaction],
        executed: Executed,
        batch: Batch,
    ) -> Step:
        """Put a child of the head on the chain. Raises Invalid when its roots do not match."""
        header = node.header
        assert header.parent == self.head.id, "only a child of the head can be connected"
        encoded = [receipt.encode() for receipt in executed.receipts]
        check_roots(header, executed, encoded)
        check_next_set(header, executed)
        if executed.next_set:
            batch.put(tables.SET + header.next_set, executed.next_set)
        batch.put(tables.HEAD, header.id)
        batch.put(tables.height_key(header.height), header.id)
        batch.put(tables.UNDO + header.id, cbor.encode([[k, v] for k, v in executed.undo.items()]))
        batch.put(tables.RECEIPTS + header.id, cbor.encode(list(encoded)))
        for index, transaction in enumerate(transactions):
            batch.put(tables.TRANSACTION + transaction.id, tables.place(header.id, index))
            for identity in _parties(transaction):
                batch.put(tables.account_key(identity, header.height, index), transaction.id)
        self._add_state(executed.changes, executed.update, batch)
        return Step(node, executed.changes, executed.update)

    def disconnect(
        self, parent: HeaderNode, transactions: Sequence[Transaction], batch: Batch
    ) -> Step:
        """Take the head off the chain; `parent` is its parent."""
        header = self.head.header
        row = self._store.get(tables.UNDO + header.id)
        assert row is not None, f"undo of {header.id.hex()} is missing from the store"
        undo = decode_undo(row)
        update = self._tree.update(undo)
        assert update.root == parent.header.state, (
            f"undoing {header.id.hex()} gives state {update.root.hex()}, "
            f"its parent had {parent.header.state.hex()}"
        )
        batch.put(tables.HEAD, parent.id)
        batch.delete(tables.height_key(header.height))
        batch.delete(tables.UNDO + header.id)
        batch.delete(tables.RECEIPTS + header.id)
        for index, transaction in enumerate(transactions):
            batch.delete(tables.TRANSACTION + transaction.id)
            for identity in _parties(transaction):
                batch.delete(tables.account_key(identity, header.height, index))
        self._add_state(undo, update, batch)
        return Step(parent, undo, update)

    def commit(self, step: Step) -> None:
        """The step's batch has been written: memory follows."""
        self._tree.commit(step.update)
        for key, value in step.changes.items():
            self._keep(key, value)
        self.head = step.head
        self.view = State(self.read)

    def receipt(self, block_id: Hash, index: int) -> Receipt:
        """One receipt of a block on the head's chain."""
        return decode_receipt(self.encoded_receipts(block_id)[index])

    def encoded_receipts(self, block_id: Hash) -> list[bytes]:
        """The receipts of a block on the head's chain, each encoded; none for others."""
        row = self._store.get(tables.RECEIPTS + block_id)
        if row is None:
            return []
        encoded = shape.items(cbor.decode(row, UNDO_LIMITS), UNDO_LIMITS.items, "receipts")
        return [shape.blob_max(raw, 1 << 20, "receipt") for raw in encoded]

    def _add_state(
        self, changes: dict[bytes, bytes | None], update: TreeUpdate, batch: Batch
    ) -> None:
        drain(batch, changes.items(), tables.STATE)
        drain(batch, update.pages.items(), tables.PAGE)

    def _keep(self, key: bytes, value: bytes | None) -> None:
        values = self._values
        values.pop(key, None)
        values[key] = value
        if len(values) > VALUES_CACHED_MAX:
            del values[next(iter(values))]


def check_roots(header: Header, executed: Executed, encoded: list[bytes]) -> None:
    """Raise Invalid unless the header's state and receipts roots are those of the execution."""
    if header.state != executed.update.root:
        raise Invalid(
            "wrong-state-root",
            f"header says {header.state.hex()}, execution gives {executed.update.root.hex()}",
        )
    receipts_root = list_root(encoded)
    if header.receipts != receipts_root:
        raise Invalid(
            "wrong-receipts-root",
            f"header says {header.receipts.hex()}, execution gives {receipts_root.hex()}",
        )


def check_next_set(header: Header, executed: Executed) -> None:
    """Raise Invalid unless the header names the authority set that the execution decided."""
    decided = sha256(executed.next_set) if executed.next_set else b""
    if header.next_set != decided:
        raise Invalid(
            "wrong-next-set",
            f"header names {header.next_set.hex() or 'none'}, execution decided "
            f"{decided.hex() or 'none'}",
        )


def _parties(transaction: Transaction) -> list[bytes]:
    return list(dict.fromkeys([transaction.sender, *transaction.body.parties()]))


def decode_undo(row: bytes) -> dict[bytes, bytes | None]:
    """Read the values that a block's execution replaced."""
    undo: dict[bytes, bytes | None] = {}
    for pair in shape.items(cbor.decode(row, UNDO_LIMITS), UNDO_LIMITS.items, "undo"):
        key, value = shape.array(pair, 2, "undo row")
        assert isinstance(key, bytes)
        assert value is None or isinstance(value, bytes)
        undo[key] = value
    return undo
