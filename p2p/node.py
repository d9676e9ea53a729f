"""The node: trio tasks around the engines. It opens, reads, writes and sleeps; it decides nothing."""

import random
from collections.abc import Sequence
from dataclasses import dataclass

import trio

from chain.consensus.engine import Author
from chain.ledger import Ledger
from chain.primitives.hashing import Hash
from chain.primitives.keys import KeyPair
from p2p.clock import Clock
from p2p.config import NodeConfig
from p2p.net.connection import Tap
from p2p.net.transport import Transport
from p2p.observer import Observer
from p2p.protocol.effects import SubmitResult
from p2p.status import NodeStatus, PeerStatus
from p2p.subscription import Subscription
from p2p.verifier import Verifier


@dataclass(frozen=True, slots=True)
class NodeParts:
    """Everything a node is given; it makes no clock, socket, store or randomness of its own."""

    config: NodeConfig
    identity: KeyPair
    author: Author | None
    ledger: Ledger
    transport: Transport
    clock: Clock
    rng: random.Random
    verifier: Verifier
    observer: Observer
    tap: Tap | None = None


class Node:
    """A running participant of the network. `run` owns every task; cancelling it stops all."""

    def __init__(self, parts: NodeParts) -> None: ...

    @property
    def ledger(self) -> Ledger:
        """The ledger, for reading (blocks, accounts, proofs) from the node's own thread."""

    async def run(self, *, task_status: trio.TaskStatus[str] = trio.TASK_STATUS_IGNORED) -> None:
        """Run until cancelled; `task_status` gets the listening address once peers can dial it."""

    async def submit(self, raws: Sequence[bytes]) -> list[SubmitResult]:
        """Check signatures and rules of each transaction, add to the mempool, gossip; verdicts in order."""

    def status(self) -> NodeStatus: ...

    def peers(self) -> list[PeerStatus]: ...

    def subscribe(self) -> Subscription:
        """Events from now on; `async with node.subscribe() as events: async for event in events`."""

    async def wait_included(self, txid: Hash, timeout_s: float) -> bool:
        """True once the transaction is in a block of the head's chain, False after `timeout_s`."""
