"""Whole nodes on the memory transport under a virtual clock."""

import math
import random
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
import trio
import trio.testing

from chain.consensus.selection import engine_of
from chain.ledger import BlockConnected, Ledger
from chain.primitives.hashing import Hash
from chain.primitives.keys import KeyPair, SignatureCheck
from chain.store import KeyValueStore, MemoryStore
from p2p.clock import VirtualClock
from p2p.config import NodeConfig
from p2p.events import PeerConnected
from p2p.net.memory import MemoryNetwork, MemoryTransport
from p2p.net.outbox import LANE_MESSAGES_MAX
from p2p.net.transport import LINK_MESSAGE_BYTES_MAX, Link
from p2p.node import Node, NodeParts
from p2p.observer import Field, Hears, Observer
from p2p.peers.contact import Reach
from p2p.progress import SyncProgress
from p2p.verifier import InlineVerifier
from p2p.wire.codec import encode_message
from p2p.wire.messages import BlockTransactions, Lane, Peers
from tests.p2p.founding import GENESIS_TIME_MS, Founding, Party, found


class Partition:
    """A tap that lets frames through only within a group; without groups, everywhere."""

    def __init__(self) -> None:
        self.blocked: frozenset[bytes] = frozenset()

    def outgoing(self, peer: bytes, frame: bytes) -> bytes:
        return b"" if peer in self.blocked else frame

    def incoming(self, peer: bytes, frame: bytes) -> bytes:
        return b"" if peer in self.blocked else frame


class Noting(MemoryTransport):
    """Notes how far what is dialled has to reach."""

    def __init__(self, network: MemoryNetwork, host: str) -> None:
        super().__init__(network, host, LINK_MESSAGE_BYTES_MAX)
        self.dialled: dict[str, Reach] = {}

    async def dial(self, address: str, reach: Reach = Reach.NOWHERE) -> Link:
        self.dialled[address] = reach
        return await super().dial(address, reach)


@dataclass
class Running:
    """A node that runs, with what was given to it."""

    name: str
    node: Node
    ledger: Ledger
    store: KeyValueStore
    tap: Partition
    transport: Noting
    id: bytes
    scope: trio.CancelScope
    finished: trio.Event

    async def stop(self) -> None:
        self.scope.cancel()
        await self.finished.wait()


class Net:
    """Nodes of one process, on one memory network and one clock."""

    def __init__(self, founding: Founding, nursery: trio.Nursery) -> None:
        self.founding = founding
        self.memory = MemoryNetwork()
        self.nursery = nursery
        self.signatures: dict[SignatureCheck, bool] = {}

    async def start(
        self,
        name: str,
        author: Party | None = None,
        *,
        bootstrap: tuple[str, ...] = ("mem://n0:1",),
        store: KeyValueStore | None = None,
        verifier: InlineVerifier | None = None,
        reach: Reach | None = None,
        advertise: str = "",
        hears: Hears | None = None,
        ahead_ms: int = 0,
    ) -> Running:
        genesis = self.founding.genesis
        store = store or MemoryStore()
        ledger = Ledger(genesis, store, engine_of(genesis))
        identity = KeyPair.from_seed(name.encode().ljust(32, b"."))
        tap = Partition()
        transport = Noting(self.memory, name)
        config = NodeConfig(
            name=name,
            data_dir=Path(),
            genesis=Path(),
            genesis_hash=genesis.hash,
            listen=f"mem://{name}:1",
            bootstrap=() if name == "n0" else bootstrap,
            reach=reach,
            advertise=advertise,
        )
        parts = NodeParts(
            config=config,
            identity=identity,
            author=None if author is None else author.author,
            ledger=ledger,
            transport=transport,
            clock=VirtualClock(GENESIS_TIME_MS + ahead_ms),
            rng=random.Random(name),
            verifier=verifier or InlineVerifier(self.signatures),
            observer=Observer(name, hears=hears),
            tap=tap,
        )
        node = Node(parts)
        running = Running(
            name,
            node,
            ledger,
            store,
            tap,
            transport,
            identity.public,
            trio.CancelScope(),
            trio.Event(),
        )
        await self.nursery.start(self._run, running)
        return running

    async def five(self) -> list[Running]:
        authorities: list[Party | None] = [*self.founding.authorities, None]
        return [await self.start(f"n{i}", author) for i, author in enumerate(authorities)]

    async def _run(
        self, running: Running, *, task_status: trio.TaskStatus[str] = trio.TASK_STATUS_IGNORED
    ) -> None:
        with running.scope:
            await running.node.run(task_status=task_status)
        running.finished.set()


