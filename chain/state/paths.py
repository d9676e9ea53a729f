"""The keys of the state: a readable prefix, then raw identifiers; and their text form for people.

`did/`, `seq/`, `bal/`, `cur/`, `ds/` and `set/` are the families; `parse_path` and `format_path`
turn `bal/CNY/did:cornerstone:demo:z...` into its key and back.
"""

from chain.primitives.did import format_did, parse_did
from chain.primitives.errors import Malformed
from chain.primitives.hashing import HASH_BYTES

PATH_BYTES_MAX = 512  # the longest real path is under 200
LANE_MAX = 15


def did(identifier: bytes) -> bytes:
    """The record of an identity."""
    return b"did/" + identifier


def sequence(identifier: bytes, lane: int) -> bytes:
    """The next sequence number of a sender in one lane."""
    return b"seq/" + identifier + bytes((lane,))


def balance(code: bytes, identifier: bytes) -> bytes:
    """What an identity holds of a currency, in minor units."""
    return b"bal/" + code + b"/" + identifier


def currency(code: bytes) -> bytes:
    """A currency and its supply."""
    return b"cur/" + code


def dataset(identifier: bytes) -> bytes:
    """A published dataset."""
    return b"ds/" + identifier


AUTHORITY_SET = b"set/cur"
"""The authority set in force for the next block."""
PENDING_SET = b"set/pend"
"""The set that was decided and takes over once that decision is final; absent without one."""


def parse_path(text: str, network: str) -> bytes:
    """The key of a path in text form. Raises Malformed, listing the forms there are."""
    match text.split("/"):
        case ["did", name]:
            return did(parse_did(name, network))
        case ["seq", name, lane] if lane.isascii() and lane.isdigit() and int(lane) <= LANE_MAX:
            return sequence(parse_did(name, network), int(lane))
        case ["bal", code, name] if code.isascii():
            return balance(code.encode(), parse_did(name, network))
        case ["cur", code] if code.isascii():
            return currency(code.encode())
        case ["ds", digits]:
            return dataset(_parse_hash(digits))
        case ["set", "cur"]:
            return AUTHORITY_SET
        case ["set", "pend"]:
            return PENDING_SET
    raise Malformed(
        "path",
        f"{text[:PATH_BYTES_MAX]!r}: use did/<did>, seq/<did>/<lane 0..{LANE_MAX}>, "
        "bal/<code>/<did>, cur/<code>, ds/<64 hex digits>, set/cur or set/pend",
    )


def _parse_hash(digits: str) -> bytes:
    try:
        value = bytes.fromhex(digits)
    except ValueError:
        value = b""
    if len(value) != HASH_BYTES or len(digits) != 2 * HASH_BYTES:
        raise Malformed("path", f"{digits[:80]!r} is not {2 * HASH_BYTES} hexadecimal digits")
    return value


def format_path(key: bytes, network: str) -> str:
    """The text form of a key."""
    family, rest = key[:4], key[4:]
    if family == b"did/":
        return f"did/{format_did(network, rest)}"
    if family == b"seq/":
        return f"seq/{format_did(network, rest[:-1])}/{rest[-1]}"
    if family == b"bal/":
        code, identifier = rest[: -HASH_BYTES - 1], rest[-HASH_BYTES:]
        return f"bal/{code.decode()}/{format_did(network, identifier)}"
    if key[:3] == b"ds/":
        return f"ds/{key[3:].hex()}"
    return key.decode()
