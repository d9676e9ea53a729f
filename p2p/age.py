"""Our X25519 keys in the notation of age (https://age-encryption.org/v1), and files sealed to them.

age names keys in Bech32 (BIP 173): `age1...` to encrypt to, `AGE-SECRET-KEY-1...` to open with. So
a holder can open what the vault keeps with the stock `age` tool.
"""

import pyrage

from chain.primitives.errors import Refusal
from chain.primitives.keys import AgreementKey

ALPHABET = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
GENERATORS = (0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)
CHECKSUM_WORDS = 6
RECIPIENT = "age"
IDENTITY = "age-secret-key-"


def recipient_text(public: bytes) -> str:
    """The `age1...` notation of a 32-byte X25519 public key."""
    return bech32(RECIPIENT, public)


def identity_text(key: AgreementKey) -> str:
    """The `AGE-SECRET-KEY-1...` notation: whoever has it opens what was sealed to the key."""
    return bech32(IDENTITY, key.secret).upper()


def seal(content: bytes, public: bytes) -> bytes:
    """An age file that only the holder of the X25519 key can open."""
    recipient = pyrage.x25519.Recipient.from_str(recipient_text(public))
    return bytes(pyrage.encrypt(content, [recipient]))


def unseal(ciphertext: bytes, key: AgreementKey) -> bytes:
    """The content of an age file. Raises Refusal when it is damaged or not for this key."""
    try:
        identity = pyrage.x25519.Identity.from_str(identity_text(key))
        return bytes(pyrage.decrypt(ciphertext, [identity]))
    except pyrage.DecryptError as error:
        raise Refusal(
            "cannot-open", f"the age file does not open with {recipient_text(key.public)}: {error}"
        ) from None


def bech32(prefix: str, data: bytes) -> str:
    """BIP 173 text of some bytes, without its limit of 90 characters (age has none)."""
    words = _words(data)
    expanded = [ord(c) >> 5 for c in prefix] + [0] + [ord(c) & 31 for c in prefix]
    check = _polymod([*expanded, *words, *[0] * CHECKSUM_WORDS]) ^ 1
    tail = [check >> 5 * (CHECKSUM_WORDS - 1 - at) & 31 for at in range(CHECKSUM_WORDS)]
    return f"{prefix}1{''.join(ALPHABET[word] for word in [*words, *tail])}"


def _words(data: bytes) -> list[int]:
    """The bits of the data in groups of five, the last filled up with zeros."""
    count = -(-len(data) * 8 // 5)
    bits = int.from_bytes(data, "big") << (count * 5 - len(data) * 8)
    return [bits >> 5 * (count - 1 - at) & 31 for at in range(count)]


def _polymod(words: list[int]) -> int:
    check = 1
    for word in words:
        top = check >> 25
        check = (check & 0x1FFFFFF) << 5 ^ word
        for bit, generator in enumerate(GENERATORS):
            if top >> bit & 1:
                check ^= generator
    return check
