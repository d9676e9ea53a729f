"""Misbehaviour: points with a reason, forgotten over time, and a timed ban when they add up.

Rules:
- Points are given only for what the sender could have known to be wrong. Load, reorganisations,
  skewed clocks and unknown parents give none, unserved promises too few for a ban. *Why:* an honest
  peer behind our own busy loop looks exactly like a lazy one.
- Points halve every HALF_LIFE_S. *Why:* a slow trickle of accidents over days is not an attack.
- At BAN_POINTS the peer is disconnected and its identity refused for BAN_S. *Why timed:* a bug
  gets fixed; and an attacker has a new key in a microsecond anyway, so for ever buys nothing.
- Bans are by identity, never by address. *Why:* honest peers behind one NAT share an address.
"""

from collections import OrderedDict, deque
from dataclasses import dataclass

from p2p.peers.peer import PeerId

BAN_POINTS = 100
BAN_S = 600.0
HALF_LIFE_S = 600.0
REASONS_KEPT = 8  # enough to see a pattern on the peers page
# Disconnected peers whose points are still remembered, and bans in force. Beyond this the oldest
# go first: an attacker who can afford this many identities does not need the old ones.
REMEMBERED_MAX = 4096

POINTS_INVALID_SIGNATURE = 25  # for up to 64 wrong ones that were checked together
POINTS_MALFORMED = 34  # three messages that no correct encoder writes
POINTS_INVALID_VOTE = 25  # for up to 64 wrong signatures, or a vote no member could sign
POINTS_UNREADABLE = 20  # five frames that are none: damaged memory gets away with a few
POINTS_INVALID_TRANSACTION = 10
POINTS_INVALID_BLOCK = 100  # costs its author a slot and us an execution: never an accident
POINTS_PASSED_ON = 0  # a bad block in compact form: told, not blamed (BIP152)
POINTS_INVALID_HEADER = 50
POINTS_BROKEN_PROMISE = 20  # headers without bodies, a height without headers
POINTS_UNREQUESTED = 5
POINTS_FLOOD = 10
POINTS_UNSERVED = 1  # given five times a minute at most: alone it never adds up to a ban


@dataclass(frozen=True, slots=True)
class Verdict:
    """A peer's points after a penalty, and whether they have reached a ban."""

    points: int
    banned: bool


@dataclass(frozen=True, slots=True)
class Offence:
    """One penalty as remembered."""

    points: int
    code: str
    reason: str


class _Record:
    __slots__ = ("at_s", "offences", "points")

    def __init__(self, now_s: float) -> None:
        self.points = 0.0
        self.at_s = now_s
        self.offences: deque[Offence] = deque(maxlen=REASONS_KEPT)

    def decay(self, now_s: float) -> float:
        if now_s > self.at_s:
            self.points *= 0.5 ** ((now_s - self.at_s) / HALF_LIFE_S)
            self.at_s = now_s
        return self.points


class ScoreBoard:
    """Points and bans of all peers, by identity."""

    def __init__(self) -> None:
        self._records: OrderedDict[PeerId, _Record] = OrderedDict()
        self._bans: OrderedDict[PeerId, float] = OrderedDict()

    def penalize(self, peer: PeerId, offence: Offence, now_s: float) -> Verdict:
        """Add an offence; a ban starts (and points restart) when the threshold is reached."""
        record = self._records.get(peer)
        if record is None:
            record = self._records[peer] = _Record(now_s)
            if len(self._records) > REMEMBERED_MAX:
                self._records.popitem(last=False)
        points = round(record.decay(now_s) + offence.points)
        record.points = points
        record.offences.append(offence)
        if points < BAN_POINTS:
            return Verdict(points, False)
        record.points = 0.0
        self._bans[peer] = now_s + BAN_S
        self._bans.move_to_end(peer)
        if len(self._bans) > REMEMBERED_MAX:
            self._bans.popitem(last=False)
        return Verdict(points, True)

    def banned_for_s(self, peer: PeerId, now_s: float) -> float:
        """Seconds of ban left, 0 when the peer is welcome."""
        until_s = self._bans.get(peer)
        if until_s is None:
            return 0.0
        if until_s <= now_s:
            del self._bans[peer]
            return 0.0
        return until_s - now_s

    def points(self, peer: PeerId, now_s: float) -> int:
        """A peer's points now."""
        record = self._records.get(peer)
        return 0 if record is None else round(record.decay(now_s))

    def offences(self, peer: PeerId) -> tuple[Offence, ...]:
        """A peer's last offences, oldest first."""
        record = self._records.get(peer)
        return () if record is None else tuple(record.offences)
