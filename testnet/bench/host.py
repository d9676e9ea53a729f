"""A process that holds some of a bench's nodes and does what the conductor orders.

It listens to the conductor whatever it does, and ends when that one is gone. *Why:* a conductor
that is killed can end nobody, and a wait for links or a burst lasts minutes.
"""

import contextlib
import gc
import random
import resource
import sys
import time
from dataclasses import replace
from multiprocessing.connection import Connection
from pathlib import Path

import psutil
import trio

from chain.ledger import Ledger
from chain.transactions.envelope import decode_transaction
from p2p.clock import SystemClock
from p2p.config import NodeConfig
from p2p.net.websocket import WebSocketTransport
from p2p.node import NodeParts
from p2p.observer import Observer
from p2p.process import SWITCH_INTERVAL_S
from p2p.verifier import ThreadVerifier, Verifier
from testnet.bench.metered import Arrived, MeteredLedger, MeteredNode
from testnet.bench.orders import (
    Answer,
    Arrivals,
    Cast,
    Follow,
    Included,
    Issue,
    Order,
    Read,
    Reading,
    Ready,
    Seat,
    Spread,
    Stop,
    Task,
)
from testnet.founding import author, node_key

LINKED_S = 60.0
"""Sixty-four nodes that all shake hands at once need some seconds on two cores."""

TOGETHER_DIALS_MAX = 8
"""Where nobody dials more than this all nodes start at once, as a network does that comes up."""

START_S = 5.0
"""For one node's own dials, where there are more. They are let finish before the next node begins:
a thousand handshakes at once would each take longer than a handshake may."""

LOOK_S = 0.05
KIB_IN_MB = 1e6 / 1_024


def serve(cast: Cast, pipe: Connection) -> None:
    """The process's whole life."""
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    trio.run(Host(cast, pipe).run)


