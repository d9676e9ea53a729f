"""SHA-256, the one hash of the ledger (FIPS 180-4)."""

import hashlib
from typing import NewType

Hash = NewType("Hash", bytes)
HASH_BYTES = 32
ZERO_HASH = Hash(bytes(HASH_BYTES))


def sha256(data: bytes) -> Hash:
    """The 32-byte SHA-256 of `data`."""
    return Hash(hashlib.sha256(data).digest())
