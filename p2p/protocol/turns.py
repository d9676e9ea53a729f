"""Whose signatures are checked now, and whose wait: of one peer so many at a time.

Rules:
- CHECKING_MAX signatures that a peer brought are being checked; what more it brings waits for its
  turn, in order. *Why:* before the first verdict nobody can tell a burst from a flood. A flood has
  cost no more than that when it is found out; a burst only has its checks in smaller jobs.
- What our own clients submit does not wait.
Bounds: what may wait is bounded where it comes in (`allowances`, `validation`).
"""

from collections import deque
from collections.abc import Sequence

from p2p.peers.peer import PeerId
from p2p.protocol.validation import Candidate

CHECKING_MAX = 256  # 9 ms of two threads: the next are at hand by then


class _Turn:
    __slots__ = ("checking", "waiting")

    def __init__(self) -> None:
        self.checking = 0
        self.waiting: deque[Candidate] = deque()


class Turns:
    """Candidates by who brought them, until their signatures have been checked."""

    def __init__(self) -> None:
        self._turns: dict[PeerId, _Turn] = {}

    def enter(self, candidates: Sequence[Candidate]) -> list[Candidate]:
        """Take candidates in; those that are to be checked now."""
        now: list[Candidate] = []
        for candidate in candidates:
            if candidate.peer is None:
                now.append(candidate)
                continue
            turn = self._turns.get(candidate.peer)
            if turn is None:
                turn = self._turns[candidate.peer] = _Turn()
            if turn.checking < CHECKING_MAX:
                turn.checking += 1
                now.append(candidate)
            else:
                candidate.waits = True
                turn.waiting.append(candidate)
        return now

    def checked(self, candidates: Sequence[Candidate]) -> None:
        """The signatures of these have been checked."""
        for candidate in candidates:
            if candidate.peer is not None:
                self._turns[candidate.peer].checking -= 1

    def next(self, peer: PeerId) -> list[Candidate]:
        """Those of a peer that are to be checked now that others have been."""
        turn = self._turns[peer]
        now: list[Candidate] = []
        while turn.waiting and turn.checking < CHECKING_MAX:
            turn.checking += 1
            candidate = turn.waiting.popleft()
            candidate.waits = False
            now.append(candidate)
        if not turn.checking:
            del self._turns[peer]
        return now

    def give_up(self, peer: PeerId) -> list[Candidate]:
        """What waits of a peer is forgotten, unless our own clients have submitted it as well."""
        turn = self._turns[peer]
        given_up = [candidate for candidate in turn.waiting if not candidate.submitters]
        turn.waiting = deque(candidate for candidate in turn.waiting if candidate.submitters)
        return given_up
