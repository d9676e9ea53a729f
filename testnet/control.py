"""How the command line talks to a supervisor: JSON lines over a unix socket, one reply a request.

Limits: a request is at most REQUEST_BYTES_MAX, so that a stuck or hostile client of the same user
cannot make the supervisor grow; the socket's mode is 0600, so no other user gets that far.
"""

import json
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, cast

from chain.primitives.errors import Refusal
from testnet.directory import NetDirectory
from testnet.errors import LaunchFailure, Unfit
from testnet.faults.wire import decode_act, encode_act
from testnet.processes.in_force import FaultsReply, decode_faults
from testnet.stage import Act
from testnet.views import Snapshot, decode_snapshot

REQUEST_BYTES_MAX = 64 * 1024
"""Names of 200 nodes in two groups take 2 KB; thirty times that is generous."""

REPLY_BYTES_MAX = 4 * 1024 * 1024
"""A snapshot of 200 fully connected nodes lists 40,000 peer ids of 66 bytes."""

LINE_READ_BYTES = 64 * 1024

REPLY_TIMEOUT_S = 15.0
"""`stop` may take 3 s to end stubborn nodes; everything else answers in a millisecond."""


class Verb(StrEnum):
    """What a supervisor can be asked."""

    SHOW = "show"
    WAIT = "wait"  # like SHOW, but answered once something has changed since version `seen`
    START = "start"
    ATTACH = "attach"  # the testnet ends when this connection does
    KILL = "kill"
    PAUSE = "pause"
    RESTART = "restart"
    ADD = "add"
    REMOVE = "remove"
    SPLIT = "split"
    HEAL = "heal"
    INJECT = "inject"  # put `act` in force; answered when all nodes concerned have done so
    END = "end"  # undo the act `ends`; answered when it is undone, harmless when it had ended
    FAULTS = "faults"  # what is in force
    STOP = "stop"


@dataclass(frozen=True, slots=True)
class Request:
    """One order.

    `for_s` (0: until healed) belongs to SPLIT and INJECT, `groups` to SPLIT, `seen` to WAIT, `act`
    to INJECT, `ends` to END.
    """

    verb: Verb
    nodes: tuple[str, ...] = ()
    groups: tuple[tuple[str, ...], ...] = ()
    for_s: float = 0.0
    seen: int = 0
    act: Act | None = None
    ends: str = ""


class LineBuffer:
    """Cuts a byte stream into lines; refuses one longer than `limit` bytes."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._rest = b""

    def feed(self, data: bytes) -> list[bytes]:
        """Complete lines, without their newline. Raises Unfit when a line grows over the limit."""
        *lines, self._rest = (self._rest + data).split(b"\n")
        longest = max(map(len, [*lines, self._rest]))
        if longest > self._limit:
            raise Unfit("line-too-long", f"a line of {longest} bytes; at most {self._limit}")
        return lines


def encode_line(value: object) -> bytes:
    """One JSON value as a line."""
    return json.dumps(value, separators=(",", ":")).encode() + b"\n"


def encode_request(request: Request) -> bytes:
    """A request as a line."""
    fields: dict[str, object] = {"do": request.verb.value, "nodes": request.nodes}
    fields |= {"groups": request.groups, "for_s": request.for_s, "seen": request.seen}
    if request.act is not None:
        fields["act"] = encode_act(request.act)
    if request.ends:
        fields["ends"] = request.ends
    return encode_line(fields)


def decode_request(line: bytes) -> Request:
    """Reads a request; Unfit says what is wrong with it."""
    try:
        value: Any = json.loads(line)
        return Request(
            verb=Verb(value["do"]),
            nodes=tuple(str(name) for name in value.get("nodes", ())),
            groups=tuple(tuple(str(name) for name in g) for g in value.get("groups", ())),
            for_s=float(value.get("for_s", 0)),
            seen=int(value.get("seen", 0)),
            act=decode_act(value["act"]) if "act" in value else None,
            ends=str(value.get("ends", "")),
        )
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError) as error:
        raise Unfit("bad-request", f"not a request: {error!r}") from error


def encode_refusal(refusal: Refusal) -> bytes:
    """The reply to a request that cannot be done."""
    return encode_line({"refused": {"code": refusal.code, "reason": refusal.reason}})


def read_reply(line: bytes) -> dict[str, Any]:
    """A supervisor's reply. Raises Unfit when it has refused."""
    reply = cast(dict[str, Any], json.loads(line))
    if "refused" in reply:
        raise Unfit(reply["refused"]["code"], reply["refused"]["reason"])
    return reply


