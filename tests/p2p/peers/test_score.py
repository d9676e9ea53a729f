"""Points add up to a timed ban and decay otherwise."""

from p2p.peers.peer import PeerId
from p2p.peers.score import BAN_S, HALF_LIFE_S, REMEMBERED_MAX, Offence, ScoreBoard, Verdict

ANN = PeerId(b"a" * 32)
BOB = PeerId(b"b" * 32)


def offence(points: int) -> Offence:
    return Offence(points, "test", "because")


def test_points_add_up_to_a_ban_that_ends() -> None:
    board = ScoreBoard()
    assert board.penalize(ANN, offence(60), 0) == Verdict(60, False)
    assert board.penalize(ANN, offence(40), 0) == Verdict(100, True)
    assert board.banned_for_s(ANN, 1) == BAN_S - 1
    assert board.banned_for_s(BOB, 1) == 0
    assert board.banned_for_s(ANN, BAN_S) == 0
    assert board.points(ANN, BAN_S) == 0


def test_points_halve_with_time() -> None:
    board = ScoreBoard()
    board.penalize(ANN, offence(80), 0)
    assert board.points(ANN, HALF_LIFE_S) == 40
    assert board.penalize(ANN, offence(50), HALF_LIFE_S) == Verdict(90, False)


def test_reasons_are_kept_and_bounded() -> None:
    board = ScoreBoard()
    for i in range(20):
        board.penalize(ANN, Offence(1, "test", str(i)), 0)
    assert [o.reason for o in board.offences(ANN)] == [str(i) for i in range(12, 20)]


def test_memory_is_bounded_by_forgetting_the_oldest() -> None:
    board = ScoreBoard()
    for i in range(REMEMBERED_MAX + 1):
        board.penalize(PeerId(i.to_bytes(32, "big")), offence(100), 0)
    assert board.banned_for_s(PeerId(bytes(32)), 1) == 0
    assert board.banned_for_s(PeerId((1).to_bytes(32, "big")), 1) > 0
