"""What a node remembers of its peers over restarts, and the bytes that it is kept in.

Layout: MAGIC, the SHA-256 of the rest, then CBOR `[version, chain, secret, anchors, contacts]`,
each contact `[record, source group, tried, failures, unix ms of the last success or null]`.

- The digest finds torn and rotten files. *Why no repair:* a book that is lost costs a bootstrap,
  one that is half right is not worth reasoning about.
- The chain is named. *Why:* records are signed for one network; another's would all be wrong.
- Records are ours and were checked when they were learnt, so signatures are not checked again.
- The secret of the buckets is kept with them: contacts keep their places, and nobody learns more
  about them by making us restart.
"""

from dataclasses import dataclass, replace

from chain.primitives import cbor, shape
from chain.primitives.cbor import Limits, Value
from chain.primitives.errors import Invalid, Malformed
from chain.primitives.hashing import Hash, sha256
from p2p.peers.addressbook import Kept
from p2p.peers.buckets import SECRET_BYTES
from p2p.peers.contact import Contact
from p2p.peers.peer import PeerId
from p2p.wire.records import RECORD_BYTES_MAX, read_record

MAGIC = b"cornerstone peers\n"
VERSION = 1
KEPT_MAX = 4_096  # contacts: 2 MB as they usually are, read in a tenth of a second
ANCHORS_MAX = 8  # as many as a node dials
SOURCE_MAX = 128  # characters: as long as an address
FAILURES_MAX = 1_000
_LIMITS = Limits(size=KEPT_MAX * (RECORD_BYTES_MAX + 256), depth=4, items=KEPT_MAX * 8)


@dataclass(frozen=True, slots=True)
class Remembered:
    """The book's secret and contacts, and the outbound peers to dial first. Times are unix time.

    An empty secret: nothing is remembered, and a new one is to be made.
    """

    secret: bytes = b""
    kept: tuple[Kept, ...] = ()
    anchors: tuple[PeerId, ...] = ()


NOTHING = Remembered()


def shifted(kept: Kept, by_s: float) -> Kept:
    """The same on a clock that is ahead by so much."""
    success_s = kept.success_s
    return kept if success_s is None else replace(kept, success_s=success_s + by_s)


def encode_remembered(remembered: Remembered, chain: Hash) -> bytes:
    """The bytes of a file."""
    payload = cbor.encode(
        [
            VERSION,
            chain,
            remembered.secret,
            list(remembered.anchors[:ANCHORS_MAX]),
            [_contact_value(kept) for kept in remembered.kept[:KEPT_MAX]],
        ]
    )
    return MAGIC + sha256(payload) + payload


def decode_remembered(data: bytes, chain: Hash) -> Remembered:
    """What a file holds. Raises Malformed for anything that was not written whole, or not by us."""
    digest, payload = data[len(MAGIC) :][:32], data[len(MAGIC) + 32 :]
    if not data.startswith(MAGIC):
        raise Malformed("no-address-book", f"begins with {data[:16]!r}, an address book does not")
    if sha256(payload) != digest:
        raise Malformed(
            "torn-address-book",
            f"its {len(payload)} bytes have digest {sha256(payload).hex()[:16]}, "
            f"{digest.hex()[:16]} was written",
        )
    version, of_chain, secret, anchors, contacts = shape.array(
        cbor.decode(payload, _LIMITS), 5, "address book"
    )
    if shape.uint(version, what="version") != VERSION:
        raise Invalid("address-book-version", f"version {version!r}, this node knows {VERSION}")
    if shape.blob(of_chain, 32, "chain") != chain:
        raise Invalid("foreign-address-book", "it belongs to the network of another genesis")
    return Remembered(
        shape.blob(secret, SECRET_BYTES, "secret"),
        tuple(_kept(value) for value in shape.items(contacts, KEPT_MAX, "contacts")),
        tuple(
            PeerId(shape.blob(anchor, 32, "anchor"))
            for anchor in shape.items(anchors, ANCHORS_MAX, "anchors")
        ),
    )


def _contact_value(kept: Kept) -> Value:
    success_s = kept.success_s
    return [
        kept.contact.record,
        kept.source,
        kept.tried,
        min(kept.failures, FAILURES_MAX),
        None if success_s is None else max(0, round(success_s * 1_000)),
    ]


def _kept(value: Value) -> Kept:
    record, source, tried, failures, success = shape.array(value, 5, "contact")
    read = read_record(shape.blob_max(record, RECORD_BYTES_MAX, "record"))
    return Kept(
        Contact(PeerId(read.peer), read.addresses, read.sequence, read.raw),
        shape.text(source, SOURCE_MAX, "source group"),
        shape.boolean(tried, "tried"),
        shape.uint(failures, FAILURES_MAX, "failures"),
        None if success is None else shape.uint(success, what="success") / 1_000,
    )
