"""A network whose authorities change, its chain with certificates, and hands to grow it with."""

from collections.abc import Sequence

from chain.block import Block, encode_block
from chain.consensus.authorityset import AuthoritySet
from chain.consensus.finality.vote import Checkpoint, Vote
from chain.consensus.selection import engine_of
from chain.genesis import Balance, Genesis, GenesisIdentity
from chain.ledger import Ledger
from chain.parameters import Consensus, Currency
from chain.primitives.hashing import Hash
from chain.store import MemoryStore
from chain.transactions.body import Body
from chain.transactions.envelope import Transaction, sign_transaction
from chain.transactions.governance_actions import Action, ChangeAuthorities, arguments_hash
from chain.transactions.governance_propose import Propose
from chain.transactions.governance_records import Outcome, proposal_of
from chain.transactions.governance_vote import CastVote
from chain.transactions.payment import Transfer
from testnet.checkers.reference import Reference
from tests.chain.consensus.finality.world import sign
from tests.chain.founding import decoded
from tests.parties import Party, party

PEOPLE = tuple(party(f"authority{number}") for number in range(14))
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
        currencies=(Currency("CNY", 2, "Renminbi"),),
        balances=tuple(Balance("CNY", p.did, 1_000_000) for p in PEOPLE),
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

    def grow(self, *transactions: Transaction, careless: bool = False) -> Block:
        """The next slot's block, by whoever it belongs to.

        A `careless` author takes what no node would pass on.
        """
        slot = max([self.on.head.slot, *(block.header.slot for block in self.blocks[-1:])]) + 1
        for tx in transactions:
            if careless:
                self.on.mempool.add(tx, slot, self.on.next_sequence)
            else:
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

    def finalize(self) -> Block:
        """Make the head final; the block that came after it."""
        self.vote(Checkpoint(self.on.head.id, self.on.head.slot))
        following = self.grow()
        self.vote(Checkpoint(following.id, following.header.slot))
        return following

    def pay(self, payer: Party, payee: Party, amount: int) -> Transaction:
        """A payment, signed."""
        return self.sign(payer, Transfer("CNY", payee.did, amount))

    def judged(self) -> list[str]:
        """What the second validator says of all blocks."""
        verdicts = Reference(self.genesis).judge([encode_block(block) for block in self.blocks])
        return [verdict.code for verdict in verdicts.values()]


def change(removed: Sequence[Party] = (), added: Sequence[Party] = ()) -> ChangeAuthorities:
    """Seats that go and come."""
    gone, new = (tuple(sorted(p.did for p in people)) for people in (removed, added))
    return ChangeAuthorities(gone, new)
