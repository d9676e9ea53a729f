"""The address book: one contact each, bounded, diverse, prompt after failures."""

import random

from p2p.peers.addressbook import (
    CONTACTS_MAX,
    GROUP_MAX,
    SAMPLE_MAX,
    SOURCE_MAX,
    AddressBook,
    Contact,
    group_of,
)
from p2p.peers.backoff import FIRST_S, MAX_PROVEN_S, MAX_S, Backoff
from p2p.peers.peer import PeerId

SELF = PeerId(bytes(32))


def peer(number: int) -> PeerId:
    return PeerId(number.to_bytes(32, "big"))


def contact(number: int, sequence: int = 1, address: str | None = None) -> Contact:
    where = address or f"ws://10.{number % 250}.{number // 250 % 250}.1:4001"
    return Contact(peer(number), (where,), sequence, b"record %d %d" % (number, sequence))


def test_groups_are_networks_and_port_blocks_on_loopback() -> None:
    assert group_of("ws://10.2.3.4:80") == "10.2"
    assert group_of("ws://127.0.0.1:4001") != group_of("ws://127.0.0.1:4099")
    assert group_of("ws://node.example:80") == "node.example"
    assert group_of("mem://n1") == "n1"


def test_one_contact_per_identity_and_only_newer_records_replace() -> None:
    book = AddressBook(SELF)
    assert book.add(contact(1, sequence=5), None)
    assert not book.add(contact(1, sequence=5, address="ws://10.9.9.9:1"), None)
    assert not book.add(contact(1, sequence=4, address="ws://10.9.9.9:1"), None)
    assert book.add(contact(1, sequence=6, address="ws://10.9.9.9:1"), None)
    found = book.get(peer(1))
    assert found is not None
    assert found.addresses == ("ws://10.9.9.9:1",)
    assert len(book) == 1


def test_never_holds_ourselves_nor_contacts_without_an_address() -> None:
    book = AddressBook(SELF)
    assert not book.add(contact(0), None)
    assert not book.add(Contact(peer(1), (), 1, b""), None)


def test_one_group_gets_at_most_a_quarter() -> None:
    book = AddressBook(SELF)
    added = [
        book.add(contact(i, address=f"ws://10.1.0.1:{i}"), None) for i in range(1, GROUP_MAX + 5)
    ]
    assert sum(added) == GROUP_MAX


def test_one_source_cannot_fill_the_book() -> None:
    book = AddressBook(SELF)
    added = [book.add(contact(i), peer(9999)) for i in range(1, SOURCE_MAX + 5)]
    assert sum(added) == SOURCE_MAX


def test_a_full_book_forgets_the_failing_never_the_proven() -> None:
    book = AddressBook(SELF)
    rng = random.Random(1)
    for i in range(1, CONTACTS_MAX + 1):
        assert book.add(contact(i), None)
    newcomer = contact(CONTACTS_MAX + 1)
    assert not book.add(newcomer, None)
    proven = book.backoff(peer(7))
    assert proven is not None
    proven.succeeded(0)
    proven.failed(1, rng)
    assert not book.add(newcomer, None)
    failing = book.backoff(peer(8))
    assert failing is not None
    failing.failed(1, rng)
    assert book.add(newcomer, None)
    assert book.get(peer(8)) is None
    assert book.get(peer(7)) is not None
    assert len(book) == CONTACTS_MAX


def test_choice_prefers_unused_groups_and_those_not_failing() -> None:
    book = AddressBook(SELF)
    rng = random.Random(1)
    for i in range(1, 5):
        book.add(contact(i, address=f"ws://10.{i % 2}.0.{i}:1"), None)
    found = book.choose(0, rng, lambda _: True, {"10.1"})
    assert found is not None
    assert found.addresses[0].startswith("ws://10.0.")
    for i in (2, 4):
        backoff = book.backoff(peer(i))
        assert backoff is not None
        backoff.failed(0, rng)
    later = book.choose(0.1, rng, lambda _: True, {"10.1"})
    assert later is not None
    assert later.addresses[0].startswith("ws://10.1.")
    assert book.choose(0, rng, lambda _: False, set()) is None


def test_samples_are_bounded_and_never_the_whole_of_a_large_book() -> None:
    book = AddressBook(SELF)
    rng = random.Random(1)
    for i in range(1, 9):
        book.add(contact(i), None)
    assert len(book.sample(rng)) == 8
    for i in range(9, 101):
        book.add(contact(i), None)
    assert len(book.sample(rng)) == 25
    for i in range(101, 1001):
        book.add(contact(i), None)
    sample = book.sample(rng)
    assert len(sample) == len(set(sample)) == SAMPLE_MAX


def test_export_and_restore() -> None:
    book = AddressBook(SELF)
    for i in range(1, 4):
        book.add(contact(i), None)
    proven = book.backoff(peer(3))
    assert proven is not None
    proven.succeeded(1)
    exported = book.export()
    assert [c.peer for c in exported] == [peer(3), peer(1), peer(2)]
    again = AddressBook(SELF)
    again.restore(exported)
    assert len(again) == 3


def test_backoff_is_quick_first_grows_and_stays_prompt() -> None:
    rng = random.Random(1)
    backoff = Backoff()
    now = 0.0
    delays = []
    for _ in range(12):
        backoff.failed(now, rng)
        delays.append(backoff.next_s - now)
        now = backoff.next_s
    assert FIRST_S / 2 <= delays[0] <= FIRST_S
    assert MAX_S / 2 <= delays[-1] <= MAX_S
    assert max(delays) <= MAX_S


def test_backoff_of_a_proven_peer_is_shorter() -> None:
    rng = random.Random(1)
    backoff = Backoff()
    backoff.succeeded(0)
    for _ in range(12):
        backoff.failed(10, rng)
    assert backoff.next_s - 10 <= MAX_PROVEN_S
    assert backoff.failures == 12
    backoff.succeeded(20)
    assert (backoff.failures, backoff.next_s) == (0, 20)
