"""The messages that spread new blocks and fetch old ones."""

from dataclasses import dataclass
from typing import ClassVar

from chain.block import HEADER_BYTES_MAX, SEAL_BYTES_MAX
from chain.primitives import shape
from chain.primitives.cbor import Value
from chain.primitives.hashing import Hash
from p2p.wire.fields import blobs, hashes, length, request_of
from p2p.wire.lanes import Lane

BLOCKS_REQUEST_MAX = 64  # a window of download; more would wait for one slow peer
BLOCK_WIRE_BYTES_MAX = 9 * 1024 * 1024  # the largest block a genesis allows, and its framing


@dataclass(frozen=True, slots=True)
class AnnounceBlock:
    """The sender has this block: its header and seal, enough to judge its claim."""

    KIND: ClassVar[int] = 9
    LANE: ClassVar[Lane] = Lane.BLOCK
    header: bytes
    seal: bytes

    def fields(self) -> list[Value]:
        return [self.header, self.seal]

    @classmethod
    def from_fields(cls, f: list[Value]) -> "AnnounceBlock":
        length(f, 2, "announce-block")
        return cls(
            shape.blob_max(f[0], HEADER_BYTES_MAX, "header"),
            shape.blob_max(f[1], SEAL_BYTES_MAX, "seal"),
        )


@dataclass(frozen=True, slots=True)
class GetBlocks:
    """Asks for blocks by id."""

    KIND: ClassVar[int] = 10
    LANE: ClassVar[Lane] = Lane.REPLY
    request: int
    ids: tuple[Hash, ...]

    def fields(self) -> list[Value]:
        return [self.request, b"".join(self.ids)]

    @classmethod
    def from_fields(cls, f: list[Value]) -> "GetBlocks":
        length(f, 2, "get-blocks")
        return cls(request_of(f[0]), hashes(f[1], BLOCKS_REQUEST_MAX, "block ids"))


@dataclass(frozen=True, slots=True)
class Blocks:
    """Whole blocks, not decoded here; an empty one ends the reply to a request."""

    KIND: ClassVar[int] = 11
    LANE: ClassVar[Lane] = Lane.REPLY  # a download does not hold up a new header
    request: int
    raws: tuple[bytes, ...]

    def fields(self) -> list[Value]:
        return [self.request, list(self.raws)]

    @classmethod
    def from_fields(cls, f: list[Value]) -> "Blocks":
        length(f, 2, "blocks")
        return cls(
            request_of(f[0]),
            blobs(f[1], BLOCKS_REQUEST_MAX, BLOCK_WIRE_BYTES_MAX, "block"),
        )