class Host:
    """The nodes of one process, and their meters."""

    def __init__(self, cast: Cast, pipe: Connection) -> None:
        self._cast = cast
        self._pipe = pipe
        self._ledgers = {seat.number: MeteredLedger(cast.genesis) for seat in cast.seats}
        self._nodes: dict[int, MeteredNode] = {}

    async def run(self) -> None:
        """Carry out orders until told to stop, or until the conductor is gone."""
        to_do, orders = trio.open_memory_channel[Task](1)
        async with trio.open_nursery() as links, trio.open_nursery() as nursery:
            nursery.start_soon(self._work, links, nursery, orders)
            await self._hear(to_do)
            nursery.cancel_scope.cancel()
            links.cancel_scope.cancel()

    async def _hear(self, to_do: trio.MemorySendChannel[Task]) -> None:
        """Pass orders on, up to the one to stop."""
        while True:
            await trio.lowlevel.wait_readable(self._pipe.fileno())
            try:
                order: Order = self._pipe.recv()
            except (EOFError, OSError):  # OSError: it fell silent within an order
                return
            if isinstance(order, Stop):
                return
            await to_do.send(order)

    async def _work(
        self, links: trio.Nursery, nursery: trio.Nursery, orders: trio.MemoryReceiveChannel[Task]
    ) -> None:
        """Start the nodes, say so, then do what is ordered."""
        verifier = ThreadVerifier()  # shared: it bounds the threads of this process
        for seat in self._cast.seats:
            node = self._node(seat, verifier, WebSocketTransport(links))
            self._nodes[seat.number] = node
        gc.disable()  # whole networks of links are made here, and none of it is garbage
        try:
            ready = await self._start(nursery)
        finally:
            gc.enable()
        gc.collect()
        gc.freeze()
        self._say(ready)
        async for order in orders:
            self._say(await self._obey(order))

    def _say(self, answer: Ready | Answer) -> None:
        with contextlib.suppress(ConnectionError):  # nobody is left, which is heard as well
            self._pipe.send(answer)

    async def _obey(self, order: Task) -> Answer:
        match order:
            case Read():
                return self._read()
            case Spread():
                return await self._spread(order)
            case Follow():
                return await self._follow(order)

    def _node(self, seat: Seat, verifier: Verifier, transport: WebSocketTransport) -> MeteredNode:
        spec, name = self._cast.spec, self._cast.spec.node_names[seat.number]
        organisation = author(spec, name)
        config = NodeConfig(
            name=name,
            data_dir=Path(),
            genesis=Path(),
            genesis_hash=self._cast.genesis.hash,
            listen=seat.address,
            bootstrap=seat.dials,
            explore=False,
            outbound_target=len(seat.dials),
        )
        if self._cast.eager is not None:
            config = replace(config, eager=self._cast.eager)
        return MeteredNode(
            NodeParts(
                config=config,
                identity=node_key(spec, name),
                author=organisation.author() if seat.author else None,
                ledger=self._ledgers[seat.number],
                transport=transport,
                clock=SystemClock(),
                rng=random.Random(f"{spec.seed} {name}"),
                verifier=verifier,
                observer=Observer(name),
            )
        )

    async def _start(self, nursery: trio.Nursery) -> Ready:
        """Run the nodes until they all have their links."""
        began_s = time.monotonic()
        together = all(len(seat.dials) <= TOGETHER_DIALS_MAX for seat in self._cast.seats)
        started: list[str] = []
        for seat in self._cast.seats:
            node = self._nodes[seat.number]
            started.append(seat.address)
            if together:
                nursery.start_soon(node.run)
            else:
                await nursery.start(node.run)
                await self._dialled(node, sum(address in started for address in seat.dials))
        trouble = await self._linked()
        return Ready(trouble, time.monotonic() - began_s)

    async def _dialled(self, node: MeteredNode, due: int) -> None:
        """Wait for a new node's links to nodes that have been started here before it."""
        with trio.move_on_after(START_S):
            while sum(peer.outbound for peer in node.peers()) < due:  # noqa: ASYNC110 - many nodes, and nothing is measured yet
                await trio.sleep(LOOK_S)

    async def _linked(self) -> str:
        """Wait for all links; what is missing if they do not come."""
        with trio.move_on_after(LINKED_S):
            while self._unlinked():  # noqa: ASYNC110 - see above
                await trio.sleep(LOOK_S)
        missing = self._unlinked()
        return f"no links after {LINKED_S:.0f} s: {', '.join(missing)}" if missing else ""

    def _unlinked(self) -> list[str]:
        names = self._cast.spec.node_names
        return [
            f"{names[seat.number]} has {have} of {seat.links}"
            for seat in self._cast.seats
            if (have := len(self._nodes[seat.number].peers())) < seat.links
        ]

    def _read(self) -> Reading:
        nodes = list(self._nodes.values())
        totals = [node.observer.totals() for node in nodes]
        return Reading(
            cpu_s=time.process_time(),
            bytes_in=sum(peer.bytes_in for node in nodes for peer in node.peers()),
            frames=sum(node.frames for node in nodes),
            bodies=sum(node.bodies for node in nodes),
            announced=sum(node.announced for node in nodes),
            disconnected=_sum(totals, "disconnected"),
            banned=_sum(totals, "disconnected", "banned"),
            resident_mb=psutil.Process().memory_info().rss / 1e6,
            peak_mb=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / KIB_IN_MB,
        )

    async def _spread(self, order: Spread) -> Arrivals:
        numbers = {txid: number for number, txid in enumerate(order.ids)}
        arrived = {number: Arrived(numbers) for number in self._nodes}
        for number, ledger in self._ledgers.items():
            ledger.arrived = arrived[number]
        answer = Arrivals(accepted={number: one.times for number, one in arrived.items()})
        refused: list[str] = []
        begin_s = trio.current_time() + order.begin_s - time.monotonic()
        with trio.move_on_after(order.begin_s - time.monotonic() + order.patience_s):
            async with trio.open_nursery() as nursery:
                for issue in order.issues:
                    nursery.start_soon(self._publish, issue, begin_s, answer, refused)
                for one in arrived.values():
                    nursery.start_soon(one.everything.wait)
        return Arrivals(answer.published, answer.accepted, tuple(refused))

    async def _publish(
        self, issue: Issue, begin_s: float, answer: Arrivals, refused: list[str]
    ) -> None:
        await trio.sleep_until(begin_s + issue.at_s)
        now_s = time.monotonic()
        for number in range(issue.first, issue.first + len(issue.raws)):
            answer.published[number] = now_s
        for verdict in await self._nodes[issue.node].submit(issue.raws):
            if not verdict.accepted:
                refused.append(f"{verdict.code}: {verdict.reason}")

    async def _follow(self, order: Follow) -> Included:
        with trio.move_on_after(order.patience_s):
            for ledger in self._ledgers.values():
                while not all(map(ledger.is_included, order.ids)):  # noqa: ASYNC110 - see above
                    await trio.sleep(LOOK_S)
        counts = {
            number: sum(map(ledger.is_included, order.ids))
            for number, ledger in self._ledgers.items()
        }
        return Included(counts, all(map(in_order, self._ledgers.values())))


def in_order(ledger: Ledger) -> bool:
    """Whether each sender's transactions follow each other without a gap in the chain's blocks."""
    expected: dict[tuple[bytes, int], int] = {}
    for height in range(1, ledger.head.height + 1):
        block = ledger.block_at(height)
        assert block is not None, "every height up to the head has a block"
        for raw in block.transactions:
            tx = decode_transaction(raw, ledger.chain)
            lane = (tx.sender, tx.lane)
            if tx.sequence != expected.get(lane, 0):
                return False
            expected[lane] = tx.sequence + 1
    return True


def _sum(totals: list[dict[tuple[str, str], int]], counter: str, reason: str = "") -> int:
    return sum(
        total
        for one in totals
        for (name, why), total in one.items()
        if name == counter and why.startswith(reason)
    )
