"""Conversations about headers and bodies."""

from dataclasses import replace

import pytest

from chain.block import Block, encode_block
from chain.consensus.engine import HeaderNode
from chain.primitives.hashing import Hash, sha256
from p2p.peers.peer import PeerId
from p2p.protocol import blocks, downloads, sync, wanted
from p2p.protocol.effects import CheckSignatures, Disconnect, Effect, Penalize, Send
from p2p.wire.messages import (
    AnnounceBlock,
    Blocks,
    GetBlocks,
    GetCompactBlock,
    GetHeaders,
    Headers,
    Transactions,
)
from tests.p2p.protocol.conversation import (
    ANN,
    BOB,
    CAT,
    FOUNDING,
    SLOT_NOW,
    Conversation,
    extend,
    make_ledger,
    propose,
)


def announce(block: Block) -> AnnounceBlock:
    return AnnounceBlock(block.header.raw, block.seal)


def headers(request: int, made: list[Block]) -> Headers:
    return Headers(request, tuple((b.header.raw, b.seal) for b in made))


def bodies(request: int, made: list[Block]) -> Blocks:
    return Blocks(request, tuple(map(encode_block, made)))


def sent(effects: list[Effect], kind: type) -> list[Send]:
    return [e for e in effects if isinstance(e, Send) and isinstance(e.message, kind)]


def penalties(effects: list[Effect]) -> list[tuple[bytes, str]]:
    return [(e.peer, e.code) for e in effects if isinstance(e, Penalize)]


def talk() -> Conversation:
    conversation = Conversation()
    for peer in (ANN, BOB, CAT):
        conversation.connect(peer)
    conversation.wait(0.1)
    return conversation


def test_a_new_block_is_fetched_from_its_announcer_imported_and_announced() -> None:
    (block,) = extend(make_ledger(), 1)
    talking = talk()
    assert talking.say(ANN, announce(block)) == [Send(ANN, GetBlocks(1, (block.id,)))]
    assert talking.say(BOB, announce(block)) == []
    assert talking.say(ANN, bodies(1, [block])) == []
    assert talking.wait(0.01) == [Send(CAT, announce(block))]
    assert talking.ledger.head.id == block.id
    assert talking.say(CAT, announce(block)) == []


def test_signatures_the_mempool_has_checked_are_not_checked_again() -> None:
    ledger = make_ledger()
    known, new = FOUNDING.transfer(0), FOUNDING.transfer(1)
    ledger.submit(known, 1)
    ledger.submit(new, 1)
    (block,) = extend(ledger, 1)
    talking = talk()
    talking.verify(talking.say(ANN, Transactions(0, (known.raw,))))
    talking.say(ANN, announce(block))
    effects = talking.say(ANN, bodies(1, [block]))
    assert effects == [CheckSignatures(2, (new.check,))]
    talking.verify(effects)
    talking.wait(0.01)
    assert talking.ledger.head.id == block.id
    assert len(talking.ledger.mempool) == 0


def test_an_unknown_parent_is_asked_for_by_headers_and_nobody_is_blamed() -> None:
    made = extend(make_ledger(), 3)
    talking = talk()
    (ask,) = talking.say(ANN, announce(made[2]))
    assert isinstance(ask, Send)
    assert isinstance(ask.message, GetHeaders)
    (fetch,) = talking.say(ANN, headers(ask.message.request, made))
    assert fetch == Send(ANN, GetBlocks(1, tuple(b.id for b in made)))
    assert talking.say(ANN, bodies(1, [made[2], made[0]])) == []
    assert talking.say(ANN, bodies(1, [made[1]])) == []
    talking.wait(0.01)
    assert talking.ledger.head.id == made[2].id


def test_a_peer_ahead_is_synced_from_and_bodies_come_from_several() -> None:
    made = extend(make_ledger(), 40)
    talking = Conversation()
    talking.connect(BOB, 40, made[-1].id)
    talking.connect(CAT, 40, made[-1].id)
    effects = talking.connect(ANN, 40, made[-1].id)
    asked = talking.say(BOB, headers(1, made))
    fetched = sent(effects + asked, GetBlocks) + sent(talking.wait(0.01), GetBlocks)
    assert {send.peer for send in fetched} == {ANN, BOB, CAT}
    ids = [i for send in fetched if isinstance(send.message, GetBlocks) for i in send.message.ids]
    assert len(ids) == len(set(ids))


