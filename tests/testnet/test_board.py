"""The dashboard's window of the block tree: branches, the common block, the bound."""

from testnet.board import HEIGHTS_KEPT, BlockCard, Board


def card(name: str, parent: str, height: int) -> BlockCard:
    return BlockCard(name, parent, height, height, "n1", 0)


def test_a_fork() -> None:
    board = Board()
    board.learn([card("a1", "g", 1), card("a2", "a1", 2), card("b2", "a1", 2), card("b3", "b2", 3)])
    assert board.common_height(["a2", "b3"]) == 1
    assert board.common_height(["b3", "b2"]) == 2
    assert board.best(["a2", "b3"]) == "b3"
    assert [block.id for block in board.chain("b3")] == ["a1", "b2", "b3"]
    assert [block.id for block in board.blocks()] == ["a1", "a2", "b2", "b3"]


def test_heads_that_are_not_known_have_nothing_in_common() -> None:
    board = Board()
    board.learn([card("a1", "g", 1)])
    assert board.common_height(["a1", "z"]) is None
    assert board.common_height([]) is None
    assert board.best(["z"]) == ""


def test_the_window_is_bounded() -> None:
    board = Board()
    for height in range(1, 500):
        board.learn([card(f"a{height}", f"a{height - 1}", height)])
    assert len(board.blocks()) == HEIGHTS_KEPT
    assert "a1" not in board
    assert "a499" in board
