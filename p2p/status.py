"""What a node says about itself and its peers: plain values for the API, the CLI and tests."""

from dataclasses import dataclass

from chain.primitives.hashing import Hash
from p2p.finality_status import FinalityStatus
from p2p.peers.peer import PeerId
from p2p.progress import SyncProgress


@dataclass(frozen=True, slots=True)
class NodeStatus:
    """A node at one moment. Heights count from genesis = 0.

    `recoveries`: how often people let another set of authorities take over.
    """

    name: str
    id: PeerId
    address: str
    agent: str
    network: str
    chain: Hash
    consensus: str
    height: int
    head: Hash
    head_slot: int
    state_root: Hash
    finality: FinalityStatus
    slot: int
    syncing: bool
    sync: SyncProgress | None  # while syncing
    peers_inbound: int
    peers_outbound: int
    peers_known: int
    peers_tried: int
    mempool_transactions: int
    mempool_bytes: int
    producing: bool
    voting: bool
    uptime_s: float
    expiry_slots_max: int
    recoveries: int

    @property
    def finalized_height(self) -> int:
        """Height of the last final block."""
        return self.finality.height

    @property
    def finalized(self) -> Hash:
        """Its id."""
        return self.finality.block

    @property
    def finality_late(self) -> str:
        """Why nothing newer is final; of a node that catches up that it is behind is no news."""
        return self.finality.alarm or ("" if self.sync is not None else self.finality.late)


@dataclass(frozen=True, slots=True)
class PeerStatus:
    """One connected peer as seen from here. `latency_ms` is absent until the first pong."""

    id: PeerId
    address: str
    outbound: bool
    agent: str
    height: int
    head: Hash
    connected_s: float
    latency_ms: float | None
    score: int
    bytes_in: int
    bytes_out: int
    queued_bytes: int


@dataclass(frozen=True, slots=True)
class NodeAddresses:
    """Where a started node process listens: peer-to-peer address, API base URL, identity."""

    p2p: str
    api: str
    id: PeerId
