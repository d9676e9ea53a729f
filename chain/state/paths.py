"""The keys of the state: a readable prefix, then raw identifiers; and their text form for people.

`did/`, `seq/`, `bal/`, `cur/`, `ds/`, `set/`, `gov/` and `ev/` are the families; `parse_path` and
`format_path` turn `bal/CNY/did:cornerstone:demo:z...` into its key and back.
"""

import re

from chain.primitives.did import format_did, parse_did
from chain.primitives.errors import Malformed
from chain.primitives.hashing import HASH_BYTES

LANE = re.compile(r"[0-9]{1,2}")
WORD = re.compile(r"[A-Za-z0-9_]{1,32}")  # codes of currencies, names of parameters
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


def proposal(identifier: bytes) -> bytes:
    """What was proposed to the authorities, and what became of it."""
    return b"gov/prop/" + identifier


def vote(identifier: bytes, organisation: bytes) -> bytes:
    """An organisation's vote on a proposal."""
    return b"gov/vote/" + identifier + b"/" + organisation


def parameter(name: str) -> bytes:
    """A number of the network that votes may change."""
    return b"gov/param/" + name.encode()


def offence(identifier: bytes) -> bytes:
    """An offence of an authority that was proved."""
    return b"ev/" + identifier


AUTHORITY_SET = b"set/cur"
"""The authority set in force for the next block."""
SEATED_SINCE = b"set/since"
"""Since which set each member of the one in force has had its seat."""
PENDING_SET = b"set/pend"
"""The set that was decided and takes over once that decision is final; absent without one."""
OPEN_PROPOSALS = b"gov/open"
"""What may still be voted on."""


def parse_path(text: str, network: str) -> bytes:
    """The key of a path in text form. Raises Malformed, listing the forms there are."""
    match text.split("/"):
        case ["did", name]:
            return did(parse_did(name, network))
        case ["seq", name, lane] if LANE.fullmatch(lane) and int(lane) <= LANE_MAX:
            return sequence(parse_did(name, network), int(lane))
        case ["bal", code, name] if WORD.fullmatch(code):
            return balance(code.encode(), parse_did(name, network))
        case ["cur", code] if WORD.fullmatch(code):
            return currency(code.encode())
        case ["ds", digits]:
            return dataset(_parse_hash(digits))
        case ["set", "cur"]:
            return AUTHORITY_SET
        case ["set", "since"]:
            return SEATED_SINCE
        case ["set", "pend"]:
            return PENDING_SET
        case ["gov", *rest]:
            return _parse_governance(text, rest, network)
        case ["ev", digits]:
            return offence(_parse_hash(digits))
    raise _unknown(text)


def _parse_governance(text: str, rest: list[str], network: str) -> bytes:
    match rest:
        case ["open"]:
            return OPEN_PROPOSALS
        case ["prop", digits]:
            return proposal(_parse_hash(digits))
        case ["vote", digits, name]:
            return vote(_parse_hash(digits), parse_did(name, network))
        case ["param", name] if WORD.fullmatch(name):
            return parameter(name)
    raise _unknown(text)


def _unknown(text: str) -> Malformed:
    return Malformed(
        "path",
        f"{text[:PATH_BYTES_MAX]!r}: use did/<did>, seq/<did>/<lane 0..{LANE_MAX}>, "
        "bal/<code>/<did>, cur/<code>, ds/<64 hex digits>, set/cur, set/since, set/pend, "
        "gov/open, gov/prop/<64 hex digits>, gov/vote/<64 hex digits>/<did>, gov/param/<name> "
        "or ev/<64 hex digits>",
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
    """The text form of a key; of one that has none, as a stranger's receipt may, its digits."""
    text = _text_of(key, network)
    try:
        known = parse_path(text, network) == key
    except Malformed:
        known = False
    return text if known else f"hex/{key.hex()}"


def _text_of(key: bytes, network: str) -> str:
    family, rest = key[:4], key[4:]
    if family == b"did/":
        return f"did/{format_did(network, rest)}"
    if family == b"seq/" and rest:
        return f"seq/{format_did(network, rest[:-1])}/{rest[-1]}"
    if family == b"bal/":
        code, identifier = rest[: -HASH_BYTES - 1], rest[-HASH_BYTES:]
        return f"bal/{code.decode(errors='replace')}/{format_did(network, identifier)}"
    if key[:3] in (b"ds/", b"ev/"):
        return f"{key[:3].decode()}{key[3:].hex()}"
    if key[:9] == b"gov/prop/":
        return f"gov/prop/{key[9:].hex()}"
    if key[:9] == b"gov/vote/":
        identifier, organisation = key[9 : 9 + HASH_BYTES], key[-HASH_BYTES:]
        return f"gov/vote/{identifier.hex()}/{format_did(network, organisation)}"
    return key.decode(errors="replace")