def test_a_stalled_download_goes_to_another_peer() -> None:
    made = extend(make_ledger(), 4)
    talking = Conversation()
    talking.connect(ANN, 4, made[-1].id)
    (first,) = sent(talking.say(ANN, headers(1, made)), GetBlocks)
    assert first.peer == ANN
    assert sent(talking.wait(downloads.STALL_S + 0.5), GetBlocks) == []
    talking.connect(BOB, 4, made[-1].id)
    (again,) = sent(talking.wait(1), GetBlocks)
    assert again.peer == BOB
    talking.say(BOB, bodies(2, made))
    talking.wait(0.1)
    assert talking.ledger.head.id == made[-1].id


def test_a_silent_header_source_is_passed_over() -> None:
    made = extend(make_ledger(), 4)
    talking = Conversation()
    (first,) = sent(talking.connect(ANN, 4, made[-1].id), GetHeaders)
    talking.connect(BOB, 3, made[-2].id)
    assert first.peer == ANN
    later = sent(talking.wait(sync.STALL_S + 0.5), GetHeaders)
    assert BOB in [send.peer for send in later]


def forged(block: Block) -> AnnounceBlock:
    return AnnounceBlock(block.header.raw, bytes(64))


def test_a_forged_header_is_blamed_before_anything_is_asked() -> None:
    (block,) = extend(make_ledger(), 1)
    talking = talk()
    (blame,) = talking.say(ANN, forged(block))
    assert isinstance(blame, Penalize)
    assert blame.code == "wrong-seal"
    assert talking.say(ANN, announce(block)) == [Send(ANN, GetBlocks(1, (block.id,)))]


def test_headers_that_do_not_link_are_blamed() -> None:
    made = extend(make_ledger(), 5)
    talking = Conversation()
    talking.connect(ANN, 5, made[-1].id)
    effects = talking.say(ANN, headers(1, [made[0], made[2]]))
    assert penalties(effects) == [(ANN, "bad-headers")]


def test_a_wrong_body_under_a_right_header_bans_its_sender_and_the_block_still_comes() -> None:
    ledger = make_ledger()
    ledger.submit(FOUNDING.transfer(0), 1)
    (block,) = extend(ledger, 1)
    talking = talk()
    talking.say(ANN, announce(block))
    talking.say(BOB, announce(block))
    empty = Block(block.header, block.seal, (), ())
    effects = talking.say(ANN, bodies(1, [empty]))
    assert penalties(effects) == [(ANN, "wrong-transactions-root")]
    assert [e.code for e in effects if isinstance(e, Disconnect)] == ["banned"]
    assert Send(BOB, GetBlocks(2, (block.id,))) in effects
    talking.verify(talking.say(BOB, bodies(2, [block])))
    talking.wait(0.01)
    assert talking.ledger.head.id == block.id


@pytest.mark.parametrize("number", [0, 9])
def test_bodies_nobody_asked_for_are_blamed_and_not_taken(number: int) -> None:
    (block,) = extend(make_ledger(), 1)
    talking = talk()
    effects = talking.say(ANN, bodies(number, [block]))
    assert penalties(effects) == [(ANN, "unrequested")]
    talking.wait(0.1)
    assert talking.ledger.head.height == 0


def test_more_bodies_than_were_asked_for_are_not_even_decoded() -> None:
    """Under a number that was given out bodies can be late; so many of them were asked for."""
    (block,) = extend(make_ledger(), 1)
    talking = talk()
    talking.say(ANN, announce(block))
    garbage = Blocks(1, (b"no block",))
    assert penalties(talking.say(BOB, garbage)) == []
    assert penalties(talking.say(ANN, garbage)) == [(ANN, "cbor-truncated")]
    assert penalties(talking.say(ANN, garbage)) == []
    talking.say(CAT, announce(block))
    talking.wait(downloads.STALL_S)
    talking.say(CAT, bodies(2, [block]))
    talking.wait(0.1)
    assert talking.ledger.head.id == block.id


def test_announcing_without_serving_is_a_broken_promise_only_when_admitted() -> None:
    (block,) = extend(make_ledger(), 1)
    talking = talk()
    talking.say(ANN, announce(block))
    effects = talking.say(ANN, Blocks(1, ()))
    assert penalties(effects) == [(ANN, "broken-promise")]
    silent = talk()
    silent.say(ANN, announce(block))
    assert penalties(silent.wait(60)) == []


