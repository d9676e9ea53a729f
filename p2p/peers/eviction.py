"""Who makes way when every inbound slot is taken, after Bitcoin's rule.

Rules:
- Some are protected, each for something that is dear to fake at the same time as all the others:
  being of a network group that a secret prefers; the lowest round trip; the latest news in blocks
  and in transactions; and, for half of those that are left, the longest time with us. *Why:* an
  attacker would have to beat the honest at everything, from the beginning on.
- Of the rest the most numerous network group loses its youngest member. *Why:* whoever fills slots
  from few networks only pushes out himself.
- A newcomer whose own group is no smaller than that one is turned away instead. *Why:* otherwise an
  attacker could keep us busy by pushing out himself for ever.
"""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from p2p.peers.peer import PeerId

# Shares of all inbound slots, at least one each. With 128 slots: 16 groups, 8 near, 8 for either
# kind of news (Bitcoin: 4, 8, 4, 4), then half of the remaining 88.
GROUPS_SHARE = 8
NEAR_SHARE = 16
NEWS_SHARE = 16


@dataclass(frozen=True, slots=True)
class Guest:
    """An inbound connection, as far as it matters here. Times are monotonic seconds."""

    peer: PeerId
    group: str
    since_s: float
    latency_ms: float | None
    block_s: float  # of its last news; -inf: never
    transaction_s: float


Rank = Callable[[Guest], tuple[float, float, PeerId]]


def evicted(guests: Sequence[Guest], newcomer: str, secret: bytes) -> PeerId | None:
    """Who is let go for a newcomer of this network group; None: the newcomer is turned away."""
    open_to_all = _unprotected(list(guests), secret)
    groups: dict[str, list[Guest]] = {}
    for guest in open_to_all:
        groups.setdefault(guest.group, []).append(guest)
    if not groups:
        return None
    crowd = max(groups.values(), key=lambda group: (len(group), _youngest(group).since_s))
    if crowd[0].group == newcomer or _members(guests, newcomer) >= _members(guests, crowd[0].group):
        return None
    return _youngest(crowd).peer


def _unprotected(guests: list[Guest], secret: bytes) -> list[Guest]:
    slots = len(guests)
    guests = _without(guests, _of_groups(guests, _share(slots, GROUPS_SHARE), secret))
    near = [guest for guest in guests if guest.latency_ms is not None]
    guests = _without(guests, _first(near, _share(slots, NEAR_SHARE), _by_latency))
    informed = [guest for guest in guests if guest.transaction_s > -float("inf")]
    guests = _without(guests, _first(informed, _share(slots, NEWS_SHARE), _by_transaction))
    informed = [guest for guest in guests if guest.block_s > -float("inf")]
    guests = _without(guests, _first(informed, _share(slots, NEWS_SHARE), _by_block))
    return _without(guests, _first(guests, (len(guests) + 1) // 2, _by_age))


def _of_groups(guests: list[Guest], count: int, secret: bytes) -> list[Guest]:
    """The longest with us of each of the groups that the secret prefers."""
    eldest: dict[str, Guest] = {}
    for guest in sorted(guests, key=_by_age):
        eldest.setdefault(guest.group, guest)
    keyed = sorted(eldest, key=lambda group: hashlib.blake2b(group.encode(), key=secret).digest())
    return [eldest[group] for group in keyed[:count]]


def _share(slots: int, part: int) -> int:
    return max(1, slots // part)


def _first(guests: list[Guest], count: int, rank: Rank) -> list[Guest]:
    return sorted(guests, key=rank)[:count]


def _without(guests: list[Guest], protected: list[Guest]) -> list[Guest]:
    kept = {guest.peer for guest in protected}
    return [guest for guest in guests if guest.peer not in kept]


def _members(guests: Sequence[Guest], group: str) -> int:
    return sum(guest.group == group for guest in guests)


def _youngest(group: list[Guest]) -> Guest:
    return max(group, key=lambda guest: (guest.since_s, guest.peer))


def _by_age(guest: Guest) -> tuple[float, float, PeerId]:
    return guest.since_s, 0.0, guest.peer


def _by_latency(guest: Guest) -> tuple[float, float, PeerId]:
    return guest.latency_ms or 0.0, guest.since_s, guest.peer


def _by_transaction(guest: Guest) -> tuple[float, float, PeerId]:
    return -guest.transaction_s, guest.since_s, guest.peer


def _by_block(guest: Guest) -> tuple[float, float, PeerId]:
    return -guest.block_s, guest.since_s, guest.peer
