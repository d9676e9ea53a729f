"""The messages that spread transactions."""

from dataclasses import dataclass
from typing import ClassVar

from chain.primitives.cbor import Value
from chain.primitives.hashing import Hash
from chain.transactions.envelope import TRANSACTION_BYTES_MAX
from p2p.wire.fields import blobs, hashes, length, request_of
from p2p.wire.lanes import Lane

IDS_MAX = 4_096  # 128 KiB; eight seconds' worth at 500 transactions a second
TRANSACTIONS_MAX = 4_096  # as many as can be asked for


@dataclass(frozen=True, slots=True)
class AnnounceTransactions:
    """The sender has these transactions."""

    KIND: ClassVar[int] = 6
    LANE: ClassVar[Lane] = Lane.TRANSACTION
    ids: tuple[Hash, ...]

    def fields(self) -> list[Value]:
        return [b"".join(self.ids)]

    @classmethod
    def from_fields(cls, f: list[Value]) -> "AnnounceTransactions":
        length(f, 1, "announce-transactions")
        return cls(hashes(f[0], IDS_MAX, "transaction ids"))


@dataclass(frozen=True, slots=True)
class GetTransactions:
    """Asks for transactions by id."""

    KIND: ClassVar[int] = 7
    LANE: ClassVar[Lane] = Lane.REPLY
    request: int
    ids: tuple[Hash, ...]

    def fields(self) -> list[Value]:
        return [self.request, b"".join(self.ids)]

    @classmethod
    def from_fields(cls, f: list[Value]) -> "GetTransactions":
        length(f, 2, "get-transactions")
        return cls(request_of(f[0]), hashes(f[1], IDS_MAX, "transaction ids"))


@dataclass(frozen=True, slots=True)
class Transactions:
    """Whole transactions, not decoded here; request 0 when nobody asked."""

    KIND: ClassVar[int] = 8
    LANE: ClassVar[Lane] = Lane.REPLY
    request: int
    raws: tuple[bytes, ...]

    def fields(self) -> list[Value]:
        return [self.request, list(self.raws)]

    @classmethod
    def from_fields(cls, f: list[Value]) -> "Transactions":
        length(f, 2, "transactions")
        return cls(
            request_of(f[0]),
            blobs(f[1], TRANSACTIONS_MAX, TRANSACTION_BYTES_MAX, "transaction"),
        )
