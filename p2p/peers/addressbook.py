"""The address book: one signed record per identity, bounded, diverse, with backoff.

Rules:
- One contact per identity; a higher sequence number replaces its addresses, a lower or equal one
  is ignored. *Why:* replayed records must not move a peer back to an old address.
- At most CONTACTS_MAX contacts, a quarter of them from one network group and at most
  SOURCE_MAX learned from one peer. *Why:* poisoning the book must need many networks and many
  peers, not one loud liar. On loopback the group is a block of ports, so that test networks do
  not collapse into one group.
- A full book makes room by forgetting a contact that never worked, the most failed first; never
  one that did. *Why:* a flood of new addresses cannot push out what is known to be good.
- A sample given to others is at most SAMPLE_MAX and, from a larger book, a quarter of it.
  *Why:* the whole book is a map of the network for whoever wants to attack it.
"""

import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from urllib.parse import urlsplit

from p2p.peers.backoff import Backoff
from p2p.peers.peer import PeerId

CONTACTS_MAX = 4096
GROUP_MAX = CONTACTS_MAX // 4
SOURCE_MAX = 512
SAMPLE_MAX = 64
SAMPLE_WHOLE = 64  # books up to this size may be given whole: hiding a quarter of it helps nobody
LOOPBACK_PORTS_PER_GROUP = 16


@dataclass(frozen=True, slots=True)
class Contact:
    """A peer's verified record: who, where, and the signed bytes to pass on to others."""

    peer: PeerId
    addresses: tuple[str, ...]
    sequence: int
    record: bytes


class _Entry:
    __slots__ = ("backoff", "contact", "source")

    def __init__(self, contact: Contact, source: PeerId | None) -> None:
        self.contact = contact
        self.source = source
        self.backoff = Backoff()


def group_of(address: str) -> str:
    """The network group: /16 of an IPv4 host, port block on loopback, the host otherwise."""
    parts = urlsplit(address)
    host = parts.hostname or address
    octets = host.split(".")
    if len(octets) != 4 or not all(octet.isdigit() for octet in octets):
        return host
    if octets[0] == "127":
        return f"loopback:{(parts.port or 0) // LOOPBACK_PORTS_PER_GROUP}"
    return ".".join(octets[:2])


class AddressBook:
    """All known contacts. Only the dialling policy reads `Backoff`; nothing here opens anything."""

    def __init__(self, self_id: PeerId) -> None:
        self._self_id = self_id
        self._entries: dict[PeerId, _Entry] = {}
        self._groups: dict[str, int] = {}
        self._sources: dict[PeerId, int] = {}
        self._records: set[bytes] = set()

    def __len__(self) -> int:
        return len(self._entries)

    def has_record(self, record: bytes) -> bool:
        """Whether these very bytes are known, so that their signature need not be checked again."""
        return record in self._records

    def get(self, peer: PeerId) -> Contact | None:
        """The contact of one peer."""
        entry = self._entries.get(peer)
        return None if entry is None else entry.contact

    def add(self, contact: Contact, source: PeerId | None) -> bool:
        """Learn a contact from `source` (None: our own files). False if it changed nothing."""
        if contact.peer == self._self_id or not contact.addresses:
            return False
        known = self._entries.get(contact.peer)
        if known is not None:
            return self._replace(known, contact)
        group = group_of(contact.addresses[0])
        if self._groups.get(group, 0) >= GROUP_MAX:
            return False
        if source is not None and self._sources.get(source, 0) >= SOURCE_MAX:
            return False
        if len(self._entries) >= CONTACTS_MAX and not self._make_room():
            return False
        self._entries[contact.peer] = _Entry(contact, source)
        self._records.add(contact.record)
        self._groups[group] = self._groups.get(group, 0) + 1
        if source is not None:
            self._sources[source] = self._sources.get(source, 0) + 1
        return True

    def backoff(self, peer: PeerId) -> Backoff | None:
        """The record of attempts at one peer."""
        entry = self._entries.get(peer)
        return None if entry is None else entry.backoff

    def choose(
        self, now_s: float, rng: random.Random, usable: Callable[[Contact], bool], used: set[str]
    ) -> Contact | None:
        """A contact to dial now: of an unused network group and of those that worked, if any."""
        due = [
            entry
            for entry in self._entries.values()
            if entry.backoff.next_s <= now_s and usable(entry.contact)
        ]
        fresh = [entry for entry in due if group_of(entry.contact.addresses[0]) not in used]
        pool = fresh or due
        steady = [entry for entry in pool if entry.backoff.failures == 0]
        pool = steady or pool
        return rng.choice(pool).contact if pool else None

    def next_due_s(self, usable: Callable[[Contact], bool]) -> float | None:
        """When the first usable contact may be tried."""
        return min(
            (e.backoff.next_s for e in self._entries.values() if usable(e.contact)), default=None
        )

    def sample(self, rng: random.Random) -> tuple[bytes, ...]:
        """Signed records to give to a peer that asks, of contacts not known to be failing."""
        records = [e.contact.record for e in self._entries.values() if e.backoff.failures < 3]
        if len(records) <= SAMPLE_WHOLE:
            rng.shuffle(records)
            return tuple(records)
        return tuple(rng.sample(records, min(SAMPLE_MAX, len(records) // 4)))

    def export(self) -> list[Contact]:
        """Contacts worth keeping over a restart, those that worked first."""
        entries = sorted(
            self._entries.values(), key=lambda e: (not e.backoff.proven, e.contact.peer)
        )
        return [entry.contact for entry in entries]

    def restore(self, contacts: Iterable[Contact]) -> None:
        """Add what an earlier run exported."""
        for contact in contacts:
            self.add(contact, None)

    def _replace(self, known: _Entry, contact: Contact) -> bool:
        if contact.sequence <= known.contact.sequence:
            return False
        old, new = group_of(known.contact.addresses[0]), group_of(contact.addresses[0])
        if old != new and self._groups.get(new, 0) >= GROUP_MAX:
            return False
        self._leave(old)
        self._groups[new] = self._groups.get(new, 0) + 1
        if contact.addresses != known.contact.addresses:
            known.backoff.moved()
        self._records.discard(known.contact.record)
        self._records.add(contact.record)
        known.contact = contact
        return True

    def _leave(self, group: str) -> None:
        self._groups[group] -= 1
        if not self._groups[group]:
            del self._groups[group]

    def _make_room(self) -> bool:
        failing = [e for e in self._entries.values() if not e.backoff.proven and e.backoff.failures]
        if not failing:
            return False
        worst = max(failing, key=lambda e: (e.backoff.failures, e.contact.peer))
        del self._entries[worst.contact.peer]
        self._records.discard(worst.contact.record)
        self._leave(group_of(worst.contact.addresses[0]))
        if worst.source is not None:
            self._sources[worst.source] -= 1
        return True
