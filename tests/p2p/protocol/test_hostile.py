"""Random conversations with hostile peers: whatever they say, nothing breaks and nothing stays.

They know the network's real blocks, transactions and keys, say everything there is to say about
them, rightly or not, answer what they are asked or something else, hang up and come back. Seeds are
the tests' parameters: a failing one is its own replay.
"""

import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache
from typing import TypeVar

import pytest

from chain.block import Block, encode_block
from chain.consensus.finality.vote import Checkpoint, SignedVote, Vote
from chain.primitives.hashing import Hash
from chain.primitives.keys import verify_all
from p2p.peers.peer import PeerId
from p2p.protocol.compact import compact
from p2p.protocol.effects import CheckSignatures, Disconnect, Effect, Send
from p2p.wire.fields import Short
from p2p.wire.messages import (
    AnnounceBlock,
    AnnounceShort,
    AnnounceTransactions,
    Blocks,
    BlockTransactions,
    CompactBlock,
    Differ,
    Eager,
    GetBlocks,
    GetBlockTransactions,
    GetCompactBlock,
    GetHeaders,
    GetPeers,
    GetShort,
    GetTransactions,
    Headers,
    Message,
    Peers,
    PreferBlocks,
    Reconcile,
    ShortKey,
    Transactions,
    Votes,
)
from p2p.wire.shorts import Shortener
from tests.p2p.protocol.conversation import (
    FOUNDING,
    SLOT_NOW,
    Conversation,
    extend,
    make_ledger,
    propose,
)

STEPS = 400
TXS = [FOUNDING.transfer(number) for number in range(40)]
Thing = TypeVar("Thing")
Asked = GetBlocks | GetHeaders | GetShort | GetTransactions | GetBlockTransactions


@cache
def chains() -> tuple[tuple[Block, ...], ...]:
    """Three branches with some transactions in them, and the first with two blocks more.

    Hostile peers do not know those two: without them it could be the third to have a block of an
    author in a slot, which is none to catch up with.
    """
    made: list[tuple[Block, ...]] = []
    for first_slot in (1, 2, 3):
        ledger = make_ledger()
        first = propose(ledger, first_slot, FOUNDING.authorities)
        assert first is not None
        branch = [first]
        for number in range(12):
            ledger.submit(TXS[number], ledger.head.slot + 1)
            branch += extend(ledger, 1 + number % 3)
        made.append(tuple(branch))
        if first_slot == 1:
            longer = (*branch, *extend(ledger, 2))
    return (*made, longer)


