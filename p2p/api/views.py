"""What the API answers, as values: the server writes them as JSON, the client reads them back.

Hashes, ids and keys are lower-case hex; identities are DIDs; amounts are integers in minor units;
times are unix milliseconds and follow from the slot. A field that does not apply is null.
"""

from dataclasses import dataclass

from p2p.api.governance_views import EvidenceBody, ProposeBody, VoteBody


@dataclass(frozen=True, slots=True)
class SyncView:
    """How a node that is behind catches up; `eta_s` is null while it stands still."""

    target: int
    blocks_per_s: float
    transactions_per_s: float
    eta_s: float | None


@dataclass(frozen=True, slots=True)
class StatusView:
    """A node at one moment. `finality_late` says why nothing newer is final; empty while all is
    well, and where nobody votes."""

    name: str
    id: str
    address: str
    network: str
    genesis_hash: str
    consensus: str
    version: str
    agent: str
    height: int
    head: str
    head_slot: int
    state_root: str
    finalized_height: int
    finalized: str
    justified_height: int
    justified: str
    finality_late: str
    slot: int
    syncing: bool
    sync: SyncView | None
    producing: bool
    voting: bool
    peers_inbound: int
    peers_outbound: int
    peers_known: int
    peers_tried: int
    mempool_transactions: int
    mempool_bytes: int
    uptime_s: float
    expiry_slots_max: int  # how far ahead a transaction may name its last slot
    recoveries: int  # how often people let another set of authorities take over


@dataclass(frozen=True, slots=True)
class PeerView:
    """A connected peer as the node sees it. `latency_ms` is null before the first pong."""

    id: str
    address: str
    direction: str  # "in" or "out"
    agent: str
    height: int
    head: str
    connected_s: float
    latency_ms: float | None
    score: int
    bytes_in: int
    bytes_out: int


@dataclass(frozen=True, slots=True)
class PeersView:
    """All connected peers, by id."""

    peers: tuple[PeerView, ...]


@dataclass(frozen=True, slots=True)
class CounterView:
    """How often something has happened since the start, for one reason."""

    counter: str
    reason: str
    total: int


@dataclass(frozen=True, slots=True)
class CountersView:
    """All counters, by name and reason: refusals, failures, penalties and what else is counted."""

    counters: tuple[CounterView, ...]


@dataclass(frozen=True, slots=True)
class BlockSummary:
    """A block in a list. `author_name` is empty when the genesis has none. `size` is in bytes."""

    id: str
    height: int
    slot: int
    time_ms: int
    parent: str
    author: str
    author_name: str
    state_root: str
    transaction_count: int
    size: int


@dataclass(frozen=True, slots=True)
class BlocksView:
    """Blocks of the head's chain, newest first."""

    blocks: tuple[BlockSummary, ...]


@dataclass(frozen=True, slots=True)
class Included:
    """A transaction's result in a block; `code` says why when `ok` is false.

    `ok` is null in blocks that are not on the head's chain, whose results are not kept.
    """

    id: str
    ok: bool | None
    code: str


@dataclass(frozen=True, slots=True)
class BlockView:
    """A block. `canonical`: on the head's chain. `size` is in bytes, `seal` is hex."""

    id: str
    height: int
    slot: int
    time_ms: int
    parent: str
    author: str
    author_name: str
    state_root: str
    transactions_root: str
    receipts_root: str
    history_root: str
    seal: str
    size: int
    canonical: bool
    finalized: bool
    transaction_count: int
    transactions: tuple[Included, ...]


@dataclass(frozen=True, slots=True)
class SubmitView:
    """The verdict on one submitted transaction: `accepted`, `known` or `refused`.

    `id` is null when the bytes did not decode; `code` and `reason` are of the refusal. Of the
    peers so many were `pushed` it, are being `announced` it, or have it `queued` for want of room.
    """

    id: str | None
    status: str
    code: str
    reason: str
    pushed: int
    announced: int
    queued: int


@dataclass(frozen=True, slots=True)
class SubmitsView:
    """The verdicts on a batch, in its order; `accepted` counts those that were not refused."""

    accepted: int
    results: tuple[SubmitView, ...]


@dataclass(frozen=True, slots=True)
class KeyView:
    """A public key of an identity and the slots in which it counts (`until` null: no end)."""

    id: str
    purpose: str
    public: str
    since: int
    until: int | None


