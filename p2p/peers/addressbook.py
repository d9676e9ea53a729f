"""The address book: one signed record per identity, in buckets that no single party can fill.

Rules (see `buckets` for where a contact may be, `backoff` for when it may be tried again):
- One contact per identity; a higher sequence number replaces its record, a lower or equal one is
  ignored. *Why:* replayed records must not move a peer back to an old address.
- A contact is new until we have reached it ourselves, and tried from then on. *Why:* what others
  say is theirs to choose, what we have reached is not.
- A newcomer takes a new slot from a terrible contact, or from one that has other places; otherwise
  it is not learnt. *Why:* a flood of addresses cannot push out what may be good.
- A tried slot is taken only if who is in it fails a test: the incumbent is dialled, and stays if it
  answers or has answered within TESTED_S. *Why:* an attacker with many good addresses would
  otherwise push out the long known one by one.
- A book of CONTACTS_MAX makes room by forgetting a terrible contact, else the oldest of the fullest
  new bucket; never a tried one. *Why:* the fullest bucket is the one somebody fills on purpose. All
  are gone through for terrible ones every SEARCH_S at most. *Why:* that takes milliseconds, and
  strangers decide how often room is made.
- Whom to dial is drawn by bucket, from new and tried alike, of an unused network group and not
  failing where there is such a contact. *Why:* half of the draws are out of a liar's reach.
- A sample given to others is at most SAMPLE_MAX and, from a larger book, a quarter of it; a larger
  book gives the same sample for SAMPLE_STAYS_S. *Why:* the whole book is a map of the network for
  whoever wants to attack it, and asking again must not be a way to get it.
"""

import math
import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import Enum

from p2p.peers.backoff import Backoff
from p2p.peers.buckets import Placement, Slot, Table
from p2p.peers.contact import Contact, group_of
from p2p.peers.peer import PeerId

# 55 MB if every record is of the largest size there is, 8 MB as they usually are. All tried slots
# can be in use at once.
CONTACTS_MAX = 16_384
PLACES_MAX = 8  # new slots of one contact (Bitcoin's number), each by another source group
TESTED_S = 4 * 3600.0
COLLISIONS_MAX = 16  # tests that wait; a feeler makes one every two minutes
SAMPLE_MAX = 64
SAMPLE_WHOLE = 64  # books up to this size may be given whole: hiding a quarter of it helps nobody
SAMPLE_STAYS_S = 600.0
SEARCH_S = 10.0
FAILURES_SHOWN = 3  # who fails more often in a row is not recommended

Usable = Callable[[Contact], bool]


class Learnt(Enum):
    """What became of a record: the reason it is counted under."""

    NEW = "learnt"
    NEWER = "newer"
    AGAIN = "heard-again"
    OLD = "old"
    SELF = "self"
    NOWHERE = "no-address"
    CROWDED = "crowded"


@dataclass(frozen=True, slots=True)
class Kept:
    """What is remembered of a contact over restarts. `success_s` is on the clock of the caller."""

    contact: Contact
    source: str
    tried: bool
    failures: int
    success_s: float | None


class _Entry:
    __slots__ = ("backoff", "contact", "group", "places", "source", "tried")

    def __init__(self, contact: Contact, source: str) -> None:
        self.contact = contact
        self.group = group_of(contact.addresses[0])
        self.source = source
        self.backoff = Backoff()
        self.places: list[Slot] = []
        self.tried: Slot | None = None

    @property
    def address(self) -> str:
        return self.contact.addresses[0]


