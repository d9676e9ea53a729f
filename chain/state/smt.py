"""The state tree: a sparse Merkle tree hashed as ICS-23's SmtSpec, kept in pages of four levels.

leaf = sha256(0x00 | sha256(key) | sha256(value)), inner = sha256(0x01 | left | right), an empty
child is 32 zero bytes, and a leaf that is alone below a node stands in that node's place. So a key
has one place, the root depends on the contents alone, and absence is provable.

- Four levels make one stored page. *Why:* a tree of a million keys is five pages deep, so an
  update reads five rows and not twenty.
- Few leaves below a slot share one row, a bucket. *Why:* at the tree's edge a page would hold two
  or three leaves and cost as much to read and hash as a full one.
- Rows are addressed by their path and overwritten. *Why:* only the head's tree is kept; an older
  root comes back by applying the old values, and the root itself proves that it did.
- An update changes nothing until `commit`. *Why:* a block that turns out invalid leaves no trace.
"""

from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256

from chain.primitives.hashing import HASH_BYTES, ZERO_HASH, Hash
from chain.state.page import (
    BUCKET_LEAVES_MAX,
    EMPTY_PAGE,
    LEAF_BYTES,
    LEVELS,
    SLOTS,
    Page,
    Row,
    decode_row,
    encode_row,
    halves,
    hashed,
    joined,
    leaves_of,
    merged,
)

EMPTY_STATE_ROOT = ZERO_HASH
KEY_BITS = 256
NIBBLES = tuple(bytes((nibble,)) for nibble in range(SLOTS))

# Decoded pages kept in memory, about 3 KiB each: the upper levels of any tree and the recently
# used parts of the rest, within 25 MiB a node.
PAGES_CACHED_MAX = 8192
# Buckets as well, about 300 bytes each: half of what changes is in one, and a read costs 6 us.
BUCKETS_CACHED_MAX = 16_384


@dataclass(frozen=True, slots=True)
class TreeUpdate:
    """What an update would write: the new root, and rows by key (None: delete the row)."""

    root: Hash
    pages: dict[bytes, bytes | None]
    fresh: dict[bytes, Row | None] = field(repr=False)


@dataclass(frozen=True, slots=True)
class StateProof:
    """Siblings from the root down, and the leaf found there: (key hash, value hash) or None."""

    siblings: tuple[Hash, ...]
    leaf: tuple[bytes, bytes] | None


class StateTree:
    """The tree over the stored rows; `read` gives the bytes of one, or None."""

    __slots__ = ("_buckets", "_cache", "_read", "root")

    def __init__(self, read: Callable[[bytes], bytes | None], root: Hash) -> None:
        self._read = read
        self._cache: OrderedDict[bytes, Page] = OrderedDict()
        self._buckets: OrderedDict[bytes, bytes] = OrderedDict()
        self.root = root

    def update(self, changes: Mapping[bytes, bytes | None]) -> TreeUpdate:
        """The tree after setting each key to its value, or removing it where the value is None."""
        items = sorted(
            sha256(key).digest() + (b"" if value is None else sha256(value).digest())
            for key, value in changes.items()
        )
        if not items:
            return TreeUpdate(self.root, {}, {})
        rewrite = _Rewrite(self._row, removes=None in changes.values())
        page = rewrite.apply(b"", self._page(b"") or EMPTY_PAGE, items)
        top, fresh = page.nodes[1], rewrite.fresh
        fresh[b""] = page if top else None
        rows = {key: None if row is None else encode_row(row) for key, row in fresh.items()}
        return TreeUpdate(hashed(top), rows, fresh)

    def commit(self, update: TreeUpdate) -> None:
        """Make `update`, whose rows have been written, the tree's present."""
        self.root = update.root
        for key, row in update.fresh.items():
            if row is None:
                self._cache.pop(key, None)
                self._buckets.pop(key, None)
            else:
                self._remember(key, row)

    def prove(self, key: bytes) -> StateProof:
        """What shows that `key` has its value, or that it is absent."""
        path = sha256(key).digest()
        siblings: list[Hash] = []
        prefix = b""
        node = b""
        page: Row | None = self._page(prefix)
        while isinstance(page, Page):
            nibble = _nibble(path, len(prefix))
            node = page.descend(nibble, siblings)
            prefix += bytes((nibble,))
            page = self._row(prefix) if len(node) == HASH_BYTES else None
        if page is not None:
            node = _descend_bucket(leaves_of(page), path, LEVELS * len(prefix), siblings)
        leaf = (node[:HASH_BYTES], node[HASH_BYTES:]) if node else None
        return StateProof(tuple(siblings), leaf)

    def _page(self, key: bytes) -> Page | None:
        row = self._row(key) if self.root != EMPTY_STATE_ROOT else None
        assert not isinstance(row, bytes), "the root is a page"
        return row

    def _row(self, key: bytes) -> Row:
        page = self._cache.get(key)
        if page is not None:
            self._cache.move_to_end(key)
            return page
        bucket = self._buckets.get(key)
        if bucket is not None:
            return bucket
        stored = self._read(key)
        assert stored is not None, f"row {key.hex()} of the state tree is missing from the store"
        row = decode_row(stored)
        self._remember(key, row)
        return row

    def _remember(self, key: bytes, row: Row) -> None:
        """Keep a row; one key is a page or a bucket, never both."""
        if isinstance(row, Page):
            self._buckets.pop(key, None)
            self._cache[key] = row
            self._cache.move_to_end(key)
            if len(self._cache) > PAGES_CACHED_MAX:
                self._cache.popitem(last=False)
        else:
            self._cache.pop(key, None)
            self._buckets[key] = row
            self._buckets.move_to_end(key)
            if len(self._buckets) > BUCKETS_CACHED_MAX:
                self._buckets.popitem(last=False)


