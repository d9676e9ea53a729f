"""Conversations about transactions."""

from collections.abc import Sequence

import pytest

from chain.block import encode_block
from chain.primitives.hashing import Hash
from chain.primitives.keys import KeyPair
from chain.transactions.document import KEYS_MAX, DidDocument, Key, Purpose
from chain.transactions.envelope import sign_transaction
from chain.transactions.identity import register
from chain.transactions.payment import Transfer
from p2p.peers.peer import PeerId
from p2p.peers.requests import ASKED_MAX, TIMEOUT_S
from p2p.protocol import allowances, gossip
from p2p.protocol.allowances import UNKEPT_MAX, UNKEPT_S, UNVERIFIED_MAX
from p2p.protocol.effects import Answer, CheckSignatures, Disconnect, Effect, Penalize, Send
from p2p.protocol.gossip import GossipSettings
from p2p.protocol.mesh import LEASE_S, PATIENCE_MIN_S, PLAN_S
from p2p.protocol.offers import FLUSH_MAX_S
from p2p.protocol.turns import CHECKING_MAX, WRONG_PER_CHARGE
from p2p.wire.fields import SHORT_BYTES, Short
from p2p.wire.messages import (
    AnnounceBlock,
    AnnounceShort,
    AnnounceTransactions,
    Blocks,
    Differ,
    Eager,
    GetShort,
    GetTransactions,
    Reconcile,
    ShortKey,
    Transactions,
)
from p2p.wire.shorts import Shortener
from tests.p2p.protocol.conversation import (
    ANN,
    BOB,
    CAT,
    FOUNDING,
    SLOT_NOW,
    Conversation,
    extend,
    make_ledger,
)
from tests.parties import party

TX = [FOUNDING.transfer(n) for n in range(8)]
IDS = [tx.id for tx in TX]
KEYS = {peer: peer[:16] for peer in (ANN, BOB, CAT)}


def broken(raw: bytes) -> bytes:
    return raw[:-1] + bytes([raw[-1] ^ 1])


class Talk(Conversation):
    """A node with the given number of eager links, whose three peers have said their keys."""

    def __init__(self, eager: int = 0) -> None:
        super().__init__(gossip=GossipSettings(eager))
        self.key = b""
        for peer in (ANN, BOB, CAT):
            for effect in self.connect(peer):
                if isinstance(effect, Send) and isinstance(effect.message, ShortKey):
                    self.key = effect.message.key
            self.say(peer, ShortKey(KEYS[peer]))
        self.wait(0.1)

    def ours(self, ids: Sequence[Hash]) -> tuple[Short, ...]:
        """Ids as the node wants to be told of them."""
        return tuple(map(Shortener(self.key).of, ids))


def theirs(peer: bytes, *ids: Hash) -> tuple[Short, ...]:
    """Ids as a peer wants to be told of them."""
    return tuple(map(Shortener(peer[:16]).of, ids))


def sends(effects: list[Effect]) -> list[Effect]:
    return [effect for effect in effects if isinstance(effect, Send)]


def test_an_announcement_is_asked_for_checked_accepted_and_announced_to_the_others() -> None:
    talking = Talk()
    shorts = talking.ours(IDS[:2])
    assert talking.say(ANN, AnnounceShort(shorts)) == [Send(ANN, GetShort(1, shorts))]
    effects = talking.say(ANN, Transactions(1, (TX[0].raw, TX[1].raw)))
    assert effects == [CheckSignatures(1, (TX[0].check, TX[1].check))]
    assert talking.verify(effects) == []
    assert talking.wait(FLUSH_MAX_S) == [
        Send(BOB, AnnounceShort(theirs(BOB, *IDS[:2]))),
        Send(CAT, AnnounceShort(theirs(CAT, *IDS[:2]))),
    ]
    assert talking.wait(1) == []


