"""Ancestors in few steps, against the same found in many."""

from hypothesis import given
from hypothesis import strategies as st

from testnet.checkers.tree import BlockTree, Card, ancestor, fork, parted, stands_on
from tests.testnet.checkers.small import joined


def grown(parents: list[int]) -> list[Card]:
    """Block n stands on one of those before it; block 0 on nothing."""
    tree = BlockTree()
    cards = [tree.take(joined("n1", "0", "", 0))[0]]
    for number, choice in enumerate(parents, 1):
        below = cards[choice % number]
        fact = joined("n1", str(number), below.block, below.height + 1)
        cards.append(tree.take(fact)[0])
    return cards


def line(card: Card) -> list[Card]:
    """The chain of a block, lowest first."""
    found = [card]
    while found[-1].below is not None:
        found.append(found[-1].below)
    return found[::-1]


@given(st.lists(st.one_of(st.just(-1), st.integers(0, 30)), max_size=60), st.data())
def test_ancestors_and_forks_are_those_found_step_by_step(
    parents: list[int], data: st.DataObject
) -> None:
    cards = grown([number if choice < 0 else choice for number, choice in enumerate(parents)])
    one, other = (data.draw(st.sampled_from(cards)) for _ in range(2))
    mine, theirs = line(one), line(other)
    for height in range(one.height + 1):
        assert ancestor(one, height) is mine[height]
    assert ancestor(one, one.height + 1) is None
    shared = [a for a, b in zip(mine, theirs, strict=False) if a is b]
    assert fork(one, other) is shared[-1]
    assert stands_on(one, other) == (other in mine)
    for depth in range(4):
        apart = min(one.height, other.height) - shared[-1].height > depth
        assert parted(one, other, depth) == apart


def test_steps_are_few_on_a_long_chain() -> None:
    cards = grown(list(range(4_000)))
    card, steps = cards[-1], 0
    while card.height > 1:
        card = card.jump if card.jump.height >= 1 else card.below  # type: ignore[assignment]
        steps += 1
    assert steps < 40


def test_a_block_whose_parent_is_told_later_finds_it() -> None:
    tree = BlockTree()
    head, fresh = tree.take(joined("n1", "b", "a", 5))
    assert fresh
    assert ancestor(head, 4) is None
    assert fork(head, Card("x", 5, 5, "", (), "n1", None)) is None
    parent, _ = tree.take(joined("n2", "a", "g", 4))
    again, fresh = tree.take(joined("n2", "b", "a", 5, "t1"))
    assert again is head
    assert fresh
    assert ancestor(head, 4) is parent
    assert head.transactions == ("t1",)
    assert tree.take(joined("n3", "b", "a", 5, "t1")) == (head, False)


def test_parents_that_stand_on_each_other_are_no_chain() -> None:
    tree = BlockTree()
    tree.take(joined("n1", "a", "b", 3))
    tree.take(joined("n1", "b", "a", 3))
    one, _ = tree.take(joined("n1", "a", "b", 4))
    other, _ = tree.take(joined("n1", "b", "a", 2))
    assert one.below is None
    assert other.below is None
    assert ancestor(one, 1) is None
