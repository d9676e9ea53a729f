"""A host whose jobs run: on a memory network of real nodes, in virtual time."""

from collections.abc import Awaitable, Callable

import trio

from p2p.clock import VirtualClock
from p2p.peers.peer import PeerId
from p2p.protocol.instant import Now
from tests.p2p.founding import GENESIS_TIME_MS
from tests.p2p.test_node import Net, Running
from tests.testnet.rig.fake_host import FakeHost


class LiveHost(FakeHost):
    """The host `evil`, which knows the given nodes and counts them as its peers."""

    def live(self, net: Net, nodes: list[Running]) -> "LiveHost":
        self.name = "evil"
        self.transport = net.memory.transport("evil")
        self.names = {PeerId(node.id): node.name for node in nodes}
        self.connected = list(self.names)
        return self

    def now(self) -> Now:
        return VirtualClock(GENESIS_TIME_MS).now()

    def name_of(self, peer: PeerId) -> str:
        return self.names.get(peer, "")


async def run_jobs(host: FakeHost, during: Callable[[], Awaitable[None]]) -> None:
    """Run the host's jobs while something else goes on; then they are cancelled."""
    async with trio.open_nursery() as nursery:
        for job in host.jobs:
            nursery.start_soon(job)
        await during()
        nursery.cancel_scope.cancel()
