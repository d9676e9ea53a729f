"""The address book: one contact each, bounded, diverse, hard to poison."""

import random

import pytest

from p2p.peers import addressbook
from p2p.peers.addressbook import SAMPLE_MAX, SAMPLE_STAYS_S, AddressBook, Learnt
from p2p.peers.backoff import FIRST_S, HOPELESS_FAILURES, MAX_PROVEN_S, MAX_S, Backoff
from p2p.peers.buckets import (
    BUCKET_SLOTS,
    NEW_PER_SOURCE,
    SECRET_BYTES,
    TRIED_BUCKETS,
    TRIED_PER_GROUP,
)
from p2p.peers.contact import Contact
from p2p.peers.peer import PeerId

SELF = PeerId(bytes(32))
SECRET = bytes(range(SECRET_BYTES))
FLOOD = 20_000


def peer(number: int) -> PeerId:
    return PeerId(number.to_bytes(32, "big"))


def contact(number: int, sequence: int = 1, address: str | None = None) -> Contact:
    where = address or f"ws://10.{number % 250}.{number // 250 % 250}.1:4001"
    return Contact(peer(number), (where,), sequence, b"record %d %d" % (number, sequence))


def empty() -> AddressBook:
    return AddressBook(SELF, SECRET)


def anybody(_: Contact) -> bool:
    return True


def test_one_contact_per_identity_and_only_newer_records_replace() -> None:
    book = empty()
    assert book.add(contact(1, sequence=5), "s", 0) is Learnt.NEW
    assert book.add(contact(1, sequence=5, address="ws://10.9.9.9:1"), "s", 0) is Learnt.AGAIN
    assert book.add(contact(1, sequence=4, address="ws://10.9.9.9:1"), "s", 0) is Learnt.OLD
    assert book.add(contact(1, sequence=6, address="ws://10.9.9.9:1"), "s", 0) is Learnt.NEWER
    found = book.get(peer(1))
    assert found is not None
    assert found.addresses == ("ws://10.9.9.9:1",)
    assert len(book) == 1
    assert not book.has_record(contact(1, sequence=5).record)


def test_never_holds_ourselves_nor_contacts_without_an_address() -> None:
    book = empty()
    assert book.add(contact(0), "s", 0) is Learnt.SELF
    assert book.add(Contact(peer(1), (), 1, b""), "s", 0) is Learnt.NOWHERE
    assert len(book) == 0


def test_a_flood_from_one_source_group_reaches_a_sixteenth_of_the_new_slots() -> None:
    book = empty()
    for number in range(1, FLOOD):
        book.add(contact(number, address=f"ws://10.{number % 250}.0.1:{number}"), "liar", 0)
    assert len(book) <= NEW_PER_SOURCE * BUCKET_SLOTS
    assert book.add(contact(FLOOD, address="ws://99.9.0.1:1"), "honest", 0) is Learnt.NEW


def test_one_network_group_reaches_a_thirty_second_of_the_tried_slots() -> None:
    book = empty()
    for number in range(1, FLOOD):
        source = str(number % 100)
        book.add(contact(number, address=f"ws://10.1.0.1:{number}"), source, 0)
        book.succeeded(peer(number), 0)
    assert 0 < book.tried_count <= TRIED_PER_GROUP * BUCKET_SLOTS
    assert TRIED_PER_GROUP * BUCKET_SLOTS <= TRIED_BUCKETS * BUCKET_SLOTS / 4


def test_a_thousand_identities_at_one_address_are_one_contact_to_each_source() -> None:
    book = empty()
    added = [
        book.add(contact(number, address="ws://10.1.0.1:1"), "liar", 0) for number in range(1, 1000)
    ]
    assert added.count(Learnt.NEW) == 1
    assert len(book) == 1


