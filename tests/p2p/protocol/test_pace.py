"""How much may be said: by hostile peers, by light ones, and by honest ones that pass things on."""

import pytest

from chain.parameters import SLOT_MS_MIN
from chain.primitives.hashing import Hash
from p2p.protocol.effects import Disconnect, Effect, Penalize
from p2p.protocol.instant import Now
from p2p.protocol.pace import MESSAGES_BURST, Pace
from p2p.wire.messages import (
    AnnounceBlock,
    BlockTransactions,
    CompactBlock,
    GetBlockTransactions,
    GetFinal,
    Headers,
    Message,
    Peers,
    Ping,
    Transactions,
    Votes,
)
from tests.p2p.protocol.conversation import ANN, FOUNDING, Conversation

NOW = Now(5.0, 5_000)


def said(talking: Conversation, message: Message, times: int) -> list[Effect]:
    return [effect for _ in range(times) for effect in talking.say(ANN, message)]


@pytest.mark.parametrize("message", [Transactions(1, ()), Ping(1)])
def test_who_says_more_than_the_rate_is_sent_away(message: Message) -> None:
    talking = Conversation()
    talking.connect(ANN)
    assert said(talking, message, int(MESSAGES_BURST)) == []
    effects = said(talking, message, 20)
    assert [type(effect) for effect in effects] == [Penalize] * 10 + [Disconnect]


@pytest.mark.parametrize(
    "message",
    [
        Headers(0, ((b"", b""),) * 2_000),
        BlockTransactions(1, (b"",) * 2_000),
        GetBlockTransactions(1, Hash(bytes(32)), tuple(range(2_000))),
        Peers(0, (b"",) * 250),
        CompactBlock(b"", b"", (), 0, (bytes(6),) * 65_000, (), ()),
        AnnounceBlock(b"", b""),
        Headers(1, ()),
    ],
)
def test_a_message_of_many_parts_or_about_headers_counts_as_many(message: Message) -> None:
    pace = Pace(NOW, light=False)
    said = 0
    while pace.allows(message, NOW):
        said += 1
    assert said < MESSAGES_BURST / 7
    assert Pace(NOW, light=False).allows(message, NOW)


def test_what_a_pause_of_ours_lets_come_at_once_is_no_flood() -> None:
    """A connection outlives some 20 s: in each of the shortest slots a block and a few votes."""
    pace = Pace(NOW, light=False)
    for _ in range(20_000 // SLOT_MS_MIN):
        assert pace.allows(AnnounceBlock(b"", b""), NOW)
        assert all(pace.allows(Votes((b"",)), NOW) for _ in range(10))


def test_pushes_that_come_one_by_one_are_no_flood_however_quick() -> None:
    """A peer that passes on what two others bring at their full rate says more than either may."""
    talking = Conversation()
    talking.connect(ANN)
    push = Transactions(0, (FOUNDING.transfer(0).raw,))
    talking.verify(talking.say(ANN, push))
    assert said(talking, push, 2 * int(MESSAGES_BURST)) == []


@pytest.mark.parametrize("message", [GetFinal(1, 0, 0), Transactions(0, (b"x",)), Ping(1)])
def test_of_a_light_client_every_message_counts(message: Message) -> None:
    pace = Pace(NOW, light=True)
    assert all(pace.allows(message, NOW) for _ in range(int(MESSAGES_BURST)))
    assert not pace.allows(message, NOW)


def test_a_light_client_that_floods_is_sent_away() -> None:
    talking = Conversation()
    talking.connect(ANN, capabilities=("light/1",))
    effects = said(talking, Ping(1), int(MESSAGES_BURST) + 10)
    assert isinstance(effects[-1], Disconnect)