@asynccontextmanager
async def open_net() -> AsyncIterator[Net]:
    async with trio.open_nursery() as nursery:
        yield Net(found(authorities=4), nursery)
        nursery.cancel_scope.cancel()


async def until(condition: Callable[[], bool], within_s: float) -> None:
    """Virtual time passes until the condition holds."""
    with trio.fail_after(within_s):
        while not condition():  # noqa: ASYNC110 - virtual time costs nothing
            await trio.sleep(0.05)


def split(*groups: list[Running]) -> None:
    everybody = {member.id for group in groups for member in group}
    for group in groups:
        inside = {member.id for member in group}
        for member in group:
            member.tap.blocked = frozenset(everybody - inside)


def heal(members: list[Running]) -> None:
    for member in members:
        member.tap.blocked = frozenset()


def agreed(members: list[Running], above: int = 0) -> bool:
    """Whether all share the block at the lowest head's height, and no head is far above it."""
    heights = [member.ledger.head.height for member in members]
    low = min(heights)
    blocks = {member.ledger.block_id_at(low) for member in members}
    return low > above and len(blocks) == 1 and max(heights) - low <= 2


def transfers(member: Running, founding: Founding) -> int:
    account = member.ledger.account(founding.ann.did)
    assert account is not None
    return account.sequences.get(0, 0)


async def test_five_nodes_from_one_bootstrap_converge_and_include_transfers(
    autojump_clock: trio.testing.MockClock,
) -> None:
    async with open_net() as net:
        nodes = await net.five()
        await until(lambda: all(len(n.node.peers()) == 4 for n in nodes), 10)
        await until(lambda: agreed(nodes, above=3), 10)
        async with nodes[1].node.subscribe() as events:
            raws = [net.founding.transfer(i).raw for i in range(50)]
            results = await nodes[4].node.submit(raws)
            assert all(result.accepted for result in results)
            last = results[-1].id
            assert last is not None
            assert await nodes[0].node.wait_included(last, 10)
            included: list[Hash] = []
            async for event in events:
                if isinstance(event, BlockConnected):
                    included += event.transactions
                if len(included) == 50:
                    break
        await until(lambda: all(transfers(n, net.founding) == 50 for n in nodes), 5)
        assert not await nodes[0].node.wait_included(net.founding.transfer(99).id, 2)


async def test_what_a_full_lane_drops_is_counted_by_lane(
    autojump_clock: trio.testing.MockClock,
) -> None:
    async with open_net() as net:
        first, second = await net.start("n0"), await net.start("n1")
        await until(lambda: len(first.node.peers()) == 1, 10)
        peer = first.node.peers()[0].id
        pieces = {Lane.REPLY: BlockTransactions(1, ()), Lane.BULK: Peers(0, ())}
        for lane, message in pieces.items():
            for _ in range(LANE_MESSAGES_MAX + 9):
                first.node.put(peer, encode_message(message), lane)
        totals = first.node.observer.totals()
        assert totals["dropped", "reply"] == totals["dropped", "bulk"] == 9
        assert b'counter="dropped",reason="reply"} 9.0' in first.node.observer.exposition()
        assert second.id == peer


async def test_status_and_peers_tell_what_is(autojump_clock: trio.testing.MockClock) -> None:
    async with open_net() as net:
        first = await net.start("n0", net.founding.authorities[0])
        async with first.node.subscribe() as events:
            second = await net.start("n1")
            async for event in events:
                if isinstance(event, PeerConnected):
                    break
        assert event == PeerConnected(second.id, "mem://n1:1", False)
        await until(lambda: second.ledger.head.height > 0, 10)
        await trio.sleep(1)
        status = second.node.status()
        assert (status.name, status.address, status.network) == ("n1", "mem://n1:1", "test")
        assert status.height == first.ledger.head.height
        assert status.state_root == first.ledger.head.header.state
        assert (status.peers_inbound, status.peers_outbound) == (0, 1)
        assert not status.producing
        (peer,) = second.node.peers()
        assert (peer.id, peer.address, peer.outbound) == (first.id, "mem://n0:1", True)
        assert peer.height == status.height
        assert peer.bytes_in > 0
        assert peer.score == 0
        assert second.node.remember().kept


