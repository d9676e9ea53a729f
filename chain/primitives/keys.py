"""Ed25519 signatures (RFC 8032) and X25519 agreement keys (RFC 7748), by libsodium alone.

- One verifier everywhere, strict libsodium. *Why:* verifiers disagree on edge cases (small-order
  points, non-canonical encodings), and two that disagree about one signature split a network.
"""

from collections.abc import Iterable
from typing import TypeAlias

import nacl.bindings
import nacl.exceptions

SEED_BYTES = 32
PUBLIC_KEY_BYTES = 32
SIGNATURE_BYTES = 64

# (public key, message, signature): everything needed to judge one signature, by anyone, anywhere.
SignatureCheck: TypeAlias = tuple[bytes, bytes, bytes]


class KeyPair:
    """An Ed25519 key that signs."""

    __slots__ = ("_secret", "public")

    def __init__(self, public: bytes, secret: bytes) -> None:
        self.public = public
        self._secret = secret

    @classmethod
    def from_seed(cls, seed: bytes) -> "KeyPair":
        """The key of a 32-byte seed."""
        assert len(seed) == SEED_BYTES
        return cls(*nacl.bindings.crypto_sign_seed_keypair(seed))

    @property
    def seed(self) -> bytes:
        """The 32 bytes the key is made from; whoever has them can sign."""
        return nacl.bindings.crypto_sign_ed25519_sk_to_seed(self._secret)

    def sign(self, message: bytes) -> bytes:
        """The 64-byte signature of `message`."""
        return nacl.bindings.crypto_sign(message, self._secret)[:SIGNATURE_BYTES]

    def __repr__(self) -> str:
        return f"KeyPair(public={self.public.hex()})"


class AgreementKey:
    """An X25519 key, to which others encrypt."""

    __slots__ = ("public", "secret")

    def __init__(self, secret: bytes) -> None:
        assert len(secret) == SEED_BYTES
        self.secret = secret
        self.public = nacl.bindings.crypto_scalarmult_base(secret)

    def __repr__(self) -> str:
        return f"AgreementKey(public={self.public.hex()})"


def verify(public: bytes, message: bytes, signature: bytes) -> bool:
    """Whether `signature` (64 bytes) by `public` (32 bytes) stands under `message`."""
    if len(public) != PUBLIC_KEY_BYTES or len(signature) != SIGNATURE_BYTES:
        return False
    try:
        nacl.bindings.crypto_sign_open(signature + message, public)
    except nacl.exceptions.BadSignatureError:
        return False
    return True


def verify_all(checks: Iterable[SignatureCheck]) -> list[bool]:
    """One answer per check, in order."""
    return [verify(public, message, signature) for public, message, signature in checks]
