"""What happened to the ledger: facts, in the order they came about."""

from dataclasses import dataclass

from chain.primitives.hashing import Hash


@dataclass(frozen=True, slots=True)
class BlockConnected:
    """A block joined the head's chain. `transactions` are their ids, in order."""

    block_id: Hash
    height: int
    slot: int
    author: bytes
    transactions: tuple[Hash, ...]


@dataclass(frozen=True, slots=True)
class BlockDisconnected:
    """A block left the head's chain."""

    block_id: Hash
    height: int


@dataclass(frozen=True, slots=True)
class HeadChanged:
    """The head moved; `depth` blocks of the old chain were left, 0 when it only grew."""

    old: Hash
    new: Hash
    height: int
    depth: int


@dataclass(frozen=True, slots=True)
class TransactionAdded:
    """A transaction waits in the mempool."""

    txid: Hash


@dataclass(frozen=True, slots=True)
class TransactionDropped:
    """A transaction waits no longer, and was not included either."""

    txid: Hash
    code: str
    reason: str


LedgerEvent = (
    BlockConnected | BlockDisconnected | HeadChanged | TransactionAdded | TransactionDropped
)