@dataclass(frozen=True, slots=True)
class ParentView:
    """A dataset another was made from."""

    dataset: str
    relation: str


@dataclass(frozen=True, slots=True)
class TransferBody:
    """`pay.transfer`: `amount` minor units of `currency`. `reference` is hex, possibly empty."""

    currency: str
    to: str
    amount: int
    reference: str


@dataclass(frozen=True, slots=True)
class PublishBody:
    """`ds.publish`; see DatasetView."""

    title: str
    commitment: str
    ciphertext_hash: str
    media_type: str
    size: int
    sector: str
    parents: tuple[ParentView, ...]


@dataclass(frozen=True, slots=True)
class RegisteredKeyView:
    """A public key an identity registers with."""

    id: str
    purpose: str
    public: str


@dataclass(frozen=True, slots=True)
class RegisterBody:
    """`did.register`: the identity's keys; all of them count from the block's slot on."""

    did: str
    threshold: int
    controller: str | None
    keys: tuple[RegisteredKeyView, ...]


BodyView = TransferBody | PublishBody | RegisterBody | ProposeBody | VoteBody | EvidenceBody


@dataclass(frozen=True, slots=True)
class TransactionView:
    """A transaction and where it stands: `included` (the fields from `block` on) or `pending`."""

    id: str
    status: str
    kind: str
    sender: str
    key: str
    lane: int
    sequence: int
    expiry: int
    size: int
    body: BodyView
    raw: str
    block: str | None = None
    height: int | None = None
    index: int | None = None
    slot: int | None = None
    time_ms: int | None = None
    ok: bool | None = None
    code: str | None = None
    finalized: bool | None = None


@dataclass(frozen=True, slots=True)
class BalanceView:
    """What an account holds of one currency: `amount` * 10**-`decimals` units."""

    code: str
    amount: int
    decimals: int


@dataclass(frozen=True, slots=True)
class SequenceView:
    """A lane's next sequence number on the chain, and the next one nothing waits under yet."""

    lane: int
    next: int
    next_free: int


@dataclass(frozen=True, slots=True)
class AccountView:
    """An identity: holdings, sequence numbers, keys. `name` is its name in the genesis, if any."""

    did: str
    name: str | None
    registered: bool
    version: int
    roles: tuple[str, ...]
    standing: str  # of its organisation: "active", "suspended" or "removed"
    threshold: int
    controller: str | None
    balances: tuple[BalanceView, ...]
    sequences: tuple[SequenceView, ...]
    keys: tuple[KeyView, ...]


@dataclass(frozen=True, slots=True)
class AccountEntry:
    """A transaction in an account's history."""

    id: str
    height: int
    index: int


@dataclass(frozen=True, slots=True)
class AccountHistoryView:
    """Transactions that concern an account, newest first; `next` continues the list, if more."""

    transactions: tuple[AccountEntry, ...]
    next: str | None


@dataclass(frozen=True, slots=True)
class DatasetView:
    """A published dataset. `commitment` is sha256(salt | content), the content is not on chain."""

    id: str
    owner: str
    title: str
    commitment: str
    ciphertext_hash: str
    media_type: str
    size: int
    sector: str
    parents: tuple[ParentView, ...]
    slot: int
    time_ms: int
    transaction: str
    block: str | None
    height: int | None


@dataclass(frozen=True, slots=True)
class ProofView:
    """A state value, or its absence, with what proves it against a header.

    `header` is the encoded header whose sha256 is `block` and whose state root is `state_root`;
    `siblings` run from the root down; `leaf_*` is the leaf found where the key belongs, null when
    the place is empty. `value` (hex of CBOR) is null when the key is absent.
    """

    path: str
    key: str
    value: str | None
    siblings: tuple[str, ...]
    leaf_key: str | None
    leaf_value: str | None
    state_root: str
    block: str
    height: int
    slot: int
    header: str
    seal: str


UNKNOWN_PATH = "unknown-path"
"""The code of a problem: the node knows no such request, as a light node knows few."""


@dataclass(frozen=True, slots=True)
class ProblemView:
    """An error, as RFC 9457 has it, with a `code` for programs."""

    type: str
    title: str
    status: int
    detail: str
    code: str
