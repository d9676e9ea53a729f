"""What is kept over restarts: exact, and nothing at all when a byte of it is wrong."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chain.primitives.errors import Refusal
from chain.primitives.hashing import Hash, sha256
from chain.primitives.keys import KeyPair
from p2p.peers.addressbook import AddressBook, Kept
from p2p.peers.contact import Contact
from p2p.peers.peer import PeerId
from p2p.peers.remembered import (
    MAGIC,
    Remembered,
    decode_remembered,
    encode_remembered,
    shifted,
)
from p2p.wire.records import sign_record

CHAIN = sha256(b"chain")
SECRET = bytes(range(32))


def contact(number: int) -> Contact:
    pair = KeyPair.from_seed(number.to_bytes(32, "big"))
    address = f"ws://10.{number}.0.1:4001"
    record = sign_record(pair, CHAIN, (address,), number)
    return Contact(PeerId(pair.public), (address,), number, record.raw)


def remembered() -> Remembered:
    book = AddressBook(PeerId(bytes(32)), SECRET)
    contacts = [contact(number) for number in range(1, 9)]
    for each in contacts:
        book.add(each, "10.9", 0)
    book.succeeded(contacts[2].peer, 1_700_000_000.5)
    book.failed(contacts[3].peer, 1_700_000_001.0, random.Random(1))
    return Remembered(SECRET, tuple(book.export()), (contacts[2].peer, contacts[0].peer))


def test_comes_back_as_it_was() -> None:
    kept = remembered()
    assert decode_remembered(encode_remembered(kept, CHAIN), CHAIN) == kept


@given(st.data())
def test_a_torn_or_rotten_file_is_found_out(data: st.DataObject) -> None:
    whole = encode_remembered(remembered(), CHAIN)
    where = data.draw(st.integers(0, len(whole) - 1))
    flipped = whole[:where] + bytes([whole[where] ^ 1]) + whole[where + 1 :]
    for broken in (whole[:where], flipped):
        with pytest.raises(Refusal) as caught:
            decode_remembered(broken, CHAIN)
        assert caught.value.code in ("no-address-book", "torn-address-book")


@given(st.binary(max_size=200))
def test_bytes_of_somebody_who_knows_the_digest_are_refused_too(payload: bytes) -> None:
    with pytest.raises(Refusal):
        decode_remembered(MAGIC + sha256(payload) + payload, CHAIN)


def test_the_book_of_another_network_is_refused() -> None:
    with pytest.raises(Refusal, match="another genesis"):
        decode_remembered(encode_remembered(remembered(), CHAIN), Hash(bytes(32)))


def test_times_move_with_the_clock() -> None:
    kept = Kept(contact(1), "s", True, 0, 10.0)
    assert shifted(kept, 5.0).success_s == 15.0
    never = Kept(contact(1), "s", False, 0, None)
    assert shifted(never, 5.0) == never
