"""Decentralised identifiers of this ledger: `did:cornerstone:<network>:z<base58 of 32 bytes>`.

Inside, a DID is its 32 bytes (the hash of the first key document, so it certifies itself); the
text form is for people and other systems (W3C DID Core 1.0, section 3.1).
"""

import re
from functools import lru_cache

from chain.primitives import base58
from chain.primitives.errors import Malformed
from chain.primitives.hashing import HASH_BYTES

METHOD = "cornerstone"
NETWORK_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,31}")
# Base58 of 32 bytes costs about 10 us; a page of accounts repeats the same few.
_CACHE = 4096


def check_network_name(network: str) -> str:
    """The name itself. Raises Malformed unless it is 1 to 32 of a-z, 0-9 and inner hyphens."""
    if NETWORK_NAME.fullmatch(network):
        return network
    raise Malformed(
        "network-name",
        f"{network!r}: use 1 to 32 lower-case letters, digits and hyphens, not starting with one",
    )


@lru_cache(_CACHE)
def format_did(network: str, identifier: bytes) -> str:
    """The text of a 32-byte identifier on `network`."""
    return f"did:{METHOD}:{network}:z{base58.encode(identifier)}"


@lru_cache(_CACHE)
def parse_did(text: str, network: str) -> bytes:
    """The 32 bytes of a DID on `network`. Raises Malformed, naming both values when they differ."""
    parts = text.split(":")
    if len(parts) != 4 or parts[:2] != ["did", METHOD] or not parts[3].startswith("z"):
        raise Malformed("did", f"{text!r} is not of the form did:{METHOD}:<network>:z<base58>")
    if parts[2] != network:
        raise Malformed("did", f"{text!r} is on network {parts[2]!r}, this one is {network!r}")
    identifier = base58.decode(parts[3][1:])
    if len(identifier) != HASH_BYTES:
        raise Malformed("did", f"{text!r} holds {len(identifier)} bytes, not {HASH_BYTES}")
    return identifier
