"""Frames that are none: they end the connection, and five of them the acquaintance."""

from chain.primitives.errors import Malformed
from p2p.peers.score import BAN_POINTS, BAN_S, HALF_LIFE_S, POINTS_UNREADABLE
from p2p.protocol.effects import Penalize
from tests.p2p.protocol.conversation import ANN, BOB, Conversation, shown

GARBAGE = Malformed("unknown-message", "kind 4000")


def leave(talk: Conversation, malformed: Malformed | None = None) -> list[object]:
    """Ann comes, and her connection ends over this."""
    talk.connect(ANN)
    effects = talk.router.disconnected(ANN, talk.now(), malformed)
    return [effect for effect in shown(effects) if isinstance(effect, Penalize)]


def test_who_comes_back_with_garbage_is_banned_for_the_fifth() -> None:
    talk = Conversation()
    named = Penalize(ANN, POINTS_UNREADABLE, "unknown-message", "kind 4000")
    assert 5 * POINTS_UNREADABLE >= BAN_POINTS
    for time in range(5):
        assert talk.router.ban_s(ANN, talk.now()) == 0, f"welcome after {time}"
        assert leave(talk, GARBAGE) == [named]
    assert talk.router.ban_s(ANN, talk.now()) == BAN_S
    assert talk.router.ban_s(BOB, talk.now()) == 0


def test_hanging_up_costs_nothing_however_often() -> None:
    talk = Conversation()
    for _ in range(10):
        assert leave(talk) == []
    assert talk.router.points(ANN, talk.now()) == 0


def test_an_accident_is_forgotten() -> None:
    talk = Conversation()
    for _ in range(6):
        leave(talk, GARBAGE)
        talk.s += HALF_LIFE_S
    assert talk.router.ban_s(ANN, talk.now()) == 0
