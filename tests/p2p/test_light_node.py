"""A light node beside a full one, on the memory transport under a virtual clock."""

import random
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import trio
from trio.testing import MockClock

from chain.genesis import Genesis
from chain.primitives.hashing import sha256
from chain.primitives.keys import KeyPair
from chain.receipts.finality import Basis
from chain.receipts.making import ReceiptMaker
from chain.receipts.transaction import decode_transaction_receipt, verify_transaction_receipt
from p2p.api.light_app import light_status_view
from p2p.clock import VirtualClock
from p2p.config import NodeConfig
from p2p.light_node import LightNode, LightParts
from p2p.net.memory import MemoryNetwork
from p2p.node import Node, NodeParts
from p2p.observer import Field, Hears, Observer
from p2p.protocol.lightfollowing import POLL_S
from p2p.verifier import InlineVerifier
from tests.chain.receipts.world import Paying
from tests.chain.sets import PEOPLE, Chain, change
from tests.chain.test_recovery import Ruined
from tests.p2p.founding import GENESIS_TIME_MS
from tests.p2p.test_node import open_net

FINAL_S = 4.0
"""Slots of a second until the head of a healthy network is final."""
LIGHT = KeyPair.from_seed(b"l" * 32)


def full_node(chain: Chain, network: MemoryNetwork, name: str = "full") -> Node:
    """A node that serves a chain and makes no blocks."""
    config = NodeConfig(name, Path(), Path(), chain.genesis.hash, f"mem://{name}:1")
    return Node(
        NodeParts(
            config=config,
            identity=KeyPair.from_seed(sha256(name.encode())),
            author=None,
            ledger=chain.on,
            transport=network.transport(name),
            clock=VirtualClock(0),
            rng=random.Random(0),
            verifier=InlineVerifier({}),
            observer=Observer(name),
        )
    )


def light_node(
    genesis: Genesis,
    network: MemoryNetwork,
    *addresses: str,
    epoch_ms: int = 0,
    hears: Hears | None = None,
) -> LightNode:
    return LightNode(
        LightParts(
            name="light",
            genesis=genesis,
            identity=LIGHT,
            addresses=addresses,
            transport=network.transport("light"),
            clock=VirtualClock(epoch_ms),
            rng=random.Random(1),
            observer=Observer("light", hears=hears),
        )
    )


@asynccontextmanager
async def beside(chain: Chain, hears: Hears | None = None) -> AsyncIterator[tuple[LightNode, Node]]:
    """A light node that knows the address of a full one."""
    network = MemoryNetwork()
    full = full_node(chain, network)
    light = light_node(chain.genesis, network, "mem://full:1", "mem://nobody:1", hears=hears)
    async with trio.open_nursery() as nursery:
        await nursery.start(full.run)
        nursery.start_soon(light.run)
        await trio.testing.wait_all_tasks_blocked()
        yield light, full
        nursery.cancel_scope.cancel()


async def test_it_follows_what_becomes_final_and_who_decides_it(autojump_clock: MockClock) -> None:
    chain = Paying(4)
    chain.payment()
    chain.finalize()
    async with beside(chain) as (light, full):
        await trio.sleep(POLL_S)
        assert light.client.header == chain.maker.final
        assert light.client.authorities == chain.genesis.authority_set
        chain.grow()
        chain.finish(chain.decide(change(PEOPLE[:4], PEOPLE[4:9]), PEOPLE[:3]))
        chain.payment()
        chain.finalize()
        await trio.sleep(2 * POLL_S)
        status = light.status()
        assert status.header == chain.maker.final
        assert (status.set_id, status.members, status.peers, status.alarm) == (1, 5, 1, "")
        assert 0 < status.bytes_in < 20_000
        # The full node tells it of nothing else, and does not count it among those it follows.
        (peer,) = full.peers()
        assert peer.id == LIGHT.public
        assert "ignored" not in {counter for counter, _ in dict(full.observer.totals())}


async def test_on_a_network_that_was_recovered_it_says_what_it_needs(
    autojump_clock: MockClock,
) -> None:
    chain = Ruined()
    chain.recover()
    heard: list[tuple[str, Field]] = []

    def hears(level: str, event: str, fields: Mapping[str, Field]) -> None:
        heard.append((event, fields.get("why")))

    async with beside(chain, hears) as (light, _):
        await trio.sleep(3 * POLL_S)
        status = light_status_view(light)
        assert (status.set_id, status.finalized_height, status.peers) == (0, 0, 1)
        assert "recovered by hand" in status.stranded
        assert "/v1/checkpoint" in status.stranded
        assert [why for event, why in heard if event == "needs-checkpoint"] == [status.stranded]


async def test_a_link_that_ends_is_dialled_again(autojump_clock: MockClock) -> None:
    chain = Paying(4)
    chain.payment()
    chain.finalize()
    async with beside(chain) as (light, full):
        await trio.sleep(1)
        assert light.status().peers == 1
        (session,) = full.peers()
        full._peering.close(session.id, "test", "once")
        await trio.sleep(2)
        assert light.status().peers == 0
        await trio.sleep(30)
        assert light.status().peers == 1


async def test_a_payment_on_a_voting_network_from_sender_to_proof(
    autojump_clock: MockClock,
) -> None:
    async with open_net() as net:
        nodes = await net.five()
        genesis = net.founding.genesis
        tx = net.founding.transfer(0)
        await nodes[4].node.submit([tx.raw])
        assert await nodes[4].node.wait_included(tx.id, 20)
        await trio.sleep(FINAL_S)
        light = light_node(
            genesis, net.memory, "mem://n1:1", "mem://n4:1", epoch_ms=GENESIS_TIME_MS
        )
        net.nursery.start_soon(light.run)
        await trio.sleep(1)
        founded = Basis(Genesis.decode(genesis.encode()))
        for node in nodes:
            location = node.ledger.transaction(tx.id)
            assert location is not None
            raw = ReceiptMaker(node.ledger).transaction(location).encode()
            proven = verify_transaction_receipt(decode_transaction_receipt(raw), founded)
            assert proven.transaction.id == tx.id
            assert proven.signers >= 3
        header = light.client.header
        assert header is not None
        assert header.height > proven.header.height
        assert nodes[0].ledger.block_id_at(header.height) == header.id
        assert light.status().peers == 2
