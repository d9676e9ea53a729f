"""Loopback ports that stay ours: reserved before a node starts, and while it is down.

A reserved port is a socket that is bound with SO_REUSEADDR and never listens. The kernel then
gives the port to nobody who asks for any port, refuses connections to it while its node is down,
and still lets the node, which also sets SO_REUSEADDR, bind it and listen. So all addresses are
known before the first node starts, and a node comes back where its peers remember it.
"""

import socket

HOST = "127.0.0.1"


class PortReservations:
    """Holds ports by key; the same key gives the same port."""

    def __init__(self) -> None:
        self._held: dict[str, socket.socket] = {}

    def reserve(self, key: str, wanted: int = 0) -> int:
        """A port for the key: the one it has, else `wanted` when that is free, else any."""
        held = self._held.get(key)
        if held is None:
            held = self._bind(wanted)
            self._held[key] = held
        return int(held.getsockname()[1])

    def release(self, key: str) -> None:
        """Gives the key's port back."""
        held = self._held.pop(key, None)
        if held is not None:
            held.close()

    def close(self) -> None:
        """Gives all back; called in forked children, which must not keep them."""
        for key in list(self._held):
            self.release(key)

    def _bind(self, wanted: int) -> socket.socket:
        for port in (wanted, 0):
            held = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
            held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                held.bind((HOST, port))
            except OSError:
                held.close()
                if port == 0:
                    raise
            else:
                return held
        raise AssertionError("port 0 either binds or raises")
