"""Evidence: what nobody honest signs twice, and what anybody may."""

from dataclasses import replace

import pytest

from chain.block import Header
from chain.consensus.authority import sealed_bytes
from chain.consensus.finality.evidence import (
    Evidence,
    Offence,
    decode_evidence,
    evidence_from_value,
    exclude,
    of_blocks,
    of_votes,
)
from chain.consensus.finality.vote import Checkpoint, Vote
from chain.primitives.errors import Invalid, Refusal
from chain.primitives.hashing import sha256
from tests.chain.consensus.finality.world import CHAIN
from tests.chain.founding import GENESIS, grow, ledger
from tests.parties import party

THIEF = party("thief")


def link(source: int, target: int, block: bytes = b"b", set_id: int = 0) -> Vote:
    return Vote(
        set_id, Checkpoint(sha256(b"%d" % source), source), Checkpoint(sha256(block), target)
    )


def voted(a: Vote, b: Vote) -> Evidence:
    pairs = [(vote, THIEF.vote.sign(vote.signed_bytes(CHAIN))) for vote in (a, b)]
    return of_votes(THIEF.did, THIEF.vote.public, *pairs)


@pytest.mark.parametrize(
    ("a", "b"),
    [
        (link(1, 5), link(1, 5, b"other")),
        (link(1, 5), link(2, 5)),
        (link(1, 9), link(2, 5)),
        (link(2, 5), link(1, 9)),
    ],
)
def test_double_and_surrounding_votes_are_evidence(a: Vote, b: Vote) -> None:
    assert exclude(a, b)
    assert exclude(b, a)
    evidence = voted(a, b)
    evidence.check(CHAIN)
    assert evidence == voted(b, a)
    assert decode_evidence(evidence.encode()) == evidence
    assert evidence_from_value(evidence.to_value()).id == evidence.id


@pytest.mark.parametrize(
    ("a", "b"),
    [
        (link(1, 5), link(1, 6)),
        (link(1, 5), link(5, 6)),
        (link(1, 5), link(4, 6)),
        (link(1, 5), link(1, 5, b"other", set_id=1)),
        (link(1, 9), link(2, 5, set_id=1)),
    ],
)
def test_votes_that_may_both_be_signed(a: Vote, b: Vote) -> None:
    for one, other in ((a, b), (b, a)):
        with pytest.raises(Invalid, match="evidence-harmless"):
            voted(one, other).check(CHAIN)


def test_equal_votes_are_no_evidence() -> None:
    with pytest.raises(Invalid, match="evidence-order"):
        voted(link(1, 5), link(1, 5)).check(CHAIN)


def test_evidence_stands_by_its_key_its_chain_and_its_order() -> None:
    good = voted(link(1, 5), link(2, 5))
    turned = replace(good, first=good.second, second=good.first)
    for wrong, chain, code in (
        (turned, CHAIN, "evidence-order"),
        (good, sha256(b"other"), "evidence-signature"),
        (replace(good, key=THIEF.seal.public), CHAIN, "evidence-signature"),
    ):
        with pytest.raises(Invalid, match=code):
            wrong.check(chain)


def twice(**changes: object) -> tuple[Header, Header]:
    """A header of the thief's, and another one of the same slot with something else changed."""
    header = replace(grow(ledger(), 1).header, author=THIEF.did)
    return header, replace(header, **({"state": sha256(b"x")} | changes))  # type: ignore[arg-type]


def sealed(a: Header, b: Header) -> Evidence:
    pairs = [(header, THIEF.seal.sign(sealed_bytes(header.id))) for header in (a, b)]
    return of_blocks(THIEF.did, THIEF.seal.public, *pairs)


def test_two_blocks_in_one_slot_are_evidence() -> None:
    evidence = sealed(*twice())
    evidence.check(GENESIS.hash)
    assert evidence.offence is Offence.BLOCKS
    assert evidence == sealed(*reversed(twice()))
    assert decode_evidence(evidence.encode()) == evidence


def test_blocks_that_may_both_be_sealed() -> None:
    for evidence, code in (
        (sealed(*twice(slot=2)), "evidence-harmless"),
        (sealed(*twice(author=bytes(32))), "evidence-block"),
        (sealed(*twice(chain=sha256(b"other"))), "evidence-block"),
        (replace(sealed(*twice()), key=THIEF.tx.public), "evidence-signature"),
    ):
        with pytest.raises(Invalid, match=code):
            evidence.check(GENESIS.hash)


def test_one_block_shown_twice_is_no_offence() -> None:
    header, _ = twice()
    with pytest.raises(Invalid, match="evidence-order"):
        sealed(header, header).check(GENESIS.hash)


def test_what_is_no_evidence_does_not_decode() -> None:
    good = voted(link(1, 5), link(2, 5)).to_value()
    for value in (good[:4], ["theft", *good[1:]], [*good[:2], b"", *good[3:]]):
        with pytest.raises(Refusal):
            evidence_from_value(value)
