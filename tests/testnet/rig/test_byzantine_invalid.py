"""Each invalid block is refused by an honest node for the rule it breaks, and nothing else."""

import pytest

from p2p.wire.messages import GetBlocks, GetHeaders, Headers
from testnet.faults.byzantine import INVALID, InvalidBlocks
from tests.testnet.rig.fake_host import ANN, BOB
from tests.testnet.rig.producers import FORMS, Shown, converse, honest, showing, stage

REFUSED = {
    "state-root": ["wrong-state-root"],
    "transactions-root": ["wrong-transactions-root"],
    "receipts-root": ["wrong-receipts-root"],
    "history": ["wrong-history-root"],
    "height": ["wrong-height"],
    "parent": [],  # nobody's fault: the parent may be another's to know
    "chain": ["wrong-chain"],
    "author": ["wrong-author"],
    "seal": ["wrong-seal"],
    "slot-past": ["wrong-slot"],
    "slot-future": [],  # nobody's fault either: clocks differ
    "bad-signature": ["invalid-signature"],
    "expired-transaction": ["expired"],
    "sequence-gap": ["wrong-sequence"],
    "replayed-transaction": ["wrong-sequence"],
    "garbage-transaction": ["cose-tag"],
    "oversized": ["block-too-large"],
}


def test_every_rule_is_here() -> None:
    assert tuple(REFUSED) == INVALID


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("transactions", [0, 3])
@pytest.mark.parametrize("rule", INVALID)
def test_an_honest_node_refuses_it_for_its_reason(
    rule: str, transactions: int, form: type[Shown]
) -> None:
    liar, heard = showing(form, InvalidBlocks(rule), transactions=transactions)
    assert len(heard[ANN]) == len(heard[BOB]) == 1
    assert isinstance(heard[ANN][0], form)
    assert liar.behaviour.hits == 2
    listener = honest(liar)
    before = listener.ledger.head
    codes = converse(liar, listener, ANN, heard[ANN])
    assert list(dict.fromkeys(codes)) == REFUSED[rule]
    assert listener.ledger.head == before


@pytest.mark.parametrize("rule", INVALID)
def test_the_honest_block_is_still_welcome(rule: str) -> None:
    liar = stage(InvalidBlocks(rule))
    listener = honest(liar)
    converse(liar, listener, ANN, liar.announce(ANN)[ANN])
    listener.ledger.import_block(liar.block, (), liar.block.header.slot)
    assert listener.ledger.head.id == liar.block.id


def test_the_honest_block_stays_hidden() -> None:
    liar = stage(InvalidBlocks("state-root"))
    liar.announce(ANN)
    assert liar.announce(ANN, BOB) == {}
    ledger = liar.host.ledger
    found = ledger.headers_after([ledger.chain], 100)
    whole = Headers(1, tuple((header.raw, seal) for header, seal in found))
    cut = Headers(1, whole.headers[:-1])
    assert liar.behaviour.outgoing(ANN, [whole]) == [cut]


def test_each_rule_is_broken_first_by_some_seed() -> None:
    broken: dict[str, None] = {}
    for seed in range(60):
        liar = stage(InvalidBlocks("each"))
        liar.host.rng.seed(seed)
        liar.behaviour.begin(liar.host)
        (first,) = liar.announce(ANN)[ANN]
        for code in converse(liar, honest(liar), ANN, [first]):
            broken[code] = None
    assert sorted(broken) == sorted({code for codes in REFUSED.values() for code in codes})


def test_other_questions_reach_the_node() -> None:
    liar = stage(InvalidBlocks("state-root"))
    question = GetHeaders(1, (), 10)
    assert liar.behaviour.incoming(ANN, [question]) == [question]
    own = GetBlocks(2, (liar.block.id,))
    assert liar.behaviour.incoming(ANN, [own]) == [own]


def test_peers_outside_the_fault_hear_the_truth() -> None:
    liar = stage(InvalidBlocks("state-root"), "n1")
    heard = liar.announce(ANN, BOB)
    assert heard[BOB] == [liar.announcement]
    assert heard[ANN] != [liar.announcement]
