"""The accounts that make load: each signs its own sequence of transactions, without gaps."""

from enum import StrEnum

from chain.primitives.hashing import Hash, sha256
from chain.primitives.keys import KeyPair
from chain.transactions.body import Body
from chain.transactions.dataset import Publish
from chain.transactions.envelope import Transaction, sign_transaction
from chain.transactions.payment import Transfer

MIXED_PUBLISH_EVERY = 5
"""In a mixed load every fifth transaction publishes a dataset, the others pay."""

SEATS_MIN = 8
"""For changes of the authorities: half of them is the smallest set that the ledger lets go on."""


class LoadKind(StrEnum):
    """What the generator sends."""

    TRANSFER = "transfer"
    MIXED = "mixed"
    SEATS = "seats"  # changes of the authorities, see testnet.seat_changes; in scenarios alone


class Sender:
    """One account of the generator, whose transactions follow each other without a gap."""

    def __init__(self, key: KeyPair, did: bytes, chain: Hash, next_sequence: int) -> None:
        self.did = did
        self._key = key
        self._chain = chain
        self._next = next_sequence
        self._made = 0

    def sign(self, kind: LoadKind, to: bytes, code: str, expiry: int) -> Transaction:
        """The account's next transaction: one minor unit to `to`, or a dataset now and then."""
        self._made += 1
        return self.sign_body(self._body(kind, to, code), expiry)

    def sign_body(self, body: Body, expiry: int) -> Transaction:
        """The account's next transaction, whatever it says."""
        sequence, self._next = self._next, self._next + 1
        return sign_transaction(self._key, self._chain, self.did, 0, sequence, expiry, body)

    def _body(self, kind: LoadKind, to: bytes, code: str) -> Body:
        if kind is LoadKind.MIXED and self._made % MIXED_PUBLISH_EVERY == 0:
            content = self.did + self._made.to_bytes(8)
            return Publish(
                title=f"load {self._made}",
                commitment=sha256(content),
                ciphertext_hash=sha256(b"ciphertext" + content),
                media_type="application/json",
                size=len(content),
                sector="load",
            )
        return Transfer(code=code, to=to, amount=1, reference=b"")
