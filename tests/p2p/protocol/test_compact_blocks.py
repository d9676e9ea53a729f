"""Conversations about compact blocks: passed on, put together, and everything that can be wrong."""

import random
from dataclasses import replace

import pytest

from chain.block import Block, decode_header, encode_block, list_root
from chain.consensus.engine import HeaderNode
from chain.consensus.selection import engine_of
from chain.parameters import Consensus
from chain.primitives.hashing import Hash
from chain.transactions.envelope import Transaction
from p2p.peers.peer import PeerId
from p2p.protocol import blocks, rebuilding
from p2p.protocol.compact import compact
from p2p.protocol.effects import CheckSignatures, Effect, Penalize, Send
from p2p.protocol.recent import RecentTransactions
from p2p.protocol.relay import Relay
from p2p.protocol.wanted import WantedBlock
from p2p.wire.messages import (
    AnnounceBlock,
    Blocks,
    BlockTransactions,
    CompactBlock,
    GetBlocks,
    GetBlockTransactions,
    GetCompactBlock,
    GetHeaders,
    Headers,
    PreferBlocks,
    Transactions,
)
from tests.p2p.founding import found
from tests.p2p.protocol.conversation import (
    ANN,
    BOB,
    CAT,
    FOUNDING,
    SLOT_NOW,
    Conversation,
    make_ledger,
    propose,
)

NONCE = 5


class Talk(Conversation):
    """A router with three peers, and a block of the last slot that none of them has shown yet."""

    def __init__(self, transactions: int = 3, known: int = 3) -> None:
        super().__init__()
        self.source = make_ledger()
        self.raws = [self.pay(sequence).raw for sequence in range(transactions)]
        made = propose(self.source, SLOT_NOW - 4, FOUNDING.authorities)
        assert made is not None
        self.block = made
        for peer in (ANN, BOB, CAT):
            self.connect(peer)
        self.wait(0.1)
        if known:
            self.verify(self.say(ANN, Transactions(0, tuple(self.raws[:known]))))
        self.wait(0.1)

    def pay(self, sequence: int) -> Transaction:
        transaction = FOUNDING.transfer(sequence)
        self.source.submit(transaction, SLOT_NOW - 4)
        return transaction

    def next(self) -> Block:
        """The block after the last, empty."""
        made = propose(self.source, self.source.head.slot + 1, FOUNDING.authorities)
        assert made is not None
        return made

    def compact(self, *lacking: bytes, of: Block | None = None) -> CompactBlock:
        return compact(of or self.block, NONCE, lacking)

    def prefer(self, *peers: PeerId) -> None:
        for peer in peers:
            assert self.say(peer, PreferBlocks(True)) == []

    @property
    def head(self) -> Hash:
        return self.ledger.head.id


def sent(effects: list[Effect], kind: type) -> list[PeerId]:
    return [e.peer for e in effects if isinstance(e, Send) and isinstance(e.message, kind)]


def blame(effects: list[Effect]) -> list[tuple[PeerId, str, int]]:
    return [(e.peer, e.code, e.points) for e in effects if isinstance(e, Penalize)]


def resealed(block: Block, mark: int) -> Block:
    """Another block in the same place."""
    header = replace(block.header, state=Hash(bytes([mark]) * 32))
    author = next(p.author for p in FOUNDING.authorities if p.did == header.author)
    seal = engine_of(FOUNDING.genesis).seal(header, author, 0, range(1))
    assert seal is not None
    return Block(header, seal, block.certificates, block.transactions)


def bodies(request: int, *made: Block) -> Blocks:
    return Blocks(request, tuple(map(encode_block, made)))


# What all goes well


def test_a_block_is_put_together_from_the_mempool_without_a_question() -> None:
    talk = Talk()
    assert talk.say(ANN, talk.compact()) == []
    talk.wait(0.01)
    assert talk.head == talk.block.id


