"""A node of a testnet: the very same node as anywhere, with an outpost of the laboratory in it.

It refuses a genesis that is not marked as a test network: nothing in this module belongs into
a production node, and none of it can be switched on there.
"""

import json
import os
import signal
import socket
import sys
import time
from collections.abc import Callable
from contextlib import suppress

import trio

from chain.consensus.engine import Author
from chain.consensus.selection import engine_of
from chain.genesis import Genesis
from chain.ledger import Ledger
from chain.primitives.errors import Refusal, StoreFailure
from chain.primitives.hashing import Hash
from chain.store import KeyValueStore, MemoryStore, RocksStore
from p2p.api.app import Application
from p2p.clock import SystemClock
from p2p.config import load_config
from p2p.net.websocket import WebSocketTransport
from p2p.node import Node
from p2p.peers.peer import PeerId
from p2p.process import Companion, Surroundings, decode_genesis, load_author, run_node
from testnet.child import ChildMain
from testnet.conditions import load_conditions
from testnet.control import LineBuffer
from testnet.directory import NetDirectory
from testnet.errors import Unfit
from testnet.groups import leaves
from testnet.pipes import (
    LINE_BYTES_MAX,
    Begun,
    Ended,
    Hits,
    decode_order,
    encode_answer,
    encode_report,
    encode_started,
)
from testnet.processes.next_life import prepare, repair
from testnet.processes.outpost import Outpost
from testnet.processes.refused import keeper
from testnet.processes.shaped import ShapedTransport
from testnet.processes.surgery import back_up
from testnet.record import load_record
from testnet.rig.clock import BentClock
from testnet.rig.rig import Acquaintance, Rig
from testnet.rig.switches import SwitchedStore
from testnet.rig.watched import WatchedLedger
from testnet.stage import Act
from testnet.views import NodeReport, settled

REPORT_EVERY_S = 0.5
REPORT_EVERY_STARTING_S = 0.1
"""Often until the node has a peer and a block, so that `up` is told soon; then at table speed."""

BACKUP_EVERY_S = 2.0
LINES_MAX = 1_000
"""Ten minutes of reports; a supervisor that has read none of them is gone."""

EXIT_REFUSED = 1
EXIT_MACHINE = 3


class NodeCrew:
    """Makes what forked children run to be nodes; holds what they share from before the fork."""

    def __init__(self) -> None:
        self._application = Application()
        self._prepared: Hash | None = None
        "localhost".encode("idna")  # loads the tables that the first socket address asks for

    def __call__(self, directory: NetDirectory, name: str, acts: tuple[Act, ...]) -> ChildMain:
        """What the child that becomes the named node runs."""
        with suppress(Refusal, OSError):  # the child meets the same trouble, and says so
            self._prepare(directory)

        def main(end: socket.socket) -> int:
            code = 0
            try:
                trio.run(be_node, directory, name, acts, end, self._application)
            except* (Refusal, StoreFailure, OSError) as group:
                code = tell_why(group)
            if code == EXIT_MACHINE:
                repair(directory.node(name))
            return code

        return main

    def _prepare(self, directory: NetDirectory) -> None:
        """Founds the chain once in memory: what that works out, the children find remembered."""
        genesis = decode_genesis(directory.genesis.read_bytes())
        if genesis.hash != self._prepared:
            Ledger(genesis, MemoryStore(), engine_of(genesis))
            self._prepared = genesis.hash


def tell_why(group: BaseExceptionGroup[Refusal | StoreFailure | OSError]) -> int:
    """Writes each error as a log line; the exit code says whose fault it was."""
    code = EXIT_REFUSED
    for error in leaves(group):
        line = {"level": "error", "event": "node-ended", "reason": str(error)}
        print(json.dumps(line), file=sys.stderr)
        if not isinstance(error, Refusal):
            code = EXIT_MACHINE
    return code


async def be_node(
    directory: NetDirectory,
    name: str,
    acts: tuple[Act, ...],
    end: socket.socket,
    application: Application,
) -> None:
    """Runs the node until SIGTERM, or until the supervisor is gone.

    `acts` are the faults its life begins with: what has happened to its files meanwhile.
    """
    if not decode_genesis(directory.genesis.read_bytes()).test:
        raise Unfit(
            "not-a-test-network",
            f"{directory.genesis} is not marked as a test network; run `cornerstone node run`",
        )
    config = prepare(directory, name, acts, load_config(directory.node(name) / "node.toml"))
    author = load_author(config)
    post = NodePost(directory, name)
    end.setblocking(False)
    pipe = trio.socket.from_stdlib_socket(end)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(obey, pipe, post.outpost, nursery.cancel_scope)
        nursery.start_soon(post.speak, pipe)

        async def accompany(node: Node) -> None:
            post.attach(node, author)
            async with trio.open_nursery() as beside:
                beside.start_soon(post.rig.run)
                beside.start_soon(post.outpost.run)
                beside.start_soon(post.back_up)
                beside.start_soon(report_changes, node, post.say)

        try:
            await run_node(
                config,
                lambda _: post.say(encode_started()),
                post.surroundings(accompany, application),
            )
        finally:
            with suppress(OSError):  # a node may die of a fault, and this is what it died of
                end.send(encode_answer(post.outpost.hits()))
        nursery.cancel_scope.cancel()


