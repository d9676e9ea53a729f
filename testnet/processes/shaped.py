"""Weather on real sockets: links that are late, narrow, torn or dead when faults say so.

The dialling node knows whom it dials, so it gives both directions of its links their weather; the
accepting node cannot know who comes before the handshake, and lets all through. Everything happens
below the encryption.

Rules:
- One task a direction carries what is on its way, in order, when it is due and the line is open.
- A line that is closed holds messages and endings alike until it opens, as retransmission does.
- At most WINDOW_BYTES wait in one direction; whoever sends or reads more waits. *Why:* that is what
  a kernel buffers, and all the backpressure there is.
- Addresses that are none of the testnet's have no weather.
"""

import math
import random
from collections import deque
from collections.abc import Callable
from itertools import count

import trio

from p2p.net.transport import CLOSE_S, Link, LinkClosed, Listener, Transport
from p2p.peers import contact
from testnet.reach import Reach
from testnet.scenario.streams import stream
from testnet.weather import Weather

WINDOW_BYTES = 256 * 1024
WINDOW_MESSAGES = 64
"""What a kernel buffers for one connection on both sides together, about."""

LOOK_AGAIN_S = 0.1
"""How often a closed line that may open by itself is looked at, as a kernel repeats its SYN."""

HELD_MAX_S = 60.0
"""A closing link that a cut holds is given up after this: kernels do after minutes."""

RESET = "connection reset by the network"
CLOSED_HERE = "closed here"


class Line:
    """One direction of one link: what is on its way."""

    def __init__(
        self, weather: Weather, ends: tuple[str, str], number: int, rng: random.Random
    ) -> None:
        self.over = False
        self._weather = weather
        self._src, self._dst = ends
        self._number = number
        self._rng = rng
        self._queue: deque[tuple[float, bytes | None]] = deque()
        self._bytes = 0
        self._room = trio.lowlevel.ParkingLot()
        self._news = trio.Event()

    async def put(self, data: bytes) -> None:
        """Send a message on its way; waits while the window is full."""
        while not self.over and self._queue and not self._has_room(len(data)):
            await self._room.park()
        self._send(data)

    def put_end(self) -> None:
        """The end follows what is on its way; whether it will ever arrive."""
        self._send(None)

    async def next(self) -> bytes | None:
        """The next message, once it arrives; None at the end. It stays in the window."""
        while not self.over:
            now = trio.current_time()
            at_s, data = self._queue[0] if self._queue else (math.inf, None)
            if at_s <= now:
                if self._weather.open(self._src, self._dst, now):
                    return data
                at_s = max(now + LOOK_AGAIN_S, self._weather.next_change_s(now))
            with trio.move_on_at(at_s):
                await self._news.wait()
        return None

    def arrived(self) -> None:
        """What `next` gave has been handed over."""
        if self._queue:
            _, data = self._queue.popleft()
            self._bytes -= len(data or b"")
            self._room.unpark_all()

    def look(self) -> None:
        """Something has changed: a message, the weather, or the end of all."""
        self._news.set()
        self._news = trio.Event()

    def relieve(self, reach: Reach) -> None:
        """A fault of these lines has ended: what it has slowed comes at once."""
        if reach.touches(self._src, self._dst):
            now_s = trio.current_time()
            by_s = self._weather.relieved_s(self._src, self._dst, self._number, now_s)
            self._queue = deque((min(at_s, by_s), data) for at_s, data in self._queue)
            self.look()

    def finish(self) -> None:
        """The link is gone: nobody waits for anything any more."""
        self.over = True
        self._queue.clear()
        self._weather.forget(self._src, self._dst, self._number)
        self._room.unpark_all()
        self.look()

    def _send(self, data: bytes | None) -> None:
        if self.over:
            return
        size = len(data or b"")
        fate = self._weather.fate(self._src, self._dst, self._number, size, trio.current_time())
        if fate.at_s == math.inf:
            return  # it vanishes, and nobody is told
        self._queue.append((fate.at_s, damaged(data, self._rng) if fate.corrupt else data))
        self._bytes += size
        self.look()

    def _has_room(self, size: int) -> bool:
        return len(self._queue) < WINDOW_MESSAGES and self._bytes + size <= WINDOW_BYTES


