"""Effects: what engines ask the node to do. Orders are imperative; a list is the whole answer."""

from dataclasses import dataclass

from chain.ledger import LedgerEvent
from chain.primitives.hashing import Hash
from chain.primitives.keys import SignatureCheck
from p2p.peers.contact import Reach
from p2p.peers.peer import PeerId
from p2p.peers.usefulness import Use
from p2p.wire.messages import Message


@dataclass(frozen=True, slots=True)
class Send:
    """Put one message into the peer's outbox."""

    peer: PeerId
    message: Message


@dataclass(frozen=True, slots=True)
class Disconnect:
    """Say goodbye with the code and reason, then close."""

    peer: PeerId
    code: str
    reason: str


@dataclass(frozen=True, slots=True)
class Dial:
    """Open a connection; the outcome comes back as `connected` or `dial_failed`.

    What the address leads to must reach as far as `reach`; the operator's own may lead anywhere.
    """

    address: str
    reach: Reach = Reach.NOWHERE


@dataclass(frozen=True, slots=True)
class Penalize:
    """Count `points` against the peer; the router turns enough of them into a ban."""

    peer: PeerId
    points: int
    code: str
    reason: str


@dataclass(frozen=True, slots=True)
class Credit:
    """The peer was the first to bring something; the router keeps this and passes it to nobody."""

    peer: PeerId
    use: Use


@dataclass(frozen=True, slots=True)
class CheckSignatures:
    """Verify off the loop; the verdicts come back in order as `signatures_checked(job, ...)`."""

    job: int
    checks: tuple[SignatureCheck, ...]


@dataclass(frozen=True, slots=True)
class SubmitResult:
    """The verdict on one submitted transaction.

    `accepted` is also true for one already known (code "already-known"); otherwise `code` and
    `reason` are those of the refusal. `id` is absent only when the bytes did not decode. So many
    peers were `pushed` it, `announced` it, or wait to be told of it for want of room (`queued`).
    """

    id: Hash | None
    accepted: bool
    code: str
    reason: str
    pushed: int = 0
    announced: int = 0
    queued: int = 0


@dataclass(frozen=True, slots=True)
class Answer:
    """Verdicts on the transactions a local client submitted under this ticket, in its order."""

    ticket: int
    results: tuple[SubmitResult, ...]


@dataclass(frozen=True, slots=True)
class Notify:
    """Tell subscribers what happened to the ledger."""

    event: LedgerEvent


@dataclass(frozen=True, slots=True)
class Warn:
    """Tell whoever runs the node what only they can mend; never about a peer."""

    code: str
    reason: str


@dataclass(frozen=True, slots=True)
class Count:
    """Add to a counter by name and reason; figures only, never control flow."""

    counter: str
    reason: str
    amount: int = 1


Effect = (
    Send | Disconnect | Dial | Penalize | Credit | CheckSignatures | Answer | Notify | Warn | Count
)
