"""Serves the API in the node's own nursery, on a socket bound here, so that port 0 works."""

import socket
import sys

import trio
from fastapi import FastAPI
from hypercorn.config import Config

from p2p.api.app import Application
from p2p.api.connections import Connections, connections_max
from p2p.node import Node
from p2p.observer import Observer

BACKLOG = 128
KEEP_ALIVE_S = 75.0
"""Longer than the 60 s that pools and proxies keep a connection, so that they close it first."""
STUCK_READER_MS = 5_000
"""A client that takes nothing for this long is cut off: Hypercorn shields its writes from
cancellation, so one that never reads would otherwise keep the node from stopping."""
PING_S = 20.0
"""How soon a vanished event subscriber is noticed."""
SUBSCRIBER_MESSAGE_BYTES_MAX = 1_024
"""Subscribers only listen."""
HEADERS_BYTES_MAX = 16 * 1024
REQUESTS_PER_CONNECTION_MAX = 1_000_000
"""A client on one connection for days is welcome; the number only has to be finite."""


async def serve_api(
    node: Node,
    host: str,
    port: int,
    application: Application | None = None,
    *,
    task_status: trio.TaskStatus[str] = trio.TASK_STATUS_IGNORED,
) -> None:
    """Serve a node's API; see `serve_app`."""
    app = (application or Application()).serve(node)
    await serve_app(app, node.observer, host, port, task_status=task_status)


async def serve_app(
    app: FastAPI,
    observer: Observer,
    host: str,
    port: int,
    *,
    task_status: trio.TaskStatus[str] = trio.TASK_STATUS_IGNORED,
) -> None:
    """Serve until cancelled; `task_status` gets the base URL once requests are answered.

    Port 0 takes a free one. Raises OSError when the address cannot be bound.
    """
    listener = bind(host, port)
    task_status.started(base_url(listener))  # it listens: who connects now is answered soon
    await Connections(app, server_config(), observer, connections_max()).serve(listener)


def bind(host: str, port: int) -> socket.socket:
    """A listening TCP socket. Raises OSError, naming the address."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if sys.platform == "linux":  # accepted sockets inherit it
            listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, STUCK_READER_MS)
        listener.bind((host, port))
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        raise OSError(error.errno, f"API on {host}:{port}: {error.strerror}") from error
    return listener


def base_url(listener: socket.socket) -> str:
    """The address clients use."""
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def server_config() -> Config:
    """Hypercorn's connections; silent, for the node has its own log."""
    config = Config()
    config.accesslog = None
    config.errorlog = None
    config.alpn_protocols = ["http/1.1"]
    config.h11_max_incomplete_size = HEADERS_BYTES_MAX
    config.keep_alive_timeout = KEEP_ALIVE_S
    config.keep_alive_max_requests = REQUESTS_PER_CONNECTION_MAX
    config.include_server_header = False
    config.websocket_ping_interval = PING_S
    config.websocket_max_message_size = SUBSCRIBER_MESSAGE_BYTES_MAX
    return config
