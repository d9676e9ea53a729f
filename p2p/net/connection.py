"""One connection to a peer: the hello, then a reader, a writer and a keepalive until it ends.

Rules:
- Everything that goes wrong ends the connection, with one reason `code: text`, and touches nothing
  else. The codes are ours, never the peer's. *Why:* they label counters.
- The reader waits for whoever takes the messages. *Why:* a peer that sends faster than we judge
  must feel it, instead of filling our memory.
- `send` never waits: it fills the outbox, which knows what to drop and when a peer is too slow.
- What was received before a hello is judged, or sent along with it, is not lost.
- Pings and pongs beyond CONTROL_RATE end the connection. *Why:* they are dealt with here, where
  nobody else's budgets are; and each ping costs us an answer.
- A frame is written whole or the link is of no more use; so the end waits GOODBYE_S for the writer.
"""

import math
import random
from collections.abc import Awaitable, Callable
from typing import Protocol

import trio

from chain.primitives.errors import Invalid, Malformed, Refusal
from p2p.net.hello import compatible
from p2p.net.liveness import LOOK_S, Liveness
from p2p.net.outbox import Outbox, Overflow, Waiting
from p2p.net.secure import SecureLink
from p2p.net.transport import LinkClosed
from p2p.peers.bucket import TokenBucket
from p2p.wire.codec import decode_frame, encode_message
from p2p.wire.messages import Goodbye, Hello, Lane, Message, Ping, Pong

HELLO_S = 5.0  # a peer that has just shaken hands and means it answers within a round trip
WRITE_MAX_S = 20.0  # for one frame: a peer that reads slower than this is not reading
CONTROL_RATE = 1.0  # pings and pongs a second: five times as many as a peer that wants to know
CONTROL_BURST = 64.0  # what a pause of minutes lets come at once
GOODBYE_S = 1.0  # to say why, before the link is closed in any case


class Tap(Protocol):
    """Stands at the frame boundary and may change frames; only laboratories have one."""

    def outgoing(self, peer: bytes, frame: bytes) -> bytes:
        """What is sent to `peer` in place of a frame; nothing when empty."""
        ...

    def incoming(self, peer: bytes, frame: bytes) -> bytes:
        """What is read in place of a frame from `peer`; nothing when empty."""
        ...


Receive = Callable[[list[Message]], Awaitable[None]]


class PeerRefused(Invalid):
    """The peer said goodbye instead of hello; the reason quotes it."""


