"""Disk faults under an open store, switched on and off by the id of their act.

The words of the failures are those a real disk's would have: what a node makes of them is tested.
"""

import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from chain.primitives.errors import StoreFailure
from chain.store import Batch, KeyValueStore
from testnet.faults.disk import DiskErrors, DiskFull, ReadOnly, SlowDisk

SwitchKind = DiskFull | DiskErrors | ReadOnly | SlowDisk
Point = Callable[[str], None]
"""Told when a store is at "before-write" and "after-write"."""


@dataclass(slots=True)
class _Switched:
    kind: SwitchKind
    rng: random.Random
    hits: int = 0


class DiskSwitches:
    """What is wrong with a disk at the moment. `wait` is how a slow disk spends time."""

    def __init__(self, point: Point, wait: Callable[[float], None] = time.sleep) -> None:
        self.point = point
        self._wait = wait
        self._on: dict[str, _Switched] = {}

    def begin(self, act: str, kind: SwitchKind, rng: random.Random) -> None:
        """Switch a fault on."""
        self._on[act] = _Switched(kind, rng)

    def end(self, act: str) -> int:
        """Switch it off; how many operations it hit. Harmless when it is off."""
        switched = self._on.pop(act, None)
        return 0 if switched is None else switched.hits

    def in_force(self, act: str) -> bool:
        """Whether it is on."""
        return act in self._on

    def hits(self, act: str) -> int:
        """How many operations it has hit so far."""
        return self._on[act].hits if act in self._on else 0

    def reading(self) -> None:
        """A read is about to be made. Raises StoreFailure."""
        for switched in self._on.values():
            match switched.kind:
                case DiskErrors(on_op="reads" | "both", probability=p):
                    self._fail_by_chance(switched, p, "read")
                case _:
                    pass

    def writing(self) -> None:
        """A write is about to be made. Raises StoreFailure."""
        for switched in self._on.values():
            match switched.kind:
                case DiskFull():
                    switched.hits += 1
                    raise StoreFailure("the disk is full (No space left on device); make room")
                case ReadOnly():
                    switched.hits += 1
                    raise StoreFailure("the file system is read-only; mount it writable again")
                case DiskErrors(on_op="writes" | "both", probability=p):
                    self._fail_by_chance(switched, p, "write")
                case SlowDisk(by_ms):
                    switched.hits += 1
                    self._wait(by_ms / 1_000)
                case _:
                    pass

    def _fail_by_chance(self, switched: _Switched, probability: float, what: str) -> None:
        if switched.rng.random() < probability:
            switched.hits += 1
            raise StoreFailure(f"input/output error during a {what}; check the disk")


class SwitchedStore:
    """A store on a disk with switches. Implements KeyValueStore."""

    def __init__(self, inner: KeyValueStore, switches: DiskSwitches) -> None:
        self._inner = inner
        self._switches = switches

    def get(self, key: bytes) -> bytes | None:
        """See KeyValueStore."""
        self._switches.reading()
        return self._inner.get(key)

    def get_many(self, keys: Sequence[bytes]) -> list[bytes | None]:
        """See KeyValueStore."""
        self._switches.reading()
        return self._inner.get_many(keys)

    def scan(
        self, prefix: bytes, start: bytes = b"", *, limit: int, reverse: bool = False
    ) -> list[tuple[bytes, bytes]]:
        """See KeyValueStore."""
        self._switches.reading()
        return self._inner.scan(prefix, start, limit=limit, reverse=reverse)

    def write(self, batch: Batch, *, durable: bool = False) -> None:
        """See KeyValueStore."""
        self._switches.point("before-write")
        self._switches.writing()
        self._inner.write(batch, durable=durable)
        self._switches.point("after-write")

    def close(self) -> None:
        """See KeyValueStore."""
        self._inner.close()
