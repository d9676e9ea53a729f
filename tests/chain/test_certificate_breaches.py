"""Certificates that break one rule: the ledger and the second validator refuse them alike."""

from dataclasses import replace

import pytest

from chain.block import Block, certificates_hash, encode_block
from chain.consensus.finality.certificate import Certificate
from chain.consensus.finality.vote import Checkpoint, Vote
from chain.consensus.selection import engine_of
from chain.ledger import Ledger
from chain.primitives.errors import Invalid
from chain.primitives.hashing import Hash
from chain.store import MemoryStore
from testnet.checkers.reference import Reference
from tests.chain.consensus.finality.world import certify
from tests.chain.founding import decoded, resealed
from tests.chain.sets import BY_ID, PEOPLE, Chain, change


def carrying(chain: Chain, certificate: Certificate) -> Block:
    """A block on the head, not imported, with that certificate and no other."""
    slot = chain.on.head.slot + 1
    author = BY_ID[chain.authorities.leader(slot).did].author
    block = chain.on.seal(chain.on.propose(slot, author), author, range(1))
    assert block is not None
    raws = (certificate.encode(),)
    return replace(resealed(block, author, certificates=certificates_hash(raws)), certificates=raws)


def link(chain: Chain) -> Vote:
    """The link that everybody would sign for the head."""
    head = chain.on.head
    standing = chain.on.finality.standing(head.id)
    return Vote(standing.set_id, standing.newest, Checkpoint(head.id, head.slot))


def signed(chain: Chain, vote: Vote, signers: int) -> Certificate:
    """A certificate of so many of the set in force."""
    people = tuple(BY_ID[member.did] for member in chain.authorities.members)
    return certify(vote, people, range(signers), chain.genesis.hash)


def refused(chain: Chain, certificate: Certificate) -> str:
    """The code by which the ledger refuses the certificate in a block, as does the reference."""
    block = carrying(chain, certificate)
    before = chain.on.head.id
    with pytest.raises(Invalid) as told:
        chain.on.import_block(block, decoded(chain.on, block), block.header.slot)
    assert chain.on.head.id == before
    raw = encode_block(block)
    raws = [*map(encode_block, chain.blocks), raw]
    assert Reference(chain.genesis).judge(raws)[raw].code == told.value.code
    return told.value.code


def plain() -> Chain:
    chain = Chain(7)
    chain.grow()
    return chain


def test_bits_signers_and_quorum() -> None:
    chain = plain()
    good = signed(chain, link(chain), 5)
    wide = replace(good, bits=good.bits + b"\0")
    foreign = replace(good, bits=bytes([good.bits[0] & ~1 | 0x80]))
    twice = replace(good, signatures=(*good.signatures[:4], good.signatures[0]))
    more = replace(good, signatures=(*good.signatures, good.signatures[0]))
    assert refused(plain(), wide) == "certificate-bits"
    assert refused(plain(), foreign) == "certificate-bits"
    assert refused(plain(), twice) == "certificate-signature"
    assert refused(plain(), more) == "certificate-signers"
    assert refused(plain(), signed(chain, link(chain), 4)) == "certificate-quorum"


def test_source_target_and_epochs() -> None:
    chain = plain()
    vote = link(chain)
    unjustified = replace(vote, source=Checkpoint(vote.target.block, 0))
    stray = replace(vote, target=Checkpoint(Hash(bytes(32)), 1))
    early = replace(vote, target=Checkpoint(vote.target.block, 9))
    assert refused(plain(), signed(chain, unjustified, 5)) == "certificate-source"
    assert refused(plain(), signed(chain, stray, 5)) == "certificate-target"
    assert refused(plain(), signed(chain, early, 5)) == "certificate-epochs"


def test_behind_a_decided_change_and_of_a_set_that_is_over() -> None:
    chain = Chain(4)
    before = tuple(BY_ID[member.did] for member in chain.authorities.members)
    deciding = chain.decide(change(added=PEOPLE[4:5]), PEOPLE[:3])
    chain.grow()
    assert refused(chain, signed(chain, link(chain), 4)) == "certificate-beyond"
    chain = Chain(4)
    deciding = chain.decide(change(added=PEOPLE[4:5]), PEOPLE[:3])
    chain.finish(deciding)
    chain.grow()
    old = certify(replace(link(chain), set_id=0), before, range(4), chain.genesis.hash)
    assert refused(chain, old) == "certificate-set"


def test_good_certificates_outlive_a_block_that_does_not_execute() -> None:
    chain, store = plain(), MemoryStore()
    other = Ledger(chain.genesis, store, engine_of(chain.genesis))
    for block in chain.blocks:
        other.import_block(block, decoded(other, block), block.header.slot)
    good = signed(chain, link(chain), 5)
    block = carrying(chain, good)
    wrong = resealed(block, BY_ID[block.header.author].author, state=Hash(bytes(32)))
    wrong = replace(wrong, certificates=block.certificates)
    with pytest.raises(Invalid, match="wrong-state-root"):
        other.import_block(wrong, decoded(other, wrong), wrong.header.slot)
    again = Ledger(chain.genesis, store, engine_of(chain.genesis))
    assert again.finality.justified == other.finality.justified
    assert again.finality.justified.block == chain.on.head.id