class Connection:
    """A connection over a secure link; `peer_hello` is set once the hellos have been exchanged.

    `waiting` is shared by all connections of a node.
    """

    def __init__(
        self, link: SecureLink, rng: random.Random, waiting: Waiting, tap: Tap | None = None
    ) -> None:
        self.peer = link.peer
        self.peer_hello: Hello
        self._link = link
        self._rng = rng
        self._tap = tap
        self._outbox = Outbox(waiting)
        self._live = Liveness(trio.current_time())
        self._control = TokenBucket(CONTROL_RATE, CONTROL_BURST, trio.current_time())
        self._early: list[Message] = []
        self._wake = trio.Event()
        self._reading = False
        self._ending: str | None = None
        self._goodbye: Goodbye | None = None
        self._refusal: Refusal | None = None
        self._scope = trio.CancelScope()

    @property
    def remote(self) -> str:
        """Where the peer is, for people."""
        return self._link.remote

    @property
    def latency_ms(self) -> float | None:
        """The last round trip measured; None before the first pong."""
        return self._live.latency_ms

    @property
    def bytes_in(self) -> int:
        """Bytes received on the link."""
        return self._link.bytes_in

    @property
    def bytes_out(self) -> int:
        """Bytes sent on the link."""
        return self._link.bytes_out

    @property
    def refusal(self) -> Refusal | None:
        """Why a frame was none, if that ended the connection: no correct encoder writes such."""
        return self._refusal

    async def exchange(self, ours: Hello) -> Hello:
        """Say hello, hear the peer's within HELLO_S, and judge it.

        Raises Refusal when either side will not talk to the other (ours is told to the peer), and
        LinkClosed. The link stays the caller's to close.
        """
        try:
            with trio.fail_after(HELLO_S):
                await self._write(encode_message(ours))
                theirs, *self._early = await self._next_frame()
            self.peer_hello = self._judge(ours, theirs)
        except trio.TooSlowError:
            raise LinkClosed(f"no hello within {HELLO_S:.0f} s") from None
        except PeerRefused:
            raise
        except Refusal as refusal:
            await self._part(Goodbye(refusal.code, refusal.reason))
            raise
        return self.peer_hello

    async def run(self, receive: Receive) -> str:
        """Carry messages until the connection ends, and close it; returns the reason."""
        self._live = Liveness(trio.current_time())
        try:
            with self._scope:
                if self._ending is not None:
                    self._scope.deadline = trio.current_time() + GOODBYE_S
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(self._read, receive)
                    nursery.start_soon(self._write_all)
                    nursery.start_soon(self._keep_alive)
        finally:
            with trio.CancelScope(shield=True):
                if self._ending is None:
                    await self._part(Goodbye("shutdown", "this node stops"))
                await self._link.aclose()
            self._outbox.close()
        return self._ending or "shutdown: this node stops"

    @property
    def queued_bytes(self) -> int:
        """Bytes that wait to be written."""
        return self._outbox.bytes

    def room(self, lane: Lane) -> int:
        """Bytes that may be queued in a lane of one's own accord."""
        return self._outbox.room(lane)

    def send(self, message: Message) -> None:
        """Queue a message; the connection ends if the peer is too slow to take it."""
        self.put(encode_message(message), message.LANE)

    def put(self, encoded: bytes, lane: Lane) -> int:
        """Queue a message that has been encoded; see `send`. How many a full lane drops for it."""
        if self._ending is not None:
            return 0
        before = self._outbox.dropped[lane]
        try:
            self._outbox.put(encoded, lane, trio.current_time())
        except Overflow as overflow:
            self._end("too-slow", str(overflow))
        else:
            self._wake.set()
        return self._outbox.dropped[lane] - before

    def close(self, code: str, reason: str) -> None:
        """End the connection, telling the peer why if it listens; what waits is not sent."""
        if self._ending is None:
            self._ending = f"{code}: {reason}"
            self._goodbye = Goodbye(code, reason)
            self._scope.deadline = trio.current_time() + GOODBYE_S
            self._wake.set()

    def _end(self, code: str, reason: str) -> None:
        """End the connection without another word: the peer is gone, or does not read."""
        if self._ending is None:
            self._ending = f"{code}: {reason}"
        self._scope.cancel()

    def _judge(self, ours: Hello, theirs: Message) -> Hello:
        if isinstance(theirs, Goodbye):
            raise PeerRefused("refused-by-peer", f"{theirs.code}: {theirs.reason}")
        if not isinstance(theirs, Hello):
            raise Malformed("no-hello", f"a hello comes first, not {type(theirs).__name__}")
        if theirs.genesis != self._link.chain:
            raise Malformed(
                "false-hello",
                f"genesis {theirs.genesis.hex()} in the hello, {self._link.chain.hex()} proved",
            )
        objection = compatible(ours, theirs)
        if objection is not None:
            raise Invalid(objection.code, objection.reason)
        return theirs

    async def _part(self, goodbye: Goodbye) -> None:
        """Say why before the link is closed, if that is quick."""
        with trio.move_on_after(GOODBYE_S):
            try:
                await self._write(encode_message(goodbye))
            except LinkClosed:
                return  # nobody is left to be told

    async def _next_frame(self) -> list[Message]:
        """The messages of the next frame that is let through."""
        self._reading = True
        while True:
            frame = await self._link.receive()
            if self._tap is not None:
                frame = self._tap.incoming(self.peer, frame)
                if not frame:
                    continue
            self._reading = False
            return decode_frame(frame)

    async def _read(self, receive: Receive) -> None:
        try:
            messages = self._early
            while self._ending is None:
                rest = [message for message in messages if not self._controlled(message)]
                if rest and self._ending is None:
                    await receive(rest)
                messages = await self._next_frame()
                self._live.heard()
        except LinkClosed as closed:
            self._end("link-closed", closed.reason)
        except Refusal as refusal:
            self._refusal = refusal
            self.close(refusal.code, refusal.reason)

    def _controlled(self, message: Message) -> bool:
        """Deal with the messages that concern the connection alone."""
        match message:
            case Ping(nonce):
                self._pay(message)
                self.send(Pong(nonce))
            case Pong(nonce):
                self._pay(message)
                self._live.answered(nonce, trio.current_time())
            case Goodbye(code, reason):
                self._end("peer-left", f"{code}: {reason}")
            case Hello():
                raise Malformed("second-hello", "a hello is said once, before everything else")
            case _:
                return False
        return True

    def _pay(self, message: Ping | Pong) -> None:
        if not self._control.take(1, trio.current_time()):
            kind = type(message).__name__.lower()
            raise Invalid("flood", f"a {kind} more than {CONTROL_RATE:.0f} a second")

    async def _write_all(self) -> None:
        try:
            with trio.CancelScope() as patience:
                await self._write_frames(patience)
            if patience.cancelled_caught:
                return self._end("too-slow", f"one frame took more than {WRITE_MAX_S:.0f} s")
            if self._goodbye is not None:
                await self._write(encode_message(self._goodbye))
            self._scope.cancel()
        except LinkClosed as closed:
            self._end("link-closed", closed.reason)

    async def _write_frames(self, patience: trio.CancelScope) -> None:
        """Write what is queued until the end comes; `patience` is for one frame at a time."""
        while self._ending is None:
            while self._ending is None and (frame := self._outbox.take()):
                patience.deadline = trio.current_time() + WRITE_MAX_S
                await self._write(frame)
                patience.deadline = math.inf
            if self._ending is None:
                self._wake = trio.Event()
                await self._wake.wait()

    async def _write(self, frame: bytes) -> None:
        if self._tap is not None:
            frame = self._tap.outgoing(self.peer, frame)
        if frame:
            await self._link.send(frame)

    async def _keep_alive(self) -> None:
        self._ping()  # at once: the first latency ranks the peer
        while True:
            await trio.sleep(LOOK_S)
            wanted = self._live.look(trio.current_time(), reading=self._reading)
            if self._live.gone:
                return self.close("silent", f"nothing came for {LOOK_S:.0f} s, three times over")
            if wanted:
                self._ping()

    def _ping(self) -> None:
        nonce = self._rng.getrandbits(63)
        self._live.asked(nonce, trio.current_time())
        self.send(Ping(nonce))
