"""Each rare event is noticed when it happens, and not when something like it does."""

import pytest

from testnet.checkers.catalogue import CHECKS
from testnet.checkers.probes import ProbeBoard
from testnet.observation import (
    BlockJoined,
    BlockLeft,
    Confirmed,
    EvidenceSeen,
    Fact,
    FaultBegan,
    FaultEnded,
    Glimpse,
    NodeStarted,
    NodeStopped,
    Refused,
    Seen,
    TransactionSeen,
)
from testnet.scenario.model import Mode
from tests.testnet.checkers.small import expected, ground, joined

CUT = FaultBegan("cut", "partition", ("n1",), ("n2",))
HEALED = FaultEnded("cut", 3, True)
G1, G2 = joined("n1", "g", "", 0), joined("n2", "g", "", 0)


def glimpse(mempool: int) -> Glimpse:
    return Glimpse("n1", 1, "a", 2, mempool, 0, 0, 0, 0)


def by(author: str, block: str, slot: int) -> BlockJoined:
    return BlockJoined("n1", block, f"below {block}", 1, slot, author, "", ())


def parted(kind: FaultBegan = CUT) -> list[Fact]:
    """Two sides with two blocks each; n2 gives its own up."""
    sides = [joined("n1", "a1", "g", 1), joined("n1", "a2", "a1", 2)]
    sides += [joined("n2", "b1", "g", 1), joined("n2", "b2", "b1", 2)]
    return [kind, G1, G2, *sides, HEALED, BlockLeft("n2", "b2", 2)]


REACHED: dict[str, list[Fact]] = {
    "reorg": [joined("n1", "a", "g", 1), BlockLeft("n1", "a", 1)],
    "deep-reorg": [BlockLeft("n1", block, 3) for block in "cba"],
    "fork": [joined("n1", "a", "g", 1), joined("n2", "b", "g", 1)],
    "refused-block": [Refused("n1", "n2", "wrong-seal", "")],
    "restart": [NodeStarted("n1"), NodeStopped("n1", "killed"), NodeStarted("n1")],
    "mempool-reentry": [
        joined("n1", "a", "g", 1, "t"),
        BlockLeft("n1", "a", 1),
        TransactionSeen("n1", "t"),
    ],
    "empty-mempool": [glimpse(3), glimpse(0)],
    "partition-healed": parted(),
    "finality-stalled": [Confirmed("n1", "a", 1, 1, 0, True), joined("n1", "b", "a", 10)],
    "double-vote": [EvidenceSeen("n1", "x", "votes")],
    "equivocation": [by("x", "a", 5), by("x", "b", 5)],
}

MISSED: dict[str, list[Fact]] = {
    "reorg": [joined("n1", "a", "g", 1), NodeStopped("n1", "killed"), NodeStarted("n1"), G1],
    "deep-reorg": [
        BlockLeft("n1", "c", 3),
        joined("n1", "d", "g", 3),
        BlockLeft("n1", "d", 3),
        BlockLeft("n2", "c", 3),
    ],
    "fork": [joined("n1", "a", "g", 1), joined("n2", "a", "g", 1), joined("n1", "b", "a", 2)],
    "refused-block": [Refused("n1", "n2", "flood", "")],
    "restart": [NodeStarted("n1"), NodeStopped("n2", "killed"), NodeStarted("n3")],
    "mempool-reentry": [
        TransactionSeen("n1", "t"),
        joined("n1", "a", "g", 1, "t"),
        BlockLeft("n1", "a", 1),
        TransactionSeen("n2", "t"),
    ],
    "empty-mempool": [glimpse(0), glimpse(3)],
    "partition-healed": parted(FaultBegan("cut", "link.delay", ("n1",), ("n2",))),
    "finality-stalled": [Confirmed("n1", "a", 1, 1, 0, True), joined("n1", "b", "a", 9)],
    "double-vote": [EvidenceSeen("n1", "x", "blocks")],
    "equivocation": [by("x", "a", 5), by("y", "b", 5), by("x", "c", 6)],
}


def reached(facts: list[Fact], *asked: str, hostile: tuple[str, ...] = ()) -> tuple[str, ...]:
    board = ProbeBoard(
        ground(*[expected("deep-reorg", depth=depth) for depth in asked], hostile=hostile)
    )
    for number, fact in enumerate(facts):
        board.see(Seen(float(number), fact))
    return board.reached


def test_every_probe_of_the_catalogue_is_here() -> None:
    probes = sorted(name for name, kind in CHECKS.items() if kind.MODE is Mode.SOMETIMES)
    assert probes == sorted(REACHED) == sorted(MISSED)


@pytest.mark.parametrize("name", REACHED)
def test_a_probe_is_reached(name: str) -> None:
    assert name in reached(REACHED[name])


def test_two_blocks_of_one_slot_need_not_both_have_been_the_head() -> None:
    assert reached([EvidenceSeen("n1", "x", "blocks")]) == ("equivocation",)
    assert reached([EvidenceSeen("n1", "x", "blocks")], hostile=("n1",)) == ()


@pytest.mark.parametrize("name", MISSED)
def test_a_probe_is_not_reached_by_something_alike(name: str) -> None:
    assert name not in reached(MISSED[name])


@pytest.mark.parametrize("name", [n for n in REACHED if n not in ("restart", "empty-mempool")])
def test_what_hostile_nodes_do_reaches_nothing(name: str) -> None:
    assert name not in reached(REACHED[name], hostile=("n1", "n2"))


def test_the_scenario_says_how_deep_is_deep() -> None:
    facts: list[Fact] = [BlockLeft("n1", block, 3) for block in "cba"]
    assert "deep-reorg" not in reached(facts, "4")
    assert "deep-reorg" in reached(facts[:2], "2")


def test_blocks_known_on_both_sides_heal_no_partition() -> None:
    facts = [CUT, G1, G2, joined("n1", "a", "g", 1), joined("n2", "a", "g", 1), HEALED]
    assert "partition-healed" not in reached([*facts, BlockLeft("n2", "a", 1)])
