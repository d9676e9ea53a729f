"""State under change: a journal over stored values, so that any change can be taken back."""

from collections.abc import Callable


class State:
    """Keys and values as they will be after the changes so far; nothing reaches the store.

    `read` gives the stored value of a key, or None. Values are encoded CBOR.
    """

    __slots__ = ("_changed", "_journal", "_read", "_stored")

    def __init__(self, read: Callable[[bytes], bytes | None]) -> None:
        self._read = read
        self._stored: dict[bytes, bytes | None] = {}
        self._changed: dict[bytes, bytes | None] = {}
        self._journal: list[tuple[bytes, bool, bytes | None]] = []

    def get(self, key: bytes) -> bytes | None:
        """The value of `key`, or None when it is absent."""
        changed = self._changed
        if key in changed:
            return changed[key]
        stored = self._stored
        if key in stored:
            return stored[key]
        value = stored[key] = self._read(key)
        return value

    def put(self, key: bytes, value: bytes) -> None:
        """Set `key`."""
        self._set(key, value)

    def delete(self, key: bytes) -> None:
        """Remove `key`; removing what is absent changes nothing."""
        if self.get(key) is not None:
            self._set(key, None)

    def _set(self, key: bytes, value: bytes | None) -> None:
        changed = self._changed
        self._journal.append((key, key in changed, changed.get(key)))
        changed[key] = value

    def mark(self) -> int:
        """A point to which `revert` can return."""
        return len(self._journal)

    def revert(self, mark: int) -> None:
        """Forget every change since `mark`."""
        changed = self._changed
        while len(self._journal) > mark:
            key, was_changed, before = self._journal.pop()
            if was_changed:
                changed[key] = before
            else:
                del changed[key]

    def changes(self) -> dict[bytes, bytes | None]:
        """What differs from the store: new values, None for removed keys."""
        return {key: value for key, value in self._changed.items() if value != self.stored(key)}

    def stored(self, key: bytes) -> bytes | None:
        """The value of `key` in the store, whatever changed since."""
        if key not in self._stored:
            self._stored[key] = self._read(key)
        return self._stored[key]
