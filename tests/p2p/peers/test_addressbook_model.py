"""The address book beside a naive model of what it promises, under whatever order of events."""

import random
from dataclasses import dataclass

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from p2p.peers.addressbook import COLLISIONS_MAX, SAMPLE_WHOLE, AddressBook, Learnt
from p2p.peers.buckets import BUCKET_SLOTS, NEW_PER_SOURCE, TRIED_PER_GROUP
from p2p.peers.contact import Contact, group_of
from p2p.peers.peer import PeerId

PEERS = st.integers(1, 60)
SOURCES = st.sampled_from(["s0", "s1", "s2"])
SELF = PeerId(bytes(32))


def contact(number: int, sequence: int, place: int) -> Contact:
    """Few addresses, so that identities share them and slots collide."""
    address = f"ws://10.{place % 3}.0.1:{1 + place % 7}"
    record = b"%d %d %d" % (number, sequence, place)
    return Contact(PeerId(number.to_bytes(32, "big")), (address,), sequence, record)


@dataclass
class Known:
    """What the model remembers of a contact: no buckets, only what must be true of it."""

    contact: Contact
    reached: bool = False


class BookAgainstModel(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.book = AddressBook(SELF, bytes(32))
        self.model: dict[PeerId, Known] = {}
        self.now_s = 0.0
        self.rng = random.Random(1)

    @rule(number=PEERS, sequence=st.integers(1, 3), place=st.integers(0, 20), source=SOURCES)
    def learn(self, number: int, sequence: int, place: int, source: str) -> None:
        new = contact(number, sequence, place)
        known = self.model.get(new.peer)
        learnt = self.book.add(new, source, self.now_s)
        match learnt:
            case Learnt.NEW:
                assert known is None
                self.model[new.peer] = Known(new)
            case Learnt.NEWER:
                assert known is not None
                assert known.contact.sequence < sequence
                moved = known.contact.addresses != new.addresses
                self.model[new.peer] = Known(new, known.reached and not moved)
            case Learnt.AGAIN:
                assert known is not None
                assert known.contact == new
            case Learnt.OLD:
                assert known is not None
                assert known.contact.sequence >= sequence
            case Learnt.CROWDED:
                assert known is None or known.contact.sequence < sequence
            case Learnt.SELF | Learnt.NOWHERE:
                raise AssertionError(learnt)
        self._forgotten()

    def _forgotten(self) -> None:
        """The book may forget, but only who has not been reached, and never says he is there."""
        for who in list(self.model):
            if self.book.get(who) is None:
                del self.model[who]

    @precondition(lambda self: self.model)
    @rule(data=st.data())
    def reach(self, data: st.DataObject) -> None:
        who = data.draw(st.sampled_from(sorted(self.model)))
        self.book.succeeded(who, self.now_s)
        self.model[who].reached = True
        self._forgotten()
        assert who in self.model

    @precondition(lambda self: self.model)
    @rule(data=st.data(), times=st.integers(1, 4))
    def fail(self, data: st.DataObject, times: int) -> None:
        who = data.draw(st.sampled_from(sorted(self.model)))
        for _ in range(times):
            self.book.failed(who, self.now_s, self.rng)
        self._forgotten()

    @precondition(lambda self: self.model)
    @rule(data=st.data())
    def forget(self, data: st.DataObject) -> None:
        who = data.draw(st.sampled_from(sorted(self.model)))
        self.book.forget(who)
        del self.model[who]
        assert self.book.get(who) is None

    @rule(hours=st.sampled_from([0, 1, 5]))
    def wait(self, hours: int) -> None:
        self.now_s += 1 + 3600 * hours

    @rule()
    def restart(self) -> None:
        kept = self.book.export()
        again = AddressBook(SELF, bytes(32))
        again.restore(kept, self.now_s)
        was_tried = {each.contact.peer for each in kept if each.tried}
        is_tried = {each.contact.peer for each in again.export() if each.tried}
        assert is_tried == was_tried
        self.book = again
        self._forgotten()

    @rule(used=st.sets(st.sampled_from(["10.0", "10.1", "10.2"])))
    def choose(self, used: set[str]) -> None:
        due = {
            who
            for who in self.model
            if (backoff := self.book.backoff(who)) is not None and backoff.next_s <= self.now_s
        }
        for draw in (self.book.choose, self.book.feel):
            found = draw(self.now_s, self.rng, lambda _: True, used)
            assert (found is None) == (not due)
            if found is not None:
                assert found.peer in due
        chosen = self.book.choose(self.now_s, self.rng, lambda _: True, used)
        if chosen is not None and group_of(chosen.addresses[0]) in used:
            others = {group_of(self.model[who].contact.addresses[0]) for who in due}
            assert others <= used

    @invariant()
    def says_what_the_model_says(self) -> None:
        assert len(self.book) == len(self.model)
        for who, known in self.model.items():
            assert self.book.get(who) == known.contact
            assert self.book.has_record(known.contact.record)

    @invariant()
    def tried_are_those_that_were_reached(self) -> None:
        for kept in self.book.export():
            if kept.tried:
                assert self.model[kept.contact.peer].reached

    @invariant()
    def nobody_has_more_than_his_share(self) -> None:
        tried: dict[str, int] = {}
        new: dict[str, int] = {}
        for kept in self.book.export():
            group = group_of(kept.contact.addresses[0])
            counts, key = (tried, group) if kept.tried else (new, kept.source)
            counts[key] = counts.get(key, 0) + 1
        assert all(count <= TRIED_PER_GROUP * BUCKET_SLOTS for count in tried.values())
        assert all(count <= NEW_PER_SOURCE * BUCKET_SLOTS for count in new.values())
        assert len(self.book.sample(self.now_s, self.rng)) <= SAMPLE_WHOLE
        assert len(self.book._collisions) <= COLLISIONS_MAX

    @invariant()
    def places_and_contacts_agree(self) -> None:
        book = self.book
        for table, slots in (
            (book._new, [(s, e) for e in book._entries.values() for s in e.places]),
            (book._tried, [(e.tried, e) for e in book._entries.values() if e.tried is not None]),
        ):
            assert [table.at(slot) for slot, _ in slots] == [e.contact.peer for _, e in slots]
            assert len(list(table.walk(self.rng))) == len(slots)
        assert all(bool(e.places) != (e.tried is not None) for e in book._entries.values())


BookAgainstModel.TestCase.settings = settings(max_examples=60, stateful_step_count=40)
TestBookAgainstModel = BookAgainstModel.TestCase
