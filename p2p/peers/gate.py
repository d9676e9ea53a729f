"""The gate: how many strangers may be shaking hands with us, in all and by network group.

Rules:
- At most OPEN_MAX handshakes are open. One more takes the place of the oldest of the network group
  that has most of them open, unless that is its own: then it is turned away. *Why:* an honest
  handshake takes milliseconds, so what is old and many is the flood; and a flood hurts itself.
- A group starts GROUP_RATE handshakes a second after a burst, all together ALL_RATE. *Why:* each
  costs us a millisecond of key agreement, whether it succeeds or not.
- Nobody is remembered as guilty. *Why:* honest peers share networks, even addresses, with others;
  who is turned away comes back in a second.
"""

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import count
from typing import TypeVar

from p2p.peers.bucket import TokenBucket

OPEN_MAX = 64
GROUP_RATE = 4.0
GROUP_BURST = 64.0  # everybody of one site at once, after a restart
ALL_RATE = 100.0  # a tenth of a core
ALL_BURST = 512.0  # a whole network at once, after ours was restarted
GROUPS_REMEMBERED_MAX = 4_096  # forgotten ones have a full bucket again; ALL_RATE still holds


Key = TypeVar("Key")


def oldest_of_most(held: Mapping[Key, str]) -> Key:
    """Of things by age, each with its group: the oldest of the group that has most of them."""
    sizes: dict[str, int] = {}
    for group in held.values():
        sizes[group] = sizes.get(group, 0) + 1
    most = max(sizes.values())
    return next(key for key, group in held.items() if sizes[group] == most)


@dataclass(frozen=True, slots=True)
class Entry:
    """A stranger was let in under `ticket`; `displaced` has to go at once."""

    ticket: int
    displaced: int | None


class Gate:
    """The strangers that are shaking hands. Times are monotonic seconds."""

    def __init__(self, now_s: float) -> None:
        self._tickets = count(1)
        self._open: dict[int, str] = {}
        self._all = TokenBucket(ALL_RATE, ALL_BURST, now_s)
        self._groups: OrderedDict[str, TokenBucket] = OrderedDict()

    def __len__(self) -> int:
        return len(self._open)

    def enter(self, group: str, now_s: float) -> Entry | str:
        """Let a stranger in, or say under which code it is turned away."""
        displaced = None
        if len(self._open) >= OPEN_MAX:
            displaced = oldest_of_most(self._open)
            if self._open[displaced] == group:
                return "handshakes-full"
        if not self._bucket(group, now_s).take(1, now_s):
            return "handshakes-group-rate"
        if not self._all.take(1, now_s):
            return "handshakes-rate"
        if displaced is not None:
            self.leave(displaced)
        ticket = next(self._tickets)
        self._open[ticket] = group
        return Entry(ticket, displaced)

    def leave(self, ticket: int) -> None:
        """A handshake is over, whatever came of it."""
        self._open.pop(ticket, None)

    def _bucket(self, group: str, now_s: float) -> TokenBucket:
        bucket = self._groups.get(group)
        if bucket is None:
            bucket = self._groups[group] = TokenBucket(GROUP_RATE, GROUP_BURST, now_s)
            if len(self._groups) > GROUPS_REMEMBERED_MAX:
                self._groups.popitem(last=False)
        self._groups.move_to_end(group)
        return bucket