class ControlConnection:
    """A client's connection to a supervisor. Use it as a context manager."""

    def __init__(self, directory: NetDirectory) -> None:
        self._directory = directory
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._socket.settimeout(REPLY_TIMEOUT_S)
        try:
            self._socket.connect(str(directory.socket))
        except OSError as error:
            self._socket.close()
            raise LaunchFailure(
                f"testnet {directory.name!r} is not running; "
                f"`cornerstone testnet resume {directory.name}` starts it again"
            ) from error

    def __enter__(self) -> "ControlConnection":
        return self

    def __exit__(self, *exit: object) -> None:
        self._socket.close()

    def until(self, met: Callable[[Snapshot], bool], timeout_s: float) -> Snapshot:
        """The first state that meets the condition, or the last one when time is up."""
        deadline = time.monotonic() + timeout_s
        snapshot = self.ask(Request(Verb.SHOW))
        while not met(snapshot) and (left := deadline - time.monotonic()) > 0:
            self._socket.settimeout(left)
            try:
                snapshot = self.ask(Request(Verb.WAIT, seen=snapshot.version))
            except TimeoutError:
                break
        return snapshot

    def ask(self, request: Request) -> Snapshot:
        """The state after the request was carried out. Raises Unfit or LaunchFailure.

        TimeoutError belongs to `until`, which sets the time limit.
        """
        return decode_snapshot(self._ask(request)["ok"])

    def ask_faults(self, request: Request) -> FaultsReply:
        """The answer to INJECT, END or FAULTS. Raises Unfit or LaunchFailure."""
        return decode_faults(self._ask(request))

    def _ask(self, request: Request) -> dict[str, Any]:
        try:
            self._socket.sendall(encode_request(request))
            line = self._read_line()
        except TimeoutError:
            raise
        except OSError as error:
            raise LaunchFailure(
                f"the supervisor of {self._directory.name!r} does not answer: {error}"
            ) from error
        return read_reply(line)

    def await_end(self, timeout_s: float) -> None:
        """Returns when the supervisor has ended. Raises LaunchFailure when it has not in time."""
        self._socket.settimeout(timeout_s)
        try:
            while self._socket.recv(LINE_READ_BYTES):
                pass
        except TimeoutError as error:
            raise LaunchFailure(
                f"the supervisor of {self._directory.name!r} still runs after {timeout_s:.0f} s; "
                f"its log is {self._directory.supervisor_log}"
            ) from error

    def _read_line(self) -> bytes:
        chunks = bytearray()
        while not chunks.endswith(b"\n"):
            chunk = self._socket.recv(LINE_READ_BYTES)
            if not chunk:
                raise LaunchFailure(
                    f"the supervisor of {self._directory.name!r} ended; "
                    f"its last words are in {self._directory.supervisor_log}"
                )
            chunks += chunk
            if len(chunks) > REPLY_BYTES_MAX:
                raise LaunchFailure(f"a reply of over {REPLY_BYTES_MAX} bytes")
        return bytes(chunks)


def ask(directory: NetDirectory, request: Request) -> Snapshot:
    """One request over a connection of its own."""
    with ControlConnection(directory) as connection:
        return connection.ask(request)


def ask_faults(directory: NetDirectory, request: Request) -> FaultsReply:
    """One request about faults over a connection of its own."""
    with ControlConnection(directory) as connection:
        return connection.ask_faults(request)


def is_running(directory: NetDirectory) -> bool:
    """Whether a supervisor listens in this folder."""
    try:
        ControlConnection(directory).__exit__()
    except LaunchFailure:
        return False
    return True
