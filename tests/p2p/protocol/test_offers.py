"""What peers are told: pushes and announcements by the room there is, clashes of short ids."""

import random

from chain.primitives.hashing import Hash
from chain.transactions.envelope import Transaction
from p2p.peers.peer import PeerId
from p2p.protocol.effects import Effect, Send
from p2p.protocol.holding import Holding
from p2p.protocol.instant import Now
from p2p.protocol.offers import FLUSH_MAX_S, PROMPT_MAX, ROUND_MAX_S, STUCK_S, Offers, boundless
from p2p.wire.fields import Short
from p2p.wire.messages import AnnounceShort, AnnounceTransactions, Message, Transactions
from p2p.wire.shorts import Shortener
from tests.p2p.protocol.conversation import ANN, BOB, FOUNDING, make_ledger

TX = [FOUNDING.transfer(n) for n in range(40)]


class Alike(Shortener):
    """Under this key all ids look alike."""

    def of(self, txid: Hash) -> Short:
        return Short(bytes(8))


class Told:
    """Offers to Ann and Bob over a full mempool, with queues of a size that the test sets."""

    def __init__(self) -> None:
        ledger = make_ledger()
        for tx in TX:
            ledger.submit(tx, 1000)
        self.room = {ANN: 10**6, BOB: 10**6}
        self.offers = Offers(ledger.mempool, self._room, random.Random(1))
        for peer in (ANN, BOB):
            self.offers.connected(peer)

    def _room(self, peer: PeerId) -> int:
        return self.room[peer]

    def fresh(
        self, txs: list[Transaction], *to: PeerId, s: float = 0
    ) -> list[tuple[int, int, int]]:
        _, told = self.offers.fresh(txs, to, Now(s, 0))
        return [(told[tx.id].pushed, told[tx.id].announced, told[tx.id].queued) for tx in txs]

    def flush(self, s: float) -> list[Message]:
        return [e.message for e in self.offers.tick(Now(s, 0)) if isinstance(e, Send)]


def sent(effects: list[Effect]) -> list[Message]:
    return [effect.message for effect in effects if isinstance(effect, Send)]


def test_what_a_queue_has_no_room_for_is_announced_and_what_it_cannot_be_told_waits() -> None:
    told = Told()
    told.offers.shorten(ANN, Shortener(b"k" * 16))
    told.room[ANN] = 2 * (len(TX[0].raw) + 16)
    told.room[BOB] = 0
    assert told.fresh(TX[:4], ANN, BOB) == [(1, 0, 1), (1, 0, 1), (0, 1, 1), (0, 1, 1)]
    (announced,) = told.flush(FLUSH_MAX_S)
    assert isinstance(announced, AnnounceShort)
    assert len(announced.ids) == 2
    assert told.flush(2 * FLUSH_MAX_S) == []
    told.room[BOB] = 10**6
    (late,) = told.flush(4 * FLUSH_MAX_S)
    assert late == AnnounceTransactions(tuple(tx.id for tx in TX[:4]))
    assert told.offers.deadline_s() is None, "everybody has been told everything"


def test_sent_queued_and_announced_add_up_over_any_sequence() -> None:
    told, rng = Told(), random.Random(7)
    pushed = announced = 0
    for number, tx in enumerate(TX):
        for peer in (ANN, BOB):
            told.room[peer] = rng.choice([0, 300, 10**6])
        ((first, second, third),) = told.fresh([tx], ANN, s=number)
        assert first + second + third == 2
        pushed += first
        announced += sum(
            len(m.ids) for m in told.flush(number + 0.5) if isinstance(m, AnnounceTransactions)
        )
    told.room = {ANN: 10**6, BOB: 10**6}
    announced += sum(len(m.ids) for m in told.flush(1000) if isinstance(m, AnnounceTransactions))
    assert pushed + announced == 2 * len(TX)


def test_a_queue_without_room_for_long_is_stuck_until_it_has_some() -> None:
    told = Told()
    told.room[BOB] = 0
    told.fresh(TX[:1], BOB)
    told.flush(1)
    assert told.offers.stuck(Now(1 + STUCK_S, 0)) == []
    assert told.offers.stuck(Now(2 + STUCK_S, 0)) == [BOB]
    told.room[BOB] = 1000
    told.flush(3 + STUCK_S)
    assert told.offers.stuck(Now(100, 0)) == []


