"""The wire of a simulation: all messages of all links, carried by one task in order of arrival.

Rules:
- Arrivals are rounded up to the next QUANTUM_S. *Why:* what arrives together is one wake-up.
- A closed line holds messages and endings alike until it opens, as a stream's retransmission does.
- A sender waits while WINDOW_BYTES of its own are on the way. *Why:* that is a socket's buffer, and
  all the backpressure a peer that does not read can exert.
"""

import heapq
import math
import random
from collections import deque
from collections.abc import Callable
from itertools import count

import trio

from p2p.alarm import Alarm
from p2p.net.transport import (
    LINK_MESSAGE_BYTES_MAX,
    STRANGER_BYTES_MAX,
    Link,
    LinkClosed,
    Listener,
    parse_endpoint,
)
from p2p.peers import contact
from testnet.reach import Reach
from testnet.redials import Redials
from testnet.weather import Weather

SCHEME = "mem"
PORT = 1
QUANTUM_S = 0.001
"""Much finer than any latency that matters, coarse enough to batch what one block sets off."""

WINDOW_BYTES = 256 * 1024
WINDOW_MESSAGES = 64
"""What a kernel buffers for one connection on both sides together, about."""

BACKLOG = 128
LOOK_AGAIN_S = 0.1
"""How often a closed line that opens by itself (flapping) is looked at."""

RESET = "connection reset by the network"
CLOSED = "closed by the other end"


def address_of(name: str) -> str:
    """Where a node of a simulation is dialled."""
    return f"{SCHEME}://{name}:{PORT}"


class SimLink:
    """One end of a link between two hosts."""

    def __init__(self, wire: "Wire", number: int, src: str, dst: str, remote: str) -> None:
        self.remote = remote
        self.src = src
        self.dst = dst
        self.number = number
        self.other: SimLink
        self.ended = ""
        self._wire = wire
        self._inbox: deque[bytes] = deque()
        self._readable = trio.lowlevel.ParkingLot()
        self._writable = trio.lowlevel.ParkingLot()
        self._window_bytes = 0
        self._window_messages = 0
        self._others_end = ""
        self._bytes_max = STRANGER_BYTES_MAX

    async def send(self, data: bytes) -> None:
        """See Link."""
        await trio.lowlevel.checkpoint_if_cancelled()
        while not self.ended and not self._has_room(len(data)):
            await self._writable.park()
        if self.ended:
            raise LinkClosed(self.ended)
        self._window_bytes += len(data)
        self._window_messages += 1
        self._wire.post(self, data)

    async def receive(self) -> bytes:
        """See Link."""
        await trio.lowlevel.checkpoint_if_cancelled()
        while not self._inbox:
            if self.ended or self._others_end:
                raise LinkClosed(self.ended or self._others_end)
            await self._readable.park()
        data = self._inbox.popleft()
        self.other.acknowledge(len(data))
        if len(data) > self._bytes_max:
            self.end(f"a message of {len(data)} bytes, at most {self._bytes_max}")
            raise LinkClosed(self.ended)
        return data

    def trust(self) -> None:
        """See Link."""
        self._bytes_max = LINK_MESSAGE_BYTES_MAX

    async def aclose(self) -> None:
        """See Link."""
        self.end("closed here")
        await trio.lowlevel.checkpoint()

    def end(self, why: str, *, silent: bool = False) -> None:
        """End this side; the other hears of it in order, unless the end is silent."""
        if self.ended:
            return
        self.ended = why
        self._inbox.clear()
        self._readable.unpark_all()
        self._writable.unpark_all()
        if silent:
            self._wire.drop(self)
        else:
            self._wire.post(self, None)

    def arrive(self, data: bytes | None) -> None:
        """A message from the other end has come, or (None) the end of all."""
        if self.ended:
            return
        if data is None:
            self._others_end = CLOSED
            self._writable.unpark_all()
            if not self._inbox:
                self.ended = CLOSED
        else:
            self._inbox.append(data)
        self._readable.unpark_all()

    def acknowledge(self, size: int) -> None:
        """The other end has read a message."""
        self._window_bytes -= size
        self._window_messages -= 1
        self._writable.unpark_all()

    def _has_room(self, size: int) -> bool:
        if self._window_messages >= WINDOW_MESSAGES:
            return False
        return not self._window_messages or self._window_bytes + size <= WINDOW_BYTES


