"""The header tree beside a dictionary: the rule of the best, tips, marks, bounds, reload."""

import random
from dataclasses import replace

import pytest

from chain.consensus import headertree
from chain.consensus.engine import HeaderNode
from chain.consensus.finality.standing import base
from chain.consensus.headertree import Entry, HeaderTree, better, rank
from chain.primitives.hashing import Hash, sha256
from chain.primitives.merkle import CompactRange, leaf_hash
from chain.store import Batch, MemoryStore
from tests.chain.founding import ledger

ROOT = ledger().head
STANDING = base(0, ROOT.header.set_hash, ROOT.id, 0)


def entry(parent: Entry | None, slot: int, salt: int = 0, weight: int = 1) -> Entry:
    if parent is None:
        return Entry(ROOT, CompactRange().append(leaf_hash(ROOT.header.raw)), "", STANDING)
    above = parent.node
    header = replace(
        ROOT.header,
        height=above.height + 1,
        slot=slot,
        parent=above.id,
        state=sha256(b"%d" % salt),
    )
    node = HeaderNode(header, b"seal", above.weight + weight, 7)
    return Entry(node, parent.history.append(leaf_hash(header.raw)), "", STANDING)


class Grown:
    """A tree over a store in memory."""

    def __init__(self) -> None:
        self.store = MemoryStore()
        self.tree = HeaderTree(self.store)
        self.first = self.add(entry(None, 0))

    def add(self, added: Entry) -> Entry:
        batch = Batch()
        self.tree.add(added, batch)
        self.store.write(batch)
        return added

    def mark(self, block_id: Hash, reason: str) -> None:
        batch = Batch()
        self.tree.mark_invalid(block_id, reason, batch)
        self.store.write(batch)

    def reload(self) -> None:
        self.tree = HeaderTree(self.store)


def test_what_was_added_is_there_after_a_reload() -> None:
    grown = Grown()
    added = grown.add(entry(grown.first, 3))
    for _ in range(2):
        assert grown.tree.entry(added.node.id) == added
        assert grown.tree.node(added.node.id) == added.node
        assert grown.tree.entry(sha256(b"unknown")) is None
        assert [tip.id for tip in grown.tree.tips()] == [added.node.id]
        grown.reload()


def test_best_is_weight_then_lower_slot_then_lower_id() -> None:
    grown = Grown()
    light = grown.add(entry(grown.first, 1)).node
    late = grown.add(entry(grown.first, 9, weight=2)).node
    early = grown.add(entry(grown.first, 8, weight=2)).node
    twin = grown.add(entry(grown.first, 8, salt=1, weight=2)).node
    low, high = sorted((early, twin), key=lambda node: node.id)
    assert list(grown.tree.tips()) == [low, high, late, light]
    assert next(grown.tree.tips()) == low
    assert better(low, high)
    assert not better(high, low)
    assert not better(low, low)


def test_a_parent_is_no_tip_and_is_one_again_when_its_child_is_invalid() -> None:
    grown = Grown()
    parent = grown.add(entry(grown.first, 1))
    child = grown.add(entry(parent, 2))
    assert next(grown.tree.tips()) == child.node
    grown.mark(child.node.id, "wrong-state-root: because")
    batch = Batch()
    grown.tree.retip(parent.node, batch)
    grown.store.write(batch)
    for _ in range(2):
        assert list(grown.tree.tips()) == [parent.node]
        marked = grown.tree.entry(child.node.id)
        assert marked is not None
        assert marked.invalid == "wrong-state-root: because"
        grown.reload()


def test_memory_is_bounded_and_what_left_it_is_read_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(headertree, "NODES_CACHED_MAX", 4)
    grown = Grown()
    chain = [grown.first]
    for slot in range(1, 20):
        chain.append(grown.add(entry(chain[-1], slot)))
    assert len(grown.tree._cache) <= 4
    assert [grown.tree.entry(e.node.id) for e in chain] == chain


@pytest.mark.parametrize("how", ["add", "retip"])
def test_tips_are_bounded_and_the_lightest_go(how: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(headertree, "TIPS_MAX", 3)
    grown = Grown()
    entries = [grown.add(entry(grown.first, 1, salt, weight=salt + 1)) for salt in range(9)]
    if how == "retip":
        batch = Batch()
        for spare in entries:
            grown.tree.retip(spare.node, batch)
        grown.store.write(batch)
    for _ in range(2):
        assert [tip.id for tip in grown.tree.tips()] == [e.node.id for e in entries[:-4:-1]]
        grown.reload()
    again = grown.add(entry(entries[0], 5, weight=50))
    assert next(grown.tree.tips()) == again.node


@pytest.mark.parametrize("seed", range(12))
def test_random_trees_beside_a_dictionary(seed: int) -> None:
    rng = random.Random(seed)
    grown = Grown()
    entries = [grown.first]
    for salt in range(60):
        parent = rng.choice(entries[-8:])
        slot = parent.node.slot + rng.randrange(1, 4)
        entries.append(grown.add(entry(parent, slot, salt, rng.randrange(1, 3))))
        if rng.random() < 0.1:
            grown.reload()
        parents = {e.node.parent: None for e in entries}
        leaves = [e.node for e in entries if e.node.id not in parents]
        assert list(grown.tree.tips()) == sorted(leaves, key=rank, reverse=True)
        assert next(grown.tree.tips()) == max(leaves, key=rank)
