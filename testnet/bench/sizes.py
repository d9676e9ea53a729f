"""Genuine transactions of a wanted size, signed, each sender's in sequence."""

from chain.genesis import Genesis
from chain.primitives.hashing import sha256
from chain.transactions.body import Body
from chain.transactions.dataset import TITLE_MAX, Publish
from chain.transactions.document import Purpose
from chain.transactions.envelope import Transaction, sign_transaction
from chain.transactions.payment import REFERENCE_MAX, Transfer
from testnet.founding import load_sender
from testnet.spec import CURRENCIES, LaunchSpec

SIZE_MIN = 246
"""A payment without a reference, at the largest sequence numbers used here."""

TRANSFER_MAX = 272
"""A payment with the longest reference; the smallest dataset has some bytes more."""

SIZE_MAX = 530
"""A dataset with the longest title; larger things are published by hash."""

EXPIRY_SLOTS = 5_000
"""Far enough for any run, and within what a genesis allows."""


class Mint:
    """Makes transactions of `size` bytes, exactly or within a few bytes."""

    def __init__(self, spec: LaunchSpec, genesis: Genesis, size: int) -> None:
        self._chain = genesis.hash
        self._expiry = genesis.slot_at(genesis.genesis_time_ms) + EXPIRY_SLOTS
        self._size = size
        self._senders = [load_sender(spec, name) for name in spec.load_names]
        self._keys = [sender.key(Purpose.TX) for sender in self._senders]
        self._dids = [sender.document().id for sender in self._senders]
        self._next = [0] * len(self._senders)
        self._padding = 0

    def make(self, sender: int) -> Transaction:
        """The next transaction of the sender of that number."""
        sequence = self._next[sender]
        self._next[sender] += 1
        for _ in range(3):  # the headers of longer strings are longer, so it takes a second look
            made = self._sign(sender, sequence)
            if len(made.raw) == self._size:
                return made
            self._padding = max(0, self._padding + self._size - len(made.raw))
        return made

    def _sign(self, sender: int, sequence: int) -> Transaction:
        return sign_transaction(
            self._keys[sender],
            self._chain,
            self._dids[sender],
            0,
            sequence,
            self._expiry,
            self._body(sender, sequence),
        )

    def _body(self, sender: int, sequence: int) -> Body:
        if self._size <= TRANSFER_MAX:
            to = self._dids[(sender + 1) % len(self._dids)]
            reference = bytes(min(self._padding, REFERENCE_MAX))
            return Transfer(CURRENCIES[0][0], to, 1, reference)
        content = self._dids[sender] + sequence.to_bytes(8)
        return Publish(
            title="t" * min(self._padding, TITLE_MAX),
            commitment=sha256(content),
            ciphertext_hash=sha256(b"ciphertext" + content),
            media_type="a/b",
            size=len(content),
            sector="b",
        )
