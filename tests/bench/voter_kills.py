"""A voting authority killed at random moments, its guard's write among them; what it then signed.

The network is one of routers on a heap, the kills fall between two events or on a write of the
store, which is lost or kept. All votes that were ever sent are looked at.
"""

import random
from dataclasses import dataclass

from chain.store import Batch, MemoryStore
from tests.p2p.founding import found
from tests.p2p.protocol.heard import Heard
from tests.p2p.protocol.simnet import SimNet

AUTHORITIES = 7
KILLS = 200
VICTIM = 3
LIFE_MAX_S = 5.0  # the first vote of a life comes after one slot or two, then one in each
DOWN_MAX_S = 0.4
WRITES_MAX = 60


class Killed(Exception):
    """The process has died inside a write."""


class FragileStore(MemoryStore):
    """A store whose owner dies at its write number `last`, before or after that took effect."""

    def __init__(self) -> None:
        super().__init__()
        self.last = 0
        self.kept = False

    def write(self, batch: Batch, *, durable: bool = False) -> None:
        """See KeyValueStore; raises Killed."""
        self.last -= 1
        if self.last == 0:
            if self.kept:
                super().write(batch, durable=durable)
            raise Killed
        super().write(batch, durable=durable)


@dataclass(frozen=True, slots=True)
class KillFigure:
    """Kills, those of them inside a write, votes of the victim on the network, and offences."""

    kills: int
    in_writes: int
    votes: int
    offences: int


def measure_kills(seed: int = 1) -> KillFigure:
    """One victim of seven."""
    founding, rng = found(authorities=AUTHORITIES), random.Random(seed)
    net, heard, store = SimNet(founding, seed), Heard(), FragileStore()
    net.loses = heard
    for place, party in enumerate(founding.authorities):
        bootstrap = () if place == 0 else ("n0",)
        net.add(f"n{place}", party, bootstrap, store if place == VICTIM else None)
    net.run(4)
    victim = next(host for host in net.hosts.values() if host.name == f"n{VICTIM}")
    in_writes = 0
    for _ in range(KILLS):
        store.last = rng.randint(1, WRITES_MAX) if rng.random() < 0.5 else 0
        store.kept = rng.random() < 0.5
        try:
            net.run(rng.uniform(0.05, LIFE_MAX_S))
        except Killed:
            in_writes += 1
        store.last = 0
        net.kill(victim)
        net.run(rng.uniform(0.0, DOWN_MAX_S))
        party = founding.authorities[VICTIM]
        victim = net.add(f"n{VICTIM}", party, ("n0", "n1"), store)
    net.run(6)
    votes = sum(signed.member == VICTIM for signed in heard.votes.values())
    return KillFigure(KILLS, in_writes, votes, len(heard.offences()))
