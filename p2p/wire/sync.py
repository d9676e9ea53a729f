"""The messages that find out which chain a peer has."""

from dataclasses import dataclass
from typing import ClassVar

from chain.block import HEADER_BYTES_MAX, SEAL_BYTES_MAX
from chain.primitives import shape
from chain.primitives.cbor import Value
from chain.primitives.hashing import Hash
from p2p.wire.fields import hashes, length, request_of
from p2p.wire.lanes import Lane

HEADERS_MAX = 2_000  # Bitcoin's number: 800 KiB
LOCATOR_MAX = 128  # ids of a locator double their distance: 128 reach any height


@dataclass(frozen=True, slots=True)
class GetHeaders:
    """Asks for headers behind the first id of the locator that is on the receiver's chain."""

    KIND: ClassVar[int] = 12
    LANE: ClassVar[Lane] = Lane.REPLY
    request: int
    locator: tuple[Hash, ...]
    limit: int

    def fields(self) -> list[Value]:
        return [self.request, b"".join(self.locator), self.limit]

    @classmethod
    def from_fields(cls, f: list[Value]) -> "GetHeaders":
        length(f, 3, "get-headers")
        return cls(
            request_of(f[0]),
            hashes(f[1], LOCATOR_MAX, "locator"),
            shape.uint(f[2], HEADERS_MAX, "limit"),
        )


@dataclass(frozen=True, slots=True)
class Headers:
    """Headers and their seals, in order of height."""

    KIND: ClassVar[int] = 13
    LANE: ClassVar[Lane] = Lane.REPLY
    request: int
    headers: tuple[tuple[bytes, bytes], ...]

    def fields(self) -> list[Value]:
        return [self.request, [[header, seal] for header, seal in self.headers]]

    @classmethod
    def from_fields(cls, f: list[Value]) -> "Headers":
        length(f, 2, "headers")
        pairs: list[tuple[bytes, bytes]] = []
        for item in shape.items(f[1], HEADERS_MAX, "headers"):
            header, seal = shape.array(item, 2, "header and seal")
            pairs.append(
                (
                    shape.blob_max(header, HEADER_BYTES_MAX, "header"),
                    shape.blob_max(seal, SEAL_BYTES_MAX, "seal"),
                )
            )
        return cls(request_of(f[0]), tuple(pairs))
