"""The messages that spread transactions: bodies, announcements, leases, comparison of mempools.

Short ids are the first SHORT_BYTES of a keyed BLAKE2b (RFC 7693) of the id, under the key of the
node that is told. *Why its own:* it must recognise one id announced by two peers, and nobody can
prepare two ids that look alike to nodes whose keys he does not know.
"""

from dataclasses import dataclass
from typing import ClassVar

from chain.primitives import shape
from chain.primitives.cbor import Value
from chain.primitives.errors import Malformed
from chain.primitives.hashing import Hash
from chain.transactions.envelope import TRANSACTION_BYTES_MAX
from p2p.wire.fields import Short, blobs, hashes, length, request_of, shorts
from p2p.wire.lanes import Lane

IDS_MAX = 4_096  # 128 KiB; eight seconds' worth at 500 transactions a second
TRANSACTIONS_MAX = 4_096  # as many as can be asked for
LEASE_MAX = 300  # seconds; a longer promise would outlive what it was made for
SHORT_KEY_BYTES = 16  # the key of short ids: nobody guesses it
BUCKETS = 64  # parts of a mempool that are compared: three strangers mark three of them
SUM_BYTES = 12  # of a bucket: how many ids, in four bytes, and the exclusive or of their short ids


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
    LANE: ClassVar[Lane] = Lane.TRANSACTION
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


@dataclass(frozen=True, slots=True)
class Eager:
    """Asks the receiver to push whole transactions for so many seconds; 0: no longer."""

    KIND: ClassVar[int] = 14
    LANE: ClassVar[Lane] = Lane.CONTROL
    lease_s: int

    def fields(self) -> list[Value]:
        return [self.lease_s]

    @classmethod
    def from_fields(cls, f: list[Value]) -> "Eager":
        length(f, 1, "eager")
        return cls(shape.uint(f[0], LEASE_MAX, "lease"))


@dataclass(frozen=True, slots=True)
class ShortKey:
    """The key under which the sender wants to be told of short ids; said once, first."""

    KIND: ClassVar[int] = 15
    LANE: ClassVar[Lane] = Lane.CONTROL
    key: bytes

    def fields(self) -> list[Value]:
        return [self.key]

    @classmethod
    def from_fields(cls, f: list[Value]) -> "ShortKey":
        length(f, 1, "short-key")
        return cls(shape.blob(f[0], SHORT_KEY_BYTES, "key"))


@dataclass(frozen=True, slots=True)
class AnnounceShort:
    """The sender has these transactions; their short ids under the receiver's key."""

    KIND: ClassVar[int] = 16
    LANE: ClassVar[Lane] = Lane.TRANSACTION
    ids: tuple[Short, ...]

    def fields(self) -> list[Value]:
        return [b"".join(self.ids)]

    @classmethod
    def from_fields(cls, f: list[Value]) -> "AnnounceShort":
        length(f, 1, "announce-short")
        return cls(shorts(f[0], IDS_MAX, "short ids"))


@dataclass(frozen=True, slots=True)
class GetShort:
    """Asks for transactions by the short ids, under the sender's key, they were announced by."""

    KIND: ClassVar[int] = 17
    LANE: ClassVar[Lane] = Lane.REPLY
    request: int
    ids: tuple[Short, ...]

    def fields(self) -> list[Value]:
        return [self.request, b"".join(self.ids)]

    @classmethod
    def from_fields(cls, f: list[Value]) -> "GetShort":
        length(f, 2, "get-short")
        return cls(request_of(f[0]), shorts(f[1], IDS_MAX, "short ids"))


@dataclass(frozen=True, slots=True)
class Reconcile:
    """What the sender's mempool adds up to, by bucket, under its own key; nothing: it is empty."""

    KIND: ClassVar[int] = 18
    LANE: ClassVar[Lane] = Lane.TRANSACTION
    sums: bytes

    def fields(self) -> list[Value]:
        return [self.sums]

    @classmethod
    def from_fields(cls, f: list[Value]) -> "Reconcile":
        length(f, 1, "reconcile")
        sums = shape.blob_max(f[0], BUCKETS * SUM_BYTES, "sums")
        if sums and len(sums) != BUCKETS * SUM_BYTES:
            expected = f"0 or {BUCKETS * SUM_BYTES} bytes"
            raise Malformed("shape", f"sums: expected {expected}, got {len(sums)} bytes")
        return cls(sums)


@dataclass(frozen=True, slots=True)
class Differ:
    """Answers a Reconcile: the buckets that differ, one bit each, and whether more was to be said.

    What the sender has in them it announces along with this; the receiver does the same.
    """

    KIND: ClassVar[int] = 19
    LANE: ClassVar[Lane] = Lane.TRANSACTION
    buckets: int
    more: bool

    def fields(self) -> list[Value]:
        return [self.buckets, self.more]

    @classmethod
    def from_fields(cls, f: list[Value]) -> "Differ":
        length(f, 2, "differ")
        return cls(shape.uint(f[0], 2**BUCKETS - 1, "buckets"), shape.boolean(f[1], "more"))
