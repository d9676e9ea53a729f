"""The messages that spread peer records."""

from dataclasses import dataclass
from typing import ClassVar

from chain.primitives.cbor import Value
from p2p.wire.fields import blobs, length, request_of
from p2p.wire.lanes import Lane
from p2p.wire.records import RECORD_BYTES_MAX

RECORDS_MAX = 256  # peer records in a reply: a sample of a book, never the book


@dataclass(frozen=True, slots=True)
class GetPeers:
    """Asks for peer records."""

    KIND: ClassVar[int] = 4
    LANE: ClassVar[Lane] = Lane.BULK
    request: int

    def fields(self) -> list[Value]:
        return [self.request]

    @classmethod
    def from_fields(cls, f: list[Value]) -> "GetPeers":
        length(f, 1, "get-peers")
        return cls(request_of(f[0]))


@dataclass(frozen=True, slots=True)
class Peers:
    """Signed peer records; request 0 when nobody asked."""

    KIND: ClassVar[int] = 5
    LANE: ClassVar[Lane] = Lane.BULK
    request: int
    records: tuple[bytes, ...]

    def fields(self) -> list[Value]:
        return [self.request, list(self.records)]

    @classmethod
    def from_fields(cls, f: list[Value]) -> "Peers":
        length(f, 2, "peers")
        return cls(
            request_of(f[0]),
            blobs(f[1], RECORDS_MAX, RECORD_BYTES_MAX, "peer record"),
        )
