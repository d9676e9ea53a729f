"""When an authority's first vote of a life comes, and what it hears before."""

from itertools import count

from chain.consensus.finality.vote import Checkpoint, SignedVote, Vote, decode_vote
from chain.ledger import Ledger
from chain.voting import Voter
from p2p.protocol.ballots import Ballots
from p2p.protocol.effects import Effect, Send, Warn
from p2p.protocol.instant import Now
from p2p.protocol.production import Surroundings
from p2p.protocol.voting import ASKED_SLOTS, Voting
from p2p.wire.messages import Votes
from tests.chain.founding import AUTHORITIES, GENESIS, grow, ledger
from tests.p2p.protocol.conversation import ANN

WITH_A_PEER = Surroundings(peers=1, syncing=False, asking=False)
ALONE = Surroundings(peers=0, syncing=False, asking=False)
MEMBER = 1


class Authority:
    """A voter of a ledger, with one peer; its deadline in a slot is asked for by number."""

    def __init__(self, on: Ledger, *, alone: bool = False) -> None:
        self.ledger = on
        party = AUTHORITIES[MEMBER]
        self.ballots = Ballots(on, count())
        self.ballots.connected(ANN, Now(0.0, GENESIS.slot_start_ms(1)))
        voter = Voter(on, on.store, party.did, party.vote)
        self.voting = Voting(on, voter, self.ballots, alone=alone)

    def early(self, slot: int) -> list[Effect]:
        """What a block causes that comes as the slot begins."""
        now = Now(slot * GENESIS.slot_ms / 1000, GENESIS.slot_start_ms(slot) + 1)
        return self.voting.head_moved(now, WITH_A_PEER)

    def deadline(self, slot: int, around: Surroundings = WITH_A_PEER) -> list[Effect]:
        now_ms = GENESIS.slot_start_ms(slot) + GENESIS.slot_ms // 2
        return self.voting.tick(Now(slot * GENESIS.slot_ms / 1000, now_ms), around)


def said(effects: list[Effect]) -> list[Vote]:
    """The votes that were told to the peer."""
    return [
        decode_vote(raw).vote
        for effect in effects
        if isinstance(effect, Send) and isinstance(effect.message, Votes)
        for raw in effect.message.raws
    ]


def test_who_is_asked_for_headers_and_silent_keeps_nobody_from_voting() -> None:
    asked = Surroundings(peers=1, syncing=False, asking=True)
    one = Authority(ledger())
    for slot in range(1, ASKED_SLOTS + 2):
        grow(one.ledger, slot)
        assert said(one.deadline(slot, asked)) == [], "it may be behind"
    grow(one.ledger, ASKED_SLOTS + 2)
    assert said(one.deadline(ASKED_SLOTS + 2, asked)) != []
    quick = Authority(ledger())
    for slot in (1, 2):
        grow(quick.ledger, slot)
        quick.deadline(slot)
    grow(quick.ledger, 3)
    assert said(quick.deadline(3, asked)) != [], "it has known for long where it is"


def test_the_first_vote_comes_at_the_deadline_of_the_slot_after_it_met_somebody() -> None:
    one = Authority(ledger())
    met = 2
    for slot, around in ((1, ALONE), (met, WITH_A_PEER)):
        grow(one.ledger, slot)
        assert said(one.deadline(slot, around)) == [], "nobody, or not long enough"
    grow(one.ledger, met + 1)
    assert said(one.early(met + 1)) == []
    (vote,) = said(one.deadline(met + 1))
    assert vote.target.epoch == met + 1
    grow(one.ledger, met + 2)
    (vote,) = said(one.early(met + 2))
    assert vote.target.epoch == met + 2, "from then on for a block as it comes"


def test_a_network_of_one_waits_for_nobody() -> None:
    one = Authority(ledger(), alone=True)
    grow(one.ledger, 1)
    one.deadline(1, ALONE)
    assert one.ledger.finality.heard(AUTHORITIES[MEMBER].vote.public) is not None


def test_a_store_set_back_hears_of_its_last_vote_before_it_votes() -> None:
    """The vote is in no certificate, so that only peers can tell it."""
    one = Authority(ledger())
    block = grow(one.ledger, 1)
    lost = Vote(0, one.ledger.finality.standing(block.id).newest, Checkpoint(block.id, 1))
    key = AUTHORITIES[MEMBER].vote
    signed = SignedVote(lost, MEMBER, key.sign(lost.signed_bytes(one.ledger.chain)))
    assert said(one.deadline(1)) == []
    one.ledger.add_vote(signed, 1)
    effects = one.deadline(2)
    assert said(effects) == []
    assert [e.code for e in effects if isinstance(e, Warn)] == ["vote-guard-missing"]
