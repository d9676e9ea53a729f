"""What is fuzzed: for each decoder valid samples, how to mutate them, and what must then hold.

A check returns whether the input was taken. It may be refused by a `Refusal`, or be taken and
encode to the very same bytes; everything else that is raised is a finding.
"""

from collections.abc import Callable
from dataclasses import dataclass
from importlib.resources import files
from itertools import cycle
from typing import Protocol, get_args

from chain.block import Receipt, decode_block, decode_header, decode_receipt, encode_block
from chain.consensus.authorityset import decode_set
from chain.consensus.finality.certificate import decode_certificate
from chain.consensus.finality.evidence import decode_evidence
from chain.consensus.finality.recovery import decode_recovery
from chain.consensus.finality.vote import decode_vote
from chain.finalproof import decode_handover
from chain.genesis import Genesis
from chain.genesis_source import compile_toml
from chain.genesis_text import to_toml
from chain.lightclient import decode_checkpoint
from chain.primitives import cbor, cose
from chain.primitives.errors import Refusal
from chain.primitives.hashing import Hash
from chain.primitives.keys import KeyPair
from chain.receipts.cose import decode_cose_receipt
from chain.transactions.dataset import Dataset, Publish
from chain.transactions.envelope import TRANSACTION_TYPE, Transaction, decode_transaction
from chain.transactions.governance_evidence import Consequence, OffenceRecord
from chain.transactions.governance_records import Outcome, Proposal, Vote
from chain.transactions.identity import DidRecord, decode_record
from chain.transactions.payment import CurrencyRecord
from p2p.wire.codec import decode_frame, encode_message
from p2p.wire.messages import Message
from p2p.wire.records import RECORD_TYPE, parse_record, sign_record
from testnet.scenario.source import parse_scenario
from testnet.scenario.text import format_scenario
from tests.chain.consensus.finality.world import LINK, certify, parties, set_of, sign
from tests.chain.founding import GENESIS, grow, ledger, transfer
from tests.chain.transactions import world
from tests.fuzz import api
from tests.fuzz.bodies import actions, bodies, double_vote
from tests.fuzz.handshake import SHAKES, shake
from tests.fuzz.kept import (
    ADDRESSES,
    checkpoint_samples,
    handover_samples,
    is_somewhere,
    recovery_samples,
    remembered_samples,
    remembers,
)
from tests.fuzz.mutation import Mutate, of_bytes, of_cbor, of_sequence, of_toml
from tests.fuzz.outbox import PLAYS, play
from tests.fuzz.receipts import cose_samples, receipt_samples, verified
from tests.p2p.wire.extremes import MAXIMAL, MINIMAL
from tests.p2p.wire.messages import examples

SAMPLE_BYTES_MAX = 8_192
"""A larger sample spends the time on bytes that all mean the same."""

Check = Callable[[bytes], bool]
CHAIN = Hash(b"c" * 32)
DATASET = Dataset(b"o" * 32, 3, next(body for body in bodies() if isinstance(body, Publish)))
NODE = KeyPair.from_seed(b"n" * 32)


@dataclass(frozen=True, slots=True)
class Target:
    """One decoder."""

    name: str
    samples: tuple[bytes, ...]
    mutate: Mutate
    check: Check


class Encodable(Protocol):
    def encode(self) -> bytes: ...


def same(decode: Callable[[bytes], Encodable]) -> Check:
    """A decoder whose values encode to what they were read from."""
    return taken(lambda data: decode(data).encode())


def taken(there_and_back: Callable[[bytes], bytes]) -> Check:
    """What is taken comes back as it was."""

    def check(data: bytes) -> bool:
        try:
            again = there_and_back(data)
        except Refusal:
            return False
        assert again == data, f"read from {data.hex()}, it encodes to {again.hex()}"
        return True

    return check


def frame(data: bytes) -> bytes:
    return b"".join(map(encode_message, decode_frame(data)))


def record_payload(data: bytes) -> bytes:
    """A peer record's payload, signed by a node that may be hostile."""
    record = parse_record(cose.sign1(NODE, RECORD_TYPE, data, CHAIN), CHAIN)
    assert record.peer == NODE.public
    return cbor.encode([1, list(record.addresses), record.sequence, list(record.capabilities)])


def transaction_payload(data: bytes) -> bytes:
    """A transaction's payload, whoever signed it."""
    tx = decode_transaction(cose.sign1(NODE, TRANSACTION_TYPE, data, CHAIN), CHAIN)
    return payload_of(tx)


def payload_of(tx: Transaction) -> bytes:
    fields = [1, tx.kind, tx.sender, tx.lane, tx.sequence, tx.expiry, tx.body.to_value()]
    return cbor.encode(fields)


def transaction(data: bytes) -> bytes:
    return decode_transaction(data, world.CHAIN).raw


def read_text(data: bytes, read: Callable[[str], object], write: Callable[[str], str]) -> bool:
    """Text that people write: what is taken and written again reads as the same."""
    text = data.decode(errors="replace")
    try:
        value = read(text)
    except Refusal:
        return False
    assert read(write(text)) == value
    return True


def scenario(data: bytes) -> bool:
    return read_text(data, parse_scenario, lambda text: format_scenario(parse_scenario(text)))


def genesis_source(data: bytes) -> bool:
    return read_text(data, compile_toml, lambda text: to_toml(compile_toml(text)))


def proposals() -> tuple[bytes, ...]:
    """A record of a proposal of each action."""
    organisations = tuple(sorted(world.did(name) for name in world.NAMES))
    return tuple(
        Proposal(
            organisations[0], action, 400, Hash(b"r" * 32), 3, 0, organisations, outcome, 5
        ).encode()
        for action, outcome in zip(actions(), cycle(Outcome))
    )