def test_who_holds_a_lease_is_pushed_to_at_once_and_not_told_again() -> None:
    talking = Talk()
    assert talking.say(BOB, Eager(LEASE_S)) == []
    effects = talking.say(ANN, Transactions(0, (TX[0].raw,)))
    assert talking.verify(effects) == [Send(BOB, Transactions(0, (TX[0].raw,)))]
    assert talking.wait(1) == [Send(CAT, AnnounceShort(theirs(CAT, IDS[0])))]
    assert talking.say(BOB, Eager(0)) == []
    effects = talking.say(ANN, Transactions(0, (TX[1].raw,)))
    assert talking.verify(effects) == []


def test_own_publications_are_pushed_to_everybody_and_the_answer_says_so() -> None:
    talking = Talk()
    talking.say(CAT, AnnounceShort(talking.ours([IDS[1]])))
    effects = talking.verify(talking.router.submit(7, [TX[0].raw, TX[1].raw], talking.now()))
    both, one = Transactions(0, (TX[0].raw, TX[1].raw)), Transactions(0, (TX[0].raw,))
    assert sends(effects) == [Send(ANN, both), Send(BOB, both), Send(CAT, one)]
    (answer,) = [effect for effect in effects if isinstance(effect, Answer)]
    assert [(r.pushed, r.announced, r.queued) for r in answer.results] == [(3, 0, 0), (2, 0, 0)]


def test_each_is_asked_from_one_peer_and_elsewhere_on_silence() -> None:
    talking = Talk()
    shorts = talking.ours(IDS[:1])
    assert len(talking.say(ANN, AnnounceShort(shorts))) == 1
    assert talking.say(BOB, AnnounceShort(shorts)) == []
    assert talking.wait(TIMEOUT_S - 0.1) == []
    assert talking.wait(0.2) == [Send(BOB, GetShort(2, shorts))]
    assert talking.say(ANN, AnnounceShort(shorts)) == []


def test_a_peer_that_lacks_it_says_so_and_the_next_is_asked_at_once() -> None:
    talking = Talk()
    shorts = talking.ours(IDS[:1])
    talking.say(ANN, AnnounceShort(shorts))
    talking.say(BOB, AnnounceShort(shorts))
    assert talking.say(ANN, Transactions(1, ())) == [Send(BOB, GetShort(2, shorts))]


def test_eager_links_have_their_time_before_anybody_is_asked() -> None:
    talking = Talk(eager=1)
    shorts = talking.ours(IDS[:2])
    assert talking.say(CAT, AnnounceShort(shorts)) == []
    talking.verify(talking.say(ANN, Transactions(0, (TX[0].raw,))))
    later = talking.wait(PATIENCE_MIN_S + 0.02)
    assert Send(CAT, GetShort(1, shorts[1:])) in later


def test_a_wrong_signature_is_blamed_not_relayed_and_the_right_bytes_still_come() -> None:
    talking = Talk()
    shorts = talking.ours(IDS[:1])
    talking.say(ANN, AnnounceShort(shorts))
    talking.say(BOB, AnnounceShort(shorts))
    wrong = talking.say(ANN, Transactions(1, (broken(TX[0].raw),)))
    after = talking.verify(wrong)
    blame, ask = sorted(after, key=lambda e: isinstance(e, Send))
    assert isinstance(blame, Penalize)
    assert (blame.peer, blame.code) == (ANN, "invalid-signature")
    assert ask == Send(BOB, GetShort(2, shorts))
    assert talking.verify(talking.say(BOB, Transactions(2, (TX[0].raw,)))) == []
    assert talking.ledger.mempool.has(IDS[0])
    again = talking.say(CAT, Transactions(0, (broken(TX[0].raw),)))
    assert [e.code for e in again if isinstance(e, Penalize)] == ["known-invalid"]


def test_a_flood_of_wrong_signatures_costs_the_flooder_its_connection() -> None:
    talking = Talk()
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


def verified(talking: Talk, effects: list[Effect]) -> tuple[list[int], list[Effect]]:
    """Check signatures until there are none to check: how many each time, and what else follows."""
    checks: list[int] = []
    after: list[Effect] = []
    while sizes := [len(e.checks) for e in effects if isinstance(e, CheckSignatures)]:
        checks += sizes
        effects = talking.verify(effects)
        after += [e for e in effects if not isinstance(e, CheckSignatures)]
    return checks, after


