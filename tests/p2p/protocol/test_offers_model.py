"""Offers beside a naive model that remembers for every peer what it has and what it was told."""

import random

from hypothesis import given, settings
from hypothesis import strategies as st

from chain.primitives.hashing import Hash
from chain.transactions.envelope import decode_transaction
from p2p.peers.peer import PeerId
from p2p.protocol.effects import Effect, Send
from p2p.protocol.instant import Now
from p2p.protocol.offers import FLUSH_MAX_S, Offers
from p2p.wire.messages import AnnounceShort, AnnounceTransactions, Transactions
from p2p.wire.shorts import Shortener
from tests.p2p.protocol.conversation import ANN, BOB, CAT, FOUNDING, make_ledger

PEERS = (ANN, BOB, CAT)
TX = [FOUNDING.transfer(n) for n in range(24)]
NUMBER = {tx.id: number for number, tx in enumerate(TX)}
LEDGER = make_ledger()
for _tx in TX:
    LEDGER.submit(_tx, 1000)

peers = st.sampled_from(PEERS)
steps = st.one_of(
    st.tuples(st.just("fresh"), st.integers(1, 4), st.sets(peers)),
    st.tuples(st.just("knows"), peers, st.integers(0, len(TX) - 1)),
    st.tuples(st.just("room"), peers, st.sampled_from([0, 40, 400, 10**6])),
    st.tuples(st.just("again"), peers, st.integers(0, len(TX) - 1)),
    st.tuples(st.just("flush")),
)


class Model:
    """The offers under test, and what a list for each peer says about them."""

    def __init__(self) -> None:
        self.now_s = 0.0
        self.room: dict[PeerId, int] = dict.fromkeys(PEERS, 10**6)
        self.offers = Offers(LEDGER.mempool, self.room.__getitem__, random.Random(1))
        self.published = 0
        self.owed: dict[PeerId, list[int]] = {peer: [] for peer in PEERS}
        self.knows: dict[PeerId, list[int]] = {peer: [] for peer in PEERS}
        for peer in PEERS:
            self.offers.connected(peer)
        self.offers.shorten(ANN, Shortener(ANN[:16]))
        self.offers.shorten(BOB, Shortener(BOB[:16]))

    def fresh(self, count: int, to: set[PeerId]) -> None:
        numbers = range(self.published, min(len(TX), self.published + count))
        self.published = numbers.stop
        owed = {p: [n for n in numbers if n not in self.knows[p]] for p in PEERS}
        for peer, missing in owed.items():
            self.owed[peer] += [n for n in missing if n not in self.owed[peer]]
        holders = [peer for peer in PEERS if peer in to]
        txs = [TX[n] for n in numbers]
        effects, told = self.offers.fresh(txs, holders, Now(self.now_s, 0))
        pushed = self.heard(effects, holders)
        for number in numbers:
            counts = told[TX[number].id]
            assert counts.pushed == sum(number in heard for heard in pushed.values())
            total = counts.pushed + counts.announced + counts.queued
            assert total == sum(number in missing for missing in owed.values())

    def told_again(self, peer: PeerId, number: int) -> None:
        if number not in self.owed[peer]:
            self.owed[peer].append(number)
        self.offers.again(peer, [TX[number].id], Now(self.now_s, 0))

    def learnt(self, peer: PeerId, number: int) -> None:
        self.offers.knows(peer, TX[number].id)
        self.knows[peer].append(number)
        if number in self.owed[peer]:
            self.owed[peer].remove(number)

    def flush(self) -> None:
        self.now_s += 2 * FLUSH_MAX_S
        self.heard(self.offers.tick(Now(self.now_s, 0)), [])

    def heard(self, effects: list[Effect], holders: list[PeerId]) -> dict[PeerId, list[int]]:
        """Cross off what peers are told: it must be owed to them, and bodies only to holders."""
        pushed: dict[PeerId, list[int]] = {}
        for effect in effects:
            if not isinstance(effect, Send):
                continue
            numbers = [NUMBER[txid] for txid in self._ids(effect)]
            if isinstance(effect.message, Transactions):
                assert effect.peer in holders
                pushed[effect.peer] = numbers
            for number in numbers:
                self.owed[effect.peer].remove(number)
                self.knows[effect.peer].append(number)
        return pushed

    def _ids(self, effect: Send) -> list[Hash]:
        match effect.message:
            case Transactions(0, raws):
                return [decode_transaction(raw, FOUNDING.genesis.hash).id for raw in raws]
            case AnnounceTransactions(ids):
                return list(ids)
            case AnnounceShort(shorts):
                found = [self.offers.resolve(effect.peer, short) for short in shorts]
                return [txid for txid in found if txid is not None]
        raise AssertionError(f"offers send no {effect.message}")


@settings(max_examples=80, deadline=None)
@given(st.lists(steps, max_size=40))
def test_everybody_is_told_what_it_lacks_once_and_nothing_that_it_has(
    script: list[tuple[object, ...]],
) -> None:
    model = Model()
    for step in script:
        match step:
            case ("fresh", int(count), set(to)):
                model.fresh(count, to)
            case ("knows", bytes(peer), int(number)):
                model.learnt(PeerId(peer), number)
            case ("room", bytes(peer), int(room)):
                model.room[PeerId(peer)] = room
            case ("again", bytes(peer), int(number)):
                model.told_again(PeerId(peer), number)
            case _:
                model.flush()
    model.room.update(dict.fromkeys(PEERS, 10**6))
    for peer in PEERS:
        model.told_again(peer, 0)
    model.flush()
    assert model.owed == {peer: [] for peer in PEERS}
    assert model.offers.deadline_s() is None