def test_it_is_passed_on_at_once_to_those_who_prefer_us_and_announced_to_the_rest() -> None:
    talk = Talk()
    talk.prefer(ANN, BOB)
    (passed,) = talk.say(ANN, talk.compact())
    assert isinstance(passed, Send)
    assert (passed.peer, type(passed.message)) == (BOB, CompactBlock)
    assert talk.head != talk.block.id
    announcement = AnnounceBlock(talk.block.header.raw, talk.block.seal)
    assert talk.wait(0.01) == [Send(CAT, announcement)]


def test_the_sender_of_a_compact_block_draws_its_own_nonce() -> None:
    talk = Talk()
    talk.prefer(BOB)
    (passed,) = talk.say(ANN, talk.compact())
    assert isinstance(passed, Send)
    assert isinstance(passed.message, CompactBlock)
    assert passed.message.nonce != NONCE
    assert passed.message.short_ids != talk.compact().short_ids


def test_what_is_missing_is_asked_for_by_place_and_goes_along_whole_from_here() -> None:
    talk = Talk(transactions=4, known=2)
    talk.prefer(BOB)
    (asked,) = talk.say(ANN, talk.compact())
    assert asked == Send(ANN, GetBlockTransactions(1, talk.block.id, (2, 3)))
    effects = talk.say(ANN, BlockTransactions(1, tuple(talk.raws[2:])))
    checks = [e for e in effects if isinstance(e, CheckSignatures)]
    assert [len(check.checks) for check in checks] == [2]
    passed = [e.message for e in effects if isinstance(e, Send) and e.peer == BOB]
    assert isinstance(passed[0], CompactBlock)
    assert set(passed[0].prefilled) >= set(talk.raws[2:])
    talk.verify(effects)
    talk.wait(0.01)
    assert talk.head == talk.block.id


def test_an_answer_may_come_in_parts() -> None:
    talk = Talk(transactions=4, known=1)
    talk.say(ANN, talk.compact())
    assert talk.say(ANN, BlockTransactions(1, (talk.raws[1],))) == []
    effects = talk.say(ANN, BlockTransactions(1, tuple(talk.raws[2:])))
    talk.verify(effects)
    talk.wait(0.01)
    assert talk.head == talk.block.id


def test_prefilled_transactions_save_the_question() -> None:
    talk = Talk(transactions=4, known=2)
    effects = talk.say(ANN, talk.compact(*talk.raws[2:]))
    assert sent(effects, GetBlockTransactions) == []
    talk.verify(effects)
    talk.wait(0.01)
    assert talk.head == talk.block.id


def test_what_another_block_took_is_still_at_hand() -> None:
    """Two blocks for one slot hold the same transactions: the second costs no question."""
    talk = Talk()
    twin_source = make_ledger()
    for raw in talk.raws[:2]:
        index = talk.raws.index(raw)
        twin_source.submit(FOUNDING.transfer(index), SLOT_NOW - 4)
    twin = propose(twin_source, SLOT_NOW - 4, FOUNDING.authorities)
    assert twin is not None
    talk.say(ANN, talk.compact())
    talk.wait(0.01)
    assert len(talk.ledger.mempool) == 0
    assert sent(talk.say(BOB, talk.compact(of=twin)), GetBlockTransactions) == []
    talk.wait(0.01)
    assert talk.ledger.has_block(twin.id)


def test_an_announced_block_is_asked_for_in_compact_form() -> None:
    talk = Talk()
    announcement = AnnounceBlock(talk.block.header.raw, talk.block.seal)
    assert talk.say(ANN, announcement) == [Send(ANN, GetCompactBlock(talk.block.id))]
    assert talk.say(BOB, announcement) == []
    assert talk.say(ANN, talk.compact()) == []
    talk.wait(0.01)
    assert talk.head == talk.block.id


def test_without_any_transactions_here_the_block_is_asked_for_whole() -> None:
    talk = Talk(known=0)
    announcement = AnnounceBlock(talk.block.header.raw, talk.block.seal)
    assert talk.say(ANN, announcement) == [Send(ANN, GetBlocks(1, (talk.block.id,)))]


