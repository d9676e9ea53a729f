"""Conversations about transactions."""

from p2p.peers.requests import TIMEOUT_S
from p2p.protocol.effects import CheckSignatures, Disconnect, Penalize, Send
from p2p.protocol.offers import FLUSH_MAX_S, REMIND_S
from p2p.wire.messages import AnnounceTransactions, GetTransactions, Transactions
from tests.p2p.protocol.conversation import ANN, BOB, CAT, FOUNDING, Conversation

TX = [FOUNDING.transfer(n) for n in range(8)]
IDS = [tx.id for tx in TX]


def broken(raw: bytes) -> bytes:
    return raw[:-1] + bytes([raw[-1] ^ 1])


def talk() -> Conversation:
    conversation = Conversation()
    for peer in (ANN, BOB, CAT):
        conversation.connect(peer)
    conversation.wait(0.1)
    return conversation


def test_an_announcement_is_asked_for_checked_accepted_and_announced_to_the_others() -> None:
    talking = talk()
    asked = talking.say(ANN, AnnounceTransactions((IDS[0], IDS[1])))
    assert asked == [Send(ANN, GetTransactions(1, (IDS[0], IDS[1])))]
    effects = talking.say(ANN, Transactions(1, (TX[0].raw, TX[1].raw)))
    assert effects == [CheckSignatures(1, (TX[0].check, TX[1].check))]
    assert talking.verify(effects) == []
    assert talking.wait(FLUSH_MAX_S) == [
        Send(BOB, AnnounceTransactions((IDS[0], IDS[1]))),
        Send(CAT, AnnounceTransactions((IDS[0], IDS[1]))),
    ]
    assert talking.wait(1) == []


def test_each_is_asked_from_one_peer_and_elsewhere_on_silence() -> None:
    talking = talk()
    assert len(talking.say(ANN, AnnounceTransactions((IDS[0],)))) == 1
    assert talking.say(BOB, AnnounceTransactions((IDS[0],))) == []
    assert talking.wait(TIMEOUT_S - 0.1) == []
    assert talking.wait(0.2) == [Send(BOB, GetTransactions(2, (IDS[0],)))]
    assert talking.say(ANN, AnnounceTransactions((IDS[0],))) == []


def test_a_peer_that_lacks_it_says_so_and_the_next_is_asked_at_once() -> None:
    talking = talk()
    talking.say(ANN, AnnounceTransactions((IDS[0],)))
    talking.say(BOB, AnnounceTransactions((IDS[0],)))
    assert talking.say(ANN, Transactions(1, ())) == [Send(BOB, GetTransactions(2, (IDS[0],)))]


def test_a_wrong_signature_is_blamed_not_relayed_and_the_right_bytes_still_come() -> None:
    talking = talk()
    talking.say(ANN, AnnounceTransactions((IDS[0],)))
    talking.say(BOB, AnnounceTransactions((IDS[0],)))
    wrong = talking.say(ANN, Transactions(1, (broken(TX[0].raw),)))
    after = talking.verify(wrong)
    blame, ask = sorted(after, key=lambda e: isinstance(e, Send))
    assert isinstance(blame, Penalize)
    assert (blame.peer, blame.code) == (ANN, "invalid-signature")
    assert ask == Send(BOB, GetTransactions(2, (IDS[0],)))
    assert talking.verify(talking.say(BOB, Transactions(2, (TX[0].raw,)))) == []
    assert talking.ledger.mempool.has(IDS[0])
    again = talking.say(CAT, Transactions(0, (broken(TX[0].raw),)))
    assert [e.code for e in again if isinstance(e, Penalize)] == ["known-invalid"]


def test_a_flood_of_wrong_signatures_costs_the_flooder_its_connection() -> None:
    talking = talk()
    checks, gone = 0, False
    for number in range(100):
        pushed = tuple(broken(FOUNDING.transfer(number * 50 + i).raw) for i in range(50))
        effects = talking.say(ANN, Transactions(0, pushed))
        checks += sum(len(e.checks) for e in effects if isinstance(e, CheckSignatures))
        after = talking.verify(effects)
        gone |= any(isinstance(e, Disconnect) and e.code == "banned" for e in after)
    assert gone
    assert checks <= 500
    assert talking.router.ban_s(ANN, talking.now()) > 0


def test_the_same_bytes_from_two_peers_are_checked_once() -> None:
    talking = talk()
    first = talking.say(ANN, Transactions(0, (TX[0].raw,)))
    assert len(first) == 1
    assert talking.say(BOB, Transactions(0, (TX[0].raw,))) == []
    ticket = talking.router.submit(7, [TX[0].raw], talking.now())
    assert ticket == []
    answers = [e for e in talking.verify(first) if not isinstance(e, Send)]
    assert [type(e).__name__ for e in answers] == ["Answer"]


def test_junk_is_blamed_with_the_reason() -> None:
    talking = talk()
    (blame,) = talking.say(ANN, Transactions(0, (b"\x00",)))
    assert isinstance(blame, Penalize)
    assert blame.peer == ANN


def test_declined_transactions_are_neither_relayed_nor_blamed_nor_asked_again_at_once() -> None:
    talking = talk()
    poor = FOUNDING.transfer(0, amount=10**9)
    checks = talking.say(ANN, Transactions(0, (poor.raw,)))
    assert talking.verify(checks) == []
    assert talking.wait(1) == []
    assert talking.say(BOB, AnnounceTransactions((poor.id,))) == []


def test_out_of_order_arrivals_wait_for_each_other() -> None:
    talking = talk()
    for number in (3, 1, 2, 0):
        talking.verify(talking.say(ANN, Transactions(0, (TX[number].raw,))))
    assert len(talking.ledger.mempool) == 4


def test_serves_what_it_has_and_says_when_it_lacks_some() -> None:
    talking = talk()
    talking.verify(talking.say(ANN, Transactions(0, (TX[0].raw,))))
    talking.wait(1)
    assert talking.say(BOB, GetTransactions(5, (IDS[0],))) == [
        Send(BOB, Transactions(5, (TX[0].raw,)))
    ]
    assert talking.say(BOB, GetTransactions(6, (IDS[0], IDS[1]))) == [
        Send(BOB, Transactions(6, (TX[0].raw,))),
        Send(BOB, Transactions(6, ())),
    ]


def test_a_new_peer_hears_of_everything_pending_and_old_ones_are_reminded() -> None:
    talking = talk()
    talking.verify(talking.say(ANN, Transactions(0, (TX[0].raw, TX[1].raw))))
    talking.wait(1)
    talking.router.disconnected(CAT, talking.now())
    hello = talking.connect(CAT)
    assert Send(CAT, AnnounceTransactions((IDS[0], IDS[1]))) in hello
    later = talking.wait(REMIND_S * 2)
    reminders = [e for e in later if isinstance(e, Send)]
    assert any(e.message == AnnounceTransactions((IDS[0], IDS[1])) for e in reminders)


def test_a_peer_that_leaves_is_replaced_in_its_requests() -> None:
    talking = talk()
    talking.say(ANN, AnnounceTransactions((IDS[0],)))
    talking.say(BOB, AnnounceTransactions((IDS[0],)))
    effects = talking.router.disconnected(ANN, talking.now())
    assert Send(BOB, GetTransactions(2, (IDS[0],))) in effects