class SimListener:
    """Accepts links dialled to a host."""

    def __init__(self, wire: "Wire", address: str) -> None:
        self.address = address
        self._wire = wire
        self._links, self._accepted = trio.open_memory_channel[SimLink](BACKLOG)

    async def accept(self) -> Link:
        """See Listener."""
        try:
            return await self._accepted.receive()
        except (trio.EndOfChannel, trio.ClosedResourceError):
            raise LinkClosed(f"{self.address} listens no more") from None

    async def aclose(self) -> None:
        """See Listener."""
        self._wire.unlisten(self)
        self._links.close()
        self._accepted.close()
        await trio.lowlevel.checkpoint()

    def take(self, link: SimLink) -> bool:
        """Queue a link to be accepted; False when nobody will."""
        try:
            self._links.send_nowait(link)
        except (trio.WouldBlock, trio.ClosedResourceError, trio.BrokenResourceError):
            return False
        return True


class Wire:
    """Every link of the simulation. `run` carries what is posted, until cancelled."""

    def __init__(self, weather: Weather, rng: random.Random) -> None:
        self.weather = weather
        self.messages = 0
        self.bytes = 0
        self._rng = rng
        self._listeners: dict[str, SimListener] = {}
        self.redials = Redials()
        self._links: dict[int, tuple[SimLink, SimLink]] = {}
        self._frozen: dict[str, None] = {}
        self._heap: list[tuple[float, int, SimLink, bytes | None]] = []
        self._calls: list[tuple[float, int, Callable[[], None]]] = []
        self._held: dict[tuple[str, str], deque[tuple[SimLink, bytes | None]]] = {}
        self._order = count()
        self._numbers = count(1)
        self._ports = count(PORT + 1)
        self._alarm = Alarm()
        self._look_s = math.inf

    def transport(self, host: str) -> "SimTransport":
        """What a node of that host is given."""
        return SimTransport(self, host)

    async def run(self) -> None:
        """Deliver each message when it is due."""
        while True:
            now_s = trio.current_time()
            self._deliver(now_s)
            next_s = min(
                self._heap[0][0] if self._heap else math.inf,
                self._calls[0][0] if self._calls else math.inf,
            )
            if self._held:
                next_s = min(next_s, self._look_s)
            await self._alarm.sleep_until(next_s)

    def post(self, link: SimLink, data: bytes | None) -> None:
        """A message (or None: the end) leaves a link's near end."""
        now_s = trio.current_time()
        size = 0 if data is None else len(data)
        fate = self.weather.fate(link.src, link.dst, link.number, size, now_s)
        self.messages += 1
        self.bytes += size
        if fate.at_s == math.inf:
            if data is not None:
                link.acknowledge(size)  # the kernel took it; nobody will ever read it
            return
        if fate.corrupt and data:
            data = self._damage(data)
        at_s = _rounded(fate.at_s)
        heapq.heappush(self._heap, (at_s, next(self._order), link, data))
        self._alarm.advance(at_s)

    def at(self, at_s: float, call: Callable[[], None]) -> None:
        """Call something at a moment of virtual time."""
        heapq.heappush(self._calls, (at_s, next(self._order), call))
        self._alarm.advance(at_s)

    def drop(self, link: SimLink) -> None:
        """A link's near end is gone without a word; the far end learns nothing."""
        self._links.pop(link.number, None)

    def changed(self) -> None:
        """The weather has changed: look at what is held."""
        self._look_s = -math.inf
        self._alarm.advance(-math.inf)

    def relieve(self, reach: Reach) -> None:
        """A fault of these lines has ended: what it has slowed comes at once, in its order."""
        now_s = trio.current_time()
        for place, (at_s, order, link, data) in enumerate(self._heap):
            if reach.touches(link.src, link.dst):
                by_s = self.weather.relieved_s(link.src, link.dst, link.number, now_s)
                self._heap[place] = (min(at_s, _rounded(by_s)), order, link, data)
        heapq.heapify(self._heap)
        self._alarm.advance(-math.inf)

    def freeze(self, host: str) -> None:
        """Nothing reaches or leaves a host until `thaw`."""
        self._frozen[host] = None

    def thaw(self, host: str) -> None:
        """The host goes on."""
        self._frozen.pop(host, None)
        self.changed()

    def frozen(self, host: str) -> bool:
        """Whether the host is frozen."""
        return host in self._frozen

    def sever(self, host: str, *, silent: bool) -> None:
        """The host's process is gone: its kernel ends all its links, or not even that."""
        for ends in list(self._links.values()):
            for end in ends:
                if end.src == host:
                    end.end("the process is gone", silent=silent)

    def reset(self, act_id: str) -> None:
        """Tear down every link that a reset in force touches."""
        for near, far in list(self._links.values()):
            if self.weather.tears(act_id, near.src, near.dst):
                for end in (near, far):
                    end.end(RESET, silent=True)

    def links_of(self, host: str) -> int:
        """How many links of the host are open on its side."""
        return sum(
            end.src == host and not end.ended for ends in self._links.values() for end in ends
        )

    def listen(self, host: str, port: int) -> SimListener:
        """A listener at a host's port; 0 takes a free one."""
        address = f"{SCHEME}://{host}:{port or next(self._ports)}"
        if address in self._listeners:
            raise LinkClosed(f"{address} is taken")
        listener = self._listeners[address] = SimListener(self, address)
        return listener

    def unlisten(self, listener: SimListener) -> None:
        """Nobody reaches the address any more."""
        if self._listeners.get(listener.address) is listener:
            del self._listeners[listener.address]

    async def dial(self, src: str, address: str) -> Link:
        """A link from a host to an address, after the round trip that opening one takes."""
        endpoint = parse_endpoint(address, SCHEME)
        dst = endpoint.host
        now_s = trio.current_time()
        self.redials.dialled(src, address, now_s)
        there = self.weather.fate(src, dst, 0, 0, now_s).at_s
        back = self.weather.fate(dst, src, 0, 0, now_s).at_s
        if max(there, back) == math.inf:
            await trio.sleep_forever()  # as a lost handshake does; the caller has a timeout
        await trio.sleep(there + back - 2 * now_s)
        while not self._reachable(src, dst):  # noqa: ASYNC110 - as a kernel repeats its SYN
            await trio.sleep(LOOK_AGAIN_S)
        listener = self._listeners.get(str(endpoint))
        if listener is None:
            raise LinkClosed(f"{address}: nobody listens there")
        number = next(self._numbers)
        near = SimLink(self, number, src, dst, address)
        far = SimLink(self, number, dst, src, f"{SCHEME}://{src}")
        near.other, far.other = far, near
        if not listener.take(far):
            raise LinkClosed(f"{address}: {BACKLOG} links wait to be accepted")
        self._links[number] = near, far
        return near

    def _reachable(self, src: str, dst: str) -> bool:
        frozen = src in self._frozen or dst in self._frozen
        return not frozen and self.weather.dialable(src, dst, trio.current_time())

    def _deliver(self, now_s: float) -> None:
        while self._calls and self._calls[0][0] <= now_s:
            heapq.heappop(self._calls)[2]()
        self._release(now_s)
        while self._heap and self._heap[0][0] <= now_s:
            _, _, link, data = heapq.heappop(self._heap)
            line = link.src, link.dst
            held = self._held.get(line)
            if held is None and self._passes(*line, now_s):
                self._hand_over(link, data)
            elif held is None:
                self._held[line] = deque([(link, data)])
                self._look_s = max(now_s + QUANTUM_S, self.weather.next_change_s(now_s))
            else:
                held.append((link, data))

    def _release(self, now_s: float) -> None:
        """Hand over what was held on lines that are open now, if any may have opened."""
        if now_s < self._look_s:
            return
        self._look_s = max(now_s + QUANTUM_S, self.weather.next_change_s(now_s))
        for line in list(self._held):
            if self._passes(*line, now_s):
                for link, data in self._held.pop(line):
                    self._hand_over(link, data)

    def _passes(self, src: str, dst: str, now_s: float) -> bool:
        if src in self._frozen or dst in self._frozen:
            return False
        return self.weather.open(src, dst, now_s)

    def _hand_over(self, link: SimLink, data: bytes | None) -> None:
        link.other.arrive(data)
        if data is None:
            self._links.pop(link.number, None)
            self.weather.forget(link.src, link.dst, link.number)
            self.weather.forget(link.dst, link.src, link.number)

    def _damage(self, data: bytes) -> bytes:
        place = self._rng.randrange(len(data))
        flipped = data[place] ^ (1 << self._rng.randrange(8))
        return data[:place] + bytes([flipped]) + data[place + 1 :]


def _rounded(at_s: float) -> float:
    return at_s if at_s == math.inf else math.ceil(at_s / QUANTUM_S) * QUANTUM_S


class SimTransport:
    """Makes links on a wire; addresses are `mem://<host>:<port>`."""

    def __init__(self, wire: Wire, host: str) -> None:
        self._wire = wire
        self._host = host

    async def dial(self, address: str, reach: contact.Reach = contact.Reach.NOWHERE) -> Link:
        """See Transport."""
        return await self._wire.dial(self._host, address)

    async def listen(self, address: str) -> Listener:
        """See Transport."""
        await trio.lowlevel.checkpoint()
        endpoint = parse_endpoint(address, SCHEME)
        return self._wire.listen(endpoint.host, endpoint.port)
