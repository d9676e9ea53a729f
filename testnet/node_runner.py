"""A node of a testnet: the very same node as anywhere, with a firewall in it and a pipe to tell.

It refuses a genesis that is not marked as a test network: nothing in this module belongs into
a production node, and none of it can be switched on there.
"""

import json
import socket
import sys
from contextlib import suppress

import trio

from chain.consensus.selection import engine_of
from chain.ledger import Ledger
from chain.primitives.errors import Refusal, StoreFailure
from chain.primitives.hashing import Hash
from chain.store import MemoryStore
from p2p.api.app import Application
from p2p.config import load_config
from p2p.node import Node
from p2p.process import decode_genesis, run_node
from testnet.child import ChildMain
from testnet.control import LineBuffer
from testnet.directory import NetDirectory
from testnet.errors import Unfit
from testnet.firewall import Firewall
from testnet.groups import leaves
from testnet.pipes import LINE_BYTES_MAX, decode_blocked, encode_report, encode_started
from testnet.views import NodeReport, settled

REPORT_EVERY_S = 0.5
REPORT_EVERY_STARTING_S = 0.1
"""Often until the node has a peer and a block, so that `up` is told soon; then at table speed."""

EXIT_REFUSED = 1
EXIT_MACHINE = 3


class NodeCrew:
    """Makes what forked children run to be nodes; holds what they share from before the fork."""

    def __init__(self) -> None:
        self._application = Application()
        self._prepared: Hash | None = None
        "localhost".encode("idna")  # loads the tables that the first socket address asks for

    def __call__(self, directory: NetDirectory, name: str) -> ChildMain:
        """What the child that becomes the named node runs."""
        with suppress(Refusal, OSError):  # the child meets the same trouble, and says so
            self._prepare(directory)

        def main(end: socket.socket) -> int:
            code = 0
            try:
                trio.run(be_node, directory, name, end, self._application)
            except* (Refusal, StoreFailure, OSError) as group:
                code = tell_why(group)
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
    directory: NetDirectory, name: str, end: socket.socket, application: Application
) -> None:
    """Runs the node until SIGTERM, or until the supervisor is gone."""
    if not decode_genesis(directory.genesis.read_bytes()).test:
        raise Unfit(
            "not-a-test-network",
            f"{directory.genesis} is not marked as a test network; run `cornerstone node run`",
        )
    config = load_config(directory.node(name) / "node.toml")
    firewall = Firewall()
    end.setblocking(False)
    pipe = trio.socket.from_stdlib_socket(end)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(obey, pipe, firewall, nursery.cancel_scope)

        async def report(node: Node) -> None:
            await report_changes(node, pipe)

        await run_node(
            config,
            lambda _: end.sendall(encode_started()),
            tap=firewall,
            companion=report,
            application=application,
        )
        nursery.cancel_scope.cancel()


async def obey(pipe: trio.socket.SocketType, firewall: Firewall, scope: trio.CancelScope) -> None:
    """Carries out the supervisor's orders; ends the node when the supervisor hangs up."""
    lines = LineBuffer(LINE_BYTES_MAX)
    while data := await pipe.recv(64 * 1024):
        for line in lines.feed(data):
            firewall.block(decode_blocked(line).ids)
    scope.cancel()


async def report_changes(node: Node, pipe: trio.socket.SocketType) -> None:
    """Tells the supervisor whenever the node's report differs from the last one."""
    last = NodeReport()
    while True:
        report = report_of(node)
        if report != last:
            await send_all(pipe, encode_report(report))
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
        first=first.hex() if first is not None else "",
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
