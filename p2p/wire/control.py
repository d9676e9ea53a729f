"""The messages that hold a link: who is there, are you alive, why I leave."""

from dataclasses import dataclass
from typing import ClassVar

from chain.primitives import shape
from chain.primitives.cbor import Value
from chain.primitives.hashing import Hash
from p2p.wire.fields import hash_of, length, printable, quoted
from p2p.wire.lanes import Lane
from p2p.wire.records import CAPABILITIES_MAX, CAPABILITY_MAX, RECORD_BYTES_MAX

PROTOCOL_VERSION = 1
NETWORK_MAX = 32  # characters: the longest name a genesis can have
AGENT_MAX = 64  # characters: a name and a version
CODE_MAX = 32  # characters of a kebab-case code of ours
REASON_MAX = 512  # characters: two hashes and two sentences


@dataclass(frozen=True, slots=True)
class Hello:
    """The first message of both sides: who, on which chain, how far."""

    KIND: ClassVar[int] = 0
    LANE: ClassVar[Lane] = Lane.CONTROL
    version_min: int
    version_max: int
    network: str
    genesis: Hash
    capabilities: tuple[str, ...]
    record: bytes  # the sender's signed peer record
    height: int
    head: Hash
    finalized_height: int
    finalized: Hash
    agent: str

    def fields(self) -> list[Value]:
        return [
            self.version_min,
            self.version_max,
            self.network,
            self.genesis,
            list(self.capabilities),
            self.record,
            self.height,
            self.head,
            self.finalized_height,
            self.finalized,
            self.agent,
        ]

    @classmethod
    def from_fields(cls, f: list[Value]) -> "Hello":
        length(f, 11, "hello")
        return cls(
            shape.uint(f[0], what="version_min"),
            shape.uint(f[1], what="version_max"),
            printable(f[2], NETWORK_MAX, "network"),
            hash_of(f[3], "genesis"),
            tuple(
                printable(name, CAPABILITY_MAX, "capability")
                for name in shape.items(f[4], CAPABILITIES_MAX, "capabilities")
            ),
            shape.blob_max(f[5], RECORD_BYTES_MAX, "record"),
            shape.uint(f[6], what="height"),
            hash_of(f[7], "head"),
            shape.uint(f[8], what="finalized height"),
            hash_of(f[9], "finalized"),
            printable(f[10], AGENT_MAX, "agent"),
        )


@dataclass(frozen=True, slots=True)
class Goodbye:
    """Why the sender is about to close the connection."""

    KIND: ClassVar[int] = 1
    LANE: ClassVar[Lane] = Lane.CONTROL
    code: str
    reason: str

    def fields(self) -> list[Value]:
        # Whatever is said in parting must not fail for its length or for what it quotes.
        return [quoted(self.code)[:CODE_MAX], quoted(self.reason)[:REASON_MAX]]

    @classmethod
    def from_fields(cls, f: list[Value]) -> "Goodbye":
        length(f, 2, "goodbye")
        return cls(printable(f[0], CODE_MAX, "code"), printable(f[1], REASON_MAX, "reason"))


@dataclass(frozen=True, slots=True)
class Ping:
    """Asks for a Pong with the same number."""

    KIND: ClassVar[int] = 2
    LANE: ClassVar[Lane] = Lane.CONTROL
    nonce: int

    def fields(self) -> list[Value]:
        return [self.nonce]

    @classmethod
    def from_fields(cls, f: list[Value]) -> "Ping":
        length(f, 1, "ping")
        return cls(shape.uint(f[0], what="nonce"))


@dataclass(frozen=True, slots=True)
class Pong:
    """The answer to a Ping."""

    KIND: ClassVar[int] = 3
    LANE: ClassVar[Lane] = Lane.CONTROL
    nonce: int

    def fields(self) -> list[Value]:
        return [self.nonce]

    @classmethod
    def from_fields(cls, f: list[Value]) -> "Pong":
        length(f, 1, "pong")
        return cls(shape.uint(f[0], what="nonce"))
