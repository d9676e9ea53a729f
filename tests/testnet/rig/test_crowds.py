"""Hostile identities meet real nodes: they are let in, and they leave nothing behind."""

import trio
import trio.testing

from p2p.peers.peer import PeerId
from testnet.faults.byzantine import Eclipse, Spam, Sybil
from testnet.rig.behaviours import behaviour_of
from tests.p2p.founding import found
from tests.p2p.protocol.conversation import make_ledger
from tests.p2p.test_node import Net, until
from tests.testnet.rig.live_host import LiveHost, run_jobs


async def test_a_victim_is_surrounded_and_its_book_is_filled(
    autojump_clock: trio.testing.MockClock,
) -> None:
    founding = found(authorities=4)
    async with trio.open_nursery() as nursery:
        net = Net(founding, nursery)
        victim = await net.start("n0", founding.authorities[0])
        host = LiveHost(ledger=make_ledger(founding)).live(net, [victim])
        eclipse = behaviour_of(Eclipse(victim="n0", identities=12))
        eclipse.begin(host)

        async def watch() -> None:
            await until(lambda: victim.node.status().peers_inbound >= 9, 60)
            await until(lambda: victim.node.status().peers_known >= 10, 60)
            await until(lambda: victim.node.status().peers_outbound >= 1, 60)
            assert eclipse.hits >= 10

        await run_jobs(host, watch)
        await until(lambda: not victim.node.peers(), 60)
        nursery.cancel_scope.cancel()


async def test_identities_come_and_go_and_are_never_the_same(
    autojump_clock: trio.testing.MockClock,
) -> None:
    founding = found(authorities=4)
    async with trio.open_nursery() as nursery:
        net = Net(founding, nursery)
        nodes = [await net.start("n0", founding.authorities[0]), await net.start("n1")]
        host = LiveHost(ledger=make_ledger(founding)).live(net, nodes)
        sybil = behaviour_of(Sybil(identities=4, stay_ms=2_000))
        sybil.begin(host)
        met: dict[PeerId, None] = {}

        async def watch() -> None:
            def many() -> bool:
                met.update((peer.id, None) for peer in nodes[1].node.peers())
                return len(met) > 20

            await until(many, 60)

        await run_jobs(host, watch)
        assert sybil.hits >= 20
        assert len(nodes[0].node.peers()) <= 2
        nursery.cancel_scope.cancel()


async def test_half_open_links_do_not_keep_a_node_from_others(
    autojump_clock: trio.testing.MockClock,
) -> None:
    founding = found(authorities=4)
    async with trio.open_nursery() as nursery:
        net = Net(founding, nursery)
        first = await net.start("n0", founding.authorities[0])
        host = LiveHost(ledger=make_ledger(founding)).live(net, [first])
        flood = behaviour_of(Spam(what="handshakes", rate_per_s=20))
        flood.begin(host)

        async def watch() -> None:
            await until(lambda: flood.hits >= 60, 60)
            await net.start("n1")
            await until(lambda: len(first.node.peers()) == 1, 60)

        await run_jobs(host, watch)
        nursery.cancel_scope.cancel()
