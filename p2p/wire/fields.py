"""Fields that several messages share: each function returns the value or says what it got."""

from typing import NewType

from chain.primitives import shape
from chain.primitives.cbor import Value
from chain.primitives.errors import Malformed
from chain.primitives.hashing import HASH_BYTES, Hash
from chain.primitives.printable import is_printable

REQUEST_MAX = 2**32 - 1
SHORT_BYTES = 8  # of 50,000 waiting ids none looks like another, but once in 14 million tries

Short = NewType("Short", bytes)
"""A short id; see p2p.wire.transactions."""


def length(fields: list[Value], expected: int, what: str) -> None:
    """Refuse any other number of fields."""
    if len(fields) != expected:
        raise Malformed("shape", f"{what}: expected {expected} fields, got {len(fields)}")


def hash_of(value: Value, what: str) -> Hash:
    """A hash or an id."""
    return Hash(shape.blob(value, HASH_BYTES, what))


def request_of(value: Value) -> int:
    """A number counted from 1 on each connection; 0 where nobody asked."""
    return shape.uint(value, REQUEST_MAX, "request")


def hashes(value: Value, maximum: int, what: str) -> tuple[Hash, ...]:
    """At most `maximum` hashes, packed one after the other."""
    packed = shape.blob_max(value, maximum * HASH_BYTES, what)
    if len(packed) % HASH_BYTES:
        raise Malformed("shape", f"{what}: {len(packed)} bytes are not a multiple of {HASH_BYTES}")
    starts = range(0, len(packed), HASH_BYTES)
    return tuple([Hash(packed[start : start + HASH_BYTES]) for start in starts])


def shorts(value: Value, maximum: int, what: str) -> tuple[Short, ...]:
    """At most `maximum` short ids, packed one after the other."""
    packed = shape.blob_max(value, maximum * SHORT_BYTES, what)
    if len(packed) % SHORT_BYTES:
        raise Malformed("shape", f"{what}: {len(packed)} bytes are not a multiple of {SHORT_BYTES}")
    starts = range(0, len(packed), SHORT_BYTES)
    return tuple([Short(packed[start : start + SHORT_BYTES]) for start in starts])


def blobs(value: Value, maximum: int, size: int, what: str) -> tuple[bytes, ...]:
    """At most `maximum` byte strings of at most `size` bytes each."""
    found = shape.items(value, maximum, f"{what}s")
    return tuple([shape.blob_max(item, size, what) for item in found])


def printable(value: Value, maximum: int, what: str) -> str:
    """Text that can stand in a log and on a terminal."""
    text = shape.text(value, maximum, what)
    if not is_printable(text):
        raise Malformed("shape", f"{what}: expected printable text, got {text!r}")
    return text


def quoted(text: str) -> str:
    """Text of ours with what is not printable escaped, whatever it quotes."""
    return text if is_printable(text) else ascii(text)[1:-1]
