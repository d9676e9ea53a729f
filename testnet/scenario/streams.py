"""Independent streams of chance: one for each (seed, purpose, entity).

Whoever draws gets a stream of its own, so taking one fault out of a scenario leaves what all
others draw as it was. Without that a failing run could not be shrunk.
"""

import random

from chain.primitives.hashing import sha256

DOMAIN = "cornerstone/laboratory/1"


def stream(seed: int, purpose: str, entity: str = "") -> random.Random:
    """The stream of an entity (a fault's id, a node's name) for a purpose; same in, same out."""
    return random.Random(number(seed, purpose, entity))


def number(seed: int, purpose: str, entity: str = "") -> int:
    """What seeds that stream: 63 bits, so that it also fits where a seed is written down."""
    text = f"{DOMAIN}|{seed}|{len(purpose)}|{purpose}|{entity}"
    return int.from_bytes(sha256(text.encode())[:8]) >> 1
