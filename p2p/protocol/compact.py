"""A block without the transactions a peer has already: made, and put together again. No I/O.

Rules (after BIP152):
- A short id is ID_BYTES of BLAKE2b, keyed by the header's id and the nonce, over the SHA-256 of the
  transaction's very bytes. *Why keyed:* who wants two transactions to clash must find them anew for
  every block and nonce. *Why BLAKE2b:* 0.64 us for an id with a copied state, SipHash-2-4 by
  libsodium 1.7 us, and a mempool of 50,000 is gone through for every block. *Why over the bytes:*
  a transaction's own id leaves the signature out, the block's root does not.
- Every node draws a nonce of its own. *Why:* a clash that is forced then hits one link only.
- What fits two transactions here, or stands twice in the block, counts as missing. *Why:* it costs
  a fetch; the transactions root decides in the end, so never a wrong block.
Spec: docs/spec/peer-behaviour.md, section 3.
"""

from collections.abc import Callable, Iterable, Sequence
from hashlib import blake2b

from chain.block import Block, Header
from chain.primitives.hashing import Hash, sha256
from p2p.wire.messages import (
    ID_BYTES,
    PREFILLED_BYTES_MAX,
    PREFILLED_MAX,
    CompactBlock,
)

NONCE_BYTES = 8

ShortId = Callable[[Hash], bytes]


def short_id_of(header_id: Hash, nonce: int) -> ShortId:
    """The function from a raw transaction's SHA-256 to its short id in this compact block."""
    keyed = blake2b(digest_size=ID_BYTES, key=header_id + nonce.to_bytes(NONCE_BYTES, "big"))

    def short_id(digest: Hash) -> bytes:
        state = keyed.copy()
        state.update(digest)
        return state.digest()

    return short_id


def compact(block: Block, nonce: int, lacking: Iterable[bytes]) -> CompactBlock:
    """The block with as many of the `lacking` transactions whole as may be, in their order."""
    chosen = _prefilled(frozenset(block.transactions), lacking)
    short_id = short_id_of(block.header.id, nonce)
    short_ids: list[bytes] = []
    places: list[int] = []
    for place, raw in enumerate(block.transactions):
        if raw in chosen:
            del chosen[raw]  # a block that holds it twice is invalid, and must still fit
            places.append(place)
        else:
            short_ids.append(short_id(sha256(raw)))
    return CompactBlock(
        block.header.raw,
        block.seal,
        block.certificates,
        nonce,
        tuple(short_ids),
        tuple(places),
        tuple([block.transactions[place] for place in places]),
    )


def _prefilled(held: frozenset[bytes], lacking: Iterable[bytes]) -> dict[bytes, None]:
    """What goes along whole: as much of what is lacking as there is room for."""
    chosen: dict[bytes, None] = {}
    size = 0
    for raw in lacking:
        if raw in held and raw not in chosen and size + len(raw) <= PREFILLED_BYTES_MAX:
            chosen[raw] = None
            size += len(raw)
        if len(chosen) == PREFILLED_MAX:
            break
    return chosen


class Puzzle:
    """A compact block on its way to being whole."""

    def __init__(self, header: Header, message: CompactBlock) -> None:
        self.header = header
        self._message = message
        self._short_id = short_id_of(header.id, message.nonce)
        self._raws: list[bytes | None] = [None] * (len(message.short_ids) + len(message.prefilled))
        for place, raw in zip(message.places, message.prefilled, strict=True):
            self._raws[place] = raw
        open_places = [place for place, raw in enumerate(self._raws) if raw is None]
        self._ids = dict(zip(open_places, message.short_ids, strict=True))
        self.lacked: tuple[int, ...] = message.places

    def __len__(self) -> int:
        """Transactions in the block."""
        return len(self._raws)

    @property
    def missing(self) -> tuple[int, ...]:
        """The places that are still open."""
        return tuple([place for place, raw in enumerate(self._raws) if raw is None])

    def look(self, digests: Iterable[Hash], find: Callable[[Hash], bytes | None]) -> None:
        """Fill places with transactions that are here; stops when none is open."""
        places: dict[bytes, int | None] = {}
        for place, wanted in self._ids.items():
            places[wanted] = None if wanted in places else place
        short_id = self._short_id
        found: dict[int, Hash] = {}
        left = sum(place is not None for place in places.values())
        for digest in digests if left else ():
            fitting = places.get(short_id(digest))
            if fitting is None:
                continue
            before = found.get(fitting)
            if before is None:
                found[fitting] = digest
                left -= 1
                if not left:
                    break
            elif before != digest:
                places[self._ids[fitting]] = None
        for place, digest in found.items():
            if places[self._ids[place]] is not None:
                self._raws[place] = find(digest)
        self.lacked = tuple(sorted({*self._message.places, *self.missing}))

    def fits(self, place: int, raw: bytes) -> bool:
        """Whether a transaction is one the compact block may have meant at this place."""
        return self._short_id(sha256(raw)) == self._ids[place]

    def put(self, place: int, raw: bytes) -> None:
        """Fill a place."""
        self._raws[place] = raw

    def block(self) -> Block:
        """The block, once nothing is missing; its transactions root is yet to be compared."""
        raws = [raw for raw in self._raws if raw is not None]
        assert len(raws) == len(self._raws), "the caller has seen that nothing is missing"
        message = self._message
        return Block(self.header, message.seal, message.certificates, tuple(raws))


def transactions_at(block: Block, places: Sequence[int]) -> list[bytes] | None:
    """A block's transactions at these places; None when it has fewer."""
    if places and places[-1] >= len(block.transactions):
        return None
    return [block.transactions[place] for place in places]
