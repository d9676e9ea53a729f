"""Makes the vectors of the ledger; `python -m tests.chain.vectors --write` the file.

One small network from its genesis on: every kind of transaction, one that fails, a change of the
authorities, with the state and the results after each block, then receipts of it.
"""

from pathlib import Path
from typing import TypeAlias

from chain import tables
from chain.block import Block, encode_block
from chain.consensus.finality.evidence import of_votes
from chain.consensus.finality.vote import Checkpoint, Vote
from chain.lightclient import TrustedCheckpoint
from chain.primitives import cbor, cose
from chain.primitives.cbor import Value
from chain.primitives.errors import Refusal
from chain.primitives.hashing import ZERO_HASH, Hash, sha256
from chain.primitives.keys import AgreementKey, KeyPair
from chain.receipts.cose import export
from chain.state import paths
from chain.transactions.dataset import Parent, Publish
from chain.transactions.document import DidDocument, Key, Purpose, Service
from chain.transactions.envelope import (
    TRANSACTION_TYPE,
    Transaction,
    decode_transaction,
    sign_transaction,
)
from chain.transactions.governance_actions import SetRole
from chain.transactions.governance_evidence import SubmitEvidence
from chain.transactions.identity import give_consent, register
from chain.transactions.payment import Transfer
from tests.chain.consensus.finality.world import sign
from tests.chain.receipts.world import PAYEE, PAYER, Paying
from tests.chain.sets import BY_ID, PEOPLE, change
from tests.publishing import publish

Json: TypeAlias = "dict[str, Json] | list[Json] | str | int"

PATH = Path(__file__).parents[2] / "docs" / "spec" / "ledger-vectors.json"
EMPTIED = PEOPLE[10]
"""Who gives everything away."""
ADMIN = KeyPair.from_seed(sha256(f"{PAYER.name}/a".encode()))
"""Of the payer; see tests.parties."""
ROWS_MAX = 10_000
"""Of the state, which has a few dozen."""


def keys() -> dict[Purpose, KeyPair]:
    """The signing keys of an identity that is registered."""
    made = (Purpose.ADMIN, Purpose.TX, Purpose.ASSERT)
    return {p: KeyPair.from_seed(sha256(f"cornerstone vectors/yard {p}".encode())) for p in made}


def document() -> DidDocument:
    """An identity with a controller, a service, a key that cannot sign, and keys to come."""
    agree = AgreementKey(sha256(b"cornerstone vectors/yard agree")).public
    signing = (Key(purpose.value, purpose, key.public) for purpose, key in keys().items())
    return DidDocument(
        (*signing, Key("box", Purpose.AGREE, agree)),
        next=sha256(b"cornerstone vectors/yard next"),
        services=(Service("api", "Gateway", "https://yard.example/"),),
        controller=PAYER.did,
    )


class Recorded(Paying):
    """A chain that notes what each of its blocks did."""

    def __init__(self) -> None:
        super().__init__(4)
        self.noted: list[Json] = []
        self._before = self.state()

    def state(self) -> dict[bytes, bytes]:
        """Every key of the state and its value."""
        rows = self.on.store.scan(tables.STATE, limit=ROWS_MAX)
        return {key.removeprefix(tables.STATE): value for key, value in rows}

    def grow(self, *transactions: Transaction, careless: bool = False) -> Block:
        """See Chain."""
        block = super().grow(*transactions, careless=careless)
        decoded = [decode_transaction(raw, self.on.chain) for raw in block.transactions]
        before, after = self._before, self.state()
        changed = [key for key in sorted(before | after) if before.get(key) != after.get(key)]
        self.noted.append(
            {
                "block": encode_block(block).hex(),
                "id": block.id.hex(),
                "transactions": [transaction.id.hex() for transaction in decoded],
                "results": [raw.hex() for raw in self.on.encoded_receipts(block.id)],
                "changes": {key.hex(): after.get(key, b"").hex() for key in changed},
            }
        )
        self._before = after
        return block

    def register(self) -> Transaction:
        """The registration of `document`."""
        chain, founded, held = self.on.chain, document(), keys()
        pairs = {key.public: key for key in held.values()}
        consent = give_consent(ADMIN, chain, founded.id)
        body = register(founded, chain, pairs, consent)
        expiry = self.on.head.slot + 100
        return sign_transaction(held[Purpose.TX], chain, founded.id, 0, 0, expiry, body)

    def double_vote(self) -> SubmitEvidence:
        """Evidence of two votes by an authority for one epoch."""
        signer = PEOPLE[0]
        source = self.on.finality.standing(self.on.head.id).newest
        epoch = self.on.head.slot
        votes = [Vote(0, source, Checkpoint(Hash(bytes([n]) * 32), epoch)) for n in (1, 2)]
        signed = [(vote, signer.vote.sign(vote.signed_bytes(self.on.chain))) for vote in votes]
        return SubmitEvidence(of_votes(signer.did, signer.vote.public, *signed))


