"""Members who break the protocol on purpose, with keys that are theirs.

A node on which one of these is active is not honest: checkers do not judge what it believes.
"""

from dataclasses import dataclass
from typing import ClassVar

from testnet.faults.parameters import choice, duration, integer, number, text


@dataclass(frozen=True, slots=True)
class Equivocate:
    """A producer makes two blocks for its slot and shows each to half of its peers."""

    NAME: ClassVar[str] = "byzantine.equivocate"


@dataclass(frozen=True, slots=True)
class Twin:
    """The producer's keys and its chain run a second time, in a node with another identity.

    Its guards are cloned with them; nothing in either of the two knows it (Diem Twins).
    """

    NAME: ClassVar[str] = "byzantine.twin"


INVALID = (
    "state-root",
    "transactions-root",
    "receipts-root",
    "history",
    "height",
    "parent",
    "chain",
    "author",
    "seal",
    "slot-past",
    "slot-future",
    "bad-signature",
    "expired-transaction",
    "sequence-gap",
    "replayed-transaction",
    "garbage-transaction",
    "oversized",
)


@dataclass(frozen=True, slots=True)
class InvalidBlocks:
    """A producer seals blocks that break one rule, in place of its honest ones."""

    NAME: ClassVar[str] = "byzantine.invalid-block"
    rule: str = choice(
        "that is broken; `each` takes them in turn", "each", *INVALID, default="each"
    )


@dataclass(frozen=True, slots=True)
class WithholdBlocks:
    """A producer keeps its blocks to itself and lets them go together (selfish production)."""

    NAME: ClassVar[str] = "byzantine.withhold"
    release_ms: int = duration("after which they are shown", 5_000)


@dataclass(frozen=True, slots=True)
class StaleFork:
    """A producer builds on a block far behind the head, to pull others onto a long fork."""

    NAME: ClassVar[str] = "byzantine.stale-fork"
    depth_blocks: int = integer("how far behind the head", 1, 1_000, 6)


@dataclass(frozen=True, slots=True)
class EdgeSlots:
    """A producer stamps its blocks as far into the future as others still accept."""

    NAME: ClassVar[str] = "byzantine.edge-slots"


@dataclass(frozen=True, slots=True)
class LyingSync:
    """Claims a height it does not have, and answers requests with other blocks or headers."""

    NAME: ClassVar[str] = "byzantine.lying-sync"
    claim_blocks: int = integer("claimed above its own height", 1, 10**6, 100)


@dataclass(frozen=True, slots=True)
class Eclipse:
    """Hostile identities fill the victim's inbound slots and its address book."""

    NAME: ClassVar[str] = "byzantine.eclipse"
    victim: str = text("whom")
    identities: int = integer("how many", 1, 500, 64)


@dataclass(frozen=True, slots=True)
class Sybil:
    """Many identities of one machine join, behave, leave and come back as others."""

    NAME: ClassVar[str] = "byzantine.sybil"
    identities: int = integer("at a time", 1, 500, 32)
    stay_ms: int = duration("before an identity leaves for a new one", 5_000, low=100)


@dataclass(frozen=True, slots=True)
class Spam:
    """Floods its peers."""

    NAME: ClassVar[str] = "byzantine.spam"
    what: str = choice(
        "is sent",
        "valid",
        "invalid-signature",
        "orphan-blocks",
        "oversized",
        "unknown-kinds",
        "requests",
        "addresses",
        "handshakes",
        default="invalid-signature",
    )
    rate_per_s: float = number("messages a second to each peer", 1, 10_000, 200)


@dataclass(frozen=True, slots=True)
class WithholdVotes:
    """An authority tells nobody its votes for finality, or only when they are late."""

    NAME: ClassVar[str] = "byzantine.withhold-votes"
    release_ms: int = duration("after which they are told after all; 0s never", 0)


@dataclass(frozen=True, slots=True)
class DoubleVote:
    """An authority signs two votes for one epoch and tells each to half of its peers."""

    NAME: ClassVar[str] = "byzantine.double-vote"


@dataclass(frozen=True, slots=True)
class BadCertificates:
    """A producer puts a certificate into its blocks that does not count.

    A signature is wrong in one that is `forged`, one too few are in one that is `short`, and one
    that comes `again` is from before what is final.
    """

    NAME: ClassVar[str] = "byzantine.bad-certificate"
    how: str = choice("what is wrong with it", "forged", "short", "again", default="forged")


ByzantineKind = (
    Equivocate
    | Twin
    | InvalidBlocks
    | WithholdBlocks
    | StaleFork
    | EdgeSlots
    | LyingSync
    | Eclipse
    | Sybil
    | Spam
    | WithholdVotes
    | DoubleVote
    | BadCertificates
)
