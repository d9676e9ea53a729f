"""The testnet's dashboard: one page that shows nodes, peers, chain and load, and its JSON.

A process of its own, forked like the nodes. It asks nobody anything while nobody looks: a request
for /api/state older than REFRESH_S asks the supervisor for its snapshot (no HTTP to the nodes) and
one node per unknown head for its recent blocks.
"""

import signal
import socket
from dataclasses import asdict
from pathlib import Path

import trio
from fastapi import FastAPI
from fastapi.responses import HTMLResponse

from chain.genesis import Genesis
from p2p.api.connections import Connections, connections_max
from p2p.api.server import bind, server_config
from p2p.observer import Observer
from testnet.asking import Unanswered
from testnet.board import HEIGHTS_KEPT, Board
from testnet.child import ChildMain
from testnet.control import Request, Verb, ask
from testnet.directory import NetDirectory
from testnet.display import behind, faults
from testnet.nodeapi import NodeApi, open_client
from testnet.pipes import encode_started
from testnet.ports import HOST
from testnet.views import NodeView, Snapshot

REFRESH_S = 0.5
PAGE = Path(__file__).with_name("dashboard.html")


class Dashboard:
    """Gathers what the page shows."""

    def __init__(self, directory: NetDirectory, genesis: Genesis, nodes: NodeApi) -> None:
        self._directory = directory
        self._genesis = genesis
        self._nodes = nodes
        self._board = Board()
        self._authors = {genesis.did(identity.id): identity.name for identity in genesis.identities}
        self._state: dict[str, object] = {}
        self._fresh_until = 0.0
        self._refreshing = trio.Lock()

    async def state(self) -> dict[str, object]:
        """What /api/state answers; at most REFRESH_S old."""
        async with self._refreshing:
            if trio.current_time() >= self._fresh_until:
                snapshot = await trio.to_thread.run_sync(ask, self._directory, Request(Verb.SHOW))
                await self._learn(snapshot)
                self._state = self._describe(snapshot)
                self._fresh_until = trio.current_time() + REFRESH_S
            return self._state

    async def _learn(self, snapshot: Snapshot) -> None:
        for node in snapshot.nodes:
            if node.running and node.report.head and node.report.head not in self._board:
                try:
                    cards = await self._nodes.recent(node.api, HEIGHTS_KEPT, self._authors)
                except Unanswered:
                    continue
                self._board.learn(cards)

    def _describe(self, snapshot: Snapshot) -> dict[str, object]:
        running = [node for node in snapshot.nodes if node.running]
        heads = [node.report.head for node in running]
        common = self._board.common_height(heads)
        highest = max((node.report.height for node in running), default=0)
        best = self._board.best(heads)
        names = {node.id: node.name for node in snapshot.nodes}
        return {
            "name": self._directory.name,
            "genesis_hash": self._genesis.hash.hex(),
            "consensus": self._genesis.consensus.value,
            "slot_ms": self._genesis.slot_ms,
            "converged": common is not None and highest - common <= 2,
            "common_height": common if common is not None else 0,
            "groups": snapshot.groups,
            "nodes": [describe(node, snapshot, names) for node in snapshot.nodes],
            "blocks": [asdict(card) for card in self._board.blocks()],
            "main": [asdict(card) for card in self._board.chain(best)],
        }


def describe(node: NodeView, snapshot: Snapshot, names: dict[str, str]) -> dict[str, object]:
    """A node as the page wants it: peers by name, remarks in words."""
    report = asdict(node.report) | {"peers": [names.get(i, i[:8]) for i in node.report.peers]}
    own = {"name": node.name, "id": node.id, "p2p": node.p2p, "api": node.api, "pid": node.pid}
    remarks = ", ".join(filter(None, [behind(node), *faults(node, snapshot)]))
    told = {"state": node.state.value, "remarks": remarks}
    return report | own | told


def create_page(dashboard: Dashboard) -> FastAPI:
    """The web application: the page and its state."""
    app = FastAPI(title="Cornerstone testnet", docs_url=None, redoc_url=None)
    page = PAGE.read_text()

    @app.get("/", response_class=HTMLResponse)
    async def show_page() -> str:
        return page

    @app.get("/api/state")
    async def show_state() -> dict[str, object]:
        return await dashboard.state()

    return app


def dashboard_child(directory: NetDirectory, port: int) -> ChildMain:
    """What a forked child runs to be the dashboard."""

    def main(end: socket.socket) -> int:
        trio.run(serve_dashboard, directory, port, end)
        return 0

    return main


async def serve_dashboard(directory: NetDirectory, port: int, end: socket.socket) -> None:
    """Serves until SIGTERM, or until the supervisor hangs up."""
    genesis = Genesis.decode(directory.genesis.read_bytes())
    listener = bind(HOST, port)
    end.setblocking(False)
    pipe = trio.socket.from_stdlib_socket(end)
    async with open_client() as client, trio.open_nursery() as nursery:
        page = create_page(Dashboard(directory, genesis, NodeApi(client)))
        quit_at = trio.Event()
        nursery.start_soon(wait_end, pipe, quit_at)
        nursery.start_soon(wait_signal, quit_at)
        end.sendall(encode_started())
        connections = Connections(page, server_config(), Observer("dashboard"), connections_max())
        nursery.start_soon(connections.serve, listener)
        await quit_at.wait()
        nursery.cancel_scope.cancel()


async def wait_end(pipe: trio.socket.SocketType, ended: trio.Event) -> None:
    """Sets the event when the supervisor hangs up."""
    while await pipe.recv(4_096):
        pass
    ended.set()


async def wait_signal(ended: trio.Event) -> None:
    """Sets the event at SIGTERM."""
    with trio.open_signal_receiver(signal.SIGTERM) as signals:
        async for _ in signals:
            ended.set()
