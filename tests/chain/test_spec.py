"""The published formats of the ledger are those of the code: grammars, vectors, numbers."""

import json
import re
from pathlib import Path
from typing import Any

import cbor2
import pycddl
import pytest

from chain import block, parameters, past, validation, voting
from chain.block import decode_block, decode_header, decode_receipt
from chain.consensus import authorityset
from chain.consensus.finality import closure, pool, standing
from chain.consensus.finality.certificate import decode_certificate
from chain.consensus.finality.vote import decode_vote
from chain.parameters import PARAMETER_RANGES, Parameters
from chain.pool import mempool
from chain.primitives import cose
from chain.primitives.errors import Refusal
from chain.primitives.hashing import Hash
from chain.primitives.keys import verify
from chain.receipts import finality
from chain.transactions import (
    dataset,
    document,
    envelope,
    governance_propose,
    governance_records,
    identity,
    payment,
)
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
    for made in blocks():
        for raw in made.transactions:
            assert LEDGER.admits("transaction", raw)
            kind = decode_transaction(raw, made.header.chain).kind
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
    for made, noted in zip(blocks(), VECTORS["blocks"], strict=True):
        assert BLOCKS.admits("block", bytes.fromhex(noted["block"]))
        assert BLOCKS.admits("header", made.header.raw)
        assert not BLOCKS.admits("header", cbor2.dumps([2, *cbor2.loads(made.header.raw)[1:]]))
        for raw in noted["results"]:
            assert BLOCKS.admits("receipt", bytes.fromhex(raw))
            assert decode_receipt(bytes.fromhex(raw)).encode().hex() == raw
    assert any(made.certificates for made in blocks())


def test_what_the_grammar_refuses_of_headers_and_certificates_is_refused() -> None:
    made = next(made for made in blocks() if made.certificates)
    for rule, raw, decode in (
        ("header", made.header.raw, decode_header),
        ("certificate", made.certificates[0], decode_certificate),
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
        ("exported", "cose-receipt"),
    ):
        raw = bytes.fromhex(VECTORS["receipts"][name])
        assert RECEIPTS.admits(rule, raw)
        assert not RECEIPTS.admits(rule, shortened(raw))


def test_the_grammar_admits_votes_evidence_and_handovers() -> None:
    for grammar, rule, text in (
        (BLOCKS, "signed-vote", VECTORS["vote"]["vote"]),
        (BLOCKS, "vote-bytes", VECTORS["vote"]["signed"]),
        (BLOCKS, "evidence", VECTORS["evidence"]),
        (RECEIPTS, "handover", VECTORS["handover"]),
    ):
        raw = bytes.fromhex(text)
        assert grammar.admits(rule, raw)
        assert not grammar.admits(rule, shortened(raw))
    key, signed = (bytes.fromhex(VECTORS["vote"][name]) for name in ("key", "signed"))
    assert verify(key, signed, decode_vote(bytes.fromhex(VECTORS["vote"]["vote"])).signature)


def shortened(raw: bytes) -> bytes:
    """The same array without its last item."""
    match cbor2.loads(raw):
        case cbor2.CBORTag() as tagged:
            return cbor2.dumps(cbor2.CBORTag(tagged.tag, tagged.value[:-1]))
        case fields:
            return cbor2.dumps(fields[:-1])


def page(name: str) -> str:
    """A page with every line break as a space."""
    return " ".join((SPEC / f"{name}.md").read_text().split())


