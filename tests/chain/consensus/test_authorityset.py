"""Authority sets: one order, one encoding, no key twice."""

from dataclasses import replace

import pytest

from chain.consensus.authorityset import AuthoritySet, decode_set, quorum
from chain.primitives.cbor import encode
from chain.primitives.errors import Invalid, Refusal
from tests.chain.consensus.finality.world import parties, set_of

FOUR = parties(4)
SET = set_of(FOUR)


def test_more_than_two_thirds_are_a_quorum() -> None:
    assert [quorum(n) for n in (1, 2, 3, 4, 5, 6, 7, 31)] == [1, 2, 3, 3, 4, 5, 5, 21]
    for n in range(1, 201):
        assert 3 * quorum(n) > 2 * n >= 3 * (quorum(n) - 1)


def test_round_trip_in_the_order_of_ids() -> None:
    assert decode_set(SET.raw) == SET == set_of(reversed(FOUR))
    assert [member.did for member in SET.members] == sorted(party.did for party in FOUR)
    assert [SET.index(party.did) for party in FOUR] == [0, 1, 2, 3]
    assert SET.index(b"stranger") is None
    assert [SET.leader(slot) for slot in (0, 5, 11)] == [SET.members[i] for i in (0, 1, 3)]


def test_the_hash_covers_number_members_and_keys() -> None:
    first, *others = SET.members
    changed = replace(first, vote=bytes(32))
    hashes = {SET.hash, replace(SET, id=1).hash, set_of(FOUR[:3]).hash}
    assert len(hashes | {AuthoritySet(0, (changed, *others)).hash}) == 4


def test_order_repetition_and_shared_keys_are_refused() -> None:
    one, two, *_ = SET.members
    for members in ((two, one), (one, one)):
        with pytest.raises(Invalid, match="each once, in ascending order"):
            AuthoritySet(0, members)
    for thief in (replace(two, vote=one.vote), replace(two, seals=(two.vote,))):
        with pytest.raises(Invalid, match="already"):
            AuthoritySet(0, (one, thief))
    with pytest.raises(Invalid, match="no seal key"):
        AuthoritySet(0, (replace(one, seals=()),))


def test_what_is_no_set_does_not_decode() -> None:
    did = bytes(32)
    for value in ([0], [0, [[did, [], did]]], [0, [[did, [did], b""]]], [-1, []]):
        with pytest.raises(Refusal):
            decode_set(encode(value))  # type: ignore[arg-type]
