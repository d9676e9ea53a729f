"""Live connections by peer, which of two between the same nodes is kept, and who makes way."""

from collections.abc import Iterator
from dataclasses import dataclass

from chain.primitives.errors import Refusal
from chain.primitives.hashing import Hash
from p2p.net.connection import Connection
from p2p.peers.eviction import Guest, evicted
from p2p.peers.peer import PeerId, short
from p2p.peers.usefulness import Usefulness
from p2p.protocol.instant import Now
from p2p.status import PeerStatus


@dataclass(frozen=True, slots=True)
class Session:
    """One connection that passed the hello, and how it came about.

    `group` is the network group of the link's far end, whatever address the peer gives as its own.
    """

    peer: PeerId
    connection: Connection
    address: str
    group: str
    outbound: bool
    since_s: float

    @property
    def refusal(self) -> Refusal | None:
        """What was wrong with the frame that ended it, if one did."""
        return self.connection.refusal


def peer_status(session: Session, claim: tuple[int, Hash], score: int, now: Now) -> PeerStatus:
    """A connected peer as seen from here; `claim` is the height and head it has last shown."""
    connection = session.connection
    height, head = claim
    return PeerStatus(
        id=session.peer,
        address=session.address,
        outbound=session.outbound,
        agent=connection.peer_hello.agent,
        height=height,
        head=head,
        connected_s=now.s - session.since_s,
        latency_ms=connection.latency_ms,
        score=score,
        bytes_in=connection.bytes_in,
        bytes_out=connection.bytes_out,
        queued_bytes=connection.queued_bytes,
    )


@dataclass(frozen=True, slots=True)
class Newcomer:
    """A connection that asks to become a session."""

    peer: PeerId
    group: str
    outbound: bool


@dataclass(frozen=True, slots=True)
class Admission:
    """Whether a new connection may stay; if so, which older one makes way for it."""

    code: str
    reason: str
    replaces: Session | None = None
    evicts: bool = False  # the one it replaces is another peer's

    @property
    def welcome(self) -> bool:
        """Whether the connection stays."""
        return not self.code


class Sessions:
    """At most one session a peer, at most `inbound_max` inbound ones; see `eviction` for who of
    those makes way when all are taken.

    Of two connections between the same nodes the one dialled by the lower id stays; of two dialled
    by the same node the newer. *Why:* both ends decide alike without asking each other, and a node
    that dials again knows that its older connection is dead.
    """

    def __init__(self, self_id: PeerId, inbound_max: int, uses: Usefulness, secret: bytes) -> None:
        self._self_id = self_id
        self._inbound_max = inbound_max
        self._uses = uses
        self._secret = secret
        self._sessions: dict[PeerId, Session] = {}

    def __iter__(self) -> Iterator[Session]:
        return iter(self._sessions.values())

    def __len__(self) -> int:
        return len(self._sessions)

    def get(self, peer: PeerId) -> Session | None:
        """The session with a peer."""
        return self._sessions.get(peer)

    def count(self, *, outbound: bool) -> int:
        """Sessions dialled by us, or by others."""
        return sum(1 for session in self._sessions.values() if session.outbound == outbound)

    def judge(self, new: Newcomer) -> Admission:
        """Whether a new connection may become its peer's session."""
        if new.peer == self._self_id:
            return Admission("self", "the node reached itself")
        older = self._sessions.get(new.peer)
        if older is not None:
            if older.outbound == new.outbound or new.outbound == (self._self_id < new.peer):
                return Admission("", "", older)
            keeper = min(self._self_id, new.peer)
            return Admission("duplicate", f"already connected; {short(keeper)}'s connection stays")
        inbound = self.count(outbound=False)
        if new.outbound or inbound < self._inbound_max:
            return Admission("", "")
        leaves = evicted(self._guests(), new.group, self._secret)
        if leaves is None:
            return Admission("full", f"{inbound} of {self._inbound_max} inbound slots are in use")
        return Admission("", "", self._sessions[leaves], evicts=True)

    def _guests(self) -> list[Guest]:
        guests: list[Guest] = []
        for session in self._sessions.values():
            if not session.outbound:
                uses = self._uses.of(session.peer)
                guests.append(
                    Guest(
                        session.peer,
                        session.group,
                        session.since_s,
                        session.connection.latency_ms,
                        uses.block_s,
                        uses.transaction_s,
                    )
                )
        return guests

    def add(self, session: Session) -> None:
        """Make it the peer's session; one it replaces has been removed before."""
        assert session.peer not in self._sessions
        self._sessions[session.peer] = session

    def remove(self, session: Session) -> bool:
        """End a session; False if another has taken its place meanwhile."""
        if self._sessions.get(session.peer) is not session:
            return False
        del self._sessions[session.peer]
        return True