class NodePost:
    """What the laboratory has in one node, and its line to the supervisor."""

    def __init__(self, directory: NetDirectory, name: str) -> None:
        self._name = name
        self._directory = directory
        self._names: dict[str, str] = {}
        conditions = load_conditions(directory.conditions)
        self._weather = conditions.weather()
        self._backups = conditions.backups
        self._store: KeyValueStore | None = None
        self.rig = Rig(name, acquaintance(directory), BentClock(SystemClock()), end_at_once)
        self.outpost = Outpost(self.rig, self._weather, self._answer)
        self._lines, self._spoken = trio.open_memory_channel[bytes](LINES_MAX)

    def surroundings(self, companion: Companion, application: Application) -> Surroundings:
        """What the node runs in."""
        return Surroundings(
            clock=self.rig.clock,
            transport=self._transport,
            ledger=self._ledger,
            tap=self.rig,
            companion=companion,
            application=application,
        )

    def attach(self, node: Node, author: Author | None) -> None:
        """The node has been built, and serves."""
        assert self.outpost.transport is not None, "a node is built on its transport"
        self.rig.attach(node, author, self.outpost.transport)

    def say(self, line: bytes) -> None:
        """Tell the supervisor. What one that hangs leaves unread is lost beyond LINES_MAX."""
        with suppress(trio.WouldBlock):
            self._lines.send_nowait(line)

    async def speak(self, pipe: trio.socket.SocketType) -> None:
        """Write what is said."""
        async for line in self._spoken:
            await send_all(pipe, line)

    def name_of(self, address: str) -> str | None:
        """Whose address it is; looked up again when unknown, for nodes that were added."""
        if address not in self._names:
            record = load_record(self._directory)
            self._names = {node.p2p: node.name for node in record.nodes}
        return self._names.get(address)

    def _ledger(self, genesis: Genesis, store: KeyValueStore) -> Ledger:
        self._store = store
        switched = SwitchedStore(store, self.rig.disk)
        return WatchedLedger(genesis, switched, keeper(self._directory.node(self._name)))

    async def back_up(self) -> None:
        """Keep what the store was, again and again, where somebody will want it back."""
        while self._backups and isinstance(self._store, RocksStore):
            now_ms = time.time_ns() // 1_000_000
            back_up(self._store, self._directory.backups(self._name), now_ms)
            await trio.sleep(BACKUP_EVERY_S)

    def _answer(self, answer: Begun | Ended | Hits) -> None:
        self.say(encode_answer(answer))

    def _transport(self, nursery: trio.Nursery) -> ShapedTransport:
        inner = WebSocketTransport(nursery)
        shaped = ShapedTransport(inner, nursery, self._weather, self._name, self.name_of)
        self.outpost.transport = shaped
        return shaped


def acquaintance(directory: NetDirectory) -> Acquaintance:
    """Whom a node of the testnet can know by name."""
    nodes = load_record(directory).nodes
    names = {PeerId(bytes.fromhex(node.id)): node.name for node in nodes}
    return Acquaintance(names, {node.name: node.p2p for node in nodes})


def end_at_once(point: str) -> None:
    """What a crash does: no goodbye, nothing flushed."""
    os.kill(os.getpid(), signal.SIGKILL)


async def obey(pipe: trio.socket.SocketType, outpost: Outpost, scope: trio.CancelScope) -> None:
    """Carries out the supervisor's orders; ends the node when the supervisor hangs up."""
    lines = LineBuffer(LINE_BYTES_MAX)
    while data := await pipe.recv(64 * 1024):
        for line in lines.feed(data):
            outpost.obey(decode_order(line))
    scope.cancel()


async def report_changes(node: Node, say: Callable[[bytes], None]) -> None:
    """Tells the supervisor whenever the node's report differs from the last one."""
    last = NodeReport()
    while True:
        report = report_of(node)
        if report != last:
            say(encode_report(report))
            last = report
        await trio.sleep(REPORT_EVERY_S if settled([report]) else REPORT_EVERY_STARTING_S)


def report_of(node: Node) -> NodeReport:
    """What the node would say on itself now."""
    status = node.status()
    first = node.ledger.block_id_at(1) if status.height else None
    return NodeReport(
        height=status.height,
        head=status.head.hex(),
        finalized=status.finalized_height,
        inbound=status.peers_inbound,
        outbound=status.peers_outbound,
        mempool=status.mempool_transactions,
        behind=0 if status.sync is None else status.sync.target - status.height,
        first=first.hex() if first is not None else "",
        late=status.finality_late,
        peers=tuple(peer.id.hex() for peer in node.peers()),
    )


async def send_all(pipe: trio.socket.SocketType, data: bytes) -> None:
    """Writes all of it; a supervisor that is gone is `obey`'s business."""
    rest = memoryview(data)
    while rest:
        try:
            rest = rest[await pipe.send(rest) :]
        except OSError:
            return
