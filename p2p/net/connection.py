"""One connection to a peer: the hello, then a reader, a writer and a keepalive until it ends.

Everything that can go wrong with it ends it, with one reason, and touches nothing else.
"""

import random
from collections.abc import Awaitable, Callable
from typing import Protocol

import trio

from chain.primitives.errors import Invalid, Malformed, Refusal
from p2p.net.hello import judge
from p2p.net.outbox import Outbox, Overflow
from p2p.net.secure import SecureLink
from p2p.net.transport import LinkClosed
from p2p.wire.codec import decode_frame, encode_message
from p2p.wire.messages import Goodbye, Hello, Message, Ping, Pong

PING_AFTER_S = 5.0  # of silence: one ping
IDLE_MAX_S = 15.0  # of silence in spite of pings: the peer, or the way to it, is gone
WRITE_MAX_S = 20.0  # for one frame: a peer that reads slower than this is not reading
GOODBYE_S = 1.0  # to say why, before the link is closed in any case


class Tap(Protocol):
    """Stands at the frame boundary and may hold frames back; only laboratories have one."""

    def outgoing(self, peer: bytes, frame: bytes) -> bool:
        """Whether a frame to `peer` is let through."""
        ...

    def incoming(self, peer: bytes, frame: bytes) -> bool:
        """Whether a frame from `peer` is let through."""
        ...


Receive = Callable[[list[Message]], Awaitable[None]]


class Connection:
    """A connection over a secure link; `peer_hello` is set once the hellos have been exchanged."""

    def __init__(self, link: SecureLink, rng: random.Random, tap: Tap | None = None) -> None:
        self.peer = link.peer
        self.peer_hello: Hello
        self.latency_ms: float | None = None
        self._link = link
        self._rng = rng
        self._tap = tap
        self._outbox = Outbox()
        self._wake = trio.Event()
        self._heard_s = 0.0
        self._pinged: tuple[int, float] | None = None
        self._ending: str | None = None
        self._scope = trio.CancelScope()

    @property
    def remote(self) -> str:
        """Where the peer is, for people."""
        return self._link.remote

    @property
    def bytes_in(self) -> int:
        """Bytes received on the link."""
        return self._link.bytes_in

    @property
    def bytes_out(self) -> int:
        """Bytes sent on the link."""
        return self._link.bytes_out

    @property
    def dropped(self) -> int:
        """Messages that fell out of a full lane."""
        return self._outbox.dropped

    async def exchange(self, ours: Hello) -> Hello:
        """Say hello, hear the peer's, and judge it. The caller bounds the time.

        Raises Refusal when either side will not talk to the other, LinkClosed.
        """
        await self._write(encode_message(ours))
        theirs = await self._first()
        if isinstance(theirs, Goodbye):
            raise Invalid(theirs.code, f"the peer refused: {theirs.reason}")
        if not isinstance(theirs, Hello):
            raise Malformed("hello", f"expected a hello first, got {type(theirs).__name__}")
        objection = judge(ours, theirs)
        if objection is not None:
            with trio.move_on_after(GOODBYE_S):
                await self._write(encode_message(objection))
            raise Invalid(objection.code, objection.reason)
        self.peer_hello = theirs
        return theirs

    async def run(self, receive: Receive) -> str:
        """Carry messages until the connection ends, and close it; returns the reason."""
        self._heard_s = trio.current_time()
        try:
            with self._scope:
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(self._read, receive)
                    nursery.start_soon(self._write_all)
                    nursery.start_soon(self._keep_alive)
        finally:
            with trio.CancelScope(shield=True):
                await self._link.aclose()
        return self._ending or "cancelled"

    def send(self, message: Message) -> None:
        """Queue a message; the connection ends if the peer is too slow to take it."""
        if self._ending is not None:
            return
        try:
            self._outbox.put(encode_message(message), message.LANE)
        except Overflow as overflow:
            self._end(f"too slow: {overflow}")
            return
        self._wake.set()

    def close(self, code: str, reason: str) -> None:
        """End the connection, telling the peer why if it listens."""
        if self._ending is None:
            self.send(Goodbye(code, reason))
            self._ending = f"{code}: {reason}"
            self._scope.deadline = trio.current_time() + GOODBYE_S

    def _end(self, reason: str) -> None:
        if self._ending is None:
            self._ending = reason
        self._scope.cancel()

    async def _first(self) -> Message:
        """The first message that is let through."""
        while True:
            frame = await self._link.receive()
            if self._tap is None or self._tap.incoming(self.peer, frame):
                return decode_frame(frame)[0]

    async def _read(self, receive: Receive) -> None:
        while True:
            try:
                frame = await self._link.receive()
                if self._tap is not None and not self._tap.incoming(self.peer, frame):
                    continue
                messages = decode_frame(frame)
            except LinkClosed as closed:
                return self._end(closed.reason)
            except Refusal as refusal:
                return self.close(refusal.code, refusal.reason)
            self._heard_s = trio.current_time()
            rest = [message for message in messages if not self._controlled(message)]
            if rest:
                await receive(rest)

    def _controlled(self, message: Message) -> bool:
        """Deal with the messages that concern the connection alone."""
        match message:
            case Ping(nonce):
                self.send(Pong(nonce))
            case Pong(nonce):
                if self._pinged is not None and self._pinged[0] == nonce:
                    self.latency_ms = (trio.current_time() - self._pinged[1]) * 1000
                    self._pinged = None
            case Goodbye(code, reason):
                self._end(f"{code}: the peer left: {reason}")
            case _:
                return False
        return True

    async def _write_all(self) -> None:
        while True:
            while frame := self._outbox.take():
                try:
                    with trio.fail_after(WRITE_MAX_S):
                        await self._write(frame)
                except LinkClosed as closed:
                    return self._end(closed.reason)
                except trio.TooSlowError:
                    return self._end(f"too slow: one frame took more than {WRITE_MAX_S:.0f} s")
            if self._ending is not None:
                return self._scope.cancel()
            self._wake = trio.Event()
            await self._wake.wait()

    async def _write(self, frame: bytes) -> None:
        if self._tap is None or self._tap.outgoing(self.peer, frame):
            await self._link.send(frame)

    async def _keep_alive(self) -> None:
        self._ping()  # at once: the first latency ranks the peer
        while True:
            silent_s = trio.current_time() - self._heard_s
            if silent_s >= IDLE_MAX_S:
                return self._end(f"silent for {silent_s:.0f} s")
            if silent_s >= PING_AFTER_S:
                self._ping()
            await trio.sleep(max(PING_AFTER_S - silent_s, PING_AFTER_S / 2))

    def _ping(self) -> None:
        nonce = self._rng.getrandbits(63)
        self._pinged = (nonce, trio.current_time())
        self.send(Ping(nonce))
