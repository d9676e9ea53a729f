"""A change of the authorities from proposal to handover, on a ledger with certificates."""

from collections.abc import Sequence
from contextlib import suppress

import pytest

from chain.block import Block, encode_block
from chain.consensus.authority import sealed_bytes
from chain.consensus.authorityset import AuthoritySet
from chain.consensus.finality.evidence import of_blocks
from chain.consensus.finality.vote import Checkpoint, Vote
from chain.consensus.selection import engine_of
from chain.genesis import Genesis, GenesisIdentity
from chain.ledger import Ledger
from chain.parameters import Consensus
from chain.primitives.errors import Refusal
from chain.primitives.hashing import Hash
from chain.store import MemoryStore
from chain.transactions.body import Body
from chain.transactions.envelope import Transaction, sign_transaction
from chain.transactions.governance_actions import (
    Action,
    ChangeAuthorities,
    SetParameter,
    arguments_hash,
)
from chain.transactions.governance_evidence import SubmitEvidence
from chain.transactions.governance_propose import Propose
from chain.transactions.governance_records import Outcome, proposal_of
from chain.transactions.governance_seats import set_decided, set_in_force
from chain.transactions.governance_vote import CastVote
from testnet.checkers.reference import Reference
from tests.chain.consensus.finality.world import sign
from tests.chain.founding import decoded, resealed
from tests.parties import Party, party

PEOPLE = tuple(party(f"authority{number}") for number in range(9))
BY_ID = {person.did: person for person in PEOPLE}


def network(seated: int) -> Genesis:
    """The first of the people are the authorities."""
    return Genesis(
        network="test",
        genesis_time_ms=0,
        slot_ms=1000,
        consensus=Consensus.AUTHORITY,
        identities=tuple(
            GenesisIdentity(p.name, p.document, ("authority",) if n < seated else ("member",))
            for n, p in enumerate(PEOPLE)
        ),
        test=True,
    )


class Chain:
    """One ledger that all of them feed, slot by slot."""

    def __init__(self, seated: int) -> None:
        self.genesis = network(seated)
        self.on = Ledger(self.genesis, MemoryStore(), engine_of(self.genesis))
        self.blocks: list[Block] = []

    @property
    def authorities(self) -> AuthoritySet:
        """The set in force for the next block."""
        return self.on.finality.authorities(self.on.head.id)

    def sign(self, who: Party, body: Body) -> Transaction:
        """Somebody's next transaction."""
        expected = self.on.next_sequence(who.did, 0)
        sequence = self.on.mempool.next_free(who.did, 0, expected)
        expiry = self.on.head.slot + 100
        return sign_transaction(who.tx, self.genesis.hash, who.did, 0, sequence, expiry, body)

    def grow(self, *transactions: Transaction) -> Block:
        """The next slot's block, by whoever it belongs to."""
        slot = self.on.head.slot + 1
        for tx in transactions:
            self.on.submit(tx, slot)
        author = BY_ID[self.authorities.leader(slot).did].author
        block = self.on.seal(self.on.propose(slot, author), author, range(1))
        assert block is not None
        self.on.import_block(block, decoded(self.on, block), slot)
        self.blocks.append(block)
        return block

    def vote(self, target: Checkpoint) -> None:
        """Everybody in the set in force votes for it."""
        standing = self.on.finality.standing(self.on.head.id)
        link = Vote(standing.set_id, standing.newest, target)
        for place, member in enumerate(self.authorities.members):
            signed = sign(link, place, BY_ID[member.did], self.genesis.hash)
            self.on.add_vote(signed, target.epoch)

    def decide(self, action: Action, voters: Sequence[Party]) -> Block:
        """Propose, vote, and give the block in which it was decided."""
        proposal = self.sign(voters[0], Propose(action, self.on.head.slot + 90, Hash(bytes(32))))
        self.grow(proposal)
        hashed = arguments_hash(action)
        block = self.grow(*(self.sign(v, CastVote(proposal.id, hashed, True)) for v in voters))
        record = proposal_of(self.on.state, proposal.id)
        assert record is not None
        assert record.outcome is Outcome.PASSED
        return block

    def finish(self, deciding: Block) -> Block:
        """Finalize the deciding block under the set that made it; the block that hands over."""
        self.vote(Checkpoint(deciding.id, self.on.head.slot))
        self.grow()
        self.vote(Checkpoint(deciding.id, self.on.head.slot))
        return self.grow()

    def judged(self) -> list[str]:
        """What the second validator says of all blocks."""
        verdicts = Reference(self.genesis).judge([encode_block(block) for block in self.blocks])
        return [verdict.code for verdict in verdicts.values()]


