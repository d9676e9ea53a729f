"""Who a peer is to the engines: the 32-byte Ed25519 public key its secure link has proved."""

from typing import NewType

PeerId = NewType("PeerId", bytes)


def short(peer: bytes) -> str:
    """The first eight hex digits, for reasons and logs."""
    return peer[:4].hex()
