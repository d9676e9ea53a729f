"""Two mempools that are compared, beside a naive model: the difference of two sets."""

import random

from hypothesis import given, settings
from hypothesis import strategies as st

from chain.primitives.hashing import Hash, sha256
from p2p.peers.peer import PeerId
from p2p.protocol.effects import Effect, Send
from p2p.protocol.holding import Holding
from p2p.protocol.instant import Now
from p2p.protocol.reconciliation import (
    AGAIN_GROWTH,
    AGAIN_S,
    ALL_MAX,
    COMPARED_BURST,
    COMPARED_RATE,
    EVERY_S,
    LIST_MAX,
    OWN_S,
    SUMMED_BURST,
    SUMMED_RATE,
    Reconciliation,
)
from p2p.wire.messages import Differ, Message, Reconcile
from p2p.wire.shorts import Shortener

ANN, BOB, CAT = (PeerId(name * 32) for name in (b"a", b"b", b"c"))
IDS = [sha256(b"%d" % number) for number in range(300)]
numbers = st.sets(st.integers(0, len(IDS) - 1), max_size=80)


class Side:
    """One of two nodes: what it holds, under its own key."""

    def __init__(self, name: PeerId, ids: list[Hash]) -> None:
        self.shortener = Shortener(name[:16])
        self.holding = Holding(self.shortener)
        for txid in ids:
            self.holding.add(txid)
        self.engine = Reconciliation(self.holding, random.Random(name[0]))


def message(effects: list[Effect]) -> Message:
    (sent,) = [effect.message for effect in effects if isinstance(effect, Send)]
    return sent


def compare(ours: Side, theirs: Side) -> tuple[list[Hash], list[Hash]]:
    """We ask: the ids that we announce then, and those they do."""
    ours.engine.connected(BOB, Now(0, 0))
    theirs.engine.connected(ANN, Now(0, 0))
    question = message(ours.engine.tick(Now(EVERY_S, 0), ()))
    assert isinstance(question, Reconcile)
    answer = theirs.engine.asked(ANN, question, ours.shortener, Now(EVERY_S, 0))
    if not any(isinstance(effect, Send) for effect in answer.effects):
        return [], answer.ids
    differ = message(answer.effects)
    assert isinstance(differ, Differ)
    return ours.engine.told(BOB, differ, Now(EVERY_S, 0)).ids, answer.ids


@settings(max_examples=60)
@given(numbers, numbers)
def test_whatever_one_has_and_the_other_lacks_is_announced(
    ours: set[int], theirs: set[int]
) -> None:
    mine, yours = ([IDS[n] for n in sorted(numbers)] for numbers in (ours, theirs))
    told, heard = compare(Side(ANN, mine), Side(BOB, yours))
    assert {IDS[n] for n in ours - theirs} <= set(told) <= set(mine)
    assert {IDS[n] for n in theirs - ours} <= set(heard) <= set(yours)
    assert len(set(told)) == len(told)
    if ours == theirs:
        assert (told, heard) == ([], [])


@settings(max_examples=60)
@given(st.lists(st.tuples(st.booleans(), st.integers(0, 30)), max_size=60))
def test_sums_depend_on_what_is_held_and_not_on_how_it_came(steps: list[tuple[bool, int]]) -> None:
    holding, model = Holding(Shortener(ANN[:16])), dict[Hash, None]()
    for adds, number in steps:
        if adds:
            holding.add(IDS[number])
            model[IDS[number]] = None
        else:
            holding.remove(IDS[number])
            model.pop(IDS[number], None)
    fresh = Holding(Shortener(ANN[:16]))
    for txid in reversed(model):
        fresh.add(txid)
    assert holding.sums.encode() == fresh.sums.encode()
    assert list(holding) == list(model)


def test_a_new_peer_is_sent_sums_only_when_there_is_much() -> None:
    few, many = Side(ANN, IDS[:ALL_MAX]), Side(ANN, IDS[: ALL_MAX + 1])
    assert few.engine.connected(BOB, Now(0, 0)) == []
    assert isinstance(message(many.engine.connected(BOB, Now(0, 0))), Reconcile)


def test_more_than_can_be_listed_is_compared_again_soon() -> None:
    ids = [sha256(b"x%d" % number) for number in range(LIST_MAX + 100)]
    ours = Side(ANN, ids)
    told, heard = compare(ours, Side(BOB, []))
    assert len(told) == len(set(told)) == LIST_MAX
    assert heard == []
    again = ours.engine.tick(Now(EVERY_S + AGAIN_S, 0), ())
    assert isinstance(message(again), Reconcile)


def test_mempools_that_stay_different_are_compared_again_ever_later_and_not_for_ever() -> None:
    ours = Side(ANN, [sha256(b"x%d" % number) for number in range(LIST_MAX + 100)])
    ours.engine.connected(BOB, Now(0, 0))
    asked_s: list[float] = []
    for half_s in range(2 * int(2 * EVERY_S)):
        now = Now(half_s / 2, 0)
        if ours.engine.tick(now, ()):
            asked_s.append(now.s)
            ours.engine.told(BOB, Differ(2**64 - 1, True), now)
    first_s = asked_s[0]
    later_s = [at_s - first_s for at_s in asked_s]
    a_round = [0, AGAIN_S, AGAIN_S + AGAIN_S * AGAIN_GROWTH]
    assert later_s[: 2 * len(a_round)] == a_round + [EVERY_S + at_s for at_s in a_round]


def test_who_was_not_asked_tells_nothing() -> None:
    side = Side(ANN, IDS)
    side.engine.connected(BOB, Now(0, 0))
    side.engine.told(BOB, Differ(1, False), Now(1, 0))
    assert side.engine.told(BOB, Differ(1, False), Now(1, 0)).ids == []


def answers(side: Side, peer: PeerId, now_s: float) -> int:
    """How often a peer that asks again and again is answered."""
    count = 0
    while side.engine.asked(peer, Reconcile(b""), Shortener(peer[:16]), Now(now_s, 0)).ids:
        count += 1
    return count


def test_who_asks_again_and_again_leaves_the_sums_to_others() -> None:
    side = Side(ANN, IDS)
    for peer in (BOB, CAT):
        side.engine.connected(peer, Now(0, 0))
    assert answers(side, BOB, 1) == COMPARED_BURST
    assert answers(side, CAT, 1) == COMPARED_BURST
    assert answers(side, BOB, 1 + 1 / COMPARED_RATE) == 1


def test_sums_have_a_budget_for_all_together() -> None:
    side = Side(ANN, IDS)
    peers = [PeerId(sha256(b"peer %d" % number)) for number in range(200)]
    for peer in peers:
        side.engine.connected(peer, Now(0, 0))
    served = SUMMED_BURST // (len(IDS) * round(COMPARED_BURST))
    expected = [COMPARED_BURST] * served + [1] * (len(peers) - served)
    assert [answers(side, peer, 0) for peer in peers] == expected


def test_who_spends_the_budget_of_all_leaves_each_other_peer_a_comparison() -> None:
    side = Side(ANN, [sha256(b"x%d" % number) for number in range(SUMMED_BURST // 4)])
    for peer in (BOB, CAT):
        side.engine.connected(peer, Now(0, 0))
    assert answers(side, BOB, 0) == 5, "four of everybody's, one of its own"
    assert answers(side, CAT, 0) == 1
    full_s = SUMMED_BURST / SUMMED_RATE
    assert [answers(side, BOB, s) for s in (full_s, full_s + 1)] == [2, 0]
    assert answers(side, CAT, OWN_S) == 5, "its own one has come back"
