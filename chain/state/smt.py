"""The state tree: a sparse Merkle tree hashed as ICS-23's SmtSpec, kept in pages of four levels.

leaf = sha256(0x00 | sha256(key) | sha256(value)), inner = sha256(0x01 | left | right), an empty
child is 32 zero bytes, and a leaf that is alone below a node stands in that node's place. So a key
has one place, the root depends on the contents alone, and absence is provable.

- Four levels make one stored page. *Why:* a tree of a million keys is five pages deep, so an
  update reads five rows and not twenty.
- Pages are addressed by their path and overwritten. *Why:* only the head's tree is kept; an older
  root comes back by applying the old values, and the root itself proves that it did.
- An update changes nothing until `commit`. *Why:* a block that turns out invalid leaves no trace.
"""

from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from hashlib import sha256

from chain.primitives.hashing import HASH_BYTES, ZERO_HASH, Hash
from chain.state.page import Leaf, Page, Slot, leaf_hash

EMPTY_STATE_ROOT = ZERO_HASH
KEY_BITS = 256
# Decoded pages kept in memory, about 5 KiB each: the upper levels of any tree and the recently
# used parts of the rest, within 40 MiB a node.
PAGES_CACHED_MAX = 8192

_Items = list[tuple[bytes, bytes | None]]


@dataclass(frozen=True, slots=True)
class TreeUpdate:
    """What an update would write: the new root, and page rows by key (None: delete the row)."""

    root: Hash
    pages: dict[bytes, bytes | None]
    fresh: dict[bytes, Page | None] = field(repr=False)


@dataclass(frozen=True, slots=True)
class StateProof:
    """Siblings from the root down, and the leaf found there: (key hash, value hash) or None."""

    siblings: tuple[Hash, ...]
    leaf: Leaf | None


class StateTree:
    """The tree over the stored pages; `read` gives the bytes of a page row, or None."""

    __slots__ = ("_cache", "_read", "root")

    def __init__(self, read: Callable[[bytes], bytes | None], root: Hash) -> None:
        self._read = read
        self._cache: OrderedDict[bytes, Page] = OrderedDict()
        self.root = root

    def update(self, changes: Mapping[bytes, bytes | None]) -> TreeUpdate:
        """The tree after setting each key to its value, or removing it where the value is None."""
        items: _Items = sorted(
            (sha256(key).digest(), None if value is None else sha256(value).digest())
            for key, value in changes.items()
        )
        fresh: dict[bytes, Page | None] = {}
        page = self._load(b"", fresh) or Page.empty()
        if items:
            page = self._apply(b"", page, items, fresh)
            fresh[b""] = page if page.is_occupied() else None
        rows = {key: None if page is None else page.encode() for key, page in fresh.items()}
        return TreeUpdate(page.root(), rows, fresh)

    def commit(self, update: TreeUpdate) -> None:
        """Make `update`, whose rows have been written, the tree's present."""
        self.root = update.root
        for key, page in update.fresh.items():
            if page is None:
                self._cache.pop(key, None)
            else:
                self._remember(key, page)

    def prove(self, key: bytes) -> StateProof:
        """What shows that `key` has its value, or that it is absent."""
        path = sha256(key).digest()
        siblings: list[Hash] = []
        prefix = b""
        while True:
            page = self._load(prefix, {})
            if page is None:
                return StateProof(tuple(siblings), None)
            nibble = _nibble(path, len(prefix))
            slot = page.descend(nibble, siblings)
            if not isinstance(slot, bytes):
                return StateProof(tuple(siblings), slot)
            prefix += bytes((nibble,))

    def _load(self, key: bytes, fresh: dict[bytes, Page | None]) -> Page | None:
        if key in fresh:
            return fresh[key]
        page = self._cache.get(key)
        if page is not None:
            self._cache.move_to_end(key)
            return page
        row = self._read(key)
        if row is None:
            return None
        page = Page.decode(row)
        self._remember(key, page)
        return page

    def _remember(self, key: bytes, page: Page) -> None:
        self._cache[key] = page
        self._cache.move_to_end(key)
        if len(self._cache) > PAGES_CACHED_MAX:
            self._cache.popitem(last=False)

    def _apply(
        self, prefix: bytes, page: Page, items: _Items, fresh: dict[bytes, Page | None]
    ) -> Page:
        """The page at `prefix` with `items` (sorted, all below it) applied."""
        changed: dict[int, Slot] = {}
        depth = len(prefix)
        start = 0
        while start < len(items):
            nibble = _nibble(items[start][0], depth)
            end = start + 1
            while end < len(items) and _nibble(items[end][0], depth) == nibble:
                end += 1
            part = items[start:end] if end - start < len(items) else items
            changed[nibble] = self._slot(prefix, nibble, page.slots[nibble], part, fresh)
            start = end
        return page.replaced(changed)

    def _slot(
        self, prefix: bytes, nibble: int, slot: Slot, items: _Items, fresh: dict[bytes, Page | None]
    ) -> Slot:
        """What the slot holds after `items`: nothing, a lone leaf, or the root of a page below."""
        below = prefix + bytes((nibble,))
        if isinstance(slot, bytes):
            page = self._load(below, fresh)
            assert page is not None, f"page {below.hex()} is missing from the store"
        else:
            leaves: dict[bytes, bytes | None] = {} if slot is None else {slot[0]: slot[1]}
            leaves.update(items)
            items = [(path, value) for path, value in leaves.items() if value is not None]
            if len(items) < 2:
                return (items[0][0], items[0][1] or b"") if items else None
            items.sort()
            page = Page.empty()
        page = self._apply(below, page, items, fresh)
        lone = page.lone()
        if lone is not None or not page.is_occupied():
            fresh[below] = None
            return lone
        fresh[below] = page
        return page.root()


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
        node = leaf_hash(found, content)
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