def test_an_old_block_is_asked_for_whole() -> None:
    talk = Talk()
    talk.s += blocks.FRESH_SLOTS
    announcement = AnnounceBlock(talk.block.header.raw, talk.block.seal)
    assert talk.say(ANN, announcement) == [Send(ANN, GetBlocks(1, (talk.block.id,)))]


def test_a_compact_block_is_served_and_so_are_its_parts() -> None:
    talk = Talk()
    talk.say(ANN, talk.compact())
    parts = GetBlockTransactions(7, talk.block.id, (0, 2))
    answer = Send(BOB, BlockTransactions(7, (talk.raws[0], talk.raws[2])))
    assert talk.say(BOB, parts) == [answer]  # while it is being validated
    assert talk.say(BOB, GetCompactBlock(talk.block.id)) == []
    assert talk.say(BOB, GetBlocks(8, (talk.block.id,))) == [Send(BOB, Blocks(8, ()))]
    talk.wait(0.01)
    assert talk.say(BOB, parts) == [answer]
    (served,) = talk.say(BOB, GetCompactBlock(talk.block.id))
    assert isinstance(served, Send)
    assert isinstance(served.message, CompactBlock)
    assert decode_header(served.message.header).id == talk.block.id


# Hostile, or unlucky


def test_short_ids_of_no_transaction_cost_a_question_and_then_the_whole_block() -> None:
    talk = Talk()
    wrong = replace(talk.compact(), short_ids=(b"wrong!",) * 3)
    assert sent(talk.say(ANN, wrong), GetBlockTransactions) == [ANN]
    effects = talk.say(ANN, BlockTransactions(1, tuple(talk.raws)))
    assert blame(effects) == [(ANN, "wrong-transactions", 20)]
    assert sent(effects + talk.wait(0.01), GetBlocks) == [] == sent(effects, CompactBlock)
    talk.say(BOB, talk.compact())
    talk.wait(0.01)
    assert talk.head == talk.block.id


def test_ids_that_clash_cost_a_fetch_and_nobody_is_blamed() -> None:
    """Ids that lead to other transactions than the block's: the root decides."""
    talk = Talk()
    talk.prefer(BOB, CAT)
    message = talk.compact()
    first, second, third = message.short_ids
    effects = talk.say(ANN, replace(message, short_ids=(second, first, third)))
    assert blame(effects) == []
    assert sent(effects, CompactBlock) == []
    assert sent(effects, GetBlocks) == [ANN]
    talk.verify(talk.say(ANN, bodies(1, talk.block)))
    talk.wait(0.01)
    assert talk.head == talk.block.id


def test_missing_transactions_that_never_come_hold_us_up_for_a_moment_only() -> None:
    talk = Talk(known=2)
    talk.say(ANN, talk.compact())
    announcement = AnnounceBlock(talk.block.header.raw, talk.block.seal)
    assert talk.say(BOB, announcement) == []
    assert sent(talk.wait(rebuilding.PATIENCE_S - 0.1), GetBlocks) == []
    effects = talk.wait(0.2)
    assert sent(effects, GetBlocks) == [BOB]
    assert blame(effects) == []
    assert Send(ANN, PreferBlocks(False)) not in effects  # there is no fourth to take its place
    late = talk.say(ANN, BlockTransactions(1, (talk.raws[2],)))
    assert blame(late) == []


def test_who_withheld_once_is_not_waited_for_again() -> None:
    talk = Talk(known=2)
    talk.say(ANN, talk.compact())
    talk.say(BOB, AnnounceBlock(talk.block.header.raw, talk.block.seal))
    assert sent(talk.wait(rebuilding.PATIENCE_S + 0.1), GetBlocks) == [BOB]
    talk.verify(talk.say(BOB, bodies(1, talk.block)))
    talk.wait(0.01)
    assert talk.head == talk.block.id
    effects = talk.say(ANN, talk.compact(of=talk.next()))
    assert sent(effects, GetBlocks) == [ANN]


