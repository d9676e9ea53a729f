"""Stores that share their rows: a tree of versions, each with what one batch changed.

Thousands of hosts write the same batch when they import the same block. The first makes a version
of it; the others find it there, compare it row by row, and from then on read the same one. What a
host alone knows (guards of its own keys, which votes it has heard) is kept beside the versions.
"""

import weakref
from bisect import bisect_left
from collections.abc import Sequence

from chain import tables
from chain.store import Batch

FLAT_EVERY = 8
"""Versions between two that hold all rows: a lookup passes at most so many dictionaries."""

PRIVATE = (tables.GUARD, tables.FINALITY, tables.HEARD, tables.VOTE_GUARD)
"""Beginnings of the keys of rows that a host has for itself."""

Rows = dict[bytes, bytes | None]


class Version:
    """A state of a store that never changes; None marks a row that is gone."""

    __slots__ = ("__weakref__", "_children", "_depth", "_keys", "_parent", "_rows", "changed")

    def __init__(self, changed: Rows, parent: "Version | None" = None) -> None:
        self.changed = changed
        self._depth: int = 0 if parent is None else parent._depth + 1
        flat = parent is not None and self._depth % FLAT_EVERY == 0
        self._rows: Rows = {**parent.rows(), **changed} if parent and flat else changed
        self._parent = None if flat else parent
        self._children: list[weakref.ref[Version]] = []
        self._keys: list[bytes] | None = None

    def get(self, key: bytes) -> bytes | None:
        """The value of a key."""
        version: Version | None = self
        while version is not None:
            if key in version._rows:
                return version._rows[key]
            version = version._parent
        return None

    def after(self, batch: Batch) -> "Version":
        """The version with the batch applied; the same one for equal batches."""
        changed: Rows = {**batch.puts, **dict.fromkeys(batch.deletes)}
        living: list[weakref.ref[Version]] = []
        for reference in self._children:
            child = reference()
            if child is None:
                continue
            if child.changed == changed:
                return child
            living.append(reference)
        child = Version(changed, self)
        self._children = [*living, weakref.ref(child)]
        return child

    def rows(self) -> Rows:
        """All rows."""
        if self._parent is None:
            return self._rows
        return {**self._parent.rows(), **self._rows}

    def keys(self) -> list[bytes]:
        """All keys that have a value, in order; worked out when first asked for."""
        if self._keys is None:
            rows = self.rows()
            self._keys = sorted(key for key, value in rows.items() if value is not None)
        return self._keys


class VersionStore:
    """A chain.store.KeyValueStore that stands at a version."""

    def __init__(self, version: Version) -> None:
        self.version = version
        self._own: dict[bytes, bytes] = {}

    def get(self, key: bytes) -> bytes | None:
        """See KeyValueStore."""
        return self._own.get(key) if key.startswith(PRIVATE) else self.version.get(key)

    def get_many(self, keys: Sequence[bytes]) -> list[bytes | None]:
        """See KeyValueStore."""
        return [self.get(key) for key in keys]

    def scan(
        self, prefix: bytes, start: bytes = b"", *, limit: int, reverse: bool = False
    ) -> list[tuple[bytes, bytes]]:
        """See KeyValueStore."""
        keys = self.version.keys()
        found = [key for key in self._own if key.startswith(prefix)]
        for place in range(bisect_left(keys, prefix), len(keys)):
            if not keys[place].startswith(prefix):
                break
            found.append(keys[place])
        found.sort()
        if start:
            found = [key for key in found if (key <= start if reverse else key >= start)]
        if reverse:
            found.reverse()
        return [(key, value) for key in found[:limit] if (value := self.get(key)) is not None]

    def write(self, batch: Batch, *, durable: bool = False) -> None:
        """See KeyValueStore."""
        own = {k: v for k, v in batch.puts.items() if k.startswith(PRIVATE)}
        if not own:
            self.version = self.version.after(batch)
            return
        self._own.update(own)
        shared = Batch({k: v for k, v in batch.puts.items() if k not in own}, batch.deletes)
        if shared.puts or shared.deletes:
            self.version = self.version.after(shared)

    def close(self) -> None:
        """See KeyValueStore."""
