"""Who is asked for headers, when those who claim most have none."""

from dataclasses import replace

import pytest

from chain.block import Block
from chain.primitives.hashing import Hash, sha256
from p2p.peers.peer import PeerId
from p2p.protocol import sync
from p2p.protocol.effects import Effect, Penalize, Send
from p2p.wire.messages import AnnounceBlock, GetHeaders, Headers
from tests.p2p.protocol.conversation import ANN, BOB, Conversation, extend, make_ledger

LONG = 300


def invented(block: Block, number: int) -> AnnounceBlock:
    """A head that nobody has, not so much higher than the honest one that it could be blamed."""
    parent = Hash(sha256(b"invented %d" % number))
    header = replace(block.header, parent=parent, height=LONG + sync.LOWER_MAX)
    return AnnounceBlock(header.raw, block.seal)


class Siege:
    """ANN has a chain; the others show one invented head after the other, and have none of them."""

    def __init__(self, hostile: int) -> None:
        self.made = extend(make_ledger(), LONG)
        self.talking = Conversation()
        self.penalties: list[Penalize] = []
        self.open: dict[PeerId, tuple[float, int]] = {}
        self.heads = 0
        for number in range(hostile):
            peer = PeerId(b"%c" % (ord("d") + number) * 32)
            self.note(self.talking.connect(peer))
            self.show(peer)
        self.note(self.talking.connect(ANN, height=LONG, head=self.made[-1].id))

    def show(self, peer: PeerId) -> None:
        self.heads += 1
        self.note(self.talking.say(peer, invented(self.made[-1], self.heads)))

    def note(self, effects: list[Effect]) -> None:
        self.penalties += [effect for effect in effects if isinstance(effect, Penalize)]
        for effect in effects:
            if isinstance(effect, Send) and isinstance(effect.message, GetHeaders):
                self.open[effect.peer] = self.talking.s, effect.message.request

    def pass_time(self, seconds: float, patience_s: float) -> bool:
        """Whether ANN is asked within the time; the others answer late, with a new head first."""
        end = self.talking.s + seconds
        while self.talking.s < end:
            self.note(self.talking.wait(0.25))
            for peer, (asked_s, request) in list(self.open.items()):
                if peer == ANN:
                    return True
                if self.talking.s - asked_s >= patience_s:
                    del self.open[peer]
                    self.show(peer)
                    self.note(self.talking.say(peer, Headers(request, ())))
        return False


@pytest.mark.parametrize("hostile", [2, 8])
@pytest.mark.parametrize("patience_s", [0.0, sync.STALL_S - 0.5, sync.STALL_S + 0.5])
def test_inventors_of_heads_cannot_keep_an_honest_peer_from_being_asked(
    hostile: int, patience_s: float
) -> None:
    siege = Siege(hostile)
    turns = hostile // sync.HEADER_REQUESTS_MAX * (sync.VAIN_FREE + 1)
    assert siege.pass_time(turns * sync.STALL_S + 1, patience_s)
    assert siege.penalties == []


def test_strangers_that_come_anew_all_the_time_do_not_keep_us_from_one_that_we_dialled() -> None:
    """Each claims the highest head, is silent for one request, and comes back as somebody else."""
    head = extend(make_ledger(), LONG)[-1].id
    talking = Conversation()
    asked: list[PeerId] = []

    def note(effects: list[Effect]) -> None:
        sent = [effect for effect in effects if isinstance(effect, Send)]
        asked.extend(s.peer for s in sent if isinstance(s.message, GetHeaders))

    def stranger(number: int) -> PeerId:
        return PeerId(b"s" + sha256(b"stranger %d" % number)[1:])

    for number in range(100):
        claimed = Hash(sha256(b"head %d" % number))
        note(talking.connect(stranger(number), height=10**9, head=claimed))
        if number == 10:
            note(talking.connect(ANN, height=LONG, head=head, outbound=True))
        if number >= 10:
            note(talking.wait(sync.STALL_S / 2))
            note(talking.router.disconnected(stranger(number - 10), talking.now()))
        if ANN in asked:
            break
    assert ANN in asked
    assert number < 13


@pytest.mark.parametrize("takes_s", [sync.LONG_S, sync.STALL_S - 0.1])
def test_who_answers_just_before_each_stall_does_not_set_the_pace(takes_s: float) -> None:
    source = make_ledger()
    head = extend(source, LONG)[-1].id
    talking = Conversation()
    asked: list[tuple[PeerId, GetHeaders]] = []

    def note(effects: list[Effect]) -> None:
        sent = [effect for effect in effects if isinstance(effect, Send)]
        asked.extend((s.peer, s.message) for s in sent if isinstance(s.message, GetHeaders))

    note(talking.connect(ANN, height=LONG, head=head))
    note(talking.connect(BOB, height=LONG, head=head))
    assert [peer for peer, _ in asked] == [ANN]
    note(talking.wait(takes_s))
    found = source.headers_after(list(asked[0][1].locator), sync.HEADERS_MAX)
    whole = tuple((header.raw, seal) for header, seal in found)
    note(talking.say(ANN, Headers(asked[0][1].request, whole)))
    assert [peer for peer, _ in asked] == [ANN, BOB]