async def test_of_a_node_that_catches_up_late_finality_is_no_news_but_an_alarm_is(
    autojump_clock: trio.testing.MockClock,
) -> None:
    async with open_net() as net:
        node = await net.start("n0")
        await trio.sleep(30)
        alone = node.node.status()
    assert "not heard" in alone.finality_late
    behind = replace(alone, sync=SyncProgress(1, 9, 0.0, 0.0, None))
    assert behind.finality_late == ""
    alarmed = replace(behind, finality=replace(behind.finality, alarm="two final blocks"))
    assert alarmed.finality_late == "two final blocks"


async def test_a_partition_by_tap_heals_to_one_chain_with_every_transaction(
    autojump_clock: trio.testing.MockClock,
) -> None:
    async with open_net() as net:
        nodes = await net.five()
        await until(lambda: agreed(nodes, above=2), 20)
        left, right = nodes[:2], nodes[2:]
        split(left, right)
        await trio.sleep(20)
        founding = net.founding
        lefts = [founding.transfer(i, lane=1).raw for i in range(20)]
        rights = [founding.transfer(i, lane=2).raw for i in range(20)]
        await left[0].node.submit(lefts)
        await right[2].node.submit(rights)
        await trio.sleep(40)
        assert not agreed(nodes)
        heal(nodes)
        await until(lambda: agreed(nodes, above=20), 45)
        await trio.sleep(10)
        for member in nodes:
            account = member.ledger.account(founding.ann.did)
            assert account is not None
            assert account.sequences == {1: 20, 2: 20}
            assert member.ledger.supply("CNY") == 2_000_000
            assert all(peer.score == 0 for peer in member.node.peers())


async def test_a_late_joiner_and_a_restarted_node_catch_up(
    autojump_clock: trio.testing.MockClock,
) -> None:
    async with open_net() as net:
        nodes = await net.five()
        await trio.sleep(60)
        late = await net.start("late")
        await until(lambda: agreed([*nodes, late], above=40), 10)
        await nodes[2].stop()
        await trio.sleep(10)
        back = await net.start("n2", net.founding.authorities[2], store=nodes[2].store)
        nodes[2] = back
        await until(lambda: agreed([*nodes, late], above=50), 15)


async def test_the_bootstrap_may_die(autojump_clock: trio.testing.MockClock) -> None:
    async with open_net() as net:
        nodes = await net.five()
        await until(lambda: agreed(nodes, above=2), 20)
        await nodes[0].stop()
        rest = nodes[1:]
        await until(lambda: all(len(n.node.peers()) == 3 for n in rest), 10)
        height = rest[0].ledger.head.height
        await until(lambda: agreed(rest, above=height + 5), 20)
        newcomer = await net.start("new", bootstrap=("mem://n0:1", "mem://n3:1"))
        await until(lambda: agreed([*rest, newcomer], above=height + 5), 20)
        assert len(newcomer.node.peers()) == 4


async def test_stopping_is_prompt_even_when_busy() -> None:
    async with open_net() as net:
        nodes = await net.five()
        raws = [net.founding.transfer(i).raw for i in range(500)]
        net.nursery.start_soon(nodes[1].node.submit, raws)
        await trio.testing.wait_all_tasks_blocked()
        before = trio.current_time()
        for member in nodes:
            await member.stop()
        assert trio.current_time() - before < 1


async def test_reaching_itself_is_noticed_and_not_repeated(
    autojump_clock: trio.testing.MockClock,
) -> None:
    async with open_net() as net:
        alone = await net.start("x", bootstrap=("mem://x:1",))
        await trio.sleep(60)
        assert alone.node.peers() == []
        assert alone.node.observer.total("refused", "self") == 1


class Warnings:
    """What a node's log says that its operator should look at."""

    def __init__(self) -> None:
        self.said: list[tuple[str, Mapping[str, Field]]] = []

    def __call__(self, level: str, event: str, fields: Mapping[str, Field]) -> None:
        if level == "warning":
            self.said.append((event, fields))

    def events(self) -> list[str]:
        return [event for event, _ in self.said]


async def test_a_bootstrap_address_that_fails_is_told_once_each_time_it_does(
    autojump_clock: trio.testing.MockClock,
) -> None:
    async with open_net() as net:
        warnings = Warnings()
        node = await net.start("n1", hears=warnings)
        await trio.sleep(60)
        assert node.node.observer.total("dial-failed", "unreachable") > 1
        assert warnings.events() == ["dial-failed"]
        assert warnings.said[0][1]["address"] == "mem://n0:1"
        seed = await net.start("n0")
        await until(lambda: len(node.node.peers()) == 1, 60)
        await seed.stop()
        await trio.sleep(60)
        assert warnings.events() == ["dial-failed"] * 2


