"""Authorities in turn."""

from dataclasses import replace

import pytest

from chain.consensus.authority import AuthorityEngine, sealed_bytes
from chain.consensus.authorityset import AuthoritySet, Member
from chain.consensus.engine import Author
from chain.consensus.selection import engine_of
from chain.primitives.errors import Invalid
from chain.primitives.keys import KeyPair
from tests.chain.founding import AUTHORITIES, GENESIS, leader, ledger

ROOT = ledger().head
ENGINE = engine_of(GENESIS)
SET = GENESIS.authority_set
HEADER = replace(ROOT.header, height=1, slot=4, parent=ROOT.id, author=leader(4).did)


def test_a_slot_has_one_leader() -> None:
    assert isinstance(ENGINE, AuthorityEngine)
    for slot in range(1, 10):
        able = [party for party in AUTHORITIES if ENGINE.proposes(party.did, slot, ROOT, SET)]
        assert [party.did for party in able] == [SET.leader(slot).did] == [leader(slot).did]


def test_another_author_is_refused_with_both_names() -> None:
    header = replace(HEADER, author=leader(5).did)
    seal = ENGINE.seal(header, leader(5), 0, range(1))
    assert seal is not None
    with pytest.raises(Invalid) as refusal:
        ENGINE.check(header, seal, 0, SET)
    assert refusal.value.code == "wrong-author"
    assert leader(4).did.hex() in refusal.value.reason
    assert leader(5).did.hex() in refusal.value.reason


def test_only_a_seal_key_seals() -> None:
    """Not the same author's tx key, and not a signature without the context."""
    tx = AUTHORITIES[4 % 3].tx
    for seal in (tx.sign(sealed_bytes(HEADER.id)), leader(4).key.sign(HEADER.id)):
        with pytest.raises(Invalid, match="wrong-seal"):
            ENGINE.check(HEADER, seal, 0, SET)


def test_any_of_several_seal_keys_counts() -> None:
    spare = KeyPair.from_seed(bytes(32))
    did = leader(4).did
    alone = AuthoritySet(0, (Member(did, (leader(4).key.public, spare.public), bytes(32)),))
    for author in (leader(4), Author(did, spare)):
        seal = ENGINE.seal(HEADER, author, 0, range(1))
        assert seal is not None
        ENGINE.check(HEADER, seal, 0, alone)


def test_every_block_weighs_one_and_nothing_is_searched_for() -> None:
    assert ENGINE.target(ROOT, lambda _: ROOT) == 0
    assert ENGINE.weight(0) == 1
