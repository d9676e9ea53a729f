"""Lines between parties: opened by dialling, with delays by city, and with the weather of faults.

Left out are bytes on a wire and the handshake's steps: messages pass as values, and a dial takes
DIAL_TRIPS ways, after which both sides have the other's hello.
"""

import math
import random
from collections import deque
from collections.abc import Callable
from functools import partial
from typing import Protocol

from p2p.net.liveness import LOOK_S, SILENT_LOOKS_MAX
from p2p.peering import DIAL_S
from p2p.peers.peer import PeerId
from p2p.wire.codec import encode_message
from p2p.wire.messages import Hello
from testnet.engines.heap import Heap
from testnet.faults.link import Bandwidth
from testnet.faults.partition import PartitionKind
from testnet.latency import Latencies
from testnet.redials import Redials
from testnet.rig.behaviour import Item
from testnet.stage import Act
from testnet.weather import Weather, WeatherKind

DIAL_TRIPS = 8
"""Ways of a dial until both are peers: TCP, upgrade, secure link and hello, there and back each."""

SILENCE_S = LOOK_S * SILENT_LOOKS_MAX
"""A line that nothing passes is given up by both ends after so long, as their keepalive would."""


class Party(Protocol):
    """Who can be at an end of a line: a host with a router, or a stranger that pretends."""

    name: str
    id: PeerId
    address: str
    city: str
    up: bool
    ways: dict[PeerId, "Way"]
    chance: random.Random  # for the jitter of what it sends

    def hello(self) -> Hello:
        """What it says of itself."""
        ...

    def objection(self, other: "Party", *, outbound: bool) -> bool:
        """Whether it turns a party away, whom it has dialled or who has dialled it."""
        ...

    def opened(self, way: "Way", hello: Hello, *, outbound: bool) -> None:
        """A line to a peer is there."""
        ...

    def closed(self, peer: PeerId) -> None:
        """A line has ended."""
        ...

    def receive(self, peer: PeerId, item: Item) -> None:
        """A message has come."""
        ...

    def dial_failed(self, address: str) -> None:
        """Nobody answered, or was not willing."""
        ...

    def dialled_known(self, address: str, peer: PeerId) -> None:
        """The peer is connected already."""
        ...

    def dialled_self(self, address: str) -> None:
        """It was itself."""
        ...


class Way:
    """One direction of a line. It is open while its source has the line, `back` while the other."""

    __slots__ = ("back", "delay_s", "dst", "held", "jitter_s", "last_s", "number", "open", "src")

    def __init__(
        self, src: Party, dst: Party, number: int, delay_s: float, jitter_s: float
    ) -> None:
        self.src = src
        self.dst = dst
        self.number = number
        self.delay_s = delay_s
        self.jitter_s = jitter_s
        self.last_s = 0.0
        self.open = True
        self.back: Way = self
        self.held: deque[Item] | None = None


