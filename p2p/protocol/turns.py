"""Whose signatures are checked now, and whose wait: of one peer so many at a time.

Rules:
- CHECKING_MAX signatures that a peer brought are being checked; what more it brings waits for its
  turn, in order. *Why:* before the first verdict nobody can tell a burst from a flood. A flood has
  cost no more than that when it is found out; a burst only has its checks in smaller jobs.
- What our own clients submit does not wait.
- Wrong signatures are charged for by their number, once for each WRONG_PER_CHARGE that were checked
  together, or part of it. *Why:* nobody passes on what it has not checked, so an honest peer never
  sends one; and whoever does is gone after a few hundred, however many it sends at once.
Bounds: what may wait is bounded where it comes in (`allowances`, `validation`, `ballots`).
"""

from collections import deque
from collections.abc import Sequence
from typing import Generic, Protocol, TypeVar

from p2p.peers.peer import PeerId

CHECKING_MAX = 256  # 9 ms of two threads: the next are at hand by then
WRONG_PER_CHARGE = 64  # so a whole turn of them is a ban


class Signed(Protocol):
    """Something with signatures to check: who brought it, and whether it waits for its turn."""

    waits: bool

    @property
    def peer(self) -> PeerId | None:
        """None for a client of ours."""

    @property
    def signatures(self) -> int:
        """How many are to be checked."""


S = TypeVar("S", bound=Signed)


class _Turn(Generic[S]):
    __slots__ = ("checking", "jobs", "waiting")

    def __init__(self) -> None:
        self.checking = 0  # signatures
        self.jobs = 0  # things: one whose signatures are all known has none to check
        self.waiting: deque[S] = deque()

    def begin(self, each: S) -> None:
        each.waits = False
        self.jobs += 1
        self.checking += each.signatures


class Turns(Generic[S]):
    """What is signed by who brought it, until its signatures have been checked."""

    def __init__(self) -> None:
        self._turns: dict[PeerId, _Turn[S]] = {}

    def enter(self, things: Sequence[S]) -> list[S]:
        """Take things in; those that are to be checked now."""
        now: list[S] = []
        for each in things:
            if each.peer is None:
                now.append(each)
                continue
            turn = self._turns.get(each.peer)
            if turn is None:
                turn = self._turns[each.peer] = _Turn()
            if turn.checking < CHECKING_MAX:
                turn.begin(each)
                now.append(each)
            else:
                each.waits = True
                turn.waiting.append(each)
        return now

    def waiting(self, peer: PeerId) -> int:
        """How many things of a peer wait."""
        turn = self._turns.get(peer)
        return len(turn.waiting) if turn is not None else 0

    def checked(self, things: Sequence[S]) -> None:
        """The signatures of these have been checked."""
        for each in things:
            if each.peer is not None:
                turn = self._turns[each.peer]
                turn.jobs -= 1
                turn.checking -= each.signatures

    def next(self, peer: PeerId) -> list[S]:
        """Those of a peer that are to be checked now that others have been."""
        turn = self._turns[peer]
        now: list[S] = []
        while turn.waiting and turn.checking < CHECKING_MAX:
            now.append(turn.waiting.popleft())
            turn.begin(now[-1])
        if not turn.jobs:
            del self._turns[peer]
        return now

    def give_up(self, peer: PeerId) -> list[S]:
        """What waits of a peer, which waits no more; it may be entered again."""
        turn = self._turns.get(peer)
        if turn is None:
            return []
        waiting, turn.waiting = list(turn.waiting), deque()
        return waiting


def charges(wrong: int) -> int:
    """How many times so many wrong signatures, checked together, are charged for."""
    return -(-wrong // WRONG_PER_CHARGE)