def test_an_admitted_lack_is_no_broken_promise() -> None:
    talk = Talk(known=2)
    talk.say(ANN, talk.compact())
    effects = talk.say(ANN, BlockTransactions(1, ()))
    assert blame(effects) == []
    effects += talk.wait(2)
    assert sent(effects, GetBlocks) == [ANN]  # nobody else has shown it
    assert blame(talk.say(ANN, Blocks(1, ()))) == []


def test_more_than_was_asked_for_is_a_lie() -> None:
    talk = Talk(known=2)
    talk.say(ANN, talk.compact())
    effects = talk.say(ANN, BlockTransactions(1, (talk.raws[2], talk.raws[2])))
    assert blame(effects) == [(ANN, "wrong-transactions", 20)]


def test_answers_that_nobody_asked_for_are_blamed_and_late_ones_are_not() -> None:
    talk = Talk(known=2)
    assert blame(talk.say(ANN, BlockTransactions(9, ()))) == [(ANN, "unrequested", 5)]
    talk.say(ANN, talk.compact())
    assert blame(talk.say(BOB, BlockTransactions(1, (talk.raws[2],)))) == []
    assert talk.head != talk.block.id


def test_whoever_is_first_with_made_up_ids_does_not_keep_the_right_block_out() -> None:
    talk = Talk()
    made_up = replace(talk.compact(), short_ids=(b"wrong!",) * 3)
    assert sent(talk.say(ANN, made_up), GetBlockTransactions) == [ANN]
    assert sent(talk.say(BOB, made_up), GetBlockTransactions) == [], "one question at a time"
    talk.say(CAT, talk.compact())
    talk.wait(0.01)
    assert talk.head == talk.block.id


def test_one_peer_does_not_take_the_place_of_all_others_blocks() -> None:
    talk = Talk()
    others = [
        replace(talk.compact(of=made), short_ids=(b"wrong!",))
        for made in (talk.block, *(resealed(talk.block, n) for n in range(rebuilding.REBUILDS_MAX)))
    ]
    asked = [e for message in others for e in sent(talk.say(ANN, message), GetBlockTransactions)]
    assert asked == [ANN] * rebuilding.REBUILDS_PER_PEER
    assert sent(talk.say(BOB, others[-1]), GetBlockTransactions) == [BOB]


def test_duplicates_change_nothing() -> None:
    talk = Talk(known=2)
    assert len(talk.say(ANN, talk.compact())) == 1
    assert talk.say(ANN, talk.compact()) == talk.say(BOB, talk.compact()) == []
    talk.verify(talk.say(ANN, BlockTransactions(1, (talk.raws[2],))))
    assert talk.say(CAT, talk.compact()) == []
    talk.wait(0.01)
    assert talk.head == talk.block.id
    assert talk.say(BOB, talk.compact()) == []


def test_more_transactions_than_a_block_may_have_are_not_even_looked_for() -> None:
    talk = Talk()
    limit = FOUNDING.genesis.parameters.block_transactions_max
    huge = replace(talk.compact(), short_ids=tuple(i.to_bytes(6) for i in range(limit + 1)))
    effects = talk.say(ANN, huge)
    assert blame(effects) == []
    assert effects == [Send(ANN, GetBlocks(1, (talk.block.id,)))]


