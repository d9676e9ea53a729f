"""How much may be said: by hostile peers, by light ones, and by honest ones that pass things on."""

import pytest

from p2p.protocol.effects import Disconnect, Effect, Penalize
from p2p.protocol.instant import Now
from p2p.protocol.pace import MESSAGES_BURST, Pace
from p2p.wire.messages import GetFinal, Message, Ping, Transactions
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
