"""Base58 with the Bitcoin alphabet, as multibase code `z` uses it."""

from chain.primitives.errors import Malformed

ALPHABET = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_DIGITS = {character: value for value, character in enumerate(ALPHABET)}
# Decoding is quadratic in the length, and nothing of ours is longer than a key.
TEXT_MAX = 128


def encode(data: bytes) -> str:
    """The text of `data`; each leading zero byte is a leading `1`."""
    number = int.from_bytes(data, "big")
    digits = []
    while number:
        number, digit = divmod(number, 58)
        digits.append(ALPHABET[digit])
    zeros = len(data) - len(data.lstrip(b"\0"))
    return "1" * zeros + "".join(reversed(digits))


def decode(text: str) -> bytes:
    """The bytes of `text`. Raises Malformed for a foreign character or too long a text."""
    if len(text) > TEXT_MAX:
        raise Malformed("base58", f"{len(text)} characters, at most {TEXT_MAX} are read")
    number = 0
    for position, character in enumerate(text):
        digit = _DIGITS.get(character)
        if digit is None:
            raise Malformed("base58", f"character {character!r} at {position} is not base58")
        number = number * 58 + digit
    zeros = len(text) - len(text.lstrip("1"))
    return bytes(zeros) + number.to_bytes((number.bit_length() + 7) // 8, "big")
