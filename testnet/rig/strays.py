"""Transactions out of nowhere. Registering needs no permission and no money, so anyone can."""

import random

from chain.primitives.hashing import Hash
from chain.primitives.keys import KeyPair
from chain.transactions.document import DidDocument, Key, Purpose, Service
from chain.transactions.envelope import Transaction, sign_transaction
from chain.transactions.identity import register

SEED_BYTES = 32
SIGNATURE_BYTES = 64
SERVICES = 8
ENDPOINT_CHARACTERS = 200
"""Nearly what a document may hold: a registration of some two kilobytes."""


def newcomer(
    rng: random.Random, chain: Hash, expiry: int, *, sequence: int = 0, services: int = 0
) -> Transaction:
    """The registration of an identity nobody has heard of; valid as far as its numbers are."""
    admin, tx = (KeyPair.from_seed(rng.randbytes(SEED_BYTES)) for _ in range(2))
    document = DidDocument(
        keys=(Key("admin", Purpose.ADMIN, admin.public), Key("tx", Purpose.TX, tx.public)),
        services=tuple(
            Service(f"s{i}", "Stray", "x" * ENDPOINT_CHARACTERS) for i in range(services)
        ),
    )
    body = register(document, chain, {admin.public: admin, tx.public: tx})
    return sign_transaction(tx, chain, document.id, 0, sequence, expiry, body)


def bulky(rng: random.Random, chain: Hash, expiry: int) -> Transaction:
    """A newcomer with as much to say as a document can hold."""
    return newcomer(rng, chain, expiry, services=SERVICES)


def forged(transaction: Transaction, rng: random.Random) -> bytes:
    """The transaction's bytes under a signature that is none."""
    assert transaction.raw.endswith(transaction.signature), "the signature comes last"
    return transaction.raw[:-SIGNATURE_BYTES] + rng.randbytes(SIGNATURE_BYTES)