def test_a_block_of_mostly_missing_transactions_is_fetched_whole(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(rebuilding, "MISSING_MAX", 2)
    talk = Talk(transactions=4, known=1)
    effects = talk.say(ANN, talk.compact())
    assert sent(effects, GetBlockTransactions) == []
    assert sent(effects, GetBlocks) == [ANN]
    talk.verify(talk.say(ANN, bodies(1, talk.block)))
    talk.wait(0.01)
    assert talk.head == talk.block.id
    following = talk.compact(of=talk.next())
    assert sent(talk.say(ANN, following), GetBlocks) == [ANN], "no second look for a while"


def test_a_forged_header_is_blamed_and_nothing_else_happens() -> None:
    talk = Talk()
    talk.prefer(BOB, CAT)
    effects = talk.say(ANN, replace(talk.compact(), seal=bytes(64)))
    assert blame(effects) == [(ANN, "wrong-seal", 50)]
    assert sent(effects, CompactBlock) == []
    assert sent(talk.say(ANN, replace(talk.compact(), header=b"no header")), CompactBlock) == []


def test_nobody_can_spoil_a_good_block_by_its_seal_or_its_certificates() -> None:
    talk = Talk(known=2)
    talk.say(CAT, AnnounceBlock(talk.block.header.raw, talk.block.seal))
    spoilt = replace(talk.compact(), certificates=(b"none of it",))
    assert blame(talk.say(ANN, spoilt)) == [(ANN, "wrong-certificates-hash", 34)]
    effects = talk.say(BOB, replace(talk.compact(talk.raws[2]), seal=bytes(64)))
    talk.verify(effects)
    talk.wait(0.01)
    assert talk.head == talk.block.id


def test_a_block_on_an_unknown_parent_waits_for_it() -> None:
    talk = Talk()
    following = talk.next()
    effects = talk.say(ANN, talk.compact(of=following))
    assert sent(effects, GetHeaders) == [ANN]
    assert blame(effects) == []
    assert talk.say(BOB, talk.compact()) == []
    talk.wait(0.01)
    assert talk.head == following.id


def test_a_block_on_an_unknown_parent_is_put_together_once_its_header_is_wanted() -> None:
    talk = Talk()
    following = talk.next()
    (asked,) = talk.say(ANN, talk.compact(of=following))
    assert isinstance(asked, Send)
    assert isinstance(asked.message, GetHeaders)
    pairs = tuple((b.header.raw, b.seal) for b in (talk.block, following))
    effects = talk.say(ANN, Headers(asked.message.request, pairs))
    assert sent(effects, GetBlocks) == []
    assert effects == [Send(ANN, GetCompactBlock(talk.block.id))]
    talk.say(ANN, talk.compact())
    talk.wait(0.01)
    assert talk.head == following.id


def test_a_compact_block_on_a_wanted_parent_needs_no_headers() -> None:
    talk = Talk(known=0)
    (asked,) = talk.say(ANN, AnnounceBlock(talk.block.header.raw, talk.block.seal))
    assert isinstance(asked, Send)
    assert isinstance(asked.message, GetBlocks)
    following = talk.next()
    talk.prefer(CAT)
    assert talk.say(BOB, talk.compact(of=following)) == []
    talk.verify(talk.say(ANN, bodies(asked.message.request, talk.block)))
    talk.wait(0.01)
    assert talk.head == following.id


def test_orphans_leave_with_their_peer() -> None:
    talk = Talk()
    following = talk.next()
    talk.say(ANN, talk.compact(of=following))
    talk.router.disconnected(ANN, talk.now())
    talk.say(BOB, talk.compact())
    talk.wait(0.01)
    assert talk.head == talk.block.id


def bad_block(talk: Talk, **changes: Hash) -> Block:
    """The block with a header that says something untrue, sealed as it has to be."""
    header = replace(talk.block.header, **changes)  # type: ignore[arg-type]
    author = next(p.author for p in FOUNDING.authorities if p.did == header.author)
    seal = talk.source.engine.seal(header, author, 0, range(1))
    assert seal is not None
    return Block(header, seal, (), talk.block.transactions)


def test_who_passed_on_a_bad_block_is_told_of_it_and_not_blamed() -> None:
    talk = Talk()
    talk.prefer(BOB)
    bad = bad_block(talk, state=Hash(b"s" * 32))
    assert sent(talk.say(ANN, talk.compact(of=bad)), CompactBlock) == [BOB]
    effects = talk.wait(0.01)
    assert blame(effects) == [(ANN, "wrong-state-root", 0)]
    assert blame(talk.say(CAT, talk.compact(of=bad))) == []
    assert talk.router.points(ANN, talk.now()) == 0
    announcement = AnnounceBlock(bad.header.raw, bad.seal)
    assert blame(talk.say(CAT, announcement)) == [(CAT, "known-invalid", 50)]


def test_a_bad_block_sent_whole_bans_its_sender() -> None:
    talk = Talk(known=0)
    bad = bad_block(talk, state=Hash(b"s" * 32))
    talk.say(ANN, AnnounceBlock(bad.header.raw, bad.seal))
    talk.verify(talk.say(ANN, bodies(1, bad)))
    assert blame(talk.wait(0.01)) == [(ANN, "wrong-state-root", 100)]


def test_after_a_bad_block_its_authors_blocks_are_validated_before_they_are_passed_on() -> None:
    talk = Talk()
    talk.prefer(BOB)
    talk.say(ANN, talk.compact(of=bad_block(talk, state=Hash(b"s" * 32))))
    talk.wait(0.01)
    assert sent(talk.say(ANN, talk.compact()), CompactBlock) == []
    assert sent(talk.wait(0.01), CompactBlock) == [BOB]


def test_where_work_decides_nobody_is_doubted_for_a_block_that_names_it() -> None:
    ledger = make_ledger(found(consensus=Consensus.WORK))
    author = FOUNDING.authorities[0].author
    draft = ledger.propose(1, author)
    block = ledger.seal(draft, author, range(1 << 16))
    assert block is not None
    relay = Relay(ledger, RecentTransactions(), random.Random(1))
    relay.doubt(author.did)
    assert relay.may_pass(WantedBlock(HeaderNode(block.header, block.seal, 1 << 8, 0), ANN))


def test_of_one_author_and_slot_two_blocks_are_passed_on_unvalidated() -> None:
    talk = Talk()
    talk.prefer(BOB)
    passed = [
        sent(
            talk.say(ANN, talk.compact(of=bad_block(talk, receipts=Hash(bytes([n]) * 32)))),
            CompactBlock,
        )
        for n in range(3)
    ]
    assert passed == [[BOB], [BOB], []]


def test_a_block_below_the_head_is_not_passed_on() -> None:
    talk = Talk()
    talk.prefer(BOB)
    talk.say(ANN, talk.compact())
    talk.wait(0.01)
    stale = make_ledger()
    old = propose(stale, SLOT_NOW - 3, FOUNDING.authorities)
    assert old is not None
    assert sent(talk.say(ANN, talk.compact(of=old)), CompactBlock) == []
    talk.wait(0.01)
    assert talk.ledger.has_block(old.id)
    assert talk.head == talk.block.id


def test_who_passes_on_a_block_it_has_not_executed_claims_no_headers_for_it() -> None:
    talk = Talk()
    orphan = talk.compact(of=talk.next())
    (asked,) = [
        effect.message
        for effect in talk.say(ANN, orphan)
        if isinstance(effect, Send) and isinstance(effect.message, GetHeaders)
    ]
    assert blame(talk.say(ANN, Headers(asked.request, ()))) == []


def test_transactions_that_do_not_decode_make_a_bad_block_and_nobody_guilty() -> None:
    talk = Talk()
    raws = (*talk.raws, b"no transaction")
    header = replace(talk.block.header, transactions=list_root(raws))
    author = next(p.author for p in FOUNDING.authorities if p.did == header.author)
    seal = talk.source.engine.seal(header, author, 0, range(1))
    assert seal is not None
    garbage = Block(header, seal, (), raws)
    talk.prefer(BOB)
    effects = talk.say(ANN, talk.compact(b"no transaction", of=garbage))
    assert [points for _, _, points in blame(effects)] == [0]
    assert sent(effects, CompactBlock) == []


def test_compact_blocks_beyond_the_budget_are_only_announcements(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(blocks, "COMPACT_BYTES_BURST", 20)
    talk = Talk()
    orphan = replace(talk.compact(of=talk.next()), short_ids=(b"orphan",))
    assert sent(talk.say(ANN, orphan), GetHeaders) == [ANN]
    effects = talk.say(ANN, talk.compact())
    assert sent(effects, GetBlocks) == [ANN]
    assert blame(effects) == []
