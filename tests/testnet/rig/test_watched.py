"""A ledger that shows what it refuses."""

from dataclasses import replace

import pytest

from chain.block import Block
from chain.primitives.errors import Invalid
from chain.store import MemoryStore
from testnet.rig.watched import REFUSED_MAX, WatchedLedger
from tests.p2p.protocol.conversation import FOUNDING, extend, make_ledger


def test_what_is_refused_is_shown_and_what_is_taken_is_not() -> None:
    other, shown = make_ledger(), list[Block]()
    extend(other, 2)
    first, second = other.block_at(1), other.block_at(2)
    assert first is not None
    assert second is not None
    ledger = WatchedLedger(FOUNDING.genesis, MemoryStore(), shown.append)
    ledger.import_block(first, (), first.header.slot)
    forged = replace(second, seal=bytes(len(second.seal)))
    for _ in range(REFUSED_MAX + 1):
        with pytest.raises(Invalid):
            ledger.import_block(forged, (), second.header.slot)
    assert shown == [forged] * REFUSED_MAX
    ledger.import_block(second, (), second.header.slot)
    assert ledger.head.id == other.head.id