class Siege(Conversation):
    """A node and whoever comes to it."""

    def __init__(self, seed: int) -> None:
        super().__init__()
        self.rng = random.Random(seed)
        self.here: dict[PeerId, list[Asked]] = {}  # and what each has been asked
        self.jobs: list[CheckSignatures] = []
        self.gone: list[PeerId] = []
        self.blocks = [block for branch in chains()[:3] for block in branch]
        self.lines: list[Callable[[PeerId], Message]] = [
            lambda _: self.announce(),
            lambda _: self.shown_compactly(),
            lambda _: Votes(self.votes()),
            lambda _: AnnounceTransactions(tuple(tx.id for tx in self.rng.sample(TXS, 3))),
            lambda _: AnnounceShort(self.shorts()),
            lambda _: Transactions(0, self.raws()),
            lambda _: Eager(self.rng.choice([0, 30, 300])),
            lambda peer: ShortKey(self.rng.choice([peer[:16], bytes(16)])),
            lambda _: Reconcile(b""),
            lambda _: Differ(self.rng.getrandbits(64), self.rng.random() < 0.5),
            lambda _: GetHeaders(self.number(), (self.block.id,), 128),
            lambda _: GetBlocks(self.number(), (self.block.id,)),
            lambda _: GetCompactBlock(self.block.id),
            lambda _: GetBlockTransactions(self.number(), self.block.id, (0,)),
            lambda peer: GetShort(self.number(), (Shortener(peer[:16]).of(TXS[0].id),)),
            lambda _: Peers(self.number(), (b"abc", b"b")),
            lambda _: GetPeers(self.number()),
            lambda _: PreferBlocks(self.rng.random() < 0.5),
        ]

    @property
    def block(self) -> Block:
        return self.rng.choice(self.blocks)

    def number(self) -> int:
        return self.rng.randrange(9)

    def announce(self) -> AnnounceBlock:
        block = self.block
        return AnnounceBlock(block.header.raw, self.rng.choice([block.seal] * 9 + [bytes(64)]))

    def shown_compactly(self) -> CompactBlock:
        message = compact(self.block, self.number(), [tx.raw for tx in TXS[: self.number()]])
        if self.rng.random() < 0.7:
            return message
        return replace(message, short_ids=(b"wrong!",) * len(message.short_ids))

    def shorts(self) -> tuple[Short, ...]:
        holding = self.router._gossip._holding
        return tuple(holding.short(tx.id) for tx in self.rng.sample(TXS, 3))

    def raws(self) -> tuple[bytes, ...]:
        raws = [tx.raw for tx in self.rng.sample(TXS, 3)]
        if self.rng.random() < 0.2:
            raws = [raw[:-1] + bytes([raw[-1] ^ 1]) for raw in raws]
        return tuple(raws)

    def votes(self) -> tuple[bytes, ...]:
        return tuple(self.vote() for _ in range(3))

    def vote(self) -> bytes:
        below, above = sorted(self.rng.sample(range(20), 2))
        branch = self.rng.choice(chains()[:3])
        source = Checkpoint(branch[below].id, branch[below].header.slot)
        target = Checkpoint(branch[above].id, self.rng.choice([above, SLOT_NOW - 1, SLOT_NOW]))
        vote, member = Vote(self.rng.choice([0, 0, 0, 1]), source, target), self.rng.randrange(5)
        signature = FOUNDING.authorities[member % 4].vote.sign(vote.signed_bytes(self.ledger.chain))
        honest = self.rng.random() < 0.7
        return SignedVote(vote, member, signature if honest else bytes(64)).encode()

    def answer(self, asked: Asked) -> Message:
        """What was asked for, some of it, something else, or nothing."""
        match asked:
            case GetHeaders(number):
                branch = self.rng.choice(chains()[:3])
                part = branch[self.rng.randrange(5) : self.rng.randrange(30)]
                return Headers(number, tuple((b.header.raw, b.seal) for b in part))
            case GetBlocks(number, ids):
                had = [block for block in self.blocks if block.id in ids]
                had = [replace(b, transactions=()) for b in had] if self.odd() else had
                return Blocks(number, tuple(map(encode_block, self.some(had))))
            case GetBlockTransactions(number, block_id, places):
                block = next(block for block in self.blocks if block.id == block_id)
                had = [raw for place, raw in enumerate(block.transactions) if place in places]
                return BlockTransactions(number, tuple(self.some(had)))
            case GetShort(number) | GetTransactions(number):
                return Transactions(number, tuple(self.some(self.raws())))

    def odd(self) -> bool:
        return self.rng.random() < 0.1

    def some(self, things: Sequence[Thing]) -> Sequence[Thing]:
        return self.rng.choice([things, things, things[:1], ()])

    def act(self) -> None:
        """One more thing happens."""
        peer = PeerId(bytes([self.rng.randrange(97, 103)]) * 32)
        if peer not in self.here:
            if not self.router.ban_s(peer, self.now()):
                self.here[peer] = []
                head = self.rng.choice([self.block.id, Hash(self.rng.randbytes(32))])
                outbound = self.rng.random() < 0.5
                self.note(self.connect(peer, self.rng.randrange(40), head, outbound=outbound))
        elif self.rng.random() < 0.03:
            self.leave(peer)
        else:
            asked = self.here[peer][-4:]
            if asked and self.rng.random() < 0.5:
                message = self.answer(self.rng.choice(asked))
            else:
                message = self.rng.choice(self.lines)(peer)
            self.note(self.router.receive(peer, message, self.now()))
        if self.jobs and self.rng.random() < 0.6:
            self.check(self.jobs.pop(self.rng.randrange(len(self.jobs))))
        if self.rng.random() < 0.5:
            self.pass_s(self.rng.choice([0.001, 0.01, 0.3, 1, 5]))
        for gone in dict.fromkeys(self.gone):
            self.leave(gone)
        self.gone.clear()

    def leave(self, peer: PeerId) -> None:
        if self.here.pop(peer, None) is not None:
            self.note(self.router.disconnected(peer, self.now()))

    def check(self, job: CheckSignatures) -> None:
        verdicts = verify_all(job.checks)
        self.note(self.router.signatures_checked(job.job, verdicts, self.now()))

    def pass_s(self, seconds: float) -> None:
        self.s += seconds
        deadline_s = self.router.deadline_s()
        if deadline_s is not None and deadline_s <= self.s:
            self.note(self.router.tick(self.now()))

    def note(self, effects: list[Effect]) -> None:
        for effect in effects:
            match effect:
                case Send(peer, message) if isinstance(message, Asked) and peer in self.here:
                    self.here[peer].append(message)
                case Disconnect(peer):
                    self.gone.append(peer)
                case CheckSignatures():
                    self.jobs.append(effect)
                case _:
                    pass

    def end(self) -> None:
        """All signatures are checked, everybody leaves, and a while goes by."""
        for peer in list(self.here):
            self.leave(peer)
        while self.jobs:
            self.check(self.jobs.pop())
        for _ in range(60):
            self.pass_s(1)