class _Rewrite:
    """One update under way: rows that change are collected in `fresh`."""

    __slots__ = ("_removes", "_row", "fresh")

    def __init__(self, row: Callable[[bytes], Row], *, removes: bool) -> None:
        self._row = row
        self._removes = removes
        self.fresh: dict[bytes, Row | None] = {}

    def apply(self, prefix: bytes, page: Page, items: Sequence[bytes]) -> Page:
        """The page at `prefix` with `items` (sorted, all below it) applied."""
        slots = page.nodes
        if len(items) == 1:
            nibble = _nibble(items[0], len(prefix))
            slot = self._slot(prefix + NIBBLES[nibble], slots[SLOTS + nibble], items)
            return page.replaced({nibble: slot})
        return page.replaced(
            {
                nibble: self._slot(prefix + NIBBLES[nibble], slots[SLOTS + nibble], part)
                for nibble, part in _by_nibble(items, len(prefix)).items()
            }
        )

    def _slot(self, below: bytes, slot: bytes, items: Sequence[bytes]) -> bytes:
        """What the slot holds after `items`."""
        if len(slot) != HASH_BYTES:
            if len(items) == 1 and len(items[0]) == LEAF_BYTES and _in_place(slot, items[0]):
                return items[0]
            return self._merge(below, leaves_of(slot), items, stored=False)
        row = self._row(below)
        if not isinstance(row, Page):
            return self._merge(below, leaves_of(row), items, stored=True)
        page = self.apply(below, row, items)
        # Only what is removed can make a page small enough to be a bucket again.
        leaves = page.few() if self._removes else None
        if leaves is None:
            self.fresh[below] = page
            return page.nodes[1]
        return self._bucket(below, leaves, stored=True)

    def _merge(
        self, below: bytes, leaves: list[bytes], items: Sequence[bytes], *, stored: bool
    ) -> bytes:
        after = merged(leaves, items)
        if len(after) <= BUCKET_LEAVES_MAX:
            return self._bucket(below, after, stored=stored)
        page = self.fresh[below] = self.apply(below, EMPTY_PAGE, after)
        return page.nodes[1]

    def _bucket(self, below: bytes, leaves: list[bytes], *, stored: bool) -> bytes:
        if len(leaves) > 1:
            self.fresh[below] = b"".join(leaves)
        elif stored:
            self.fresh[below] = None
        return joined(leaves, LEVELS * len(below))


def _in_place(slot: bytes, leaf: bytes) -> bool:
    """Whether a leaf takes a slot that is empty, or replaces its own earlier value."""
    return not slot or slot[:HASH_BYTES] == leaf[:HASH_BYTES]


def _by_nibble(items: Sequence[bytes], depth: int) -> dict[int, list[bytes]]:
    """Sorted items in groups that share the nibble at `depth`, in order."""
    byte, low = divmod(depth, 2)
    groups: dict[int, list[bytes]] = {}
    for item in items:
        nibble = item[byte] & 15 if low else item[byte] >> 4
        if nibble in groups:
            groups[nibble].append(item)
        else:
            groups[nibble] = [item]
    return groups


def _descend_bucket(
    leaves: Sequence[bytes], path: bytes, depth: int, siblings: list[Hash]
) -> bytes:
    """The leaf at the end of the path below `depth`, or nothing; siblings are appended."""
    while len(leaves) > 1:
        near, far = halves(leaves, depth)
        if path[depth >> 3] & 128 >> (depth & 7):
            near, far = far, near
        depth += 1
        siblings.append(hashed(joined(far, depth)))
        leaves = near
    return leaves[0] if leaves else b""


def _nibble(path: bytes, depth: int) -> int:
    byte = path[depth >> 1]
    return byte & 15 if depth & 1 else byte >> 4


def verify_state_proof(root: bytes, key: bytes, value: bytes | None, proof: StateProof) -> bool:
    """Whether `key` has `value` (None: is absent) in the state with that root.

    Lengths are checked exactly: lax ones are how such proofs were forged elsewhere (ICS-23 2022).
    """
    path = sha256(key).digest()
    if len(proof.siblings) > KEY_BITS or any(len(s) != HASH_BYTES for s in proof.siblings):
        return False
    node: bytes = ZERO_HASH
    if proof.leaf is not None:
        found, content = proof.leaf
        if len(found) != HASH_BYTES or len(content) != HASH_BYTES:
            return False
        if (found == path) != (value is not None):
            return False
        if value is not None and sha256(value).digest() != content:
            return False
        depth = len(proof.siblings)
        if _bits(found) >> (KEY_BITS - depth) != _bits(path) >> (KEY_BITS - depth):
            return False
        node = hashed(found + content)
    elif value is not None:
        return False
    bits = _bits(path)
    for depth in range(len(proof.siblings) - 1, -1, -1):
        sibling = proof.siblings[depth]
        right = bits >> (KEY_BITS - 1 - depth) & 1
        pair = sibling + node if right else node + sibling
        node = sha256(b"\x01" + pair).digest()
    return node == root


def _bits(path: bytes) -> int:
    return int.from_bytes(path, "big")
