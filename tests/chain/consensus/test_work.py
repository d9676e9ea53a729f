"""Proof of work: the search, the weight, and how the target follows the pace."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chain.consensus.authorityset import AuthoritySet
from chain.consensus.engine import HeaderNode
from chain.consensus.work import TARGET_MAX, WorkEngine, WorkRules
from chain.primitives.errors import Invalid
from chain.primitives.hashing import Hash
from tests.chain.founding import leader, ledger

ROOT = ledger().head
RULES = WorkRules(target_bits=8, block_slots=2, retarget_blocks=4)
ENGINE = WorkEngine(RULES)
NOBODY = AuthoritySet(0, ())


class Chain:
    """A chain of headers whose blocks took the slots given, each with the engine's target."""

    def __init__(self, engine: WorkEngine = ENGINE) -> None:
        self.engine = engine
        self.nodes: dict[Hash, HeaderNode] = {ROOT.id: ROOT}
        self.tip = ROOT
        self.asked = 0

    def ancestry(self, block_id: Hash) -> HeaderNode:
        self.asked += 1
        return self.nodes[block_id]

    def grow(self, *gaps: int) -> "Chain":
        for gap in gaps:
            tip, target = self.tip, self.target()
            header = replace(tip.header, height=tip.height + 1, slot=tip.slot + gap, parent=tip.id)
            weight = tip.weight + self.engine.weight(target)
            self.tip = HeaderNode(header, bytes(8), weight, target)
            self.nodes[self.tip.id] = self.tip
        return self

    def target(self) -> int:
        return self.engine.target(self.tip, self.ancestry)


FIRST = TARGET_MAX >> 8


def test_the_first_window_has_the_target_of_the_genesis() -> None:
    chain = Chain()
    for _ in range(RULES.retarget_blocks):
        assert chain.target() == FIRST
        chain.grow(1)
    assert chain.target() != FIRST


@pytest.mark.parametrize(
    ("gaps", "numerator", "denominator"),
    [
        ((2, 2, 2, 2), 1, 1),
        ((1, 1, 1, 1), 1, 2),
        ((4, 4, 4, 4), 2, 1),
        ((1, 1, 1, 3), 6, 8),
        ((8, 8, 8, 8), 4, 1),
        ((1000, 1, 1, 1), 4, 1),
    ],
)
def test_the_target_follows_the_pace(
    gaps: tuple[int, ...], numerator: int, denominator: int
) -> None:
    assert Chain().grow(*gaps).target() == FIRST * numerator // denominator


def test_no_window_makes_it_more_than_four_times_harder() -> None:
    slow = WorkEngine(WorkRules(target_bits=8, block_slots=100, retarget_blocks=4))
    assert Chain(slow).grow(1, 1, 1, 1).target() == FIRST // 4


def test_between_windows_nothing_changes_and_nothing_is_read() -> None:
    chain = Chain().grow(1, 1, 1, 1, 1)
    asked, target = chain.asked, chain.tip.target
    assert chain.target() == target
    assert chain.asked == asked
    chain.grow(9, 9)
    assert chain.tip.target == target


@given(st.lists(st.integers(1, 500), max_size=40), st.integers(0, 200), st.integers(2, 5))
def test_targets_stay_in_range(gaps: list[int], bits: int, window: int) -> None:
    chain = Chain(WorkEngine(WorkRules(bits, 2, window))).grow(*gaps)
    targets = [node.target for node in chain.nodes.values() if node.height]
    assert all(1 <= target <= TARGET_MAX for target in targets)
    weights = [node.weight for node in chain.nodes.values()]
    assert weights == sorted(set(weights)), "every block adds weight"


def test_weight_is_the_expected_number_of_attempts() -> None:
    assert ENGINE.weight(TARGET_MAX) == 1
    assert ENGINE.weight(TARGET_MAX >> 1) == 2
    assert ENGINE.weight(TARGET_MAX >> 20) == 1 << 20
    assert ENGINE.weight(1) == 1 << 255


def test_the_search_gives_the_first_nonce_that_fits() -> None:
    header = replace(ROOT.header, height=1, slot=3, parent=ROOT.id)
    seal = ENGINE.seal(header, leader(0), FIRST, range(1 << 16))
    assert seal is not None
    nonce = int.from_bytes(seal, "big")
    assert ENGINE.seal(header, leader(0), FIRST, range(nonce)) is None
    assert ENGINE.seal(header, leader(0), FIRST, range(nonce, nonce + 1)) == seal
    ENGINE.check(header, seal, FIRST, NOBODY)


def test_too_little_work_is_refused_with_both_numbers() -> None:
    header = replace(ROOT.header, height=1, slot=3, parent=ROOT.id)
    with pytest.raises(Invalid) as refusal:
        ENGINE.check(header, bytes(8), 1, NOBODY)
    assert refusal.value.code == "too-little-work"
    assert f"{1:064x}" in refusal.value.reason
    ENGINE.check(header, bytes(8), TARGET_MAX, NOBODY)


def test_anyone_may_propose_once_time_has_moved_on() -> None:
    assert ENGINE.proposes(b"stranger", 1, ROOT, NOBODY)
    assert not ENGINE.proposes(b"stranger", 0, ROOT, NOBODY)
