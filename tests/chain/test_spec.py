"""The published formats of the ledger are those of the code: grammars, vectors, numbers."""

import json
from pathlib import Path
from typing import Any

import cbor2
import pycddl
import pytest

from chain.block import decode_block, decode_header, decode_receipt
from chain.consensus.finality.certificate import decode_certificate
from chain.parameters import PARAMETER_RANGES
from chain.primitives import cose
from chain.primitives.errors import Refusal
from chain.primitives.hashing import Hash
from chain.transactions.envelope import TRANSACTION_TYPE, decode_transaction
from chain.transactions.registry import KINDS
from tests.cddl import Grammar
from tests.chain.vectors import vectors

SPEC = Path(__file__).parents[2] / "docs" / "spec"
FILES = {name: (SPEC / f"{name}.cddl").read_text() for name in ("ledger", "blocks", "receipts")}
LEDGER, BLOCKS, RECEIPTS = map(Grammar, FILES.values())
VECTORS: Any = json.loads((SPEC / "ledger-vectors.json").read_text())
RULES = {
    "did.register": "register",
    "pay.transfer": "transfer",
    "ds.publish": "publish",
    "gov.propose": "propose",
    "gov.vote": "cast-vote",
    "gov.evidence": "submit-evidence",
}
FAMILIES = {
    b"did/": "did-record",
    b"seq/": "next-sequence",
    b"bal/": "balance",
    b"cur/": "currency-record",
    b"ds/": "dataset-record",
    b"set/cur": "authority-set",
    b"set/pend": "authority-set",
    b"set/since": "seated-since",
    b"gov/prop/": "proposal",
    b"gov/vote/": "vote-record",
    b"gov/open": "open-proposals",
    b"gov/param/": "parameter-value",
    b"ev/": "offence-record",
}


def blocks() -> list[Any]:
    return [decode_block(bytes.fromhex(noted["block"])) for noted in VECTORS["blocks"]]


def test_the_vectors_are_what_the_code_does() -> None:
    assert vectors() == VECTORS, "`python -m tests.chain.vectors --write` writes them anew"


@pytest.mark.parametrize("name", FILES)
def test_the_grammars_are_well_formed(name: str) -> None:
    pycddl.Schema(FILES[name])


def test_the_grammar_admits_every_transaction_and_each_only_as_what_it_is() -> None:
    seen = dict[str, None]()
    for block in blocks():
        for raw in block.transactions:
            assert LEDGER.admits("transaction", raw)
            kind = decode_transaction(raw, block.header.chain).kind
            payload = cose.parse(raw, TRANSACTION_TYPE).payload
            admitting = [rule for rule in RULES.values() if LEDGER.admits(rule, payload)]
            assert admitting == [RULES[kind]]
            seen[kind] = None
    assert seen.keys() == KINDS.keys() == RULES.keys()


def test_the_grammar_refuses_what_does_not_decode() -> None:
    chain = Hash(bytes.fromhex(VECTORS["chain"]))
    for vector in VECTORS["refused"]:
        raw = bytes.fromhex(vector["transaction"])
        with pytest.raises(Refusal) as refused:
            decode_transaction(raw, chain)
        assert refused.value.code == vector["code"]
        if vector["code"] in ("shape", "transaction-version", "unknown-kind"):
            assert not LEDGER.admits("transaction", raw), refused.value


def test_the_grammar_admits_the_state_by_its_families() -> None:
    rows = [VECTORS["state"], *(noted["changes"] for noted in VECTORS["blocks"])]
    seen = dict[bytes, None]()
    for key, value in ((bytes.fromhex(k), v) for row in rows for k, v in row.items()):
        (family,) = (known for known in FAMILIES if key.startswith(known))
        seen[family] = None
        assert not value or LEDGER.admits(FAMILIES[family], bytes.fromhex(value)), key
    assert seen.keys() == FAMILIES.keys()


def test_the_grammar_admits_blocks_and_what_is_in_them() -> None:
    for block, noted in zip(blocks(), VECTORS["blocks"], strict=True):
        assert BLOCKS.admits("block", bytes.fromhex(noted["block"]))
        assert BLOCKS.admits("header", block.header.raw)
        assert not BLOCKS.admits("header", cbor2.dumps([2, *cbor2.loads(block.header.raw)[1:]]))
        for raw in noted["results"]:
            assert BLOCKS.admits("receipt", bytes.fromhex(raw))
            assert decode_receipt(bytes.fromhex(raw)).encode().hex() == raw
    assert any(block.certificates for block in blocks())


def test_what_the_grammar_refuses_of_headers_and_certificates_is_refused() -> None:
    block = next(block for block in blocks() if block.certificates)
    for rule, raw, decode in (
        ("header", block.header.raw, decode_header),
        ("certificate", block.certificates[0], decode_certificate),
    ):
        fields = cbor2.loads(raw)
        wrong = [[*fields[:at], None, *fields[at + 1 :]] for at in range(len(fields))]
        for value in [*wrong, fields[:-1], [*fields, 0]]:
            assert not BLOCKS.admits(rule, cbor2.dumps(value))
            with pytest.raises(Refusal):
                decode(cbor2.dumps(value))


def test_the_grammar_admits_the_genesis_and_the_receipts() -> None:
    genesis = bytes.fromhex(VECTORS["genesis"])
    assert LEDGER.admits("genesis", genesis)
    *head, numbers = cbor2.loads(genesis)
    for at, (low, high) in enumerate(PARAMETER_RANGES.values()):
        for number, fits in ((low, True), (high, True), (low - 1, False), (high + 1, False)):
            changed = [*head, [*numbers[:at], number, *numbers[at + 1 :]]]
            assert LEDGER.admits("genesis", cbor2.dumps(changed)) == fits
    for name, rule in (
        ("transaction", "transaction-receipt"),
        ("present", "state-receipt"),
        ("absent", "state-receipt"),
        ("checkpoint", "checkpoint-file"),
    ):
        raw = bytes.fromhex(VECTORS["receipts"][name])
        assert RECEIPTS.admits(rule, raw)
        assert not RECEIPTS.admits(rule, cbor2.dumps(cbor2.loads(raw)[:-1]))