def test_what_turns_out_to_be_known_is_not_told() -> None:
    told = Told()
    told.fresh(TX[:2])
    told.offers.knows(ANN, TX[0].id)
    first, second = told.flush(1)
    assert first == AnnounceTransactions((TX[1].id,))
    assert second == AnnounceTransactions((TX[0].id, TX[1].id))


def crowd(count: int) -> tuple[Offers, list[PeerId]]:
    ledger = make_ledger()
    for tx in TX[:2]:
        ledger.submit(tx, 1000)
    offers = Offers(ledger.mempool, boundless, random.Random(1))
    peers = [PeerId(bytes([number]) * 32) for number in range(count)]
    for peer in peers:
        offers.connected(peer)
    return offers, peers


def addressees(effects: list[Effect]) -> list[PeerId]:
    return [effect.peer for effect in effects if isinstance(effect, Send)]


def test_of_many_peers_some_are_told_promptly_and_the_rest_in_a_round() -> None:
    offers, peers = crowd(3 * PROMPT_MAX)
    offers.fresh(TX[:1], (), Now(0, 0))
    prompt = addressees(offers.tick(Now(FLUSH_MAX_S, 0)))
    assert len(dict.fromkeys(prompt)) == PROMPT_MAX
    due_s = offers.deadline_s()
    assert due_s is not None
    assert FLUSH_MAX_S < due_s <= FLUSH_MAX_S + ROUND_MAX_S
    assert offers.tick(Now(due_s - 0.001, 0)) == []
    rest = [peer for peer in peers if peer not in prompt]
    offers.knows(rest[0], TX[0].id)
    assert addressees(offers.tick(Now(due_s, 0))) == rest[1:]
    assert offers.deadline_s() is None


def test_each_flush_draws_anew_and_tells_all_that_waits_for_the_drawn() -> None:
    offers, peers = crowd(3 * PROMPT_MAX)
    offers.fresh(TX[:1], (), Now(0, 0))
    first = addressees(offers.tick(Now(FLUSH_MAX_S, 0)))
    offers.fresh(TX[1:2], (), Now(FLUSH_MAX_S, 0))
    second = offers.tick(Now(2 * FLUSH_MAX_S, 0))
    assert addressees(second) not in (first, peers[:PROMPT_MAX])
    both = AnnounceTransactions((TX[0].id, TX[1].id))
    assert [e.peer for e in second if isinstance(e, Send) and e.message == both] == [
        peer for peer in addressees(second) if peer not in first
    ]


def test_as_many_as_are_told_promptly_need_no_round() -> None:
    offers, peers = crowd(PROMPT_MAX)
    offers.fresh(TX[:1], (), Now(0, 0))
    assert addressees(offers.tick(Now(FLUSH_MAX_S, 0))) == peers
    assert offers.deadline_s() is None


def test_ids_that_look_alike_are_told_in_full_and_both_are_found() -> None:
    told = Told()
    told.offers.shorten(ANN, Alike(b"k" * 16))
    told.offers.knows(BOB, TX[0].id)
    told.offers.knows(BOB, TX[1].id)
    told.fresh(TX[:2])
    assert told.flush(1) == [AnnounceShort((Short(bytes(8)),)), AnnounceTransactions((TX[1].id,))]
    assert told.offers.resolve(ANN, Short(bytes(8))) == TX[0].id


def test_ids_that_look_alike_are_both_held_and_add_up() -> None:
    holding = Holding(Alike(b"k" * 16))
    empty = holding.sums.encode()
    holding.add(TX[0].id)
    one = holding.sums.encode()
    holding.add(TX[1].id)
    assert list(holding) == [TX[0].id, TX[1].id]
    assert holding.find(Short(bytes(8))) == TX[0].id
    assert holding.sums.encode() not in (empty, one)
    holding.remove(TX[1].id)
    assert holding.find(Short(bytes(8))) == TX[0].id
    holding.remove(TX[0].id)
    assert holding.sums.encode() == empty == b""


def test_one_value_is_sent_to_all_who_lack_the_same() -> None:
    told = Told()
    effects, _ = told.offers.fresh(TX[:3], (ANN, BOB), Now(0, 0))
    one, other = sent(effects)
    assert isinstance(one, Transactions)
    assert one is other
