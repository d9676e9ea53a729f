"""What hosts share is found once and is what each would have found."""

from dataclasses import replace

import pytest

from chain.primitives.errors import Invalid, Refusal
from chain.primitives.hashing import Hash
from chain.primitives.keys import KeyPair
from p2p.wire.records import sign_record
from testnet.engines.shared import EXECUTED_MAX, Shared, SharedLedger, shared
from testnet.engines.versions import VersionStore
from tests.chain.founding import GENESIS, decoded, grow, ledger, make, resealed, transfer


def two_hosts() -> tuple[Shared, SharedLedger, SharedLedger]:
    common = shared(GENESIS)
    one, two = (common.ledger(VersionStore(common.founded)) for _ in range(2))
    return common, one, two


def test_all_begin_with_the_chain_that_was_founded_once() -> None:
    common, one, two = two_hosts()
    assert one.head.id == two.head.id == common.founding_id == ledger().head.id
    assert one.supply("CNY") == ledger().supply("CNY")


def test_a_block_is_executed_once_and_comes_out_as_anywhere() -> None:
    common, one, two = two_hosts()
    plain = ledger()
    for slot in (1, 2, 3):
        block = grow(one, slot, transfer(slot - 1))
        assert list(common.executed)[-1] == block.header.id
        two.import_block(block, decoded(two, block), slot)
        plain.import_block(block, decoded(plain, block), slot)
    assert one.head.id == two.head.id == plain.head.id
    assert two.head.header.state == plain.head.header.state
    assert two.next_sequence(transfer(0).sender, 0) == 3


def test_hosts_that_import_the_same_stand_at_the_same_version() -> None:
    common = shared(GENESIS)
    stores = [VersionStore(common.founded) for _ in range(3)]
    first, *others = (common.ledger(store) for store in stores)
    block = grow(first, 1, transfer(0))
    for other in others:
        other.import_block(block, decoded(other, block), 1)
    assert stores[1].version is stores[2].version


def test_a_wrong_result_is_refused_by_each_and_remembered_for_none() -> None:
    common, one, two = two_hosts()
    wrong = resealed(make(ledger(), 1), state=Hash(bytes(32)))
    for host in (one, two):
        with pytest.raises(Invalid, match="state"):
            host.import_block(wrong, (), 1)
    assert wrong.header.id not in common.executed
    assert one.head.height == 0


def test_results_are_kept_for_the_newest_blocks_only() -> None:
    common, one, _ = two_hosts()
    for slot in range(1, EXECUTED_MAX + 4):
        grow(one, slot)
    assert len(common.executed) == EXECUTED_MAX
    assert one.head.id in common.executed


def test_a_seal_that_is_known_for_one_header_is_no_good_for_another() -> None:
    _, one, two = two_hosts()
    block = grow(one, 1)
    two.import_block(block, (), 1)
    forged = replace(block, header=replace(block.header, slot=2))
    with pytest.raises(Invalid):
        ledger().import_block(forged, (), 2)
    with pytest.raises(Invalid):
        two.import_block(forged, (), 2)


def test_verdicts_on_signatures_are_the_verifiers() -> None:
    common = shared(GENESIS)
    pair = KeyPair.from_seed(bytes(32))
    good = (pair.public, b"hello", pair.sign(b"hello"))
    bad = (pair.public, b"hullo", pair.sign(b"hello"))
    assert common.verdicts([good, bad, good]) == [True, False, True]
    assert common.verdicts([bad, good]) == [False, True]
    assert len(common.signatures) == 2


def test_a_record_is_read_once_and_a_forged_one_every_time_refused() -> None:
    common = shared(GENESIS)
    record = sign_record(KeyPair.from_seed(bytes(32)), GENESIS.hash, ("engine://10.0.0.1:1",), 1)
    assert common.contact(record.raw) is common.contact(record.raw)
    forged = record.raw[:-1] + bytes([record.raw[-1] ^ 1])
    for _ in range(2):
        with pytest.raises(Refusal):
            common.contact(forged)
    assert list(common.contacts) == [record.raw]
