"""Short ids: a keyed BLAKE2b (RFC 7693) of a transaction's id, cut to SHORT_BYTES."""

import hashlib

from chain.primitives.hashing import Hash
from p2p.wire.fields import SHORT_BYTES, Short


class Shortener:
    """Gives short ids under one key, that of the node which is told of them."""

    __slots__ = ("_keyed", "key")

    def __init__(self, key: bytes) -> None:
        self.key = key
        self._keyed = hashlib.blake2b(key=key, digest_size=SHORT_BYTES)

    def of(self, txid: Hash) -> Short:
        """The short id."""
        keyed = self._keyed.copy()
        keyed.update(txid)
        return Short(keyed.digest())
