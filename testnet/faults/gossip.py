"""Faults of gossip, above the encryption: by kind of message, chance, height and peer.

They sit in the selected nodes, at the boundary of frames. `dir` says whether what they send or
what they receive is hit; `to` says in traffic with whom.
"""

from dataclasses import dataclass
from typing import ClassVar

from testnet.faults.parameters import choice, choices, duration, integer, probability

MESSAGES = (
    "get-peers",
    "peers",
    "announce-transactions",
    "get-transactions",
    "transactions",
    "announce-block",
    "get-blocks",
    "blocks",
    "get-headers",
    "headers",
    "compact-block",
    "get-compact-block",
    "get-block-transactions",
    "block-transactions",
    "prefer-blocks",
    "ping",
    "pong",
    "eager",
    "short-key",
    "announce-short",
    "get-short",
    "reconcile",
    "differ",
    "votes",
    "certificates",
)
"""Kinds of message that a fault can name."""

DIRECTIONS = ("out", "in", "both")


@dataclass(frozen=True, slots=True)
class Drop:
    """Messages vanish."""

    NAME: ClassVar[str] = "gossip.drop"
    messages: tuple[str, ...] = choices("hit; none named hits all", MESSAGES)
    probability: float = probability("of a message being hit")
    dir: str = choice("seen from the selected nodes", *DIRECTIONS, default="out")
    from_height: int = integer("hit only while the node's chain is this high", 0, 10**9, 0)
    to_height: int = integer("and not above this", 0, 10**9, 10**9)


@dataclass(frozen=True, slots=True)
class DelayMessages:
    """Messages are held back while others overtake them."""

    NAME: ClassVar[str] = "gossip.delay"
    by_ms: int = duration("how long")
    jitter_ms: int = duration("and up to this much longer", 0)
    messages: tuple[str, ...] = choices("hit; none named hits all", MESSAGES)
    probability: float = probability("of a message being hit")
    dir: str = choice("seen from the selected nodes", *DIRECTIONS, default="out")


@dataclass(frozen=True, slots=True)
class Duplicate:
    """Messages come more than once."""

    NAME: ClassVar[str] = "gossip.duplicate"
    copies: int = integer("besides the first", 1, 10, 1)
    messages: tuple[str, ...] = choices("hit; none named hits all", MESSAGES)
    probability: float = probability("of a message being hit")
    dir: str = choice("seen from the selected nodes", *DIRECTIONS, default="out")


@dataclass(frozen=True, slots=True)
class Replay:
    """Messages come again, much later, to whoever is connected then."""

    NAME: ClassVar[str] = "gossip.replay"
    by_ms: int = duration("how much later", 10_000)
    messages: tuple[str, ...] = choices("hit; none named hits all", MESSAGES)
    probability: float = probability("of a message being hit", 0.5)


@dataclass(frozen=True, slots=True)
class Reorder:
    """Messages wait for a few more, then all leave in random order."""

    NAME: ClassVar[str] = "gossip.reorder"
    window_ms: int = duration("within which they are mixed", 500)
    messages: tuple[str, ...] = choices("hit; none named hits all", MESSAGES)
    probability: float = probability("of a message being hit")


@dataclass(frozen=True, slots=True)
class Corrupt:
    """Messages are damaged before they are encrypted: the receiver must refuse them by itself."""

    NAME: ClassVar[str] = "gossip.corrupt"
    how: str = choice(
        "they are damaged",
        "bit-flip",
        "truncate",
        "non-canonical",
        "deep-nesting",
        "wrong-length",
        default="bit-flip",
    )
    messages: tuple[str, ...] = choices("hit; none named hits all", MESSAGES)
    probability: float = probability("of a message being hit", 0.1)


@dataclass(frozen=True, slots=True)
class Withhold:
    """The nodes pass on nothing of others' blocks and transactions: they take and do not give."""

    NAME: ClassVar[str] = "gossip.withhold"


@dataclass(frozen=True, slots=True)
class PromiseNothing:
    """The nodes announce everything, push nothing and serve nothing of it when asked."""

    NAME: ClassVar[str] = "gossip.never-serve"
    delay_ms: int = duration("after which they answer after all; 0s never", 0)


GossipKind = (
    Drop | DelayMessages | Duplicate | Replay | Reorder | Corrupt | Withhold | PromiseNothing
)
