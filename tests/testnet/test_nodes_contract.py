"""What the load generator needs of nodes: the fake network and a real node answer alike."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass

import httpx
import pytest
import trio
import trio.testing

from chain.transactions.envelope import Transaction
from testnet.asking import Nodes, Unanswered
from testnet.nodeapi import NodeApi, connected_block, judge
from testnet.senders import LoadKind
from tests.p2p.api.serving import serve
from tests.testnet.fake_network import FakeNetwork
from tests.testnet.test_workload import senders

API = "http://node"
EXPIRY = 5_000


@dataclass
class Subject:
    """Nodes under test; `txs` are a sender's next three, in order."""

    nodes: Nodes
    txs: list[Transaction]


SubjectMaker = Callable[[], AbstractAsyncContextManager[Subject]]


@asynccontextmanager
async def fake() -> AsyncIterator[Subject]:
    network = FakeNetwork(API)
    (sender,) = senders(1)
    txs = [sender.sign(LoadKind.TRANSFER, sender.did, "CNY", EXPIRY) for _ in range(3)]
    async with trio.open_nursery() as nursery:
        nursery.start_soon(network.run)
        yield Subject(network, txs)
        nursery.cancel_scope.cancel()


@asynccontextmanager
async def real() -> AsyncIterator[Subject]:
    async with serve() as served:
        client = httpx.AsyncClient(transport=httpx.ASGITransport(served.app))
        async with client:
            txs = [served.founding.transfer(sequence) for sequence in range(3)]
            yield Subject(NodeApi(client), txs)


@pytest.mark.parametrize("subject", [fake, real])
class TestNodes:
    """Both answer alike."""

    async def test_blocks(
        self, subject: SubjectMaker, autojump_clock: trio.testing.MockClock
    ) -> None:
        async with subject() as it:
            founding = await it.nodes.block(API, 0)
            assert (founding.height, founding.transactions) == (0, ())
            assert await it.nodes.block(API, founding.id) == founding
            head = await it.nodes.block(API, await it.nodes.head(API))
            assert head.height >= 0
            for unknown in (10**6, "ab" * 32):
                with pytest.raises(Unanswered):
                    await it.nodes.block(API, unknown)

    async def test_what_is_submitted_is_included_in_order(
        self, subject: SubjectMaker, autojump_clock: trio.testing.MockClock
    ) -> None:
        async with subject() as it:
            for _ in range(2):  # the second time they are known already, which is as good
                verdicts = await it.nodes.submit(API, [tx.raw for tx in it.txs])
                assert [verdict.code for verdict in verdicts] == ["", "", ""]
            found: list[bytes] = []
            height = 1
            with trio.fail_after(10):
                while len(found) < len(it.txs):
                    try:
                        found += (await it.nodes.block(API, height)).transactions
                        height += 1
                    except Unanswered:
                        await trio.sleep(0.5)
            assert found == [tx.id for tx in it.txs]

    async def test_a_witness_says_where_its_node_is(
        self, subject: SubjectMaker, autojump_clock: trio.testing.MockClock
    ) -> None:
        async with subject() as it:
            witness = it.nodes.witness("n1", API)
            view = await witness.view()
            assert view is not None
            assert view.name == "n1"
            assert await witness.block_id(view.height) is not None
            assert await witness.block_id(10**6) is None


def test_a_verdict_says_whether_to_try_again() -> None:
    assert judge("accepted", "").code == ""
    assert judge("known", "already-known").code == ""
    assert judge("refused", "sequence-used").code == ""
    assert judge("refused", "mempool-full").again
    assert not judge("refused", "insufficient-balance").again


def test_an_event_of_a_block_names_it() -> None:
    assert connected_block('{"event": "block-connected", "block": "ab"}') == "ab"
    assert connected_block('{"event": "head-changed"}') is None
