"""A supervisor's control socket for those who live in trio: one request at a time, in order."""

import math

import trio

from testnet.control import (
    LINE_READ_BYTES,
    REPLY_BYTES_MAX,
    REPLY_TIMEOUT_S,
    LineBuffer,
    Request,
    encode_request,
    read_reply,
)
from testnet.directory import NetDirectory
from testnet.errors import LaunchFailure
from testnet.processes.in_force import FaultsReply, decode_faults
from testnet.views import Snapshot, decode_snapshot

FOR_EVER = math.inf
"""A request to WAIT is answered when something changes; it can be cancelled with its connection."""


class ControlLine:
    """An open connection. Use it as an asynchronous context manager; several tasks may ask."""

    def __init__(self, name: str, stream: trio.SocketStream) -> None:
        self._name = name
        self._stream = stream
        self._lines = LineBuffer(REPLY_BYTES_MAX)
        self._turn = trio.Lock()

    async def __aenter__(self) -> "ControlLine":
        return self

    async def __aexit__(self, *exit: object) -> None:
        await trio.aclose_forcefully(self._stream)

    async def ask(self, request: Request, timeout_s: float = REPLY_TIMEOUT_S) -> Snapshot:
        """The state after the request was carried out. Raises Unfit or LaunchFailure."""
        return decode_snapshot(read_reply(await self._ask(request, timeout_s))["ok"])

    async def ask_faults(self, request: Request) -> FaultsReply:
        """The answer to INJECT, END or FAULTS. Raises Unfit or LaunchFailure."""
        return decode_faults(read_reply(await self._ask(request, REPLY_TIMEOUT_S)))

    async def _ask(self, request: Request, timeout_s: float) -> bytes:
        async with self._turn:
            try:
                with trio.fail_after(timeout_s) as scope:
                    # An answer nobody has read would be taken for that to the next request.
                    scope.shield = timeout_s < FOR_EVER
                    await self._stream.send_all(encode_request(request))
                    return await self._read_line()
            except (OSError, trio.BrokenResourceError, trio.TooSlowError) as error:
                raise LaunchFailure(
                    f"the supervisor of {self._name!r} does not answer: {error!r}"
                ) from error

    async def _read_line(self) -> bytes:
        while True:
            data = await self._stream.receive_some(LINE_READ_BYTES)
            if not data:
                raise LaunchFailure(f"the supervisor of {self._name!r} ended")
            for line in self._lines.feed(data):
                return line


async def open_control(directory: NetDirectory) -> ControlLine:
    """Connects. Raises LaunchFailure when no supervisor listens."""
    try:
        stream = await trio.open_unix_socket(str(directory.socket))
    except OSError as error:
        raise LaunchFailure(f"testnet {directory.name!r} is not running: {error}") from error
    return ControlLine(directory.name, stream)