class ShapedLink:
    """The dialler's end of a link in the weather. `run` carries what is sent and read."""

    def __init__(self, inner: Link, out: Line, back: Line) -> None:
        self.remote = inner.remote
        self._inner = inner
        self._out = out
        self._back = back
        self._ended = ""
        self._others_end = ""
        self._gone = trio.Event()
        self._scope = trio.CancelScope()

    async def run(self) -> None:
        """Carry messages until the link is closed, torn, or dead."""
        try:
            with self._scope:
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(self._read)
                    if await self._write():
                        nursery.cancel_scope.cancel()
                    self._out.finish()
            await self._inner.aclose()
        finally:
            self._out.finish()
            self._gone.set()

    async def send(self, data: bytes) -> None:
        """See Link."""
        await trio.lowlevel.checkpoint_if_cancelled()
        if not self._ended:
            await self._out.put(data)
        if self._ended or self._out.over:
            raise LinkClosed(self._ended or self._others_end or "the connection is gone")

    async def receive(self) -> bytes:
        """See Link."""
        await trio.lowlevel.checkpoint_if_cancelled()
        data = None if self._ended else await self._back.next()
        if data is None or self._ended:
            self._end(self._others_end)
            self._out.finish()
            raise LinkClosed(self._ended)
        self._back.arrived()
        return data

    def trust(self) -> None:
        """See Link."""
        self._inner.trust()

    async def aclose(self) -> None:
        """See Link."""
        self._end(CLOSED_HERE)
        with trio.move_on_after(CLOSE_S):
            await self._gone.wait()

    def tear(self) -> None:
        """Reset by the network, on both sides."""
        self._end(RESET)
        self._out.finish()

    def look(self) -> None:
        """The weather has changed."""
        self._out.look()
        self._back.look()

    def relieve(self, reach: Reach) -> None:
        """A fault of these lines has ended."""
        self._out.relieve(reach)
        self._back.relieve(reach)

    def _end(self, why: str) -> None:
        """No more for the near side; the far side hears of it in order, if it ever does."""
        if not self._ended:
            self._ended = why
            self._out.put_end()
            self._scope.deadline = trio.current_time() + HELD_MAX_S
            self._back.finish()

    async def _write(self) -> bool:
        """Until the end; whether it is the near side's. Of the far side's the reader tells."""
        while (data := await self._out.next()) is not None:
            try:
                await self._inner.send(data)
            except LinkClosed:
                return False
            self._out.arrived()
        return True

    async def _read(self) -> None:
        try:
            while True:
                await self._back.put(await self._inner.receive())
        except LinkClosed as closed:
            self._others_end = closed.reason
            self._back.put_end()


class ShapedTransport:
    """Makes links that have the weather between this node and those it dials.

    `name_of` tells whose an address is, if it is one of the testnet's.
    """

    def __init__(
        self,
        inner: Transport,
        nursery: trio.Nursery,
        weather: Weather,
        name: str,
        name_of: Callable[[str], str | None],
    ) -> None:
        self._inner = inner
        self._nursery = nursery
        self._weather = weather
        self._name = name
        self._name_of = name_of
        self._rng = stream(0, "damage", name)
        self._numbers = count(1)
        self._links: dict[int, tuple[str, ShapedLink]] = {}

    async def dial(self, address: str, reach: contact.Reach = contact.Reach.NOWHERE) -> Link:
        """See Transport."""
        there = self._name_of(address)
        if there is None or there == self._name:
            return await self._inner.dial(address, reach)
        await self._shake_hands(there)
        inner = await self._inner.dial(address, reach)
        number = next(self._numbers)
        out, back = (
            Line(self._weather, ends, number, self._rng)
            for ends in ((self._name, there), (there, self._name))
        )
        link = ShapedLink(inner, out, back)
        self._links[number] = there, link
        self._nursery.start_soon(self._carry, number, link)
        return link

    async def listen(self, address: str) -> Listener:
        """See Transport."""
        return await self._inner.listen(address)

    def changed(self) -> None:
        """The weather has: look at what is held."""
        for _, link in self._links.values():
            link.look()

    def relieve(self, reach: Reach) -> None:
        """A fault of these lines has ended."""
        for _, link in self._links.values():
            link.relieve(reach)

    def reset(self, act_id: str) -> None:
        """Tear down every link that a reset in force touches."""
        for there, link in list(self._links.values()):
            if self._weather.tears(act_id, self._name, there):
                link.tear()

    async def _carry(self, number: int, link: ShapedLink) -> None:
        try:
            await link.run()
        finally:
            del self._links[number]

    async def _shake_hands(self, there: str) -> None:
        """The round trip before a link is open; for ever where nothing passes."""
        here, now = self._name, trio.current_time()
        out_s = self._weather.fate(here, there, 0, 0, now).at_s
        back_s = self._weather.fate(there, here, 0, 0, now).at_s
        if max(out_s, back_s) == math.inf:
            await trio.sleep_forever()  # as a lost handshake does; the caller has a timeout
        if (wait_s := out_s + back_s - 2 * now) > 0:
            await trio.sleep(wait_s)
        while not self._weather.dialable(here, there, trio.current_time()):  # noqa: ASYNC110
            await trio.sleep(LOOK_AGAIN_S)


def damaged(data: bytes | None, rng: random.Random) -> bytes | None:
    """The message with one bit flipped; what is empty cannot be damaged."""
    if not data:
        return data
    place = rng.randrange(len(data))
    flipped = data[place] ^ (1 << rng.randrange(8))
    return data[:place] + bytes([flipped]) + data[place + 1 :]
