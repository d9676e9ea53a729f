"""The supervisor's end of the control socket: clients come, ask in lines, and go."""

import contextlib
import os
import selectors
import socket
from collections.abc import Callable
from pathlib import Path

from testnet.control import REQUEST_BYTES_MAX, LineBuffer, Request, decode_request, encode_refusal
from testnet.directory import secure_socket_folder
from testnet.errors import Unfit

CLIENTS_MAX = 32
"""People and scripts of one user; the oldest connection gives way beyond that."""

SEND_TIMEOUT_S = 1.0
"""A client that does not read its reply for a second loses the connection."""

Answer = Callable[[socket.socket, Request], bytes | None]
"""Carries a client's request out; the reply line, or None when it comes later. Raises Unfit."""


class Switchboard:
    """Listens on a unix socket (mode 0600) within a selector that its owner runs."""

    def __init__(self, path: Path, selector: selectors.BaseSelector, answer: Answer) -> None:
        self._path = path
        self._selector = selector
        self._answer = answer
        self._clients: dict[socket.socket, LineBuffer] = {}
        self._left: Callable[[socket.socket], None] = lambda _: None
        secure_socket_folder(path)
        path.unlink(missing_ok=True)
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        mask = os.umask(0o177)
        self._listener.bind(str(path))
        os.umask(mask)
        self._listener.listen(CLIENTS_MAX)
        self._listener.setblocking(False)
        selector.register(self._listener, selectors.EVENT_READ, self._accept)

    def on_leave(self, left: Callable[[socket.socket], None]) -> None:
        """Who to tell when a client's connection ends."""
        self._left = left

    def send(self, client: socket.socket, reply: bytes) -> None:
        """The reply that was not ready when it was asked for."""
        try:
            client.sendall(reply)
        except OSError:
            self._drop(client)

    def close(self) -> None:
        """Closes every socket; used alone in forked children."""
        self._listener.close()
        for client in self._clients:
            client.close()
        self._clients.clear()

    def withdraw(self) -> None:
        """Closes and removes the socket's name: nobody finds a supervisor here any more."""
        self._path.unlink(missing_ok=True)
        self.close()

    def _accept(self, _: socket.socket) -> None:
        client, _address = self._listener.accept()
        client.settimeout(SEND_TIMEOUT_S)
        if len(self._clients) >= CLIENTS_MAX:
            self._drop(next(iter(self._clients)))
        self._clients[client] = LineBuffer(REQUEST_BYTES_MAX)
        self._selector.register(client, selectors.EVENT_READ, self._read)

    def _read(self, client: socket.socket) -> None:
        try:
            data = client.recv(64 * 1024)
            if not data:
                self._drop(client)
                return
            for line in self._clients[client].feed(data):
                reply = self._reply(client, line)
                if reply is not None:
                    client.sendall(reply)
        except Unfit as refusal:
            self._say_and_drop(client, encode_refusal(refusal))
        except OSError:
            self._drop(client)

    def _reply(self, client: socket.socket, line: bytes) -> bytes | None:
        try:
            return self._answer(client, decode_request(line))
        except Unfit as refusal:
            return encode_refusal(refusal)

    def _say_and_drop(self, client: socket.socket, line: bytes) -> None:
        with contextlib.suppress(OSError):  # it was refused; whether it hears so is its affair
            client.sendall(line)
        self._drop(client)

    def _drop(self, client: socket.socket) -> None:
        self._clients.pop(client, None)
        self._selector.unregister(client)
        client.close()
        self._left(client)
