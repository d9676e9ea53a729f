"""Members that take and do not give."""

from chain.primitives.hashing import Hash
from p2p.protocol.compact import compact
from p2p.wire.fields import Short
from p2p.wire.messages import (
    AnnounceBlock,
    AnnounceShort,
    AnnounceTransactions,
    Eager,
    GetBlocks,
    GetBlockTransactions,
    GetCompactBlock,
    GetHeaders,
    GetPeers,
    GetShort,
    GetTransactions,
    Message,
    Ping,
    Transactions,
)
from testnet.faults.gossip import PromiseNothing, Withhold
from testnet.rig.behaviours import behaviour_of
from tests.chain.founding import AUTHORITIES, grow, ledger, transfer
from tests.testnet.rig.fake_host import ANN, BOB, FakeHost

A, B = Hash(b"a" * 32), Hash(b"b" * 32)
REQUESTS: list[Message] = [
    GetBlocks(1, (A,)),
    GetHeaders(2, (A,), 5),
    GetTransactions(3, (A,)),
    GetShort(4, (Short(b"s" * 8),)),
    Eager(30),
    GetCompactBlock(A),
    GetBlockTransactions(4, A, (0,)),
]


def test_others_blocks_are_not_announced() -> None:
    chain = ledger()
    first, second = grow(chain, 1), grow(chain, 2)
    host = FakeHost(ledger=chain, author=AUTHORITIES[1].author)
    withhold = behaviour_of(Withhold())
    withhold.begin(host)
    own = AnnounceBlock(first.header.raw, first.seal)
    others = AnnounceBlock(second.header.raw, second.seal)
    assert withhold.outgoing(ANN, [own, others, Ping(1)]) == [own, Ping(1)]
    assert withhold.outgoing(ANN, [compact(first, 1, ())]) == [compact(first, 1, ())]
    assert withhold.outgoing(ANN, [compact(second, 1, ())]) == []
    assert withhold.hits == 2


def test_others_transactions_are_not_announced() -> None:
    withhold = behaviour_of(Withhold())
    withhold.begin(FakeHost())
    heard = AnnounceTransactions((A,))
    assert withhold.incoming(ANN, [heard]) == [heard]
    both, own = AnnounceTransactions((A, B)), AnnounceTransactions((B,))
    assert withhold.outgoing(BOB, [both, heard, own]) == [own, own]
    assert withhold.hits == 2


def test_others_transactions_are_not_pushed_and_served_all_the_same() -> None:
    withhold = behaviour_of(Withhold())
    withhold.begin(FakeHost())
    withhold.incoming(ANN, [Transactions(0, (b"theirs",))])
    both, own = Transactions(0, (b"theirs", b"ours")), Transactions(0, (b"ours",))
    served = Transactions(7, (b"theirs",))
    short = AnnounceShort((Short(b"s" * 8),))
    assert withhold.outgoing(BOB, [both, short, served]) == [own, served]
    assert withhold.hits == 2


def test_limited_to_a_peer_the_others_hear_everything() -> None:
    withhold = behaviour_of(Withhold(), ("n1",))
    withhold.begin(FakeHost())
    heard = AnnounceTransactions((A,))
    withhold.incoming(ANN, [heard])
    assert withhold.outgoing(ANN, [heard]) == []
    assert withhold.outgoing(BOB, [heard]) == [heard]


def test_requests_are_not_read() -> None:
    host = FakeHost()
    never = behaviour_of(PromiseNothing())
    never.begin(host)
    assert never.incoming(ANN, [*REQUESTS, GetPeers(1)]) == [GetPeers(1)]
    assert (never.hits, never.deadline_s()) == (len(REQUESTS), None)
    never.end()
    assert host.delivered == []


def test_requests_are_answered_after_all() -> None:
    host = FakeHost()
    late = behaviour_of(PromiseNothing(delay_ms=3_000))
    late.begin(host)
    assert late.incoming(ANN, list(REQUESTS)) == []
    assert late.deadline_s() == 103.0
    late.tick(host.passes(3))
    assert host.delivered == [(ANN, message) for message in REQUESTS]


def test_what_would_be_pushed_is_announced() -> None:
    chain = ledger()
    block, push = grow(chain, 1), transfer(0)
    never = behaviour_of(PromiseNothing())
    never.begin(FakeHost(ledger=chain))
    said = never.outgoing(ANN, [Transactions(0, (push.raw,)), compact(block, 1, ()), Ping(1)])
    assert said == [
        AnnounceTransactions((push.id,)),
        AnnounceBlock(block.header.raw, block.seal),
        Ping(1),
    ]
    assert never.hits == 2


def test_what_is_served_late_is_no_push() -> None:
    chain = ledger()
    block = grow(chain, 1)
    host = FakeHost(ledger=chain)
    late = behaviour_of(PromiseNothing(delay_ms=3_000))
    late.begin(host)
    late.incoming(ANN, [GetCompactBlock(block.header.id)])
    late.tick(host.passes(3))
    served = Transactions(7, (b"asked for",))
    answer = compact(block, 1, ())
    announced = AnnounceBlock(block.header.raw, block.seal)
    assert late.outgoing(ANN, [answer, served]) == [answer, served]
    assert late.outgoing(ANN, [answer]) == [announced]
    assert late.outgoing(BOB, [answer]) == [announced]
