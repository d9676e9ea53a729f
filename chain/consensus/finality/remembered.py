"""The closure in the store: what is final and justified, and certificates for blocks to come."""

from chain import tables
from chain.block import CERTIFICATE_BYTES_MAX
from chain.consensus.finality.certificate import decode_certificate
from chain.consensus.finality.closure import HELD_MAX, Closure
from chain.consensus.finality.standing import Mark
from chain.primitives import cbor, shape
from chain.primitives.cbor import Limits, Value
from chain.primitives.hashing import HASH_BYTES, Hash
from chain.store import Batch, KeyValueStore

ROW_LIMITS = Limits(size=2 * HELD_MAX * CERTIFICATE_BYTES_MAX, depth=4, items=16 * HELD_MAX)


def save_closure(closure: Closure, batch: Batch) -> None:
    """Put the closure's row into a batch."""
    proof = b"" if closure.proof is None else closure.proof.encode()
    row: list[Value] = [
        list(closure.finalized),
        proof,
        [list(mark) for mark in closure.marks],
        [certificate.encode() for certificate in closure.held],
    ]
    batch.put(tables.FINALITY, cbor.encode(row))


def load_closure(store: KeyValueStore, first: Mark) -> Closure:
    """The closure a store holds; one that begins at `first` when it holds none."""
    row = store.get(tables.FINALITY)
    if row is None:
        return Closure(first)
    final, proof, marks, held = shape.array(cbor.decode(row, ROW_LIMITS), 4, "finality row")
    closure = Closure(_mark(final))
    raw = shape.blob_max(proof, CERTIFICATE_BYTES_MAX, "proof")
    closure.restore(
        decode_certificate(raw) if raw else None,
        [_mark(mark) for mark in shape.items(marks, HELD_MAX + 1, "marks")],
        [
            decode_certificate(shape.blob_max(raw, CERTIFICATE_BYTES_MAX, "certificate"))
            for raw in shape.items(held, HELD_MAX, "certificates")
        ],
    )
    return closure


def _mark(value: Value) -> Mark:
    set_id, epoch, block = shape.array(value, 3, "mark")
    return Mark(
        shape.uint(set_id, what="set id"),
        shape.uint(epoch, what="epoch"),
        Hash(shape.blob(block, HASH_BYTES, "block")),
    )
