"""The producer's keys in a second node: it joins, follows the chain, and makes other blocks."""

from pathlib import Path

import pytest
import trio
import trio.testing

from chain.ledger import BlockConnected
from chain.store import Batch, MemoryStore, RocksStore
from testnet.faults.byzantine import Twin
from testnet.faults.people import SharedKey
from testnet.rig.behaviours import behaviour_of
from testnet.rig.twin import ROWS, copy_of
from tests.p2p.founding import found
from tests.p2p.protocol.conversation import make_ledger
from tests.p2p.test_node import Net, until
from tests.testnet.rig.live_host import LiveHost, run_jobs


@pytest.mark.parametrize("kind", [Twin(), SharedKey()])
async def test_a_twin_joins_and_makes_blocks_in_its_authors_name(
    kind: Twin | SharedKey, autojump_clock: trio.testing.MockClock
) -> None:
    founding = found(authorities=4)
    async with trio.open_nursery() as nursery:
        net = Net(founding, nursery)
        nodes = [await net.start(f"n{i}", founding.authorities[i]) for i in range(3)]
        author = founding.authorities[3].author
        host = LiveHost(ledger=make_ledger(founding), author=author).live(net, nodes)
        twin = behaviour_of(kind)
        twin.begin(host)
        shared = isinstance(kind, SharedKey)

        async def watch() -> None:
            async with nodes[0].node.subscribe() as events:
                with trio.fail_after(60):
                    async for event in events:
                        if isinstance(event, BlockConnected) and event.author == author.did:
                            assert len(event.transactions) == 1
                            break
            ids = [peer.id for peer in nodes[0].node.peers()]
            assert (host.identity.public in ids) == shared
            assert twin.hits >= 2

        await run_jobs(host, watch)
        await until(lambda: len(nodes[0].node.peers()) == 2, 60)
        nursery.cancel_scope.cancel()


@pytest.mark.parametrize("on_disk", [False, True])
def test_a_copy_has_every_row_and_is_another_store(tmp_path: Path, on_disk: bool) -> None:
    rows = {number.to_bytes(2, "big"): b"%d" % number for number in range(2 * ROWS + 1)}
    store = RocksStore(tmp_path) if on_disk else MemoryStore()
    store.write(Batch(dict(rows)))
    copied = copy_of(store)
    assert dict(copied.scan(b"", limit=3 * ROWS)) == rows
    copied.write(Batch({b"more": b""}))
    assert store.get(b"more") is None
    store.close()
