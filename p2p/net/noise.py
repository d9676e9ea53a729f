"""Noise XX with 25519 and ChaChaPoly, over libsodium; bytes in, bytes out (Noise rev. 34).

    -> e
    <- e, ee, s, es
    -> s, se

Both sides prove a static key the other did not know, and the third message is the first one whose
payload nobody but the right responder can read. Checked against the published cacophony vectors.
"""

import hashlib
import hmac
from dataclasses import dataclass
from enum import StrEnum

import nacl.bindings
import nacl.exceptions

from chain.primitives.errors import Malformed
from chain.primitives.keys import AgreementKey

KEY_BYTES = 32
TAG_BYTES = 16
MESSAGE_BYTES_MAX = 65_535  # of the Noise specification, section 3
NONCE_MAX = 2**64 - 2  # the last one is reserved (section 5.1)


class NoiseHash(StrEnum):
    """The hash functions spoken here."""

    SHA256 = "SHA256"
    BLAKE2B = "BLAKE2b"


class CipherState:
    """One direction of an encrypted conversation (section 5.1)."""

    __slots__ = ("_key", "_nonce")

    def __init__(self, key: bytes) -> None:
        self._key = key
        self._nonce = 0

    def encrypt(self, plaintext: bytes, ad: bytes = b"") -> bytes:
        """The ciphertext, 16 bytes longer."""
        return nacl.bindings.crypto_aead_chacha20poly1305_ietf_encrypt(
            plaintext, ad, self._next(), self._key
        )

    def decrypt(self, ciphertext: bytes, ad: bytes = b"") -> bytes:
        """The plaintext. Raises Malformed when a bit was changed, or a message lost."""
        if len(ciphertext) < TAG_BYTES:
            raise Malformed("noise-decrypt", f"{len(ciphertext)} bytes hold no tag of {TAG_BYTES}")
        try:
            return nacl.bindings.crypto_aead_chacha20poly1305_ietf_decrypt(
                ciphertext, ad, self._next(), self._key
            )
        except nacl.exceptions.CryptoError:
            raise Malformed("noise-decrypt", "ciphertext was changed, or is out of order") from None

    def _next(self) -> bytes:
        assert self._nonce <= NONCE_MAX, "a connection ends long before its nonces do"
        nonce = bytes(4) + self._nonce.to_bytes(8, "little")
        self._nonce += 1
        return nonce


class SymmetricState:
    """Chaining key and handshake hash (section 5.2)."""

    __slots__ = ("_chaining", "_cipher", "_hash", "handshake_hash")

    def __init__(self, name: bytes, function: NoiseHash) -> None:
        self._hash = hashlib.sha256 if function is NoiseHash.SHA256 else hashlib.blake2b
        size = self._hash().digest_size
        start = name.ljust(size, b"\0") if len(name) <= size else self._hash(name).digest()
        self.handshake_hash = start
        self._chaining = start
        self._cipher: CipherState | None = None

    def mix_hash(self, data: bytes) -> None:
        """Bind `data` to everything that follows."""
        self.handshake_hash = self._hash(self.handshake_hash + data).digest()

    def mix_key(self, material: bytes) -> None:
        """Derive the next keys from a shared secret."""
        self._chaining, key = self._derive(material)
        self._cipher = CipherState(key[:KEY_BYTES])

    def encrypt_and_hash(self, plaintext: bytes) -> bytes:
        """Encrypt once there is a key, and bind the result."""
        data = plaintext
        if self._cipher is not None:
            data = self._cipher.encrypt(plaintext, self.handshake_hash)
        self.mix_hash(data)
        return data

    def decrypt_and_hash(self, data: bytes) -> bytes:
        """The reverse. Raises Malformed."""
        plaintext = data
        if self._cipher is not None:
            plaintext = self._cipher.decrypt(data, self.handshake_hash)
        self.mix_hash(data)
        return plaintext

    @property
    def overhead(self) -> int:
        """Bytes that encryption adds now."""
        return 0 if self._cipher is None else TAG_BYTES

    def split(self) -> tuple[CipherState, CipherState]:
        """The two directions: initiator to responder, responder to initiator."""
        first, second = self._derive(b"")
        return CipherState(first[:KEY_BYTES]), CipherState(second[:KEY_BYTES])

    def _derive(self, material: bytes) -> tuple[bytes, bytes]:
        """HKDF with two outputs (section 4.3)."""
        key = hmac.digest(self._chaining, material, self._hash)
        first = hmac.digest(key, b"\x01", self._hash)
        return first, hmac.digest(key, first + b"\x02", self._hash)


