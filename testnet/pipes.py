"""The pipe between the supervisor and one node: reports come up, firewall orders go down.

JSON lines over a socket pair. Its end tells either side that the other is gone.
"""

import json
import socket
from dataclasses import asdict, dataclass
from typing import Any

from testnet.control import LineBuffer, encode_line
from testnet.errors import Unfit
from testnet.views import NodeReport, decode_report

LINE_BYTES_MAX = 64 * 1024
"""A report lists at most a few hundred peers, an order at most NODES_MAX ids of 64 digits."""


@dataclass(frozen=True, slots=True)
class Started:
    """The node serves peers and clients now."""


@dataclass(frozen=True, slots=True)
class Reported:
    """The node on itself."""

    report: NodeReport


@dataclass(frozen=True, slots=True)
class Blocked:
    """An order: the ids (hex) of the nodes this node must not reach. It replaces the last one."""

    ids: tuple[str, ...]


def encode_started() -> bytes:
    """The line a node writes once, when it serves."""
    return encode_line({"started": True})


def encode_report(report: NodeReport) -> bytes:
    """The line a node writes when something about it has changed."""
    return encode_line({"report": asdict(report)})


def encode_blocked(order: Blocked) -> bytes:
    """The line the supervisor writes."""
    return encode_line({"blocked": order.ids})


def decode_news(line: bytes) -> Started | Reported:
    """Reads a node's line. Raises Unfit for anything else."""
    try:
        value: Any = json.loads(line)
        return Reported(decode_report(value["report"])) if "report" in value else Started()
    except (ValueError, KeyError, TypeError) as error:
        raise Unfit("bad-report", f"not a report: {error!r}") from error


def decode_blocked(line: bytes) -> Blocked:
    """Reads the supervisor's order. Raises Unfit for anything else."""
    try:
        value: Any = json.loads(line)
        return Blocked(tuple(str(identity) for identity in value["blocked"]))
    except (ValueError, KeyError, TypeError) as error:
        raise Unfit("bad-order", f"not an order: {error!r}") from error


class NodePipe:
    """The supervisor's end."""

    def __init__(self, end: socket.socket) -> None:
        end.setblocking(False)
        self.socket = end
        self._lines = LineBuffer(LINE_BYTES_MAX)

    def read(self) -> list[Started | Reported] | None:
        """What the node said since the last call; None when it has hung up."""
        try:
            data = self.socket.recv(64 * 1024)
        except BlockingIOError:
            return []
        except OSError:
            return None
        if not data:
            return None
        return [decode_news(line) for line in self._lines.feed(data)]

    def block(self, ids: tuple[str, ...]) -> bool:
        """Sends a firewall order; False when the node is gone or has stopped reading."""
        try:
            self.socket.sendall(encode_blocked(Blocked(ids)))
        except OSError:
            return False
        return True
