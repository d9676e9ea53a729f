"""What happened to the ledger: facts, in the order they came about."""

from dataclasses import dataclass

from chain.consensus.finality.certificate import Certificate
from chain.consensus.finality.evidence import Evidence
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


@dataclass(frozen=True, slots=True)
class BlockJustified:
    """A quorum of a set has voted for a block at an epoch."""

    block_id: Hash
    height: int
    epoch: int
    set_id: int


@dataclass(frozen=True, slots=True)
class BlockFinalized:
    """A block, and all below it, will stay."""

    block_id: Hash
    height: int
    epoch: int
    set_id: int


@dataclass(frozen=True, slots=True)
class CertificateFound:
    """A certificate that was not here before, whether it counts yet or not: to be relayed."""

    certificate: Certificate


@dataclass(frozen=True, slots=True)
class EvidenceFound:
    """An authority has signed what excludes itself."""

    evidence: Evidence


@dataclass(frozen=True, slots=True)
class FinalityAlarm:
    """More than a third of the authorities must have lied, and people have to look."""

    code: str
    reason: str


FinalityEvent = BlockJustified | BlockFinalized | CertificateFound | EvidenceFound | FinalityAlarm
LedgerEvent = (
    BlockConnected
    | BlockDisconnected
    | HeadChanged
    | TransactionAdded
    | TransactionDropped
    | FinalityEvent
)
