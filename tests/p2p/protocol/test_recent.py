"""Recent transactions and orphans stay bounded, and forget the right ones."""

from dataclasses import replace

import pytest

from chain.primitives.hashing import sha256
from p2p.peers.peer import PeerId
from p2p.protocol import orphans as bounds
from p2p.protocol import recent as recent_bounds
from p2p.protocol.compact import compact
from p2p.protocol.orphans import ORPHANS_MAX, ORPHANS_PER_PEER, Orphans
from p2p.protocol.recent import RecentTransactions
from tests.p2p.protocol.conversation import ANN, BOB, extend, make_ledger

(TEMPLATE,) = extend(make_ledger(), 1)


def test_the_oldest_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recent_bounds, "RECENT_MAX", 3)
    monkeypatch.setattr(recent_bounds, "RECENT_BYTES_MAX", 10)
    recent = RecentTransactions()
    for number, raw in enumerate((b"a", b"b", b"c", b"d")):
        recent.add(sha256(raw), raw, float(number))
    recent.add(sha256(b"b"), b"b", 9.0)
    assert [recent.get(digest) for digest in recent] == [b"d", b"c", b"b"]
    assert list(recent.since(1.5)) == [b"d", b"c"]
    recent.add(sha256(b"eight..."), b"eight...", 5.0)
    assert (len(recent), recent.size) == (3, 10)
    recent.add(sha256(b"far too large"), b"far too large", 6.0)
    assert (len(recent), recent.size, recent.get(sha256(b"d"))) == (0, 0, None)


def put(orphans: Orphans, peer: PeerId, slots: range) -> None:
    for slot in slots:
        header = replace(TEMPLATE.header, slot=slot)
        block = replace(TEMPLATE, header=header, transactions=(b"raw",))
        orphans.put(peer, header, compact(block, 1, ()))


def test_a_peer_displaces_its_own_oldest_orphans() -> None:
    orphans = Orphans()
    put(orphans, BOB, range(1))
    put(orphans, ANN, range(1, ORPHANS_PER_PEER + 3))
    assert len(orphans) == ORPHANS_PER_PEER + 1
    slots = [replace(TEMPLATE.header, slot=slot).id in orphans for slot in range(4)]
    assert slots == [True, False, False, True]
    orphans.forget(ANN)
    assert len(orphans) == 1
    orphans.forget(BOB)
    assert (len(orphans), orphans.bytes) == (0, 0)


def test_all_orphans_together_are_bounded() -> None:
    orphans = Orphans()
    for number in range(20):
        start = number * ORPHANS_PER_PEER
        put(orphans, PeerId(bytes([number]) * 32), range(start, start + ORPHANS_PER_PEER))
    assert len(orphans) == ORPHANS_MAX


def test_orphans_are_bounded_in_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    orphans = Orphans()
    put(orphans, ANN, range(1))
    monkeypatch.setattr(bounds, "ORPHAN_BYTES_MAX", 3 * orphans.bytes)
    put(orphans, ANN, range(1, 5))
    put(orphans, BOB, range(9, 10))
    assert len(orphans) == 3
    assert replace(TEMPLATE.header, slot=9).id in orphans


def test_children_are_found_by_their_parent() -> None:
    orphans = Orphans()
    put(orphans, ANN, range(2))
    put(orphans, BOB, range(2))
    ids = orphans.children(TEMPLATE.header.parent)
    assert len(ids) == 2
    found = orphans.pop(ids[0])
    assert found is not None
    assert found[0] == ANN
    assert orphans.pop(ids[0]) is None
    assert orphans.children(TEMPLATE.id) == []
