"""Live connections by peer, and which of two between the same nodes is kept."""

from collections.abc import Iterator
from dataclasses import dataclass

from p2p.net.connection import Connection
from p2p.peers.peer import PeerId, short


@dataclass(frozen=True, slots=True)
class Session:
    """One connection that passed the hello, and how it came about."""

    peer: PeerId
    connection: Connection
    address: str
    outbound: bool
    since_s: float


@dataclass(frozen=True, slots=True)
class Admission:
    """Whether a new connection may stay; if so, which older one makes way for it."""

    code: str
    reason: str
    replaces: Session | None = None

    @property
    def welcome(self) -> bool:
        """Whether the connection stays."""
        return not self.code


class Sessions:
    """At most one session a peer, at most `inbound_max` inbound ones.

    Of two connections between the same nodes the one dialled by the lower id stays; of two dialled
    by the same node the newer. *Why:* both ends decide alike without asking each other, and a node
    that dials again knows that its older connection is dead.
    """

    def __init__(self, self_id: PeerId, inbound_max: int) -> None:
        self._self_id = self_id
        self._inbound_max = inbound_max
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

    def judge(self, peer: PeerId, *, outbound: bool) -> Admission:
        """Whether a new connection with `peer` may become its session."""
        if peer == self._self_id:
            return Admission("self", "the node reached itself")
        older = self._sessions.get(peer)
        if older is not None:
            if older.outbound == outbound or outbound == (self._self_id < peer):
                return Admission("", "", older)
            keeper = min(self._self_id, peer)
            return Admission("duplicate", f"already connected; {short(keeper)}'s connection stays")
        inbound = self.count(outbound=False)
        if not outbound and inbound >= self._inbound_max:
            return Admission("full", f"{inbound} of {self._inbound_max} inbound slots are in use")
        return Admission("", "")

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
