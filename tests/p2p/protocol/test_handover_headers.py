"""Headers across a handover: those of a set that is not known yet wait, and blame nobody."""

import pytest

from chain.block import Block, encode_block
from p2p.peers.peer import PeerId
from p2p.protocol.effects import Effect, Penalize, Send
from p2p.protocol.sync import HEADERS_MAX
from p2p.wire.messages import AnnounceBlock, Blocks, GetBlocks, GetHeaders, Headers
from tests.chain.sets import PEOPLE, Chain, change
from tests.p2p.founding import Founding
from tests.p2p.protocol.conversation import ANN, BOB, Conversation


class Meeting:
    """A newcomer and peers that have a whole chain, over which an entirely new set took over."""

    def __init__(self) -> None:
        self.chain = Chain(4)
        self.handover = self.chain.finish(
            self.chain.decide(change(PEOPLE[:4], PEOPLE[4:9]), PEOPLE[:4])
        )
        for _ in range(5):
            self.chain.grow()
        founding = Founding(self.chain.genesis, PEOPLE[:4], PEOPLE[10], PEOPLE[11])
        self.talk = Conversation(founding)
        self.heard: list[Effect] = []

    @property
    def tip(self) -> Block:
        return self.chain.blocks[-1]

    def hear(self, effects: list[Effect]) -> list[Effect]:
        self.heard += effects
        return effects

    def connect(self, peer: PeerId) -> list[Effect]:
        return self.hear(self.talk.connect(peer, self.tip.header.height, self.tip.id))

    def headers(self, effects: list[Effect]) -> list[Effect]:
        """Answer requests for headers until there are none; what else is wanted."""
        rest: list[Effect] = []
        for _ in range(len(self.chain.blocks)):
            asked = [(e.peer, e.message) for e in effects if isinstance(e, Send)]
            rest += [e for e in effects if not isinstance(getattr(e, "message", None), GetHeaders)]
            effects = []
            for peer, message in asked:
                if isinstance(message, GetHeaders):
                    found = self.chain.on.headers_after(list(message.locator), HEADERS_MAX)
                    pairs = tuple((header.raw, seal) for header, seal in found)
                    effects += self.hear(self.talk.say(peer, Headers(message.request, pairs)))
            if not effects:
                return rest
        raise AssertionError("headers are asked for without an end")

    def bodies(self, effects: list[Effect]) -> list[Effect]:
        """Answer requests for bodies, and have what came checked and imported; what is wanted."""
        after: list[Effect] = []
        for effect in effects:
            match effect:
                case Send(peer, GetBlocks(request, ids)):
                    blocks = [self.chain.on.block(block_id) for block_id in ids]
                    raws = tuple(encode_block(block) for block in blocks if block is not None)
                    for part in (raws, ()):
                        after += self.hear(self.talk.say(peer, Blocks(request, part)))
                case _:
                    pass
        after += self.hear(self.talk.verify(after))
        return after + self.hear(self.talk.wait(0.1))

    def blamed(self) -> list[Penalize]:
        return [effect for effect in self.heard if isinstance(effect, Penalize)]


@pytest.fixture
def meeting() -> Meeting:
    return Meeting()


def asked(effects: list[Effect], kind: type[GetHeaders | GetBlocks]) -> list[PeerId]:
    return [e.peer for e in effects if isinstance(e, Send) and isinstance(e.message, kind)]


def test_headers_beyond_a_handover_are_asked_for_again_once_it_is_here(meeting: Meeting) -> None:
    wanted = meeting.headers(meeting.connect(ANN))
    (fetch,) = [
        e.message
        for e in wanted
        if isinstance(e, Send) and e.peer == ANN and isinstance(e.message, GetBlocks)
    ]
    assert isinstance(fetch, GetBlocks)
    assert fetch.ids[-1] == meeting.handover.id, "what the new set sealed is not wanted yet"
    assert asked(meeting.hear(meeting.talk.wait(0.5)), GetHeaders) == []
    after = meeting.bodies(wanted)
    assert meeting.talk.ledger.head.id == meeting.handover.id
    assert asked(after, GetHeaders) == [ANN]
    meeting.bodies(meeting.headers(after))
    assert meeting.talk.ledger.head.id == meeting.tip.id
    assert meeting.talk.ledger.finality.authorities(meeting.tip.id).id == 1
    assert meeting.blamed() == []


def test_who_comes_while_the_bodies_are_on_their_way_is_asked_and_not_blamed(
    meeting: Meeting,
) -> None:
    wanted = meeting.headers(meeting.connect(ANN))
    wanted += meeting.headers(meeting.connect(BOB))
    announced = AnnounceBlock(meeting.tip.header.raw, meeting.tip.seal)
    wanted += meeting.headers(meeting.hear(meeting.talk.say(BOB, announced)))
    assert meeting.talk.ledger.head.height == 0
    after = meeting.bodies(wanted)
    for _ in range(4):
        after = meeting.bodies(meeting.headers(after))
    assert meeting.talk.ledger.head.id == meeting.tip.id
    assert meeting.blamed() == []


def test_a_peer_that_leaves_with_its_headers_does_not_stop_it(meeting: Meeting) -> None:
    wanted = meeting.headers(meeting.connect(ANN))
    meeting.headers(meeting.connect(BOB))
    after = meeting.bodies(wanted)
    assert meeting.talk.ledger.head.id == meeting.handover.id
    gone = meeting.talk.router.disconnected(ANN, meeting.talk.now())
    for _ in range(4):
        kept = [e for e in [*gone, *after] if getattr(e, "peer", None) == BOB]
        gone, after = [], meeting.bodies(meeting.headers(kept))
    assert meeting.talk.ledger.head.id == meeting.tip.id
    assert meeting.blamed() == []