@pytest.mark.parametrize("asked", [False, True])
def test_however_many_wrong_signatures_come_at_once_one_turn_of_them_is_checked(
    asked: bool,
) -> None:
    talking = Talk()
    txs = [FOUNDING.transfer(n) for n in range(ASKED_MAX)]
    if asked:
        effects = talking.say(ANN, AnnounceShort(talking.ours([tx.id for tx in txs])))
        assert all(isinstance(e, Send) and isinstance(e.message, GetShort) for e in effects)
    effects = talking.say(ANN, Transactions(0, tuple(broken(tx.raw) for tx in txs)))
    checks, after = verified(talking, effects)
    assert checks == [CHECKING_MAX]
    assert [e.code for e in after if isinstance(e, Disconnect)] == ["banned"]


def test_wrong_signatures_in_small_numbers_are_charged_for_by_the_message() -> None:
    talking = Talk()
    for number, points in ((1, 25), (WRONG_PER_CHARGE, 50), (WRONG_PER_CHARGE // 2, 75)):
        pushed = [broken(FOUNDING.transfer(points * 100 + n).raw) for n in range(number)]
        verified(talking, talking.say(ANN, Transactions(0, tuple(pushed))))
        assert talking.router.points(ANN, talking.now()) == points


def test_who_could_not_serve_is_asked_again_after_a_comparison_that_we_began() -> None:
    talking = Talk()
    announcement = AnnounceShort(talking.ours(IDS[:1]))

    def asked(effects: list[Effect]) -> list[PeerId]:
        return [e.peer for e in effects if isinstance(e, Send) and isinstance(e.message, GetShort)]

    assert asked(talking.say(ANN, announcement) + talking.wait(1)) == [ANN]
    talking.say(ANN, Transactions(1, ()))
    talking.say(ANN, Differ(1, False))
    assert asked(talking.say(ANN, announcement) + talking.wait(1)) == [], "it compared unasked"
    compared: list[PeerId] = []
    while ANN not in compared:
        sent = [e for e in talking.wait(1) if isinstance(e, Send)]
        compared = [e.peer for e in sent if isinstance(e.message, Reconcile)]
    talking.say(ANN, Differ(1, False))
    assert asked(talking.say(ANN, announcement) + talking.wait(1)) == [ANN]


def test_what_waits_behind_a_flood_still_comes_from_others() -> None:
    talking = Talk()
    flood = [broken(FOUNDING.transfer(100 + n).raw) for n in range(CHECKING_MAX)]
    effects = talking.say(ANN, Transactions(0, (*flood, TX[0].raw, TX[1].raw)))
    assert talking.say(BOB, Transactions(0, (TX[0].raw,))) == [], "the same bytes wait here"
    assert talking.router.submit(7, [TX[1].raw], talking.now()) == []
    checks, after = verified(talking, effects)
    assert checks == [CHECKING_MAX, 1], "a client waits for the second of them"
    assert [type(e).__name__ for e in after if isinstance(e, Answer)] == ["Answer"]
    after += talking.wait(PATIENCE_MIN_S)
    talking.router.disconnected(ANN, talking.now())
    after += talking.wait(TIMEOUT_S)
    (ask,) = [e for e in after if isinstance(e, Send) and isinstance(e.message, GetTransactions)]
    assert ask == Send(BOB, GetTransactions(1, (IDS[0],)))


def test_what_is_pushed_faster_than_signatures_are_checked_is_asked_for_later() -> None:
    talking = Talk()
    txs = [FOUNDING.transfer(n) for n in range(UNVERIFIED_MAX + 3)]
    raws = tuple(tx.raw for tx in txs)
    first = talking.say(ANN, Transactions(0, raws))
    late = tuple(tx.id for tx in txs[UNVERIFIED_MAX:])
    assert Send(ANN, GetTransactions(1, late)) in first, "whoever pushes announces no short ids"
    second = talking.say(ANN, Transactions(1, raws[UNVERIFIED_MAX:]))
    checks, _ = verified(talking, [*first, *second])
    assert checks == [CHECKING_MAX] * (UNVERIFIED_MAX // CHECKING_MAX) + [3]
    assert len(talking.ledger.mempool) == len(txs)


def test_what_one_connection_pushed_makes_no_room_for_the_next() -> None:
    talking = Talk()
    txs = [FOUNDING.transfer(n) for n in range(2 * UNVERIFIED_MAX + 10)]
    first = talking.say(ANN, Transactions(0, tuple(tx.raw for tx in txs[:UNVERIFIED_MAX])))
    talking.router.disconnected(ANN, talking.now())
    talking.connect(ANN)
    verified(talking, first)
    talking.say(ANN, ShortKey(KEYS[ANN]))
    more = talking.say(ANN, Transactions(0, tuple(tx.raw for tx in txs[UNVERIFIED_MAX:])))
    late = tuple(tx.id for tx in txs[2 * UNVERIFIED_MAX :])
    assert Send(ANN, GetTransactions(1, late)) in more


def test_registrations_take_turns_by_the_signatures_they_bring() -> None:
    talking = Talk()
    made: list[bytes] = []
    for number in range(2 * CHECKING_MAX // KEYS_MAX):
        owned = [KeyPair.from_seed(bytes([number, n]) + bytes(30)) for n in range(KEYS_MAX)]
        purposes = (Purpose.ADMIN, *[Purpose.TX] * (KEYS_MAX - 1))
        keys = zip(range(KEYS_MAX), purposes, owned, strict=True)
        document = DidDocument(tuple(Key(f"k{n}", use, pair.public) for n, use, pair in keys))
        body = register(document, talking.ledger.chain, {pair.public: pair for pair in owned})
        signed = sign_transaction(
            owned[1], talking.ledger.chain, document.id, 0, 0, SLOT_NOW + 100, body
        )
        made.append(signed.raw)
    checks, _ = verified(talking, talking.say(ANN, Transactions(0, tuple(made))))
    assert checks == [CHECKING_MAX // KEYS_MAX] * 2
    assert len(talking.ledger.mempool) == len(made)


def test_the_same_bytes_from_two_peers_are_checked_once() -> None:
    talking = Talk()
    first = talking.say(ANN, Transactions(0, (TX[0].raw,)))
    assert len(first) == 1
    assert talking.say(BOB, Transactions(0, (TX[0].raw,))) == []
    ticket = talking.router.submit(7, [TX[0].raw], talking.now())
    assert ticket == []
    answers = [e for e in talking.verify(first) if not isinstance(e, Send)]
    assert [type(e).__name__ for e in answers] == ["Answer"]
    assert talking.say(CAT, AnnounceShort(talking.ours(IDS[:1]))) == []
    assert talking.wait(1) == []


def test_junk_is_blamed_with_the_reason() -> None:
    talking = Talk()
    (blame,) = talking.say(ANN, Transactions(0, (b"\x00",)))
    assert isinstance(blame, Penalize)
    assert blame.peer == ANN


def test_declined_transactions_are_neither_relayed_nor_blamed_nor_asked_again_at_once() -> None:
    talking = Talk()
    poor = FOUNDING.transfer(0, amount=10**9)
    checks = talking.say(ANN, Transactions(0, (poor.raw,)))
    assert talking.verify(checks) == []
    assert talking.wait(1) == []
    assert talking.say(BOB, AnnounceShort(talking.ours([poor.id]))) == []


def test_out_of_order_arrivals_wait_for_each_other() -> None:
    talking = Talk()
    for number in (3, 1, 2, 0):
        talking.verify(talking.say(ANN, Transactions(0, (TX[number].raw,))))
    assert len(talking.ledger.mempool) == 4


def test_serves_what_it_has_and_says_when_it_lacks_some() -> None:
    talking = Talk()
    talking.verify(talking.say(ANN, Transactions(0, (TX[0].raw,))))
    talking.wait(1)
    assert talking.say(BOB, GetShort(5, theirs(BOB, IDS[0]))) == [
        Send(BOB, Transactions(5, (TX[0].raw,)))
    ]
    assert talking.say(ANN, GetShort(5, theirs(ANN, IDS[0]))) == [Send(ANN, Transactions(5, ()))]
    assert talking.say(BOB, GetTransactions(6, (IDS[0], IDS[1]))) == [
        Send(BOB, Transactions(6, (TX[0].raw,))),
        Send(BOB, Transactions(6, ())),
    ]


def test_a_peer_without_a_key_is_told_in_full_and_asked_in_full() -> None:
    talking = Talk()
    talking.verify(talking.say(ANN, Transactions(0, (TX[0].raw,))))
    talking.wait(1)
    talking.router.disconnected(CAT, talking.now())
    talking.connect(CAT)
    assert talking.wait(0.1) == [Send(CAT, AnnounceTransactions((IDS[0],)))]
    asked = talking.say(CAT, AnnounceTransactions((IDS[0], IDS[1])))
    assert asked == [Send(CAT, GetTransactions(1, (IDS[1],)))]


def test_a_key_is_said_once() -> None:
    talking = Talk()
    assert talking.say(BOB, ShortKey(b"another key....."[:16])) == []
    talking.verify(talking.say(ANN, Transactions(0, (TX[0].raw,))))
    assert Send(BOB, AnnounceShort(theirs(BOB, IDS[0]))) in talking.wait(1)


def test_a_peer_that_leaves_is_replaced_in_its_requests() -> None:
    talking = Talk()
    shorts = talking.ours(IDS[:1])
    talking.say(ANN, AnnounceShort(shorts))
    talking.say(BOB, AnnounceShort(shorts))
    effects = talking.router.disconnected(ANN, talking.now())
    assert Send(BOB, GetShort(2, shorts)) in effects


def test_promises_that_are_not_kept_cost_rank_and_little_blame_but_never_a_ban() -> None:
    talking = Talk()
    blamed = 0
    for number in range(300):
        kept = FOUNDING.transfer(number, lane=2)
        talking.say(ANN, AnnounceShort(talking.ours([kept.id])))
        talking.verify(talking.say(ANN, Transactions(0, (kept.raw,))))
        tx = FOUNDING.transfer(number, lane=3)
        talking.say(ANN, AnnounceShort(talking.ours([tx.id])))
        effects = talking.wait(11)
        assert not [e for e in effects if isinstance(e, Disconnect)]
        blamed += sum(isinstance(e, Penalize) and e.code == "unserved" for e in effects)
    assert 100 < blamed < 300


def test_who_keeps_none_of_its_promises_for_a_minute_is_let_go_but_not_banned() -> None:
    talking = Talk()
    since_s = talking.s
    gone: list[Disconnect] = []
    for number in range(20):
        if not gone:
            tx = FOUNDING.transfer(number, lane=3)
            talking.say(ANN, AnnounceShort(talking.ours([tx.id])))
            gone = [e for e in talking.wait(11) if isinstance(e, Disconnect)]
    assert [(e.peer, e.code) for e in gone] == [(ANN, "unserving")]
    assert UNKEPT_S <= talking.s - since_s <= 2 * UNKEPT_S
    assert talking.router.ban_s(ANN, talking.now()) == 0


def test_requests_that_run_out_at_once_are_one_silence() -> None:
    talking = Talk()
    txs = [FOUNDING.transfer(n, lane=3) for n in range(3 * UNKEPT_MAX)]
    for tx in txs:
        talking.say(ANN, AnnounceShort(talking.ours([tx.id])))
    assert not [e for e in talking.wait(30) if isinstance(e, Disconnect)]


def test_ids_that_look_alike_are_all_fetched_served_and_cost_nobody_anything(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(gossip, "Shortener", Alike)
    talking = Talk()
    alike = Short(bytes(SHORT_BYTES))
    talking.verify(talking.say(ANN, AnnounceShort((alike,))))
    talking.verify(talking.say(ANN, Transactions(1, (TX[0].raw,))))
    # The next looks like the one that is held, so it is not asked for by its short id ...
    assert talking.say(ANN, AnnounceShort((alike,))) == []
    # ... but by its full one, which an honest peer of the same view says when it has both.
    asked = talking.say(CAT, AnnounceTransactions((IDS[1],)))
    assert asked == [Send(CAT, GetTransactions(2, (IDS[1],)))]
    talking.verify(talking.say(CAT, Transactions(2, (TX[1].raw,))))
    assert all(map(talking.ledger.mempool.has, IDS[:2]))
    told = talking.wait(1)
    assert Send(BOB, AnnounceShort((alike,))) in told
    assert Send(BOB, AnnounceTransactions((IDS[1],))) in told
    assert talking.say(BOB, GetShort(1, (alike,))) == [Send(BOB, Transactions(1, (TX[0].raw,)))]
    in_full = talking.say(BOB, GetTransactions(2, (IDS[1],)))
    assert in_full == [Send(BOB, Transactions(2, (TX[1].raw,)))]
    assert [talking.router.points(p, talking.now()) for p in (ANN, BOB, CAT)] == [0, 0, 0]


class Alike(Shortener):
    """All ids look alike."""

    def of(self, txid: Hash) -> Short:
        return Short(bytes(SHORT_BYTES))


@pytest.mark.parametrize("other", [ANN, BOB, CAT])
def test_eager_links_are_of_two_networks_whatever_the_peers_say_of_themselves(
    other: PeerId,
) -> None:
    talking = Conversation()
    for number, peer in enumerate((ANN, BOB, CAT)):
        origin = "7.7" if peer == other else "66.6"
        talking.connect(peer, address=f"ws://10.{number}.0.1:80", origin=origin)
    for _ in range(20):
        talking.wait(PLAN_S)
        assert other in talking.router.eager, "two of one network are one"


def test_who_brings_mostly_what_is_declined_is_only_heard_when_asked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(allowances, "DECLINED_BURST", 10)
    talking = Talk()
    stranger, to = party("stranger"), Transfer("CNY", bytes(32), 1)
    chain, expiry = talking.ledger.chain, SLOT_NOW + 100
    made_up = [
        sign_transaction(stranger.tx, chain, stranger.did, 0, n, expiry, to) for n in range(30)
    ]
    talking.say(ANN, AnnounceShort(talking.ours(IDS[:2])))
    first = talking.say(ANN, Transactions(0, tuple(tx.raw for tx in made_up[:12])))
    assert sum(len(e.checks) for e in first if isinstance(e, CheckSignatures)) == 12
    assert talking.verify(first) == [], "nobody is blamed"
    rest = talking.say(ANN, Transactions(0, tuple(tx.raw for tx in made_up[12:])))
    assert rest == [], "and nothing is checked"
    many = tuple(tx.raw for tx in made_up[12:])
    assert talking.say(ANN, Transactions(1, many)) == [], "not under the number of a request either"
    assert talking.say(ANN, AnnounceShort(talking.ours(IDS[2:3]))) == []
    asked = talking.say(ANN, Transactions(1, (TX[0].raw, TX[1].raw)))
    assert [len(e.checks) for e in asked if isinstance(e, CheckSignatures)] == [2]
    others = talking.say(BOB, Transactions(0, (TX[2].raw,)))
    assert [len(e.checks) for e in others if isinstance(e, CheckSignatures)] == [1]
    talking.wait(1)
    again = talking.say(ANN, Transactions(0, (TX[3].raw,)))
    assert [len(e.checks) for e in again if isinstance(e, CheckSignatures)] == [1]


def test_what_is_done_with_counts_as_what_is_declined(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(allowances, "DECLINED_BURST", 3)
    talking = Talk()
    elsewhere = make_ledger()
    elsewhere.submit(TX[0], 1)
    (block,) = extend(elsewhere, 1)
    talking.say(ANN, AnnounceBlock(block.header.raw, block.seal))
    talking.verify(talking.say(ANN, Blocks(1, (encode_block(block),))))
    talking.wait(0.1)
    assert talking.ledger.is_included(IDS[0])
    for _ in range(4):
        assert talking.say(ANN, Transactions(0, (TX[0].raw,))) == []
    assert talking.say(ANN, Transactions(0, (TX[1].raw,))) == []
    assert talking.say(BOB, Transactions(0, (TX[1].raw,))) == [CheckSignatures(2, (TX[1].check,))]