def play() -> Recorded:
    """Everything that the vectors show, in the order of its blocks."""
    chain = Recorded()
    first = Publish(
        "Bill of lading", sha256(b"1"), sha256(b"2"), "application/json", 17, "shipping"
    )
    published = chain.sign(PAYEE, first)
    chain.grow(
        chain.register(),
        chain.sign(PAYER, Transfer("CNY", PAYEE.did, 250, b"invoice 7")),
        chain.sign(PEOPLE[9], Transfer("CNY", PAYEE.did, 10**9)),
        published,
        careless=True,
    )
    made = (Parent(published.id, "derived"),)
    chain.grow(
        chain.sign(PAYEE, Publish("", sha256(b"3"), ZERO_HASH, "a/b", 0, "x", made)),
        chain.sign(EMPTIED, Transfer("CNY", document().id, 1_000_000)),
        chain.sign(PEOPLE[0], chain.double_vote()),
    )
    chain.decide(SetRole(PAYEE.did, "auditor", True), PEOPLE[1:4])
    chain.finish(chain.decide(change(PEOPLE[1:3], PEOPLE[4:7]), PEOPLE[1:4]))
    chain.payment()
    chain.grow()
    chain.finalize()
    return chain


def voted(chain: Recorded) -> Json:
    """A vote for the head by the first member of the set in force."""
    member = chain.authorities.members[0]
    standing = chain.on.finality.standing(chain.on.head.id)
    target = Checkpoint(chain.on.head.id, chain.on.head.slot)
    vote = Vote(standing.set_id, standing.newest, target)
    return {
        "key": member.vote.hex(),
        "signed": vote.signed_bytes(chain.on.chain).hex(),
        "vote": sign(vote, 0, BY_ID[member.did], chain.on.chain).encode().hex(),
    }


def proof_of(chain: Recorded, key: bytes) -> Json:
    """A key's place in the state tree after the last block."""
    proof, _ = chain.on.prove(key)
    return {
        "key": key.hex(),
        "siblings": [sibling.hex() for sibling in proof.siblings],
        "leaf": [] if proof.leaf is None else [part.hex() for part in proof.leaf],
    }


def refused(chain: Recorded) -> list[tuple[bytes, str]]:
    """Transactions that do not decode, and why: of each kind, a field that is null, or is none."""
    found: dict[bytes, None] = {}
    raws = [raw for block in chain.blocks for raw in block.transactions]
    for raw in {decode_transaction(raw, chain.on.chain).kind: raw for raw in raws}.values():
        payload = cbor.decode(cose.parse(raw, TRANSACTION_TYPE).payload)
        assert isinstance(payload, list)
        *head, body = payload
        assert isinstance(body, list)
        wrong: list[Value] = [[*head[:at], None, *head[at + 1 :], body] for at in range(len(head))]
        wrong += [[*head, [*body[:at], b"?" * 31, *body[at + 1 :]]] for at in range(len(body))]
        wrong += [[*head, body[:-1]], [*head, [*body, 0]], [*head, body, 0], payload[:-1]]
        wrong += [[*head[:3], 16, *head[4:], body], [1, "pay.other", *head[2:], body]]
        for value in wrong:
            signed = cose.sign1(PAYER.tx, TRANSACTION_TYPE, cbor.encode(value), chain.on.chain)
            found.setdefault(signed)
        for flipped in (raw + b"\0", raw[:-1], b"\xd2" + raw, raw[1:]):
            found.setdefault(flipped)
    answers = [(raw, code_of(raw, chain.on.chain)) for raw in found]
    return [(raw, code) for raw, code in answers if code]


def code_of(raw: bytes, chain: Hash) -> str:
    """Of the refusal of a transaction; empty for one that decodes."""
    try:
        decode_transaction(raw, chain)
    except Refusal as refusal:
        return refusal.code
    return ""


def vectors() -> dict[str, Json]:
    """Everything in the file."""
    founded = Recorded()
    chain = play()
    present, absent = paths.balance(b"CNY", PAYEE.did), paths.balance(b"CNY", EMPTIED.did)
    receipt = chain.receipt(chain.paid[-1])
    first = founded.on.block(founded.on.head.id)
    assert first is not None
    return {
        "about": "Vectors of docs/spec/ledger.md, blocks.md, consensus.md and receipts.md, by "
        "tests/chain/vectors.py; all in hex. Changes: the state's keys and their values after a "
        "block, empty where a key is gone.",
        "genesis": chain.genesis.encode().hex(),
        "chain": chain.on.chain.hex(),
        "state": {key.hex(): value.hex() for key, value in sorted(founded.state().items())},
        "first": {"block": encode_block(first).hex(), "id": first.id.hex()},
        "blocks": chain.noted,
        "proofs": [proof_of(chain, key) for key in (present, absent)],
        "vote": voted(chain),
        "evidence": chain.double_vote().evidence.encode().hex(),
        "handover": chain.on.handovers.of(1).encode().hex(),
        "receipts": {
            "transaction": receipt.encode().hex(),
            "present": chain.maker.state(present).encode().hex(),
            "absent": chain.maker.state(absent).encode().hex(),
            "exported": export(receipt, keys()[Purpose.ASSERT]).encode().hex(),
            "checkpoint": TrustedCheckpoint(receipt.proof.header, chain.authorities).encode().hex(),
        },
        "refused": [{"transaction": raw.hex(), "code": code} for raw, code in refused(chain)],
    }


if __name__ == "__main__":
    publish(PATH, vectors)
