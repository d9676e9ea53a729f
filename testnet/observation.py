"""What is seen of a run: facts in the order of their times, the same on every tier.

Checkers judge them, reports draw them, the determinism digest is taken over them, and
`events.ndjson` holds them, one JSON object a line: `{"t": seconds, "is": kind, ...fields}`.
Ids are lower-case hex, nodes are names, times are seconds since the start of the run.
"""

import dataclasses
import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, get_args


@dataclass(frozen=True, slots=True)
class NodeStarted:
    """A node serves (again); `honest` is false for one that a fault makes hostile."""

    node: str
    honest: bool = True


@dataclass(frozen=True, slots=True)
class NodeStopped:
    """A node has ended. `how`: stopped, killed, crashed (by itself), refused (to start)."""

    node: str
    how: str
    why: str = ""


@dataclass(frozen=True, slots=True)
class BlockJoined:
    """A block joined the chain of a node's head; after a start, the head alone is repeated."""

    node: str
    block: str
    parent: str
    height: int
    slot: int
    author: str
    state: str
    transactions: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class BlockLeft:
    """A reorganisation took a block off the chain of a node's head."""

    node: str
    block: str
    height: int


@dataclass(frozen=True, slots=True)
class Confirmed:
    """A checkpoint was justified for a node, or became final for it, by its set and epoch."""

    node: str
    block: str
    height: int
    epoch: int
    set: int
    final: bool


@dataclass(frozen=True, slots=True)
class VoteSeen:
    """A vote that a node took for the first time in the network; seen in virtual time alone.

    `author` is whose vote it is, `source` and `target` are epochs, `block` is the target's.
    """

    node: str
    author: str
    set_id: int
    source: int
    target: int
    source_block: str
    block: str


@dataclass(frozen=True, slots=True)
class EvidenceSeen:
    """A node has found proof that an author signed what excludes itself: `blocks` or `votes`."""

    node: str
    author: str
    offence: str


@dataclass(frozen=True, slots=True)
class SetConfirmed:
    """A node holds a block final by the votes of another set than before; `seats` are its authors.

    Nothing is said of the set that the genesis founds.
    """

    node: str
    set: int
    seats: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TransactionOffered:
    """A client gave a node a transaction; `code` is empty when it was taken."""

    node: str
    transaction: str
    sender: str
    lane: int
    sequence: int
    expiry: int
    code: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class TransactionSeen:
    """A transaction entered a node's mempool."""

    node: str
    transaction: str


@dataclass(frozen=True, slots=True)
class TransactionDropped:
    """A transaction left a node's mempool without being included."""

    node: str
    transaction: str
    code: str
    reason: str


@dataclass(frozen=True, slots=True)
class Glimpse:
    """How a running node stands, looked at once a second."""

    node: str
    height: int
    head: str
    peers: int
    mempool: int
    mempool_bytes: int
    queued_bytes: int
    bytes_out: int
    messages_out: int
    redials: int = 0  # hasty ones, see testnet.redials; counted in virtual time alone
    bodies_in: int = 0  # transactions from peers, known ones too; counted in virtual time alone
    late: str = ""  # why the node says that nothing newer is final


@dataclass(frozen=True, slots=True)
class Refused:
    """A node refused a block or message of a peer; `block` only where a block was judged."""

    node: str
    peer: str
    code: str
    reason: str
    block: str = ""


@dataclass(frozen=True, slots=True)
class Trouble:
    """Something that must not happen: an unhandled exception, a leaked task or descriptor."""

    node: str
    what: str
    detail: str


@dataclass(frozen=True, slots=True)
class FaultBegan:
    """A fault is in force on these nodes."""

    fault: str
    kind: str
    on: tuple[str, ...]
    to: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class FaultEnded:
    """A fault was undone; `hits` is how often it did anything, `clean` that nothing is left."""

    fault: str
    hits: int
    clean: bool


@dataclass(frozen=True, slots=True)
class Judged:
    """An expectation or checker has spoken: `verdict` is pass, fail or unreached."""

    check: str
    verdict: str
    detail: str


Fact = (
    NodeStarted
    | NodeStopped
    | BlockJoined
    | BlockLeft
    | Confirmed
    | VoteSeen
    | EvidenceSeen
    | SetConfirmed
    | TransactionOffered
    | TransactionSeen
    | TransactionDropped
    | Glimpse
    | Refused
    | Trouble
    | FaultBegan
    | FaultEnded
    | Judged
)

FACTS: dict[str, Callable[..., Fact]] = {kind.__name__: kind for kind in get_args(Fact)}


@dataclass(frozen=True, slots=True)
class Seen:
    """One fact and when it was seen, in seconds since the start of the run."""

    at_s: float
    fact: Fact


def encode_seen(seen: Seen) -> str:
    """One line of events.ndjson, without its newline; the same fact gives the same bytes."""
    fields = {"t": round(seen.at_s, 6), "is": type(seen.fact).__name__}
    fields |= {
        field.name: getattr(seen.fact, field.name) for field in dataclasses.fields(seen.fact)
    }
    return json.dumps(fields, separators=(",", ":"))


def digest_of(seen: Sequence[Seen]) -> str:
    """SHA-256 over the facts as they are written to events.ndjson, in hex."""
    digest = hashlib.sha256()
    for item in seen:
        digest.update(encode_seen(item).encode())
    return digest.hexdigest()


def decode_seen(line: str) -> Seen:
    """Reads what encode_seen wrote. Raises ValueError for anything else."""
    try:
        fields: dict[str, Any] = json.loads(line)
        at_s, kind = float(fields.pop("t")), FACTS[fields.pop("is")]
        values = {
            name: tuple(value) if isinstance(value, list) else value
            for name, value in fields.items()
        }
        return Seen(at_s, kind(**values))
    except (AttributeError, KeyError, TypeError) as error:
        raise ValueError(f"not an event: {line[:80]!r}") from error