def test_early_headers_wait_for_their_slot() -> None:
    ledger = make_ledger()
    while ledger.head.slot < 1004:
        slot = max(1003, ledger.head.slot) + 1
        for party in FOUNDING.authorities:
            if ledger.proposes(party.did, slot, ledger.head):
                draft = ledger.propose(slot, party.author)
                block = ledger.seal(draft, party.author, range(1))
                assert block is not None
                ledger.import_block(block, draft.transactions, slot)
    talking = talk()
    assert talking.say(ANN, announce(block)) == []
    effects = talking.wait(5)
    assert sent(effects, GetBlocks) == [Send(ANN, GetBlocks(1, (block.id,)))]
    assert penalties(effects) == []


def test_serves_headers_and_bodies_within_limits() -> None:
    talking = talk()
    made = extend(talking.ledger, 5)
    locator = tuple(talking.ledger.locator())
    genesis = locator[-1]
    assert talking.say(ANN, GetHeaders(3, (genesis,), 2)) == [Send(ANN, headers(3, made[:2]))]
    asked = GetBlocks(4, (made[0].id, made[1].id, genesis))
    (answer,) = talking.say(ANN, asked)
    assert isinstance(answer, Send)
    assert isinstance(answer.message, Blocks)
    assert len(answer.message.raws) == 3
    unknown = GetBlocks(5, (FOUNDING.genesis.hash,))
    assert talking.say(ANN, unknown) == [Send(ANN, Blocks(5, ()))]
    assert len([1 for n in range(99) if talking.say(BOB, GetHeaders(n, (genesis,), 1))]) == 64


def test_the_head_is_repeated_to_those_that_have_not_shown_it() -> None:
    talking = talk()
    (block,) = extend(talking.ledger, 1)
    effects = talking.wait(blocks.STATUS_S)
    assert {send.peer for send in sent(effects, AnnounceBlock)} == {ANN, BOB, CAT}
    talking.say(ANN, announce(block))
    effects = talking.wait(blocks.STATUS_S)
    assert {send.peer for send in sent(effects, AnnounceBlock)} == {BOB, CAT}


@pytest.mark.parametrize("length", [60, 700])
def test_an_invented_chain_costs_its_inventor_and_is_forgotten(length: int) -> None:
    """Headers that link but whose bodies never come: the rest of the node goes on."""
    made = extend(make_ledger(), length)
    talking = Conversation()
    talking.connect(ANN, length, made[-1].id)
    effects = talking.say(ANN, headers(1, made[:512]))
    for _ in range(200):
        for send in sent(effects, GetBlocks):
            assert isinstance(send.message, GetBlocks)
            effects = talking.say(ANN, Blocks(send.message.request, ()))
        effects = talking.wait(0.5)
    assert talking.router.ban_s(ANN, talking.now()) > 0
    assert not talking.router.syncing(talking.now())


def test_invented_headers_cost_their_sender_and_are_not_asked_for() -> None:
    talking = Conversation()
    made = extend(make_ledger(), 3)
    talking.connect(ANN, height=3, head=made[-1].id)
    forged = [replace(block, seal=bytes(64)) for block in made]
    effects = talking.say(ANN, headers(1, forged))
    assert penalties(effects) == [(ANN, "wrong-seal")]
    assert sent(effects, GetBlocks) == []


def test_headers_from_the_future_wait_and_are_nobodys_fault() -> None:
    ledger = make_ledger()
    past = extend(ledger, 1)
    future = propose(ledger, SLOT_NOW + 50, FOUNDING.authorities)
    assert future is not None
    talking = Conversation()
    talking.connect(ANN, height=2, head=future.id)
    effects = talking.say(ANN, headers(1, [*past, future]))
    assert penalties(effects) == []
    assert sent(effects, GetBlocks) == [Send(ANN, GetBlocks(1, (past[0].id,)))]


def test_headers_without_bodies_keep_nobody_from_making_blocks() -> None:
    talking = Conversation(author=FOUNDING.authorities[0])
    made = extend(make_ledger(), 3)
    talking.connect(ANN, height=3, head=made[-1].id)
    assert len(sent(talking.say(ANN, headers(1, made)), GetBlocks)) == 1
    talking.wait(4.5)  # every authority has a turn
    assert talking.ledger.head.height > 0


