"""What a behaviour holds back, in order of when it goes on."""

import heapq
from dataclasses import dataclass
from itertools import count

from p2p.peers.peer import PeerId
from p2p.wire.messages import Message
from testnet.rig.behaviour import Host, Item

HELD_MAX = 4_096
"""A second of full gossip with sixteen peers; what comes while so much is held is not held."""


@dataclass(frozen=True, slots=True)
class Outbound:
    """On its way to a peer."""

    peer: PeerId
    item: Item


@dataclass(frozen=True, slots=True)
class Inbound:
    """Come from a peer, and not read by the node yet."""

    peer: PeerId
    message: Message


class Held:
    """A bounded heap of items by due time; equal times leave in order of coming."""

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, Outbound | Inbound]] = []
        self._order = count()

    def __len__(self) -> int:
        return len(self._heap)

    def put(self, due_s: float, parcel: Outbound | Inbound) -> bool:
        """Hold until `due_s`; False, and nothing is held, when there is no room."""
        if len(self._heap) >= HELD_MAX:
            return False
        heapq.heappush(self._heap, (due_s, next(self._order), parcel))
        return True

    def deadline_s(self) -> float | None:
        """When the first is due."""
        return self._heap[0][0] if self._heap else None

    def due(self, now_s: float) -> list[Outbound | Inbound]:
        """Take out what is due, in order."""
        taken: list[Outbound | Inbound] = []
        while self._heap and self._heap[0][0] <= now_s:
            taken.append(heapq.heappop(self._heap)[2])
        return taken

    def clear(self) -> list[Outbound | Inbound]:
        """Take out everything, in order."""
        return self.due(float("inf"))


def go_on(host: Host, parcels: list[Outbound | Inbound]) -> None:
    """Let them reach whom they were meant for."""
    for parcel in parcels:
        match parcel:
            case Outbound(peer, item):
                host.send(peer, item)
            case Inbound(peer, message):
                host.deliver(peer, message)
