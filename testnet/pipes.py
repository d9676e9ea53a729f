"""The pipe between the supervisor and one child: reports come up, faults to carry out go down.

JSON lines over a socket pair. Its end tells either side that the other is gone.
"""

import json
import socket
from dataclasses import asdict, dataclass
from typing import Any

from testnet.control import LineBuffer, encode_line
from testnet.errors import Unfit
from testnet.faults.wire import decode_act, encode_act
from testnet.stage import Act, Undone
from testnet.views import NodeReport, decode_report

LINE_BYTES_MAX = 64 * 1024
"""A report lists at most a few hundred peers, an act at most NODES_MAX names on either side."""


@dataclass(frozen=True, slots=True)
class Started:
    """The node serves peers and clients now."""


@dataclass(frozen=True, slots=True)
class Reported:
    """The node on itself."""

    report: NodeReport


@dataclass(frozen=True, slots=True)
class Begun:
    """An act is in force in this node, or, with a reason, it cannot be."""

    act: str
    refused: str = ""


@dataclass(frozen=True, slots=True)
class Ended:
    """An act has been undone in this node."""

    act: str
    undone: Undone


@dataclass(frozen=True, slots=True)
class Hits:
    """How often each act in force has done anything here since this process began."""

    counts: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class Begin:
    """An order: put the act in force."""

    act: Act


@dataclass(frozen=True, slots=True)
class End:
    """An order: undo the act."""

    act: str


News = Started | Reported | Begun | Ended | Hits
Order = Begin | End


def encode_started() -> bytes:
    """The line a node writes once, when it serves."""
    return encode_line({"started": True})


def encode_report(report: NodeReport) -> bytes:
    """The line a node writes when something about it has changed."""
    return encode_line({"report": asdict(report)})


def encode_answer(answer: Begun | Ended | Hits) -> bytes:
    """The line a node writes about faults."""
    match answer:
        case Begun(act, refused):
            return encode_line({"begun": act, "refused": refused})
        case Ended(act, undone):
            return encode_line({"ended": act, "hits": undone.hits, "clean": undone.clean})
        case Hits(counts):
            return encode_line({"counts": dict(counts)})


def encode_order(order: Order) -> bytes:
    """The line the supervisor writes."""
    match order:
        case Begin(act):
            return encode_line({"begin": encode_act(act)})
        case End(act):
            return encode_line({"end": act})


def decode_news(line: bytes) -> News:
    """Reads a node's line. Raises Unfit for anything else."""
    try:
        value: Any = json.loads(line)
        match next(iter(value)):
            case "started":
                return Started()
            case "report":
                return Reported(decode_report(value["report"]))
            case "begun":
                return Begun(str(value["begun"]), str(value["refused"]))
            case "ended":
                undone = Undone(int(value["hits"]), clean=bool(value["clean"]))
                return Ended(str(value["ended"]), undone)
            case "counts":
                return Hits(tuple((str(act), int(n)) for act, n in value["counts"].items()))
            case word:
                raise Unfit("bad-report", f"no news begins with {word!r}")
    except (ValueError, KeyError, TypeError, AttributeError, StopIteration) as error:
        raise Unfit("bad-report", f"not a report: {error!r}") from error


def decode_order(line: bytes) -> Order:
    """Reads the supervisor's order. Raises Unfit for anything else."""
    try:
        value: Any = json.loads(line)
        return Begin(decode_act(value["begin"])) if "begin" in value else End(str(value["end"]))
    except (ValueError, KeyError, TypeError) as error:
        raise Unfit("bad-order", f"not an order: {error!r}") from error


class NodePipe:
    """The supervisor's end."""

    def __init__(self, end: socket.socket) -> None:
        end.setblocking(False)
        self.socket = end
        self._lines = LineBuffer(LINE_BYTES_MAX)

    def read(self) -> list[News] | None:
        """What the child said since the last call; None when it has hung up."""
        try:
            data = self.socket.recv(64 * 1024)
        except BlockingIOError:
            return []
        except OSError:
            return None
        if not data:
            return None
        return [decode_news(line) for line in self._lines.feed(data)]

    def order(self, order: Order) -> bool:
        """Sends an order; False when the child is gone or has stopped reading."""
        try:
            self.socket.sendall(encode_order(order))
        except OSError:
            return False
        return True