def test_headers_of_the_far_future_do_not_crowd_out_those_that_are_due() -> None:
    ledger = make_ledger()
    (parent,) = extend(ledger, 1)
    talking = Conversation()
    talking.ledger.import_block(parent, (), parent.header.slot)
    talking.connect(ANN)
    early = propose(ledger, SLOT_NOW + 2, FOUNDING.authorities)
    assert early is not None
    for number in range(2 * sync.EARLY_MAX):
        header = replace(early.header, slot=SLOT_NOW + 10_000 + number)
        talking.say(ANN, AnnounceBlock(header.raw, early.seal))
    talking.connect(BOB)
    talking.say(BOB, announce(early))
    for number in range(30):
        header = replace(early.header, slot=SLOT_NOW + 20_000 + number)
        effects = talking.wait(0.05)
        effects += talking.say(ANN, AnnounceBlock(header.raw, early.seal))
        if sent(effects, GetBlocks):
            break
    assert [send.message for send in sent(effects, GetBlocks)] == [GetBlocks(1, (early.id,))]


def test_a_header_is_fetched_as_soon_as_its_slot_begins() -> None:
    early = propose(make_ledger(), SLOT_NOW + 2, FOUNDING.authorities)
    assert early is not None
    talking = talk()
    talking.wait(0.4)  # so that nothing else happens just then
    assert talking.say(BOB, announce(early)) == []
    asked = sent(talking.wait(1 + sync.EARLY_RETRY_S), GetBlocks)
    assert [send.message for send in asked] == [GetBlocks(1, (early.id,))]


def test_whoever_invents_early_headers_displaces_only_its_own() -> None:
    early = propose(make_ledger(), SLOT_NOW + 2, FOUNDING.authorities)
    assert early is not None
    talking = talk()
    assert talking.say(BOB, announce(early)) == []
    for number in range(4 * sync.EARLY_MAX):
        header = replace(early.header, height=1 + number, history=sha256(b"%d" % number))
        talking.say(ANN, AnnounceBlock(header.raw, early.seal))
    asked = sent(talking.wait(1 + sync.EARLY_RETRY_S), GetBlocks)
    assert [send.message for send in asked] == [GetBlocks(1, (early.id,))]


def test_a_wrong_seal_on_an_early_header_does_not_take_the_place_of_the_right_one() -> None:
    ledger = make_ledger()
    talking = talk()
    early = propose(ledger, SLOT_NOW + 2, FOUNDING.authorities)
    assert early is not None
    assert talking.say(BOB, announce(early)) == []
    assert talking.say(ANN, AnnounceBlock(early.header.raw, bytes(64))) == []
    asked = [send.message for send in sent(talking.wait(blocks.STATUS_S + 1), GetBlocks)]
    assert asked[:1] == [GetBlocks(1, (early.id,))]


def test_a_claim_of_more_height_than_ones_own_headers_is_blamed() -> None:
    made = extend(make_ledger(), 3)
    talking = Conversation()
    talking.connect(ANN, height=1_000, head=FOUNDING.genesis.hash)
    effects = talking.say(ANN, headers(1, made))
    assert penalties(effects) == [(ANN, "false-claim")]
    assert sent(effects, GetBlocks) != []
    talking.say(ANN, bodies(1, made))
    talking.wait(0.1)
    assert talking.ledger.head.id == made[-1].id


def test_a_claim_of_more_height_and_no_headers_at_all_is_blamed() -> None:
    talking = Conversation()
    talking.connect(ANN, height=1_000, head=FOUNDING.genesis.hash)
    assert penalties(talking.say(ANN, Headers(1, ()))) == [(ANN, "false-claim")]


def test_a_heavier_chain_may_be_a_little_lower_than_the_claim() -> None:
    made = extend(make_ledger(), 3)
    talking = Conversation()
    talking.connect(ANN, height=3 + sync.LOWER_MAX, head=FOUNDING.genesis.hash)
    assert penalties(talking.say(ANN, headers(1, made))) == []


def test_a_claim_that_changed_since_it_was_asked_about_is_nobodys_fault() -> None:
    made = extend(make_ledger(), 4)
    talking = Conversation()
    talking.connect(ANN, height=3, head=made[2].id)
    talking.say(ANN, announce(made[3]))
    assert penalties(talking.say(ANN, headers(1, made[:3]))) == []