def colliding(book_secret: bytes, source: str) -> tuple[Contact, Contact]:
    """Two contacts that want the same new slot."""
    slots: dict[object, Contact] = {}
    book = AddressBook(SELF, book_secret)
    for number in range(1, 100_000):
        new = contact(number, address=f"ws://10.1.0.1:{number}")
        slot = book._placement.new(new.addresses[0], "10.1", source)
        if slot in slots:
            return slots[slot], new
        slots[slot] = new
    raise AssertionError("no collision")


def test_a_newcomer_takes_a_slot_only_from_a_terrible_contact() -> None:
    book, rng = empty(), random.Random(1)
    first, second = colliding(SECRET, "s")
    assert book.add(first, "s", 0) is Learnt.NEW
    assert book.add(second, "s", 0) is Learnt.CROWDED
    for _ in range(HOPELESS_FAILURES):
        book.failed(first.peer, 0, rng)
    assert book.add(second, "s", 0) is Learnt.NEW
    assert book.get(first.peer) is None


def tried_rivals() -> tuple[AddressBook, Contact, Contact]:
    """A book with a tried contact, and one that wants its slot."""
    book = empty()
    slots: dict[object, Contact] = {}
    for number in range(1, 100_000):
        new = contact(number, address=f"ws://10.1.0.1:{number}")
        slot = book._placement.tried(new.addresses[0], "10.1")
        if slot in slots:
            incumbent = slots[slot]
            book.add(incumbent, "a", 0)
            book.add(new, "b", 0)
            book.succeeded(incumbent.peer, 0)
            return book, incumbent, new
        slots[slot] = new
    raise AssertionError("no collision")


def is_tried(book: AddressBook, who: Contact) -> bool:
    return next(kept.tried for kept in book.export() if kept.contact.peer == who.peer)


LONG_S = addressbook.TESTED_S + 1


def test_who_answered_lately_keeps_the_tried_slot_without_a_test() -> None:
    book, incumbent, newcomer = tried_rivals()
    book.succeeded(newcomer.peer, 1)
    assert is_tried(book, incumbent)
    assert not is_tried(book, newcomer)
    book.failed(incumbent.peer, 2, random.Random(1))
    assert is_tried(book, incumbent)


def test_a_tried_slot_is_defended_by_answering_the_feeler() -> None:
    book, incumbent, newcomer = tried_rivals()
    book.succeeded(newcomer.peer, LONG_S)
    assert book.feel(LONG_S, random.Random(1), anybody, set()) == incumbent
    book.succeeded(incumbent.peer, LONG_S + 1)
    book.failed(incumbent.peer, LONG_S + 2, random.Random(1))
    assert is_tried(book, incumbent)
    assert not is_tried(book, newcomer)


def test_a_tried_slot_is_lost_by_not_answering_the_feeler() -> None:
    book, incumbent, newcomer = tried_rivals()
    book.succeeded(newcomer.peer, LONG_S)
    book.failed(incumbent.peer, LONG_S + 1, random.Random(1))
    assert is_tried(book, newcomer)
    assert not is_tried(book, incumbent)
    assert book.get(incumbent.peer) == incumbent


def test_a_contact_that_many_name_gets_more_places_but_no_more_than_eight() -> None:
    book = empty()
    book.add(contact(1), "0", 0)
    for source in range(1, 20_000):
        book.heard_again(contact(1).record, str(source), 0)
    entry = book._entries[peer(1)]
    assert 4 <= len(entry.places) <= addressbook.PLACES_MAX
    book.succeeded(peer(1), 0)
    assert not entry.places


