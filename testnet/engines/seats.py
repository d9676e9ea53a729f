"""The behaviours of the rig, hosted without a rig: the same faults of gossip as on other tiers."""

import math
import random
from functools import partial

from chain.consensus.engine import Author
from chain.ledger import Ledger
from chain.primitives.keys import KeyPair
from p2p.net.transport import Transport
from p2p.peers.peer import PeerId
from p2p.protocol.instant import Now
from p2p.wire.messages import Message
from testnet.engines.host import Host
from testnet.errors import Unfit
from testnet.rig.behaviour import Behaviour, Item, Job
from testnet.scenario.streams import stream
from testnet.stage import Act


class EngineSeat:
    """One behaviour in one host. Implements testnet.rig.behaviour.Host, and the host's own Seat."""

    def __init__(
        self, host: Host, act: Act, behaviour: Behaviour, directory: dict[PeerId, Host]
    ) -> None:
        self.behaviour = behaviour
        self.rng: random.Random = stream(act.seed, "behaviour", host.name)
        self._act = act
        self._host = host
        self._directory = directory
        self._over = False
        self._tick_s = math.inf

    @property
    def name(self) -> str:
        """See rig.behaviour.Host."""
        return self._host.name

    @property
    def identity(self) -> KeyPair:
        """See rig.behaviour.Host; no keys are kept in this tier. Raises Unfit."""
        raise _needs_more(self._act)

    @property
    def ledger(self) -> Ledger:
        """See rig.behaviour.Host."""
        return self._host.ledger

    @property
    def author(self) -> Author | None:
        """See rig.behaviour.Host."""
        return self._host.card.author

    @property
    def transport(self) -> Transport:
        """See rig.behaviour.Host; there is none in this tier. Raises Unfit."""
        raise _needs_more(self._act)

    def begin(self) -> None:
        """See host.Seat."""
        self.behaviour.begin(self)
        self._look()

    def end(self) -> None:
        """The fault is over."""
        self._over = True
        self.behaviour.end()

    def outgoing(self, peer: PeerId, items: list[Item]) -> list[Item]:
        """See host.Seat."""
        items = self.behaviour.outgoing(peer, items)
        self._look()
        return items

    def incoming(self, peer: PeerId, items: list[Item]) -> list[Item]:
        """See host.Seat."""
        items = self.behaviour.incoming(peer, items)
        self._look()
        return items

    def now(self) -> Now:
        """See rig.behaviour.Host."""
        return self._host.now()

    def peers(self) -> list[PeerId]:
        """See rig.behaviour.Host."""
        return list(self._host.ways)

    def name_of(self, peer: PeerId) -> str:
        """See rig.behaviour.Host."""
        host = self._directory.get(peer)
        return "" if host is None else host.name

    def address_of(self, name: str) -> str:
        """See rig.behaviour.Host."""
        return next(host.address for host in self._directory.values() if host.name == name)

    def send(self, peer: PeerId, item: Item) -> None:
        """See rig.behaviour.Host."""
        self._host.post(peer, item)

    def deliver(self, peer: PeerId, message: Message) -> None:
        """See rig.behaviour.Host."""
        self._host.read(peer, message)

    def start(self, job: Job) -> None:
        """See rig.behaviour.Host; nothing waits in this tier. Raises Unfit."""
        raise _needs_more(self._act)

    def _look(self) -> None:
        """See that the behaviour ticks by its deadline."""
        deadline_s = self.behaviour.deadline_s()
        if deadline_s is not None and deadline_s < self._tick_s:
            self._tick_s = deadline_s
            self._host.ground.net.heap.at(deadline_s, partial(self._tick, deadline_s))

    def _tick(self, at_s: float) -> None:
        if at_s != self._tick_s or self._over:
            return
        self._tick_s = math.inf
        now = self._host.now()
        deadline_s = self.behaviour.deadline_s()
        if deadline_s is not None and deadline_s <= now.s and self._host.up:
            self.behaviour.tick(now)
        self._look()


def _needs_more(act: Act) -> Unfit:
    return Unfit("tier", f"{act.kind.NAME} needs whole nodes: run it on the tier `node`")
