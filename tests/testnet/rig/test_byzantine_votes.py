"""Authorities that keep votes back or sign two: their own votes are bent, others' are passed on."""

from chain.consensus.finality.vote import Checkpoint, SignedVote, Vote, decode_vote
from p2p.wire.messages import Ping, Votes
from testnet.faults.byzantine import DoubleVote, WithholdVotes
from testnet.rig.behaviours import behaviour_of
from tests.chain.founding import AUTHORITIES, grow, ledger
from tests.testnet.rig.fake_host import ANN, BOB, FakeHost


def votes(host: FakeHost) -> tuple[bytes, bytes]:
    """The first two authorities' votes for the head, in an epoch after it."""
    chain = host.ledger
    founding = chain.block_id_at(0)
    assert founding is not None
    members = chain.finality.sets.numbered(0).members
    vote = Vote(0, Checkpoint(founding, 0), Checkpoint(chain.head.id, 3))
    raws = []
    for party in AUTHORITIES[:2]:
        place = [member.did for member in members].index(party.did)
        signature = party.vote.sign(vote.signed_bytes(chain.chain))
        raws.append(SignedVote(vote, place, signature).encode())
    return raws[0], raws[1]


def host() -> FakeHost:
    """The first authority's node, two blocks high."""
    chain = ledger()
    grow(chain, 1)
    grow(chain, 2)
    return FakeHost(ledger=chain, author=AUTHORITIES[0].author, connected=[ANN, BOB])


def test_own_votes_are_withheld_and_others_are_not() -> None:
    on = host()
    own, other = votes(on)
    withhold = behaviour_of(WithholdVotes())
    withhold.begin(on)
    assert withhold.outgoing(ANN, [Ping(1), Votes((own, other))]) == [Ping(1), Votes((other,))]
    assert withhold.outgoing(ANN, [Votes((own,))]) == []
    assert withhold.deadline_s() is None
    assert withhold.hits == 2


def test_late_votes_come_when_they_are_released() -> None:
    on = host()
    own, _ = votes(on)
    late = behaviour_of(WithholdVotes(release_ms=2_000))
    late.begin(on)
    assert late.outgoing(BOB, [Votes((own,))]) == []
    late.tick(on.passes(1.9))
    assert on.sent == []
    late.tick(on.passes(0.2))
    assert on.sent == [(BOB, Votes((own,)))]


def test_half_of_the_peers_get_another_vote_that_is_well_signed() -> None:
    on = host()
    own, other = votes(on)
    double = behaviour_of(DoubleVote())
    double.begin(on)
    assert double.outgoing(ANN, [Votes((own,))]) == [Votes((own,))]
    passed, bent = double.outgoing(BOB, [Votes((own, other))])
    assert passed == Votes((other,))
    assert isinstance(bent, Votes)
    second, first = decode_vote(bent.raws[0]), decode_vote(own)
    assert second.vote.target.epoch == first.vote.target.epoch
    assert second.vote.target.block == on.ledger.block_id_at(1)
    assert second.verifies(AUTHORITIES[0].vote.public, on.ledger.chain)
    assert double.hits == 1
