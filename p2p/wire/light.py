"""The messages of light clients: what has become final since, and the answer that proves it."""

from dataclasses import dataclass
from typing import ClassVar

from chain.block import CERTIFICATE_BYTES_MAX, HEADER_BYTES_MAX
from chain.finalproof import HANDOVER_BYTES_MAX
from chain.primitives import shape
from chain.primitives.cbor import Value
from p2p.wire.fields import blobs, length, request_of
from p2p.wire.lanes import Lane

HANDOVERS_SENT_MAX = 8  # 13 KB with seven authorities, 600 KB with two hundred


@dataclass(frozen=True, slots=True)
class GetFinal:
    """Asks how the authorities went on from a set, and for a final header above a height."""

    KIND: ClassVar[int] = 35
    LANE: ClassVar[Lane] = Lane.REPLY
    request: int
    set_id: int
    height: int

    def fields(self) -> list[Value]:
        return [self.request, self.set_id, self.height]

    @classmethod
    def from_fields(cls, f: list[Value]) -> "GetFinal":
        length(f, 3, "get-final")
        return cls(
            request_of(f[0]),
            shape.uint(f[1], shape.UINT63_MAX, "set id"),
            shape.uint(f[2], shape.UINT63_MAX, "height"),
        )


@dataclass(frozen=True, slots=True)
class Final:
    """Handovers in order, then the newest final header and its certificate; both empty for none."""

    KIND: ClassVar[int] = 36
    LANE: ClassVar[Lane] = Lane.REPLY
    request: int
    handovers: tuple[bytes, ...]
    header: bytes
    certificate: bytes

    def fields(self) -> list[Value]:
        return [self.request, list(self.handovers), self.header, self.certificate]

    @classmethod
    def from_fields(cls, f: list[Value]) -> "Final":
        length(f, 4, "final")
        return cls(
            request_of(f[0]),
            blobs(f[1], HANDOVERS_SENT_MAX, HANDOVER_BYTES_MAX, "handover"),
            shape.blob_max(f[2], HEADER_BYTES_MAX, "header"),
            shape.blob_max(f[3], CERTIFICATE_BYTES_MAX, "certificate"),
        )
