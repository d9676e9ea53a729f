"""What a watch tells, and when."""

from testnet.observation import BlockJoined, BlockLeft, Fact, TransactionSeen
from testnet.processes.watch import Steps

HIGH, LOW = BlockLeft("n1", "b3", 3), BlockLeft("n1", "b2", 2)
WAITS = TransactionSeen("n1", "t1")


def joined(block: str, height: int) -> BlockJoined:
    return BlockJoined("n1", block, "p", height, height, "a", "s", ())


def test_blocks_on_the_head_are_told_as_they_come() -> None:
    told: list[Fact] = []
    steps = Steps(told.append)
    steps.take(joined("b2", 2))
    steps.over()
    steps.take(WAITS)
    assert told == [joined("b2", 2), WAITS]


def test_a_reorganisation_is_told_in_order_when_it_is_over() -> None:
    told: list[Fact] = []
    steps = Steps(told.append)
    way = [HIGH, LOW, joined("c2", 2), joined("c3", 3), joined("c4", 4)]
    for step in way:
        steps.take(step)
        assert told == []
    steps.over()
    steps.take(WAITS)
    assert told == [*way, WAITS]


def test_half_a_reorganisation_is_not_told_when_the_rest_was_missed() -> None:
    told: list[Fact] = []
    steps = Steps(told.append)
    steps.take(HIGH)
    steps.forget()
    steps.take(joined("c4", 4))
    assert told == [joined("c4", 4)]