def change(removed: Sequence[Party] = (), added: Sequence[Party] = ()) -> ChangeAuthorities:
    """Seats that go and come."""
    gone, new = (tuple(sorted(p.did for p in people)) for people in (removed, added))
    return ChangeAuthorities(gone, new)


CHANGES = {
    "one comes": change(added=PEOPLE[4:5]),
    "three at once": change(PEOPLE[1:4], PEOPLE[4:7]),
    "a disjoint set": change(PEOPLE[:4], PEOPLE[4:9]),
}


@pytest.mark.parametrize("wanted", CHANGES.values(), ids=CHANGES)
def test_a_decided_set_takes_over_once_the_decision_is_final(wanted: ChangeAuthorities) -> None:
    chain = Chain(4)
    before = chain.authorities
    deciding = chain.decide(wanted, PEOPLE[:3])
    decided = set_decided(chain.on.state)
    assert decided is not None
    assert deciding.header.next_set == decided.hash
    assert chain.authorities == before
    while chain.on.head.slot < 6:  # the old set goes on
        assert chain.grow().header.set_id == 0
    handover = chain.finish(deciding)
    assert handover.header.set_id == 0
    assert chain.authorities == decided
    assert set_in_force(chain.on.state) == decided
    assert set_decided(chain.on.state) is None
    members = {member.did for member in decided.members}
    assert {member.did for member in before.members} - set(wanted.removed) <= members
    for _ in range(2 * len(members)):
        block = chain.grow()
        assert block.header.set_id == 1
        assert block.header.author in members
    # The new set decides about itself, and finalizes.
    speakers = [BY_ID[member.did] for member in decided.members]
    chain.decide(SetParameter("block_transactions_max", 9), speakers)
    again = chain.decide(
        change(added=PEOPLE[8:] if PEOPLE[8] not in speakers else PEOPLE[:1]), speakers
    )
    chain.finish(again)
    assert chain.authorities.id == 2
    assert set(chain.judged()) == {""}


def test_who_lost_its_seat_seals_nothing_and_votes_for_nothing() -> None:
    chain = Chain(5)
    gone = PEOPLE[4]
    before = chain.authorities
    place = before.index(gone.did)
    assert place is not None
    chain.finish(chain.decide(change([gone]), PEOPLE[:4]))
    assert chain.authorities.index(gone.did) is None
    slot = chain.on.head.slot + 1
    assert not any(chain.on.proposes(gone.did, later) for later in range(slot, slot + 20))
    head = chain.grow()
    newest = chain.on.finality.standing(head.id).newest
    target = Checkpoint(head.id, slot)
    with pytest.raises(Refusal):
        chain.on.add_vote(sign(Vote(1, newest, target), place, gone, chain.genesis.hash), slot)
    # All of the earlier set together justify nothing behind the block that ended it.
    for number, member in enumerate(before.members):
        signed = sign(Vote(0, newest, target), number, BY_ID[member.did], chain.genesis.hash)
        with suppress(Refusal):
            chain.on.add_vote(signed, slot)
    assert chain.grow().certificates == ()
    assert chain.on.finality.standing(chain.on.head.id).newest == newest
    chain.vote(Checkpoint(head.id, chain.on.head.slot))
    assert len(chain.grow().certificates) == 1


def test_a_header_names_the_set_that_was_decided_and_no_other() -> None:
    chain = Chain(4)
    deciding = chain.decide(change(added=PEOPLE[4:5]), PEOPLE[:3])
    other = Ledger(chain.genesis, MemoryStore(), engine_of(chain.genesis))
    first = chain.blocks[0]
    other.import_block(first, decoded(other, first), 2)
    author = BY_ID[deciding.header.author].author
    for named in (b"", bytes(32)):
        wrong = resealed(deciding, author, next_set=named)
        with pytest.raises(Refusal, match="wrong-next-set"):
            other.import_block(wrong, decoded(other, wrong), 2)
    other.import_block(deciding, decoded(other, deciding), 2)


def test_evidence_on_the_chain_takes_the_seat() -> None:
    chain = Chain(5)
    block = chain.grow()
    offender = BY_ID[block.header.author]
    twin = resealed(block, offender.author, transactions=Hash(bytes(32)))
    sealed = [
        (each.header, offender.seal.sign(sealed_bytes(each.header.id))) for each in (block, twin)
    ]
    evidence = of_blocks(offender.did, offender.seal.public, *sealed)
    deciding = chain.grow(chain.sign(PEOPLE[8], SubmitEvidence(evidence)))
    assert deciding.header.next_set
    chain.finish(deciding)
    assert chain.authorities.index(offender.did) is None
    assert len(chain.authorities.members) == 4
    assert set(chain.judged()) == {""}