def offence() -> OffenceRecord:
    """A record of an offence."""
    evidence = double_vote()
    return OffenceRecord(
        evidence.offender, evidence.offence, 4, 0, 5, evidence.id, Consequence.SILENCED
    )


def blocks() -> list[bytes]:
    """Blocks of a small chain, one with transactions."""
    grown = ledger()
    raws = [encode_block(grow(grown, 1))]
    grown.submit(transfer(0), 2)
    grown.submit(transfer(1), 2)
    return [*raws, encode_block(grow(grown, 2))]


def messages(kind: type[Message]) -> tuple[bytes, ...]:
    """Samples of one kind of message."""
    known = [m for m in (*examples(), *MINIMAL, *MAXIMAL) if type(m) is kind]
    return small([encode_message(message) for message in known])


def small(samples: list[bytes]) -> tuple[bytes, ...]:
    """Those of a size that is worth mutating."""
    return tuple(sample for sample in samples if len(sample) <= SAMPLE_BYTES_MAX)


def library() -> tuple[bytes, ...]:
    """The scenarios that come with the laboratory."""
    folder = files("testnet") / "scenarios"
    return tuple(f.read_bytes() for f in sorted(folder.iterdir(), key=lambda f: f.name))


def targets() -> dict[str, Target]:
    """Every target by name."""
    transactions = [world.signed(body) for body in bodies()]
    seven = parties(7)
    vote = sign(LINK, 2, seven[2])
    evidence = double_vote()
    record = sign_record(NODE, CHAIN, ("ws://192.0.2.1:4001",), 7, ("blocks/1",))
    grown = blocks()
    headers = tuple(decode_block(raw).header.raw for raw in grown)
    receipt = Receipt(CHAIN, True, "", (("moved", (b"a" * 32, 5, "CNY")),))
    did = DidRecord.found(world.document("alice"), 3)
    everything = b"".join(map(encode_message, examples()))
    made = [
        Target(
            "cbor",
            (*headers, GENESIS.encode(), did.encode()),
            of_cbor,
            taken(lambda d: cbor.encode(cbor.decode(d))),
        ),
        Target("frame", (everything,), of_sequence, taken(frame)),
        *(
            Target(f"message-{kind.__name__}", messages(kind), of_cbor, taken(frame))
            for kind in get_args(Message)
        ),
        Target("record", (record.raw,), of_cbor, taken(lambda d: parse_record(d, CHAIN).raw)),
        Target(
            "record-payload", (payload(record.raw, RECORD_TYPE),), of_cbor, taken(record_payload)
        ),
        Target("transaction", tuple(tx.raw for tx in transactions), of_cbor, taken(transaction)),
        Target(
            "transaction-payload",
            tuple(map(payload_of, transactions)),
            of_cbor,
            taken(transaction_payload),
        ),
        Target("header", headers, of_cbor, taken(lambda d: decode_header(d).raw)),
        Target("block", tuple(grown), of_cbor, taken(lambda d: encode_block(decode_block(d)))),
        Target("receipt", (receipt.encode(),), of_cbor, same(decode_receipt)),
        Target("did-record", (did.encode(),), of_cbor, same(decode_record)),
        Target(
            "genesis", (GENESIS.encode(), world.GENESIS.encode()), of_cbor, same(Genesis.decode)
        ),
        Target("genesis-toml", (to_toml(world.GENESIS).encode(),), of_toml, genesis_source),
        Target("scenario-toml", library(), of_toml, scenario),
        Target("vote", (vote.encode(),), of_cbor, same(decode_vote)),
        Target(
            "certificate",
            (certify(LINK, seven, range(5)).encode(),),
            of_cbor,
            same(decode_certificate),
        ),
        Target("evidence", (evidence.encode(),), of_cbor, same(decode_evidence)),
        Target("authority-set", (set_of(seven).raw,), of_cbor, taken(lambda d: decode_set(d).raw)),
        Target("handover", handover_samples(), of_cbor, same(decode_handover)),
        Target("checkpoint", checkpoint_samples(), of_cbor, same(decode_checkpoint)),
        Target("recovery", recovery_samples(), of_cbor, same(decode_recovery)),
        Target("remembered", remembered_samples(), of_cbor, remembers),
        Target("address", ADDRESSES, of_bytes, is_somewhere),
        Target("receipt-file", receipt_samples(), of_cbor, verified),
        Target("cose-receipt", cose_samples(), of_bytes, same(decode_cose_receipt)),
        Target("dataset", (DATASET.encode(),), of_cbor, same(Dataset.decode)),
        Target("proposal", proposals(), of_cbor, same(Proposal.decode)),
        Target("vote-record", (Vote(True, 3, NODE.public).encode(),), of_cbor, same(Vote.decode)),
        Target("offence-record", (offence().encode(),), of_cbor, same(OffenceRecord.decode)),
        Target(
            "currency-record",
            (CurrencyRecord(5, 2, "Renminbi").encode(),),
            of_cbor,
            same(CurrencyRecord.decode),
        ),
        Target("api-json", api.JSON_BODIES, of_bytes, api.json_body),
        Target("api-sequence", api.SEQUENCES, of_sequence, api.sequence_body),
        Target("api-answer", api.SHOWN, of_bytes, api.an_answer),
        Target("did", api.DIDS, of_bytes, api.a_did),
        Target("state-path", api.PATHS, of_bytes, api.a_path),
        Target("handshake", SHAKES, of_bytes, shake),
        Target("outbox", PLAYS, of_bytes, play),
    ]
    return {target.name: target for target in made}


def payload(raw: bytes, typ: str) -> bytes:
    """What is signed in a COSE_Sign1."""
    return cose.parse(raw, typ).payload