@pytest.mark.parametrize("advertise", ["", "mem://0.0.0.0:1"])
async def test_an_address_nobody_can_dial_is_not_told_to_others_but_to_the_operator(
    autojump_clock: trio.testing.MockClock, advertise: str
) -> None:
    async with open_net() as net:
        warnings = Warnings()
        seed = await net.start("n0")
        node = await net.start("n1", advertise=advertise, hears=warnings)
        await until(lambda: len(node.node.peers()) == 1, 60)
        (known,) = seed.node.peers()
        assert known.address == ("" if advertise else "mem://n1:1")
        assert warnings.events() == (["not-advertised"] if advertise else [])


@pytest.mark.parametrize("reach", [None, Reach.SITE])
async def test_what_others_tell_of_must_reach_as_far_as_configured(
    autojump_clock: trio.testing.MockClock, reach: Reach | None
) -> None:
    async with open_net() as net:
        await net.start("n0")
        await net.start("n1")
        node = await net.start("n2", reach=reach)
        await until(lambda: len(node.node.peers()) == 2, 60)
    assert node.transport.dialled["mem://n0:1"] is Reach.NOWHERE, "the operator's own"
    assert node.transport.dialled["mem://n1:1"] is (reach or Reach.WORLD), (
        "a name is taken for public"
    )


@pytest.mark.parametrize("author", [False, True], ids=["follows", "author"])
async def test_a_node_whose_clock_is_ahead_says_so_and_the_others_do_not(
    autojump_clock: trio.testing.MockClock, author: bool
) -> None:
    async with open_net() as net:
        warnings, others = Warnings(), Warnings()
        *honest, last = net.founding.authorities
        right = [await net.start(f"n{i}", party, hears=others) for i, party in enumerate(honest)]
        if not author:
            right.append(await net.start("n3", last, hears=others))
        wrong = await net.start("wrong", last if author else None, ahead_ms=600_000, hears=warnings)
        await until(lambda: "600 slots after" in wrong.node.status().finality_late, 60)
        assert warnings.events().count("clock-ahead") == 1
        assert "clock-ahead" not in others.events()
        assert not any("its time" in member.node.status().finality_late for member in right)


async def test_a_node_of_another_network_is_refused_on_both_sides(
    autojump_clock: trio.testing.MockClock,
) -> None:
    async with open_net() as net:
        here = await net.start("n0")
        other = Net(found(authorities=3), net.nursery)
        other.memory = net.memory
        stranger = await other.start("stranger")
        await trio.sleep(5)
        assert here.node.peers() == stranger.node.peers() == []
        assert math.isclose(here.ledger.head.height, 0)


async def test_two_connections_between_the_same_nodes_become_one(
    autojump_clock: trio.testing.MockClock,
) -> None:
    async with open_net() as net:
        first = await net.start("n0", bootstrap=())
        second = await net.start("n1")
        await until(lambda: len(second.node.peers()) == 1, 5)
        await trio.sleep(60)
        assert len(first.node.peers()) == len(second.node.peers()) == 1


async def test_dialling_each_other_at_once_leaves_one_connection_that_stays(
    autojump_clock: trio.testing.MockClock,
) -> None:
    async with open_net() as net:
        nodes = [
            await net.start(name, bootstrap=tuple(f"mem://{other}:1" for other in "abc"))
            for name in "abc"
        ]
        await until(lambda: all(len(n.node.peers()) == 2 for n in nodes), 10)
        await trio.sleep(5)
        before = [sorted((p.id, p.outbound) for p in n.node.peers()) for n in nodes]
        await trio.sleep(60)
        after = [sorted((p.id, p.outbound) for p in n.node.peers()) for n in nodes]
        assert before == after
        dialled = sum(p.outbound for n in nodes for p in n.node.peers())
        assert dialled == 3


@pytest.mark.parametrize("author", [0, 1])
async def test_submissions_are_judged_one_by_one(
    autojump_clock: trio.testing.MockClock, author: int
) -> None:
    async with open_net() as net:
        node = (await net.start("n0", net.founding.authorities[author])).node
        good = net.founding.transfer(0)
        wrong = good.raw[:-1] + bytes([good.raw[-1] ^ 1])
        results = await node.submit([good.raw, wrong, b"\x00", good.raw])
        assert [r.accepted for r in results] == [True, False, False, True]
        assert results[1].code == "invalid-signature"
        assert await node.submit([]) == []