@dataclass(frozen=True, slots=True)
class Established:
    """A finished handshake: ciphers to send and to receive with, the peer's static key."""

    send: CipherState
    receive: CipherState
    remote_static: bytes
    handshake_hash: bytes


class Handshake:
    """One side of an XX handshake: write and read in turn, three messages in all.

    `remote_static` is the peer's static key, once the message that brings it has been read.
    """

    def __init__(
        self,
        *,
        initiator: bool,
        static: AgreementKey,
        ephemeral: AgreementKey,
        prologue: bytes,
        function: NoiseHash = NoiseHash.SHA256,
    ) -> None:
        name = f"Noise_XX_25519_ChaChaPoly_{function.value}".encode()
        self._symmetric = SymmetricState(name, function)
        self._symmetric.mix_hash(prologue)
        self._initiator = initiator
        self._static = static
        self._ephemeral = ephemeral
        self._remote_ephemeral = b""
        self.remote_static = b""
        self._step = 0

    def write(self, payload: bytes) -> bytes:
        """The next message of ours."""
        symmetric = self._symmetric
        out = b""
        if self._step < 2:
            out += self._ephemeral.public
            symmetric.mix_hash(self._ephemeral.public)
        if self._step == 1:
            self._agree(self._ephemeral, self._remote_ephemeral)
        if self._step > 0:
            out += symmetric.encrypt_and_hash(self._static.public)
            self._agree(self._static, self._remote_ephemeral)
        self._step += 1
        return out + symmetric.encrypt_and_hash(payload)

    def read(self, message: bytes) -> bytes:
        """The payload of the peer's next message. Raises Malformed."""
        symmetric = self._symmetric
        if len(message) > MESSAGE_BYTES_MAX:
            raise Malformed("noise-length", f"{len(message)} bytes, at most {MESSAGE_BYTES_MAX}")
        if self._step < 2:
            self._remote_ephemeral, message = _cut(message, KEY_BYTES)
            symmetric.mix_hash(self._remote_ephemeral)
        if self._step == 1:
            self._agree(self._ephemeral, self._remote_ephemeral)
        if self._step > 0:
            sealed, message = _cut(message, KEY_BYTES + symmetric.overhead)
            self.remote_static = symmetric.decrypt_and_hash(sealed)
            self._agree(self._ephemeral, self.remote_static)
        self._step += 1
        return symmetric.decrypt_and_hash(message)

    def finish(self) -> Established:
        """The ciphers, after the third message."""
        assert self._step == 3, "a handshake has three messages"
        first, second = self._symmetric.split()
        send, receive = (first, second) if self._initiator else (second, first)
        return Established(send, receive, self.remote_static, self._symmetric.handshake_hash)

    def _agree(self, ours: AgreementKey, theirs: bytes) -> None:
        try:
            self._symmetric.mix_key(nacl.bindings.crypto_scalarmult(ours.secret, theirs))
        except nacl.exceptions.RuntimeError:
            # libsodium refuses points of low order, with which nothing would be secret.
            raise Malformed("noise-key", f"{theirs.hex()} is a key of low order") from None


def _cut(message: bytes, length: int) -> tuple[bytes, bytes]:
    if len(message) < length:
        raise Malformed("noise-length", f"{len(message)} bytes left, a key takes {length}")
    return message[:length], message[length:]
