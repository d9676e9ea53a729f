"""What is asked for before a testnet ends."""

from testnet.observation import BlockJoined, BlockLeft
from testnet.processes.taken import Taken


def joined(node: str, block: str, *transactions: str) -> BlockJoined:
    return BlockJoined(node, block, "p", 1, 1, "a", "s", transactions)


def test_what_no_block_has_is_asked_of_the_node_that_took_it() -> None:
    taken = Taken()
    taken.took("n1", ["t1", "t2"])
    taken.took("n2", ["t3"])
    taken.see(joined("n2", "b1", "t1", "strange"))
    assert (taken.open("n1"), taken.open("n2")) == (("t2",), ("t3",))


def test_what_a_node_gave_up_with_its_block_is_open_again() -> None:
    taken = Taken()
    taken.took("n1", ["t1"])
    taken.see(joined("n1", "b1", "t1", "strange"))
    taken.see(BlockLeft("n1", "b1", 1))
    assert taken.open("n1") == ("t1",)
    taken.see(joined("n1", "b2", "t1"))
    taken.see(BlockLeft("n1", "unknown", 1))
    assert taken.open("n1") == ()