class Net:
    """Parties by address, and the lines between them. `metered`: some host's uplink is limited."""

    def __init__(
        self, heap: Heap, latencies: Latencies, weather: Weather, *, metered: bool
    ) -> None:
        self.heap = heap
        self.delivered = 0
        self.redials = Redials()
        self.parties: dict[str, Party] = {}
        self._latencies = latencies
        self._weather = weather
        self._rough = False
        self._acts: dict[str, Act] = {}
        self._numbers = 0
        self._held: list[Way] = []
        self._sized: tuple[Item | None, int] = (None, 0)
        self._metered = metered
        self._measures = metered

    def join(self, party: Party) -> None:
        """A party that can be dialled from now on."""
        self.parties[party.address] = party

    def leave(self, party: Party) -> None:
        """A party that cannot be dialled any more; its lines end."""
        self.parties.pop(party.address, None)
        self.sever(party)

    # Weather

    def begin(self, act: Act, kind: WeatherKind, names: tuple[str, ...]) -> None:
        """Put a fault of lines in force."""
        self._weather.begin(act, kind, names, self.heap.now_s)
        self._acts[act.id] = act
        self._rough = True
        self._measures = self._measures or isinstance(kind, Bandwidth)
        if isinstance(kind, PartitionKind):
            self.heap.at(self.heap.now_s + SILENCE_S, partial(self._give_up, act))

    def end(self, act_id: str) -> int:
        """Undo it; how often it hit."""
        self._acts.pop(act_id, None)
        hits = self._weather.end(act_id)
        self._rough = bool(self._acts)
        limited = any(isinstance(act.kind, Bandwidth) for act in self._acts.values())
        self._measures = self._metered or limited
        held, self._held = self._held, []
        for way in held:
            waiting, way.held = way.held or deque(), None
            for item in waiting:
                self._arrive(way, item)
        return hits

    def in_force(self, act_id: str) -> bool:
        """Whether a fault of lines is."""
        return self._weather.in_force(act_id)

    # Messages

    def send(self, way: Way, item: Item) -> None:
        """Put a message on its way."""
        heap = self.heap
        if not way.open:
            return
        at_s = heap.now_s + way.delay_s
        if way.jitter_s:
            at_s += abs(way.src.chance.gauss(0.0, way.jitter_s))
        if self._rough or self._measures:
            at_s += self._weathered_s(way, item)
        if at_s < way.last_s:
            at_s = way.last_s
        else:
            way.last_s = at_s
        if at_s != math.inf:
            heap.at(at_s, partial(self._arrive, way, item))

    def _weathered_s(self, way: Way, item: Item) -> float:
        """What uplink and faults add to the way of a message, in seconds."""
        now_s = self.heap.now_s
        size = self._size(item) if self._measures else 0
        fate = self._weather.fate(way.src.name, way.dst.name, way.number, size, now_s)
        return fate.at_s - now_s

    def _size(self, item: Item) -> int:
        if self._sized[0] is not item:  # a block's announcement goes to many in a row
            self._sized = item, len(item if isinstance(item, bytes) else encode_message(item))
        return self._sized[1]

    def _arrive(self, way: Way, item: Item) -> None:
        if not (way.back.open and way.dst.up):
            return
        if self._rough and not self._passes(way):
            if way.held is None:
                way.held = deque()
                self._held.append(way)
            way.held.append(item)
            return
        self.delivered += 1
        way.dst.receive(way.src.id, item)

    def _passes(self, way: Way) -> bool:
        return self._weather.open(way.src.name, way.dst.name, self.heap.now_s)

    # Lines

    def dial(self, src: Party, address: str) -> None:
        """Try to open a line; the outcome comes after the ways it takes."""
        self.redials.dialled(src.name, address, self.heap.now_s)
        dst = self.parties.get(address)
        if dst is None:
            self._later(DIAL_S, src, partial(src.dial_failed, address))
            return
        if dst is src:
            self._later(0.0, src, partial(src.dialled_self, address))
            return
        line = self._latencies.line(src.city, dst.city)
        if not self._can_dial(src, dst):
            self._later(DIAL_S, src, partial(src.dial_failed, address))
            return
        self._later(DIAL_TRIPS * line.one_way_ms / 1_000, src, partial(self._meet, src, address))

    def _can_dial(self, src: Party, dst: Party) -> bool:
        if not self._rough:
            return True
        return self._weather.dialable(src.name, dst.name, self.heap.now_s)

    def _later(self, after_s: float, src: Party, event: Callable[[], None]) -> None:
        def happen() -> None:
            if src.up:
                event()

        self.heap.at(self.heap.now_s + after_s, happen)

    def _meet(self, src: Party, address: str) -> None:
        dst = self.parties.get(address)
        if dst is None or not dst.up or not self._can_dial(src, dst):
            src.dial_failed(address)
        elif dst.id in src.ways:
            src.dialled_known(address, dst.id)
        elif src.objection(dst, outbound=True) or dst.objection(src, outbound=False):
            src.dial_failed(address)
        else:
            stale = dst.ways.get(src.id)
            if stale is not None:  # the source was restarted, and is faster than that news
                self._end(stale)
            self._open(src, dst)

    def _open(self, src: Party, dst: Party) -> None:
        self._numbers += 1
        there = self._way(src, dst)
        there.back = self._way(dst, src)
        there.back.back = there
        ours, theirs = src.hello(), dst.hello()
        src.ways[dst.id], dst.ways[src.id] = there, there.back
        src.opened(there, theirs, outbound=True)
        dst.opened(there.back, ours, outbound=False)

    def _way(self, src: Party, dst: Party) -> Way:
        line = self._latencies.line(src.city, dst.city)
        return Way(src, dst, self._numbers, line.one_way_ms / 1_000, line.jitter_ms / 1_000)

    def close(self, way: Way) -> None:
        """End a line from the side of `way.src`, which knows at once; the other hears of it."""
        if way.open:
            way.open = False
            self._end(way)
            self.heap.at(
                max(self.heap.now_s + way.delay_s, way.last_s), partial(self._end, way.back)
            )

    def drop(self, way: Way) -> None:
        """One side's end of a line that the other has lost already, or will not see again."""
        self._end(way)

    def _end(self, way: Way) -> None:
        """One side's line is over."""
        way.open = False
        if way.src.ways.get(way.dst.id) is way:
            del way.src.ways[way.dst.id]
            if self._measures or self._acts:
                self._weather.forget(way.src.name, way.dst.name, way.number)
            if way.src.up:
                way.src.closed(way.dst.id)

    def sever(self, party: Party) -> None:
        """All lines of a party end: its process is gone, and the others' systems notice."""
        for way in list(party.ways.values()):
            way.open = False
            del party.ways[way.dst.id]
            self.heap.at(self.heap.now_s + way.delay_s, partial(self._end, way.back))

    def _give_up(self, act: Act) -> None:
        """What is still cut is given up by both ends."""
        if self._acts.get(act.id) is not act:
            return
        for party in list(self.parties.values()):
            for way in list(party.ways.values()):
                if not self._passes(way):
                    self._end(way)
                    self._end(way.back)
