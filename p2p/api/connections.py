"""Accepts the API's connections: a bounded number, none of which takes the node along.

Rules:
- What the HTTP library raises over a connection ends that connection, and is counted. *Why:* it
  has no answer to some of what a client may send (a header that is not ASCII, a frame before the
  handshake's end); its own server would end with the first of these, and the node with it.
- No more connections than the limit, and than half of the files the process may open; further
  ones are closed at once. *Why:* the store and the peers need files too, and a node whose store
  cannot open one ends.
- A connection that its client has closed ends as soon as nothing is being answered on it. *Why:*
  the HTTP library keeps it for the whole keep-alive time, so that a hundred clients a second, each
  with a connection of its own, would hold all there are.
"""

import resource
import socket
from typing import cast

import trio
from hypercorn.app_wrappers import ASGIWrapper
from hypercorn.config import Config
from hypercorn.events import Closed, Event
from hypercorn.trio.tcp_server import TCPServer
from hypercorn.trio.worker_context import WorkerContext
from hypercorn.typing import ASGIFramework, ConnectionState, LifespanState
from starlette.types import ASGIApp

from p2p.api.http1 import Http1
from p2p.api.limits import CONNECTIONS_MAX, ERROR_TEXT_MAX
from p2p.observer import Observer


def connections_max() -> int:
    """How many connections this process may afford."""
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return CONNECTIONS_MAX if files < 0 else min(CONNECTIONS_MAX, files // 2)


class Server(TCPServer):
    """One connection, which is not idle any more once its client has closed it."""

    _ended = False

    async def _read_data(self) -> None:
        self.protocol.protocol = Http1.instead_of(self.protocol)
        await super()._read_data()
        self._ended = True
        await self.idle_task.stop()

    async def protocol_send(self, event: Event) -> None:
        """What is said while the connection is being closed is said to nobody."""
        try:
            await super().protocol_send(event)
        except trio.BusyResourceError:
            await self.protocol.handle(Closed())

    async def _idle_timeout(self) -> None:
        if not self._ended:
            await super()._idle_timeout()


class Connections:
    """The connections to one application."""

    def __init__(self, app: ASGIApp, config: Config, observer: Observer, most: int) -> None:
        self._app = ASGIWrapper(cast(ASGIFramework, app))
        self._config = config
        self._observer = observer
        self._most = most
        self._open = 0
        self._context = WorkerContext(None)

    async def serve(self, listener: socket.socket) -> None:
        """Accept and answer until cancelled. The socket, which listens, is closed at the end."""
        accepting = trio.SocketListener(trio.socket.from_stdlib_socket(listener))
        try:
            await trio.serve_listeners(self._answer, [accepting])
        finally:
            await self._context.terminated.set()

    async def _answer(self, stream: trio.SocketStream) -> None:
        if self._open >= self._most:
            self._observer.count("api_connection", "too-many")
            await trio.aclose_forcefully(stream)
            return
        self._open += 1
        try:
            # It asks the stream whether it is one of TLS; the annotation knows no other.
            link = cast("trio.SSLStream[trio.SocketStream]", stream)
            state = cast(LifespanState, ConnectionState({}))
            await Server(self._app, self._config, self._context, state, link)
        except Exception as error:  # noqa: BLE001 - the boundary of a connection; it logs
            self._observer.count("api_connection", "failed")
            told = repr(error)[:ERROR_TEXT_MAX]
            self._observer.log("warning", "api-connection-failed", error=told)
        finally:
            self._open -= 1