@pytest.mark.parametrize("seed", range(25))
def test_whatever_peers_say_nothing_breaks_and_nothing_of_theirs_stays(seed: int) -> None:
    siege = Siege(seed)
    for _ in range(STEPS):
        siege.act()
    siege.end()
    router = siege.router
    gossip, blocks, ballots = router._gossip, router._blocks, router._ballots
    tracker, admission = gossip._pulls._tracker, gossip._admission
    for left in (
        *(tracker._wanted, tracker._requests, tracker._peers),
        *(admission._validation._candidates, admission._turns._turns, admission._allowances),
        *(gossip._leases._held, gossip._leases._waiting, gossip._leases._outbound),
        *(gossip._offers._peers, gossip._mesh._links, gossip._reconciliation._peers),
        *(ballots._checking, ballots._batches, ballots._turns._turns, ballots._peers),
        *(blocks._downloads._requests, blocks._downloads._peers, blocks._rebuilds._open),
        *(blocks._rebuilds._slow_until_s, blocks._orphans._kept, blocks._intake._checking),
        *(router._sync._asked, router._sync._peers, router._sync._early, router._wanted.claims),
        *(router._discovery._links, router._gossip_jobs, router._leaving, router._paces),
    ):
        assert len(left) == 0
    assert ballots._waiting == 0
    rescue(siege, chains()[3])


def rescue(siege: Siege, branch: Sequence[Block]) -> None:
    """One honest peer is enough to catch up."""
    peer = PeerId(b"z" * 32)
    siege.here[peer] = []
    siege.note(siege.connect(peer, len(branch), branch[-1].id, outbound=True))
    for _ in range(200):
        if siege.ledger.has_block(branch[-1].id):
            return
        for asked in siege.here[peer]:
            siege.note(siege.router.receive(peer, honestly(asked, branch), siege.now()))
        siege.here[peer].clear()
        while siege.jobs:
            siege.check(siege.jobs.pop())
        siege.pass_s(0.5)
    raise AssertionError("it has not caught up")


def honestly(asked: Asked, branch: Sequence[Block]) -> Message:
    """What a peer that knows one branch answers."""
    match asked:
        case GetHeaders(number, locator):
            known = [place for place, block in enumerate(branch) if block.id in locator]
            after = branch[max(known, default=-1) + 1 :]
            return Headers(number, tuple((b.header.raw, b.seal) for b in after))
        case GetBlocks(number, ids):
            return Blocks(number, tuple(encode_block(b) for b in branch if b.id in ids))
        case GetBlockTransactions(number):
            return BlockTransactions(number, ())
        case GetShort(number) | GetTransactions(number):
            return Transactions(number, ())
