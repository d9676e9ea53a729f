"""What a fault inside a node looks like: it watches messages pass, changes them, sends its own.

Sans-IO like the engines it disturbs: a behaviour is called with each frame's messages and when its
deadline has come, and acts through its host.
"""

import random
from typing import Protocol

from chain.consensus.engine import Author
from chain.ledger import Ledger
from chain.primitives.keys import KeyPair
from p2p.net.transport import Transport
from p2p.peers.peer import PeerId
from p2p.protocol.instant import Now
from p2p.wire.messages import Message

Item = Message | bytes
"""A message, or the bytes of one that is damaged or already encoded."""


class Host(Protocol):
    """The node a behaviour lives in."""

    rng: random.Random  # of this fault alone: (seed, fault, node)

    @property
    def name(self) -> str:
        """The node's name in the testnet."""
        ...

    @property
    def identity(self) -> KeyPair:
        """What the node proves itself with towards peers."""
        ...

    @property
    def ledger(self) -> Ledger:
        """The node's ledger."""
        ...

    @property
    def author(self) -> Author | None:
        """Whom the node makes blocks for."""
        ...

    @property
    def transport(self) -> Transport:
        """What the node dials with."""
        ...

    def now(self) -> Now:
        """The node's clocks."""
        ...

    def peers(self) -> list[PeerId]:
        """Who is connected, in order of connection."""
        ...

    def name_of(self, peer: PeerId) -> str:
        """A peer's name in the testnet; empty for a stranger."""
        ...

    def address_of(self, name: str) -> str:
        """Where a node of the testnet is dialled."""
        ...

    def send(self, peer: PeerId, item: Item) -> None:
        """Send past all behaviours; lost when the peer has left."""
        ...

    def deliver(self, peer: PeerId, message: Message) -> None:
        """Let the node receive this as if the peer had sent it, past all behaviours."""
        ...

    def start(self, job: "Job") -> None:
        """Run something that waits (hostile identities, a twin); cancelled when the fault ends."""
        ...


class Job(Protocol):
    """A task of a behaviour."""

    async def __call__(self) -> None: ...


class Behaviour(Protocol):
    """One fault in force within one node. `hits` counts what it has done to anything."""

    hits: int

    def begin(self, host: Host) -> None:
        """Called once, before everything else."""
        ...

    def outgoing(self, peer: PeerId, items: list[Item]) -> list[Item]:
        """What leaves for the peer in place of `items`, in order."""
        ...

    def incoming(self, peer: PeerId, items: list[Item]) -> list[Item]:
        """What the node gets to read in place of `items`, in order."""
        ...

    def deadline_s(self) -> float | None:
        """When `tick` is next wanted, in the monotonic seconds of `Host.now`."""
        ...

    def tick(self, now: Now) -> None:
        """Time has passed."""
        ...

    def end(self) -> None:
        """Leave nothing behind: what is held back is sent now, or dropped."""
        ...
