"""A light node's bytes: an hour of one-second blocks with seven authorities, in virtual time."""

from dataclasses import dataclass

import trio
from trio.testing import MockClock

from chain.consensus.finality.vote import Checkpoint
from p2p.net.memory import MemoryNetwork
from tests.chain.receipts.world import Paying
from tests.p2p.test_light_node import full_node, light_node

AUTHORITIES = 7
DAY_S = 86_400


@dataclass(frozen=True, slots=True)
class LightFigure:
    """Bytes on a light node's links, as its connections count them, in so many seconds."""

    seconds: int
    peers: int
    bytes_in: int
    bytes_out: int
    final_height: int
    head_height: int

    @property
    def per_day(self) -> float:
        """Bytes of both directions in a day at this rate."""
        return (self.bytes_in + self.bytes_out) * DAY_S / self.seconds


def measure_light(seconds: int = 3600, peers: int = 3) -> LightFigure:
    """Every second a block, seven votes for it, and a light node that follows."""
    return trio.run(_hour, seconds, peers, clock=MockClock(autojump_threshold=0))


async def _hour(seconds: int, peers: int) -> LightFigure:
    chain, network = Paying(AUTHORITIES), MemoryNetwork()
    names = [f"full{number}" for number in range(peers)]
    async with trio.open_nursery() as nursery:
        for name in names:
            await nursery.start(full_node(chain, network, name).run)
        light = light_node(chain.genesis, network, *(f"mem://{name}:1" for name in names))
        nursery.start_soon(light.run)
        for _ in range(seconds):
            block = chain.grow()
            chain.vote(Checkpoint(block.id, block.header.slot))
            chain.blocks.clear()
            await trio.sleep(1)
        status, head = light.status(), chain.on.head
        nursery.cancel_scope.cancel()
    assert status.header is not None, "something became final"
    return LightFigure(
        seconds, status.peers, status.bytes_in, status.bytes_out, status.header.height, head.height
    )