def test_a_full_answer_below_the_claim_is_continued() -> None:
    made = extend(make_ledger(), sync.HEADERS_MAX + 2)
    talking = Conversation()
    talking.connect(ANN, height=len(made), head=made[-1].id)
    effects = talking.say(ANN, headers(1, made[: sync.HEADERS_MAX]))
    assert penalties(effects) == []
    assert len(sent(effects, GetHeaders)) == 1


def test_a_branch_that_is_higher_and_lighter_is_none_to_catch_up_with() -> None:
    made = extend(make_ledger(), 4)
    found = wanted.Wanted()
    for block in made:
        found.add(HeaderNode(block.header, block.seal, 10 * block.header.height, 0), ANN)
    found.imported(made[0].id, 0.0)
    assert found.catching_up(weight := 10 * made[-1].header.height - 1, 1.0)
    assert found.reaches_above(weight)
    assert not found.catching_up(weight + 1, 1.0)
    assert not found.reaches_above(weight + 1)


def test_many_silent_chains_of_headers_leave_every_peer_its_share() -> None:
    found = wanted.Wanted()
    made = extend(make_ledger(), wanted.WANTED_PER_SOURCE)
    nodes = [HeaderNode(block.header, block.seal, block.header.height, 0) for block in made]
    peers = [PeerId(bytes([number]) * 32) for number in range(16)]
    for each in (*peers, BOB):
        found.claim(each, 1, nodes[0].id)
    for number, each in enumerate(peers):
        for node in nodes:
            marked = replace(node.header, state=Hash(bytes([number]) * 32))
            found.add(HeaderNode(marked, node.seal, node.weight, 0), each)
    assert len(found) <= wanted.WANTED_MAX
    share = (wanted.WANTED_MAX - wanted.UNSHARED_MAX) // 17
    assert found.room(BOB) == share
    assert all(found.add(node, BOB) for node in nodes[:share])
    assert not found.add(nodes[share], BOB)


def test_a_silent_chain_of_headers_leaves_room_for_what_others_show() -> None:
    """ANN has sealed headers without end and serves no body; what BOB shows is fetched at once."""
    endless = extend(make_ledger(), wanted.WANTED_PER_SOURCE + 1)
    other = make_ledger()
    first = propose(other, 2, FOUNDING.authorities)
    assert first is not None
    honest = [first, *extend(other, 2)]
    talking = Conversation()
    effects = talking.connect(ANN, len(endless), endless[-1].id)
    shown = 0
    while asked := sent(effects, GetHeaders):
        (ask,) = asked
        assert isinstance(ask.message, GetHeaders)
        part = endless[shown : shown + sync.HEADERS_MAX]
        effects = talking.say(ANN, headers(ask.message.request, part))
        shown += len(part)
    assert shown == wanted.WANTED_PER_SOURCE
    (ask,) = sent(talking.connect(BOB, 3, honest[-1].id), GetHeaders)
    assert ask.peer == BOB
    assert isinstance(ask.message, GetHeaders)
    effects = talking.say(BOB, headers(ask.message.request, honest))
    asks = [send.message for send in sent(effects, GetBlocks) if send.peer == BOB]
    (asked_for,) = [m for m in asks if isinstance(m, GetBlocks) and first.id in m.ids]
    talking.say(BOB, bodies(asked_for.request, honest))
    talking.wait(0.1)
    assert talking.ledger.head.id == honest[-1].id


@pytest.mark.parametrize("peers", [4, 16])
def test_while_blocks_flow_what_is_shared_out_is_not_asked_for(peers: int) -> None:
    """Else every peer had a part of the window, and the first of it waited for the last."""
    found = wanted.Wanted()
    made = extend(make_ledger(), wanted.WANTED_PER_SOURCE)
    nodes = [HeaderNode(block.header, block.seal, block.header.height, 0) for block in made]
    for number in range(peers):
        found.claim(PeerId(bytes([number]) * 32), 1, nodes[0].id)
    assert found.lacks(ANN, 128, 0.0) == 128
    for state, each in enumerate((ANN, CAT)):
        for node in nodes:
            marked = replace(node.header, state=Hash(bytes([state]) * 32))
            found.add(HeaderNode(marked, node.seal, node.weight, 0), each)
    share = (wanted.WANTED_MAX - wanted.UNSHARED_MAX) // peers
    for _ in range(wanted.FLOW):
        assert found.lacks(BOB, 128, 10.0) == min(128, share)
        found.imported(next(iter(found)).header.id, 10.0)
    assert found.lacks(BOB, 128, 10.0 + wanted.PROGRESS_S) == 0
    stuck_s = 10.1 + wanted.PROGRESS_S
    assert [found.lacks(each, 128, stuck_s) for each in (ANN, CAT)] == [0, 0]
    assert found.lacks(BOB, 128, stuck_s) == min(128, share)


