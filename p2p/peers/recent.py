"""A bounded memory of ids in two generations: constant cost, no per-item bookkeeping."""

from collections.abc import Iterable
from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class RecentSet:
    """Remembers at least the last `generation` distinct ids and at most twice as many.

    Full generations are dropped whole, which keeps both adding and asking at one dictionary
    operation; order of ids never matters here, so nothing iterates over it.
    """

    __slots__ = ("_current", "_generation", "_previous")

    def __init__(self, generation: int) -> None:
        self._generation = generation
        self._current: set[bytes] = set()
        self._previous: set[bytes] = set()

    def __contains__(self, item: bytes) -> bool:
        return item in self._current or item in self._previous

    def __len__(self) -> int:
        return len(self._current) + len(self._previous)

    def add(self, item: bytes) -> None:
        """Remember one id."""
        self._current.add(item)
        if len(self._current) >= self._generation:
            self._previous = self._current
            self._current = set()

    def update(self, items: Iterable[bytes]) -> None:
        """Remember many ids; as many as come at once may exceed the bound until the next."""
        self._current.update(items)
        if len(self._current) >= self._generation:
            self._previous = self._current
            self._current = set()

    def discard(self, item: bytes) -> None:
        """Forget one id if it is remembered."""
        self._current.discard(item)
        self._previous.discard(item)


class RecentMap(Generic[K, V]):
    """Remembers values by key, at least the last `generation` of them, at most twice as many."""

    __slots__ = ("_current", "_generation", "_previous")

    def __init__(self, generation: int) -> None:
        self._generation = generation
        self._current: dict[K, V] = {}
        self._previous: dict[K, V] = {}

    def __len__(self) -> int:
        return len(self._current) + len(self._previous)

    def get(self, key: K) -> V | None:
        """What is remembered under a key."""
        value = self._current.get(key)
        return self._previous.get(key) if value is None else value

    def put(self, key: K, value: V) -> None:
        """Remember a value."""
        self._current[key] = value
        if len(self._current) >= self._generation:
            self._previous, self._current = self._current, {}
