"""Conversations about votes: what is checked, passed on, blamed, and ignored."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

import pytest

from chain.consensus.authorityset import quorum
from chain.consensus.finality.certificate import Certificate, assemble
from chain.consensus.finality.pool import AHEAD_SLOTS, WINDOW_SLOTS
from chain.consensus.finality.vote import Checkpoint, SignedVote, Vote
from chain.primitives.hashing import Hash, sha256
from p2p.peers.peer import PeerId
from p2p.peers.score import POINTS_INVALID_VOTE
from p2p.protocol.ballots import (
    CERTIFICATES_BURST,
    GATHER_PARTS,
    UNCHECKED_MAX,
    VOTES_BURST,
)
from p2p.protocol.effects import CheckSignatures, Disconnect, Effect, Penalize, Send
from p2p.protocol.turns import CHECKING_MAX, WRONG_PER_CHARGE
from p2p.wire.messages import VOTES_MAX, Certificates, Message, Votes
from tests.p2p.founding import found
from tests.p2p.protocol.conversation import ANN, BOB, CAT, FOUNDING, SLOT_NOW, Conversation

NOWHERE = Hash(bytes(32))
AUTHORITIES = FOUNDING.authorities
GATHER_S = FOUNDING.genesis.slot_ms / GATHER_PARTS / 1000


def begin() -> tuple[Conversation, Vote]:
    """A router with three peers, and a link from the founding block to itself, now."""
    talk = Conversation()
    for peer in (ANN, BOB, CAT):
        talk.connect(peer)
    first = talk.ledger.block_id_at(0)
    assert first is not None
    return talk, Vote(0, Checkpoint(first, 0), Checkpoint(first, SLOT_NOW))


def signed(link: Vote, member: int) -> SignedVote:
    key = AUTHORITIES[member].vote
    return SignedVote(link, member, key.sign(link.signed_bytes(FOUNDING.genesis.hash)))


def votes(link: Vote, members: Iterable[int]) -> Votes:
    return Votes(tuple(signed(link, member).encode() for member in members))


def certificate(link: Vote, members: Iterable[int]) -> Certificate:
    return assemble(link, {m: signed(link, m).signature for m in members}, len(AUTHORITIES))


def say(talk: Conversation, peer: PeerId, message: Message) -> list[Effect]:
    """Say something, and have its signatures checked; counts are left out."""
    effects = [*talk.say(peer, message), *gathered(talk)]
    return [*effects, *talk.verify(effects)]


def gathered(talk: Conversation) -> list[CheckSignatures]:
    """What is to be checked once votes have been gathered."""
    return checks(talk.wait(GATHER_S))


def checks(effects: list[Effect]) -> list[CheckSignatures]:
    return [effect for effect in effects if isinstance(effect, CheckSignatures)]


def sent(effects: list[Effect]) -> list[tuple[PeerId, int]]:
    """To whom votes (how many) or certificates (a negative number) were sent."""
    found: list[tuple[PeerId, int]] = []
    for effect in effects:
        match effect:
            case Send(peer, Votes(raws)):
                found.append((peer, len(raws)))
            case Send(peer, Certificates(raws)):
                found.append((peer, -len(raws)))
            case _:
                pass
    return found


def blamed(effects: list[Effect]) -> list[tuple[PeerId, str]]:
    return [(e.peer, e.code) for e in effects if isinstance(e, Penalize)]


def test_a_vote_is_checked_once_and_passed_on_to_those_who_have_not_shown_it() -> None:
    talk, link = begin()
    message = votes(link, [0, 1])
    assert talk.say(ANN, message) == []
    assert talk.say(BOB, votes(link, [0])) == [], "the same bytes wait to be checked"
    (check,) = gathered(talk)
    assert len(check.checks) == 2
    assert talk.say(CAT, votes(link, [1])) == [], "the same bytes are being checked"
    assert sorted(sent(talk.verify([check]))) == [(BOB, 1), (CAT, 1)]
    assert say(talk, CAT, message) == []
    assert say(talk, BOB, message) == []


def test_the_vote_that_completes_a_quorum_is_the_last_that_is_passed_on() -> None:
    talk, link = begin()
    say(talk, ANN, votes(link, [0, 1]))
    effects = say(talk, ANN, votes(link, [2]))
    assert sent(effects) == [(BOB, 1), (CAT, 1)], "who has a quorum makes the certificate itself"
    assert talk.ledger.finality.justified.epoch == SLOT_NOW
    assert sent(say(talk, ANN, votes(link, [3]))) == []


def test_votes_that_come_together_cost_one_check_and_one_message_a_peer() -> None:
    talk, link = begin()
    assert talk.say(ANN, votes(link, [0])) == []
    assert talk.say(BOB, votes(link, [1])) == []
    (check,) = gathered(talk)
    assert len(check.checks) == 2
    assert sorted(sent(talk.verify([check]))) == [(ANN, 1), (BOB, 1), (CAT, 2)]
    assert gathered(talk) == []


def test_who_has_shown_a_quorum_is_told_no_more_votes() -> None:
    talk, link = begin()
    talk.say(ANN, votes(link, [0]))
    talk.say(BOB, votes(link, [1, 2, 3]))
    assert sorted(sent(talk.verify([*gathered(talk)]))) == [(ANN, 2), (CAT, 3)]


def test_a_certificate_goes_to_those_who_cannot_make_it() -> None:
    talk, link = begin()
    effects = say(talk, ANN, Certificates((certificate(link, [0, 1, 2]).encode(),)))
    assert sent(effects) == [(BOB, -1), (CAT, -1)]
    assert talk.ledger.finality.justified.epoch == SLOT_NOW
    assert say(talk, BOB, Certificates((certificate(link, [1, 2, 3]).encode(),))) == []


def test_known_votes_of_a_certificate_are_not_checked_again() -> None:
    talk, link = begin()
    say(talk, ANN, votes(link, [0, 1]))
    talk.say(BOB, Certificates((certificate(link, [0, 1, 3]).encode(),)))
    (check,) = gathered(talk)
    assert len(check.checks) == 1


def test_a_newcomer_is_told_the_certificates_and_the_votes_in_none() -> None:
    talk = Conversation()
    talk.connect(ANN)
    first = talk.ledger.block_id_at(0)
    assert first is not None
    older, old, new = (
        Vote(0, Checkpoint(first, 0), Checkpoint(first, SLOT_NOW - n)) for n in (40, 1, 0)
    )
    say(talk, ANN, votes(older, [0, 2]))
    say(talk, ANN, votes(old, [0, 1]))
    say(talk, ANN, votes(new, [1, 3]))
    newcomer = talk.connect(BOB)
    assert sent(newcomer) == [(BOB, 5)]
    said = [
        raw
        for e in newcomer
        if isinstance(e, Send) and isinstance(e.message, Votes)
        for raw in e.message.raws
    ]
    told = {
        raw: None
        for vote, m in ((old, [0, 1]), (new, [1, 3]), (older, [2]))
        for raw in votes(vote, m).raws
    }
    assert sorted(said) == sorted(told), "the newest of each, and what a quorum may lack"
    say(talk, ANN, votes(old, [2]))
    assert sent(talk.connect(CAT)) == [(CAT, -1), (CAT, 4)], (
        "those in the certificate need no saying twice"
    )


def test_a_wrong_signature_is_blamed_and_the_right_vote_still_counts() -> None:
    talk, link = begin()
    good = signed(link, 0)
    bad = replace(good, signature=good.signature[:-1] + bytes([good.signature[-1] ^ 1]))
    effects = say(talk, ANN, Votes((bad.encode(),)))
    assert blamed(effects) == [(ANN, "invalid-vote-signature")]
    assert sent(effects) == []
    assert sent(say(talk, BOB, Votes((good.encode(),)))) == [(ANN, 1), (CAT, 1)]


def test_four_wrong_messages_end_the_connection() -> None:
    talk, link = begin()
    assert POINTS_INVALID_VOTE == 25
    effects: list[Effect] = []
    for epoch in range(SLOT_NOW - 4, SLOT_NOW):
        wrong = signed(link, 1).signature
        other = replace(link, target=Checkpoint(link.target.block, epoch))
        effects = say(talk, ANN, Votes((SignedVote(other, 1, wrong).encode(),)))
    assert [e.code for e in effects if isinstance(e, Disconnect)] == ["banned"]


def test_what_is_of_no_use_costs_no_check_and_no_blame() -> None:
    talk, link = begin()
    for useless in (
        replace(link, target=Checkpoint(link.target.block, SLOT_NOW - 100)),
        replace(link, target=Checkpoint(link.target.block, SLOT_NOW + 2)),
        replace(link, set_id=7),
    ):
        assert talk.say(ANN, votes(useless, [0])) == []
    assert (
        talk.say(ANN, Certificates((certificate(replace(link, set_id=7), [0, 1, 2]).encode(),)))
        == []
    )


def test_a_certificate_of_the_far_future_costs_no_check_and_is_not_kept() -> None:
    talk, link = begin()
    far = replace(link, target=Checkpoint(link.target.block, SLOT_NOW + 2))
    assert say(talk, ANN, Certificates((certificate(far, [0, 1, 2]).encode(),))) == []
    assert talk.ledger.finality.justified.epoch == 0
    near = replace(link, target=Checkpoint(link.target.block, SLOT_NOW + 1))
    say(talk, ANN, Certificates((certificate(near, [0, 1, 2]).encode(),)))
    assert talk.ledger.finality.justified.epoch == SLOT_NOW + 1, "clocks differ by a slot"


def test_what_no_member_could_sign_is_blamed() -> None:
    talk, link = begin()
    stranger = replace(signed(link, 0), member=150)
    assert blamed(talk.say(ANN, Votes((stranger.encode(),)))) == [(ANN, "vote-member")]
    backwards = replace(link, source=Checkpoint(link.source.block, SLOT_NOW + 1))
    assert blamed(talk.say(BOB, votes(backwards, [0]))) == [(BOB, "vote-epochs")]
    few = certificate(link, [0, 1])
    assert blamed(talk.say(CAT, Certificates((few.encode(),)))) == [(CAT, "certificate-quorum")]


def test_what_does_not_decode_is_blamed() -> None:
    talk, _ = begin()
    assert blamed(talk.say(ANN, Votes((b"junk",))))[0][0] == ANN
    assert blamed(talk.say(BOB, Certificates((b"junk",))))[0][0] == BOB


def test_a_flood_is_cut_off_by_its_budget() -> None:
    talk, link = begin()
    raw = signed(link, 0).encode()
    for _ in range(VOTES_BURST // VOTES_MAX):
        assert not blamed(talk.say(ANN, Votes((raw,) * VOTES_MAX)))
    assert blamed(talk.say(ANN, Votes((raw,) * VOTES_MAX))) == [(ANN, "flood")]
    one = certificate(link, [0, 1, 2]).encode()
    for _ in range(CERTIFICATES_BURST):
        assert not blamed(talk.say(BOB, Certificates((one,))))
    assert blamed(talk.say(BOB, Certificates((one,)))) == [(BOB, "flood")]


@pytest.mark.parametrize(("members", "slot_ms"), [(200, 1000), (40, 50), (4, 50)])
def test_what_a_pause_of_ours_lets_come_at_once_is_no_flood(members: int, slot_ms: int) -> None:
    """An honest peer has told what it heard in 20 s: a vote of each member, and a certificate."""
    slots = 20 * 1000 // slot_ms
    talk = Conversation(found(authorities=members, slot_ms=slot_ms))
    talk.connect(ANN)
    junk = SignedVote(Vote(0, Checkpoint(NOWHERE, 0), Checkpoint(NOWHERE, 1)), 0, bytes(64))
    signatures = dict.fromkeys(range(quorum(members)), bytes(64))
    old, whole = junk.encode(), assemble(junk.vote, signatures, members).encode()
    for _ in range(slots):
        assert not blamed(talk.say(ANN, Votes((old,) * members)))
        assert not blamed(talk.say(ANN, Certificates((whole,))))


def test_two_votes_of_one_slot_are_both_passed_on_and_a_third_is_nothing_new() -> None:
    talk, link = begin()
    say(talk, ANN, votes(link, [0]))
    for place in range(2):
        other = replace(link, target=Checkpoint(FOUNDING.genesis.hash, SLOT_NOW))
        other = replace(other, source=Checkpoint(link.source.block, place))
        effects = say(talk, ANN, votes(other, [0]))
        assert sent(effects) == ([(BOB, 1), (CAT, 1)] if place == 0 else [])
        assert not blamed(effects)


def made_up(link: Vote, stranger: int, count: int) -> list[bytes]:
    """Votes for blocks that are not, with signatures that are none."""
    blocks = (Hash(sha256(b"%d of %d" % (each, stranger))) for each in range(count))
    targets = (Checkpoint(block, link.target.epoch) for block in blocks)
    return [SignedVote(replace(link, target=each), 0, bytes(64)).encode() for each in targets]


def test_what_strangers_make_up_does_not_crowd_out_the_votes_of_the_honest() -> None:
    talk, link = begin()
    strangers = [PeerId(bytes([number] * 32)) for number in range(UNCHECKED_MAX // VOTES_BURST + 1)]
    for number, stranger in enumerate(strangers):
        talk.connect(stranger)
        flood(talk, stranger, made_up(link, number, VOTES_BURST))
    talk.say(ANN, votes(link, [0, 1, 2]))
    (check,) = gathered(talk)
    assert len(check.checks) == CHECKING_MAX * len(strangers) + 3
    effects = talk.verify([check])
    assert talk.ledger.finality.pool.tally(link) == (0, 1, 2)
    assert blamed(effects) == [(each, "invalid-vote-signature") for each in strangers]


def flood(talk: Conversation, peer: PeerId, raws: list[bytes]) -> None:
    """Votes come at once, in as many messages as they take."""
    for start in range(0, len(raws), VOTES_MAX):
        talk.say(peer, Votes(tuple(raws[start : start + VOTES_MAX])))


def verified(talk: Conversation, effects: Sequence[Effect]) -> tuple[list[int], list[Effect]]:
    """Check signatures until there are none to check: how many each time, and what else follows."""
    sizes: list[int] = []
    after: list[Effect] = []
    while running := checks([*effects]):
        sizes += [len(each.checks) for each in running]
        effects = talk.verify([*effects])
        after += [effect for effect in effects if not isinstance(effect, CheckSignatures)]
    return sizes, after


def test_however_many_wrong_votes_come_at_once_one_turn_of_them_is_checked() -> None:
    talk, link = begin()
    flood(talk, ANN, made_up(link, 0, VOTES_BURST))
    sizes, after = verified(talk, gathered(talk))
    assert sizes == [CHECKING_MAX]
    assert [e.code for e in after if isinstance(e, Disconnect)] == ["banned"]
    assert gathered(talk) == []


def test_two_who_bring_the_same_flood_cost_one_turn_together() -> None:
    talk, link = begin()
    for peer in (ANN, BOB):
        flood(talk, peer, made_up(link, 0, VOTES_BURST))
    sizes, after = verified(talk, gathered(talk))
    assert sizes == [CHECKING_MAX]
    assert [e.peer for e in after if isinstance(e, Disconnect)] == [ANN, BOB]


def test_a_flood_of_wrong_certificates_is_charged_for_by_its_signatures() -> None:
    talk, link = begin()
    for number in range(CERTIFICATES_BURST):
        target = Checkpoint(link.target.block, SLOT_NOW - number)
        wrong = Certificate(replace(link, target=target), bytes([7]), (bytes(64),) * 3)
        assert talk.say(ANN, Certificates((wrong.encode(),))) == []
    (check,) = gathered(talk)
    assert len(check.checks) == 3 * CERTIFICATES_BURST
    assert not blamed(talk.verify([check]))[1:]
    assert talk.router.points(ANN, talk.now()) == 3 * POINTS_INVALID_VOTE


def test_wrong_votes_in_small_numbers_are_charged_for_by_the_batch() -> None:
    talk, link = begin()
    for number, points in ((1, 25), (WRONG_PER_CHARGE, 50), (WRONG_PER_CHARGE // 2, 75)):
        flood(talk, ANN, made_up(link, points, number))
        verified(talk, gathered(talk))
        assert talk.router.points(ANN, talk.now()) == points


def test_many_good_votes_wait_for_their_turn_and_all_count() -> None:
    talk, link = begin()
    epochs = range(SLOT_NOW - WINDOW_SLOTS, SLOT_NOW + AHEAD_SLOTS + 1)
    links = [replace(link, target=Checkpoint(link.target.block, epoch)) for epoch in epochs]
    raws = [signed(each, member).encode() for member in range(4) for each in links]
    flood(talk, ANN, raws)
    sizes, after = verified(talk, gathered(talk))
    assert sizes == [CHECKING_MAX, len(raws) - CHECKING_MAX]
    assert not blamed(after)
    assert {talk.ledger.finality.pool.tally(each) for each in links} == {(0, 1, 2, 3)}


def test_what_waits_behind_a_flood_is_checked_for_whoever_else_brought_it() -> None:
    talk, link = begin()
    good = votes(link, [0, 1])
    flood(talk, ANN, [*made_up(link, 0, CHECKING_MAX), *good.raws])
    assert talk.say(BOB, Votes(good.raws[:1])) == [], "the same bytes wait here"
    sizes, after = verified(talk, gathered(talk))
    assert sizes == [CHECKING_MAX, 1], "who brought the other one sends wrong ones"
    assert talk.ledger.finality.pool.tally(link) == (0,)
    assert [peer for peer, _ in blamed(after)] == [ANN]
    sizes, _ = verified(talk, [*talk.say(CAT, Votes(good.raws[1:])), *gathered(talk)])
    assert sizes == [1]
    assert talk.ledger.finality.pool.tally(link) == (0, 1)