def test_silent_chains_of_headers_do_not_keep_others_from_being_asked_for_theirs() -> None:
    """ANN and CAT have filled the room that is not shared out, and no share has room for a whole
    answer: BOB is asked for as much as there is room for."""
    talking = Conversation()
    for number in range(10):
        talking.connect(PeerId(bytes([100 + number]) * 32))
    left = {ANN: branch(1, wanted.WANTED_PER_SOURCE + 1), CAT: branch(2, 600)}
    ends = {peer: made[-1] for peer, made in left.items()}
    effects: list[Effect] = []
    for peer, end in ends.items():
        effects += talking.connect(peer, end.header.height, end.id)
    while asked := sent(effects, GetHeaders):
        effects = []
        for ask in asked:
            assert isinstance(ask.message, GetHeaders)
            part, left[ask.peer] = left[ask.peer][: sync.HEADERS_MAX], left[ask.peer][128:]
            effects += talking.say(ask.peer, headers(ask.message.request, part))
    honest = branch(3, 3)
    (ask,) = sent(talking.connect(BOB, 3, honest[-1].id), GetHeaders)
    assert ask.peer == BOB
    assert isinstance(ask.message, GetHeaders)
    assert ask.message.limit == (wanted.WANTED_MAX - wanted.UNSHARED_MAX) // 13
    effects = talking.say(BOB, headers(ask.message.request, honest))
    (asked_for,) = [send.message for send in sent(effects, GetBlocks) if send.peer == BOB]
    assert isinstance(asked_for, GetBlocks)
    talking.say(BOB, bodies(asked_for.request, honest))
    talking.wait(0.1)
    assert talking.ledger.head.id == honest[-1].id


def branch(slot: int, count: int) -> list[Block]:
    """Blocks on the genesis, the first of them in that slot."""
    ledger = make_ledger()
    first = propose(ledger, slot, FOUNDING.authorities)
    assert first is not None
    return [first, *extend(ledger, count - 1)]


def test_a_third_block_in_a_slot_is_asked_for_once_and_again_with_what_builds_on_it() -> None:
    talking = talk()
    ledgers = [make_ledger() for _ in range(3)]
    for amount, ledger in enumerate(ledgers):
        if amount:
            ledger.submit(FOUNDING.transfer(0, amount), SLOT_NOW - 2)
    made = [propose(ledger, SLOT_NOW - 2, FOUNDING.authorities) for ledger in ledgers]
    blocks_in_slot = [block for block in made if block is not None]
    assert len({block.header.author for block in blocks_in_slot}) == 1
    for block in blocks_in_slot[:2]:
        fetched(talking, BOB, block)
        assert talking.ledger.has_block(block.id)
    third = blocks_in_slot[2]
    fetched(talking, ANN, third)
    assert not talking.ledger.has_block(third.id)
    again = talking.wait(0.1) + talking.say(ANN, announce(third)) + talking.wait(30)
    assert [e for e in again if isinstance(e, Send) and isinstance(e.message, Asked)] == []
    child = propose(ledgers[2], SLOT_NOW - 1, FOUNDING.authorities)
    assert child is not None
    (ask,) = sent(talking.say(ANN, announce(child)), GetHeaders)
    assert isinstance(ask.message, GetHeaders)
    effects = talking.say(ANN, headers(ask.message.request, [third, child]))
    (ask,) = sent(effects, GetBlocks)
    assert isinstance(ask.message, GetBlocks)
    talking.verify(talking.say(ANN, bodies(ask.message.request, [third, child])))
    talking.wait(0.1)
    assert talking.ledger.head.id == child.id


Asked = GetBlocks | GetHeaders | GetCompactBlock


def fetched(talking: Conversation, peer: PeerId, block: Block) -> None:
    """A block is announced, asked for and served."""
    effects = talking.say(peer, announce(block))
    if not sent(effects, GetBlocks):
        effects = talking.wait(2)
    ask = sent(effects, GetBlocks)[-1]
    assert isinstance(ask.message, GetBlocks)
    talking.verify(talking.say(peer, bodies(ask.message.request, [block])))
    talking.wait(0.1)
