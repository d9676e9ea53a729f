"""Every engine against one contract."""

from dataclasses import replace

import pytest

from chain.block import Header
from chain.consensus.engine import Ancestry, Engine, HeaderNode
from chain.consensus.selection import engine_of
from chain.parameters import Consensus
from chain.primitives.errors import Invalid
from chain.primitives.hashing import Hash, sha256
from tests.chain.founding import AUTHORITIES, GENESIS, MINING, genesis, leader, ledger

SET = GENESIS.authority_set


@pytest.fixture(params=list(Consensus))
def consensus(request: pytest.FixtureRequest) -> Consensus:
    return Consensus(request.param)


@pytest.fixture
def engine(consensus: Consensus) -> Engine:
    return engine_of(genesis(consensus))


@pytest.fixture
def root(consensus: Consensus) -> HeaderNode:
    return ledger(founding=genesis(consensus)).head


def none(block_id: Hash) -> HeaderNode:
    raise AssertionError(f"{block_id.hex()} was asked for")


def child(parent: HeaderNode, slot: int) -> Header:
    return replace(
        parent.header,
        height=parent.height + 1,
        slot=slot,
        parent=parent.id,
        author=leader(slot).did,
    )


def test_its_name_is_that_of_the_genesis(consensus: Consensus, engine: Engine) -> None:
    assert engine.name == consensus.value
    assert engine.exclusive is (consensus is Consensus.AUTHORITY)


def test_what_it_seals_it_accepts_and_only_for_that_header(
    engine: Engine, root: HeaderNode
) -> None:
    header = child(root, 4)
    target = engine.target(root, none)
    seal = engine.seal(header, leader(4), target, MINING)
    assert seal is not None
    engine.check(header, seal, target, SET)
    refused = 0
    for lie in range(20):  # a nonce may happen to fit one other header, never all
        try:
            engine.check(replace(header, state=sha256(bytes([lie]))), seal, target, SET)
        except Invalid:
            refused += 1
    assert refused > 10


@pytest.mark.parametrize("seal", [b"", b"x", bytes(7), bytes(63), bytes(64), b"\xff" * 64])
def test_seals_of_any_size_are_judged(engine: Engine, root: HeaderNode, seal: bytes) -> None:
    with pytest.raises(Invalid) as refusal:
        engine.check(child(root, 4), seal, engine.target(root, none), SET)
    assert refusal.value.code == "wrong-seal"


def test_a_slot_that_is_past_is_nobodys(engine: Engine, root: HeaderNode) -> None:
    parent = replace(root, header=child(root, 5))
    for slot in (0, 4, 5):
        assert not any(engine.proposes(party.did, slot, parent, SET) for party in AUTHORITIES)
    assert any(engine.proposes(party.did, 6, parent, SET) for party in AUTHORITIES)


def test_every_block_weighs(engine: Engine, root: HeaderNode) -> None:
    target = engine.target(root, none)
    assert engine.weight(target) >= 1


def test_it_is_pure(consensus: Consensus, root: HeaderNode) -> None:
    """Asked twice, or by another object, it answers the same."""
    ancestry: Ancestry = {root.id: root}.__getitem__
    first, second = engine_of(genesis(consensus)), engine_of(genesis(consensus))
    header = child(root, 4)
    for _ in range(2):
        assert first.target(root, ancestry) == second.target(root, ancestry)
        target = first.target(root, ancestry)
        assert first.seal(header, leader(4), target, MINING) == second.seal(
            header, leader(4), target, MINING
        )