def test_the_numbers_on_the_pages_are_those_of_the_code() -> None:
    room = mempool.MempoolLimits()
    said = {
        "ledger": (
            f"A document has 1 to {document.KEYS_MAX} keys",
            f"each of at most {dataset.PARENTS_MAX} parents",
            f"`reference` is at most {payment.REFERENCE_MAX} bytes",
            f"has 1 to {authorityset.SEALS_MAX} `seal` keys",
            f"at most {authorityset.AUTHORITIES_MAX} (`too-many-authorities`)",
            f"run ahead of the ledger by {room.sequence_ahead:,}",
            f"({room.transactions:,} transactions, {room.bytes >> 20} MiB)",
            f"bring at most {room.proofs:,} signatures",
            f"until <= slot + {governance_propose.VOTING_SLOTS_MAX:,}`",
            f"fewer than {governance_records.OPEN_PER_ORGANISATION_MAX} proposals",
            f"fewer than {governance_records.OPEN_MAX} in all",
        ),
        "blocks": (
            f"take at most {block.CERTIFICATES_BYTES_MAX >> 10} KiB",
            f"bring at most {validation.PROOFS_MAX} signatures",
            f"at most {validation.EVIDENCE_MAX} are `gov.evidence`",
            f"and {block.BLOCK_OVERHEAD_BYTES} for what else is in it",
        ),
        "consensus": (
            f"at most {standing.JUSTIFIED_MAX}, beyond which the oldest",
            f"at most {block.CERTIFICATES_MAX} certificates of "
            f"{block.CERTIFICATES_BYTES_MAX >> 10} KiB together",
            f"parked ({closure.PARKED_MAX} at most)",
            f"taken for {pool.WINDOW_SLOTS} slots back and one ahead, two of a member",
            f"of the last {voting.FRESH_SLOTS} slots, and for the deadline",
        ),
        "receipts": (f"at most {past.BLOCKS_UNDONE_MAX} of them (`state-too-old`)",),
    }
    for name, phrases in said.items():
        text = page(name)
        for phrase in phrases:
            assert phrase in text, f"{name}.md: {phrase}"
    # Numbers that the pages write as words.
    assert (envelope.LANE_MAX + 1, identity.ROLES_MAX, identity.CONTROLLERS_MAX) == (16, 16, 4)
    assert (pool.AHEAD_SLOTS, pool.PER_EPOCH_MAX, validation.SLOTS_AHEAD_MAX) == (1, 2, 1)


def test_the_parameters_and_their_ranges_are_those_of_the_code() -> None:
    rows = re.findall(
        r"^\| `([a-z_]+)` \| (\d+) \| (\d+) to (\d+) \|",
        (SPEC / "ledger.md").read_text(),
        re.MULTILINE,
    )
    defaults = Parameters()
    assert {name: (int(low), int(high)) for name, _, low, high in rows} == PARAMETER_RANGES
    assert all(getattr(defaults, name) == int(default) for name, default, *_ in rows)


def test_the_numbers_in_the_grammars_are_those_of_the_code() -> None:
    limits = (
        ("blocks", f"seal: bstr .size (0..{block.SEAL_BYTES_MAX})"),
        ("blocks", f"[0*{block.CERTIFICATES_MAX} bstr .cbor certificate]"),
        ("blocks", f"[0*{authorityset.AUTHORITIES_MAX} signature]"),
        ("ledger", f"; at most {envelope.TRANSACTION_BYTES_MAX} bytes"),
        ("ledger", f"0..{envelope.LANE_MAX}, uint63, uint63, registration"),
        ("ledger", f"services: [0*{document.SERVICES_MAX} service]"),
        ("ledger", f".{{1,{document.SERVICE_TEXT_MAX}}}"),
        ("ledger", f"{{0,{dataset.TITLE_MAX}}}"),
        ("ledger", f"; at most {dataset.MEDIA_TYPE_MAX} characters"),
        ("ledger", f"[0*{identity.ROLES_MAX} ("),
        ("ledger", f".{{0,{parameters.CURRENCY_NAME_MAX}}}"),
        ("ledger", f"slot-ms: {parameters.SLOT_MS_MIN}..{parameters.SLOT_MS_MAX}"),
        ("ledger", f"time: 0..{parameters.TIME_MS_MAX}"),
        ("receipts", f"header = bstr .size (0..{block.HEADER_BYTES_MAX})"),
        ("receipts", f"certificate = bstr .size (0..{block.CERTIFICATE_BYTES_MAX})"),
        ("receipts", f"authorities = bstr .size (0..{authorityset.SET_LIMITS.size})"),
        ("receipts", f"; at most {finality.RECEIPT_LIMITS.size >> 20} MiB"),
        ("receipts", f"; at most {finality.HANDOVERS_MAX}"),
    )
    for name, text in limits:
        assert text in FILES[name], f"{name}.cddl: {text}"