def test_a_full_book_makes_room_in_the_fullest_bucket_and_never_forgets_the_tried(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(addressbook, "CONTACTS_MAX", 200)
    book = empty()
    tried = [contact(number) for number in range(1, 21)]
    for each in tried:
        book.add(each, "honest", 0)
        book.succeeded(each.peer, 0)
    for number in range(1000, 3000):
        book.add(contact(number), "liar", 0)
    assert len(book) == 200
    assert all(is_tried(book, each) for each in tried)


def test_a_full_book_forgets_the_terrible_first_and_does_not_look_for_them_each_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(addressbook, "CONTACTS_MAX", 200)
    book, rng, looks = empty(), random.Random(1), 0
    for number in range(1, 201):
        book.add(contact(number), str(number), 0)
    terrible = [peer(number) for number in (7, 11)]
    for each in terrible * HOPELESS_FAILURES:
        book.failed(each, 0, rng)
    judge = Backoff.terrible

    def counted(self: Backoff, now_s: float) -> bool:
        nonlocal looks
        looks += 1
        return judge(self, now_s)

    monkeypatch.setattr(Backoff, "terrible", counted)
    for number in range(1_000, 1_002):
        assert book.add(contact(number), str(number), 1) is Learnt.NEW
    assert not any(book.get(each) for each in terrible)
    for number in range(2_000, 2_100):
        book.add(contact(number), str(number), 1)
    assert looks < 2 * 200
    late = peer(2_099)
    for _ in range(HOPELESS_FAILURES):
        book.failed(late, 1, rng)
    book.add(contact(3_000), "3000", 1 + addressbook.SEARCH_S)
    assert book.get(late) is None


def test_choice_prefers_unused_groups_and_those_not_failing() -> None:
    book, rng = empty(), random.Random(1)
    for i in range(1, 5):
        book.add(contact(i, address=f"ws://10.{i % 2}.0.{i}:1"), "s", 0)
    found = book.choose(0, rng, anybody, {"10.1"})
    assert found is not None
    assert found.addresses[0].startswith("ws://10.0.")
    for i in (2, 4):
        book.failed(peer(i), 0, rng)
    later = book.choose(0.1, rng, anybody, {"10.1"})
    assert later is not None
    assert later.addresses[0].startswith("ws://10.1.")
    assert book.choose(0, rng, lambda _: False, set()) is None


def test_half_of_the_choices_are_tried_whatever_is_heard() -> None:
    book, rng = empty(), random.Random(1)
    book.add(contact(1), "honest", 0)
    book.succeeded(peer(1), 0)
    for number in range(1000, 3000):
        book.add(contact(number), str(number % 50), 0)
    chosen = [book.choose(0, rng, anybody, set()) for _ in range(400)]
    assert 150 < sum(found is not None and found.peer == peer(1) for found in chosen) < 250


def test_samples_are_bounded_and_never_the_whole_of_a_large_book() -> None:
    book, rng = empty(), random.Random(1)
    for i in range(1, 9):
        book.add(contact(i), "s", 0)
    assert len(book.sample(0, rng)) == 8
    for i in range(9, 101):
        book.add(contact(i), str(i), 0)
    assert 20 <= len(book.sample(0, rng)) <= 25
    for i in range(101, 1001):
        book.add(contact(i), str(i), 0)
    sample = book.sample(SAMPLE_STAYS_S, rng)
    assert len(sample) == len(set(sample)) == SAMPLE_MAX


def test_asking_again_and_again_shows_no_more_of_a_large_book() -> None:
    book, rng = empty(), random.Random(1)
    for i in range(1, 1001):
        book.add(contact(i), str(i), 0)
    seen = {record for second in range(500) for record in book.sample(second, rng)}
    assert len(seen) == SAMPLE_MAX
    assert set(book.sample(SAMPLE_STAYS_S, rng)) != seen


def test_export_and_restore() -> None:
    book = empty()
    for i in range(1, 4):
        book.add(contact(i), f"source{i}", 0)
    book.succeeded(peer(3), 1)
    book.failed(peer(1), 2, random.Random(1))
    exported = book.export()
    assert [kept.contact.peer for kept in exported] == [peer(3), peer(2), peer(1)]
    assert (exported[0].tried, exported[0].success_s, exported[2].failures) == (True, 1, 1)
    again = empty()
    again.restore(exported, 0)
    assert again.export() == exported
    assert book.export(1) == exported[:1]


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