class AddressBook:
    """All known contacts. Only the dialling policy reads `Backoff`; nothing here opens anything."""

    def __init__(self, self_id: PeerId, secret: bytes) -> None:
        self._self_id = self_id
        self._placement = Placement(secret)
        self._entries: dict[PeerId, _Entry] = {}
        self._records: dict[bytes, PeerId] = {}
        self._new = Table()
        self._tried = Table()
        self._collisions: dict[PeerId, PeerId] = {}  # newcomer -> who is in its slot
        self._terrible: list[PeerId] = []  # the worst last
        self._searched_s = -math.inf
        self._sample: tuple[float, tuple[bytes, ...]] = (0.0, ())

    def __len__(self) -> int:
        return len(self._entries)

    @property
    def tried_count(self) -> int:
        """How many contacts we have reached ourselves."""
        return sum(entry.tried is not None for entry in self._entries.values())

    def has_record(self, record: bytes) -> bool:
        """Whether these very bytes are known, so that their signature need not be checked again."""
        return record in self._records

    def get(self, peer: PeerId) -> Contact | None:
        """The contact of one peer."""
        entry = self._entries.get(peer)
        return None if entry is None else entry.contact

    def backoff(self, peer: PeerId) -> Backoff | None:
        """The record of attempts at one peer."""
        entry = self._entries.get(peer)
        return None if entry is None else entry.backoff

    # Learning

    def add(self, contact: Contact, source: str, now_s: float) -> Learnt:
        """Learn a verified contact that a peer of the network group `source` has named."""
        if contact.peer == self._self_id:
            return Learnt.SELF
        if not contact.addresses:
            return Learnt.NOWHERE
        known = self._entries.get(contact.peer)
        if known is None:
            return self._enter(_Entry(contact, source), now_s)
        if contact.sequence > known.contact.sequence:
            return self._replace(known, contact, source, now_s)
        if contact.record == known.contact.record:
            return self._again(known, source, now_s)
        return Learnt.OLD

    def heard_again(self, record: bytes, source: str, now_s: float) -> Learnt:
        """A record that is known was named once more: it may get another place."""
        return self._again(self._entries[self._records[record]], source, now_s)

    def forget(self, peer: PeerId) -> None:
        """Drop a contact that has turned out to be none."""
        if peer in self._entries:
            self._remove(self._entries[peer])

    # What became of attempts

    def succeeded(self, peer: PeerId, now_s: float) -> None:
        """We have reached the peer: it is tried, or waits until who is in its slot is tested."""
        entry = self._entries.get(peer)
        if entry is None:
            return
        entry.backoff.succeeded(now_s)
        for newcomer in [new for new, old in self._collisions.items() if old == peer]:
            del self._collisions[newcomer]
        if entry.tried is None:
            self._try(entry, now_s)

    def failed(self, peer: PeerId, now_s: float, rng: random.Random) -> None:
        """An attempt at the peer failed; if that was its test, its slot goes to the newcomer."""
        entry = self._entries.get(peer)
        if entry is None:
            return
        entry.backoff.failed(now_s, rng)
        newcomers = [new for new, old in self._collisions.items() if old == peer]
        for newcomer in newcomers:
            del self._collisions[newcomer]
        if newcomers and entry.tried is not None:
            self._untry(entry, now_s)
            winner = self._entries.get(newcomers[0])
            if winner is not None:
                self._try(winner, now_s)

    # Choosing

    def choose(
        self, now_s: float, rng: random.Random, usable: Usable, used: set[str]
    ) -> Contact | None:
        """A contact to dial now: of an unused network group and not failing, where there is one."""
        tables = [self._tried, self._new]
        if rng.random() < 0.5:
            tables.reverse()
        return self._draw(tables, now_s, rng, usable, used)

    def feel(
        self, now_s: float, rng: random.Random, usable: Usable, used: set[str]
    ) -> Contact | None:
        """A contact to look at: one whose slot somebody wants, else one that nobody has reached."""
        for peer in self._collisions.values():
            entry = self._entries[peer]
            if entry.backoff.next_s <= now_s and usable(entry.contact):
                return entry.contact
        return self._draw([self._new, self._tried], now_s, rng, usable, used)

    def next_due_s(self, usable: Usable) -> float | None:
        """When the first usable contact may be tried."""
        return min(
            (e.backoff.next_s for e in self._entries.values() if usable(e.contact)), default=None
        )

    def sample(self, now_s: float, rng: random.Random) -> tuple[bytes, ...]:
        """Signed records to give to a peer that asks, of contacts not known to be failing."""
        if len(self._entries) > SAMPLE_WHOLE and now_s < self._sample[0]:
            return self._sample[1]
        shown = [
            entry.contact.record
            for entry in self._entries.values()
            if entry.backoff.failures < FAILURES_SHOWN
        ]
        if len(shown) <= SAMPLE_WHOLE:
            rng.shuffle(shown)
            return tuple(shown)
        chosen = tuple(rng.sample(shown, min(SAMPLE_MAX, len(shown) // 4)))
        self._sample = (now_s + SAMPLE_STAYS_S, chosen)
        return chosen

    # Over restarts

    def export(self, most: int = CONTACTS_MAX) -> list[Kept]:
        """Contacts worth keeping over a restart, the tried first, then those that failed least."""
        entries = sorted(
            self._entries.values(),
            key=lambda e: (e.tried is None, e.backoff.failures, e.contact.peer),
        )
        return [
            Kept(e.contact, e.source, e.tried is not None, e.backoff.failures, e.backoff.success_s)
            for e in entries[:most]
        ]

    def restore(self, kept: Iterable[Kept], now_s: float) -> None:
        """Add what an earlier run exported; who finds its tried slot taken is new again."""
        for each in kept:
            if self.add(each.contact, each.source, now_s) is not Learnt.NEW:
                continue
            entry = self._entries[each.contact.peer]
            entry.backoff.recall(each.failures, each.success_s)
            if each.tried and self._tried.at(self._placed(entry)) is None:
                self._settle(entry)

    # Places

    def _enter(self, entry: _Entry, now_s: float) -> Learnt:
        slot = self._placement.new(entry.address, entry.group, entry.source)
        if not self._vacate(slot, now_s) or not self._make_room(now_s):
            return Learnt.CROWDED
        self._entries[entry.contact.peer] = entry
        self._records[entry.contact.record] = entry.contact.peer
        self._place(entry, slot)
        return Learnt.NEW

    def _again(self, known: _Entry, source: str, now_s: float) -> Learnt:
        places = len(known.places)
        if known.tried is not None or places >= PLACES_MAX:
            return Learnt.AGAIN
        if self._placement.again(known.address, source, places):
            slot = self._placement.new(known.address, known.group, source)
            if self._new.at(slot) is None:
                self._place(known, slot)
        return Learnt.AGAIN

    def _replace(self, known: _Entry, contact: Contact, source: str, now_s: float) -> Learnt:
        if contact.addresses[0] != known.address:
            self._remove(known)
            entered = self._enter(_Entry(contact, source), now_s)
            return Learnt.NEWER if entered is Learnt.NEW else entered
        del self._records[known.contact.record]
        self._records[contact.record] = contact.peer
        known.contact = contact
        return Learnt.NEWER

    def _try(self, entry: _Entry, now_s: float) -> None:
        slot = self._placed(entry)
        holder = self._tried.at(slot)
        if holder is None:
            self._settle(entry)
            return
        incumbent = self._entries[holder]
        if incumbent.backoff.failures:
            self._untry(incumbent, now_s)
            self._settle(entry)
        elif not _fresh(incumbent, now_s):
            if len(self._collisions) >= COLLISIONS_MAX:
                del self._collisions[next(iter(self._collisions))]
            self._collisions[entry.contact.peer] = holder

    def _settle(self, entry: _Entry) -> None:
        """Move a contact to its tried slot, which is empty."""
        self._leave_new(entry)
        entry.tried = self._placed(entry)
        self._tried.put(entry.tried, entry.contact.peer)

    def _untry(self, entry: _Entry, now_s: float) -> None:
        """Move a contact back to its new slot; it is forgotten where that is held by a good one."""
        assert entry.tried is not None
        self._tried.clear(entry.tried)
        entry.tried = None
        slot = self._placement.new(entry.address, entry.group, entry.source)
        if self._vacate(slot, now_s):
            self._place(entry, slot)
        else:
            self._remove(entry)

    def _placed(self, entry: _Entry) -> Slot:
        return self._placement.tried(entry.address, entry.group)

    def _place(self, entry: _Entry, slot: Slot) -> None:
        self._new.put(slot, entry.contact.peer)
        entry.places.append(slot)

    def _vacate(self, slot: Slot, now_s: float) -> bool:
        """Empty a new slot if who is there can be missed."""
        holder = self._new.at(slot)
        if holder is None:
            return True
        entry = self._entries[holder]
        if len(entry.places) > 1:
            entry.places.remove(slot)
            self._new.clear(slot)
            return True
        if entry.backoff.terrible(now_s):
            self._remove(entry)
            return True
        return False

    def _make_room(self, now_s: float) -> bool:
        if len(self._entries) < CONTACTS_MAX:
            return True
        worst = self._worst(now_s)
        if worst is None:
            oldest = next(iter(self._new.fullest()), None)
            if oldest is None:
                return False
            worst = self._entries[oldest]
        self._remove(worst)
        return True

    def _worst(self, now_s: float) -> _Entry | None:
        """A terrible contact that was only heard of."""
        if not self._terrible and now_s >= self._searched_s + SEARCH_S:
            self._searched_s = now_s
            found = [e for e in self._entries.values() if _is_missed_by_nobody(e, now_s)]
            found.sort(key=lambda e: (e.backoff.failures, e.contact.peer))
            self._terrible = [entry.contact.peer for entry in found]
        while self._terrible:
            entry = self._entries.get(self._terrible.pop())
            if entry is not None and _is_missed_by_nobody(entry, now_s):
                return entry
        return None

    def _leave_new(self, entry: _Entry) -> None:
        for slot in entry.places:
            self._new.clear(slot)
        entry.places.clear()

    def _remove(self, entry: _Entry) -> None:
        peer = entry.contact.peer
        self._leave_new(entry)
        if entry.tried is not None:
            self._tried.clear(entry.tried)
        self._collisions = {n: i for n, i in self._collisions.items() if peer not in (n, i)}
        del self._records[entry.contact.record]
        del self._entries[peer]

    def _draw(
        self, tables: list[Table], now_s: float, rng: random.Random, usable: Usable, used: set[str]
    ) -> Contact | None:
        best: dict[tuple[bool, bool], Contact] = {}
        for table in tables:
            for peer in table.walk(rng):
                entry = self._entries[peer]
                rank = (entry.group in used, entry.backoff.failures > 0)
                if rank in best or entry.backoff.next_s > now_s or not usable(entry.contact):
                    continue
                if rank == (False, False):
                    return entry.contact
                best[rank] = entry.contact
        return best[min(best)] if best else None


def _is_missed_by_nobody(entry: _Entry, now_s: float) -> bool:
    return entry.tried is None and entry.backoff.terrible(now_s)


def _fresh(entry: _Entry, now_s: float) -> bool:
    success_s = entry.backoff.success_s
    return success_s is not None and now_s - success_s < TESTED_S
