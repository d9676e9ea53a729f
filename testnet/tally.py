"""Book-keeping of a load: what was sent, refused, seen in a block; the verdict is the chains'.

A transaction counts as included only when it is on the chain that every running node agrees on at
the end. The moment it was first seen in a block only says how long that took.
"""

from collections import Counter
from collections.abc import Iterable, Set
from dataclasses import dataclass

REASONS_MAX = 16
"""Refusal codes are a closed set in the node; more than these would be noise in a summary."""


@dataclass(frozen=True, slots=True)
class LoadResult:
    """What became of a load. Times in milliseconds from submission to first sight in a block.

    submitted = included + rejected + missing. `failed` of the included ones have a receipt that
    says they changed nothing. `tps` is included over the time from the first submission to the
    last inclusion.
    """

    submitted: int
    included: int
    rejected: int
    missing: int
    failed: int
    tps: float
    p50_ms: float
    p99_ms: float
    seconds: float
    reasons: tuple[tuple[str, int], ...]

    def to_json(self) -> dict[str, object]:
        return {
            "submitted": self.submitted,
            "included": self.included,
            "rejected": self.rejected,
            "missing": self.missing,
            "failed": self.failed,
            "tps": round(self.tps, 1),
            "inclusion_ms": {"p50": round(self.p50_ms, 1), "p99": round(self.p99_ms, 1)},
            "seconds": round(self.seconds, 2),
            "reasons": dict(self.reasons),
        }


class Tally:
    """Times in seconds on one steady clock."""

    def __init__(self) -> None:
        self._sent: dict[bytes, float] = {}
        self._refused: dict[bytes, str] = {}
        self._seen: dict[bytes, float] = {}

    @property
    def submitted(self) -> int:
        return len(self._sent)

    @property
    def seen(self) -> int:
        return len(self._seen)

    @property
    def refused(self) -> int:
        return len(self._refused)

    def pending(self) -> bool:
        """Whether an accepted transaction has not been seen in a block yet."""
        return len(self._seen.keys() | self._refused.keys()) < len(self._sent)

    def sent(self, ids: Iterable[bytes], at: float) -> None:
        """Handed to a node for the first time; sending one again does not count."""
        for identity in ids:
            self._sent.setdefault(identity, at)

    def verdict(self, identity: bytes, code: str) -> None:
        """What a node said last: a refusal's code, or nothing when it took the transaction."""
        if code:
            self._refused[identity] = code
        else:
            self._refused.pop(identity, None)

    def see(self, ids: Iterable[bytes], at: float) -> None:
        """These are in a block; strangers are ignored, the first sight counts."""
        for identity in ids:
            if identity in self._sent:
                self._seen.setdefault(identity, at)

    def result(self, canonical: Set[bytes], failed: Set[bytes]) -> LoadResult:
        """The verdict, given the ids on the chain all nodes share and those that failed there."""
        included = self._sent.keys() & canonical
        rejected = self._refused.keys() - included
        waits = sorted(
            (self._seen[identity] - self._sent[identity]) * 1_000
            for identity in included
            if identity in self._seen
        )
        seconds = self._seconds()
        reasons = Counter(self._refused[identity] for identity in rejected)
        return LoadResult(
            submitted=len(self._sent),
            included=len(included),
            rejected=len(rejected),
            missing=len(self._sent) - len(included) - len(rejected),
            failed=len(included & failed),
            tps=len(included) / seconds if seconds else 0.0,
            p50_ms=percentile(waits, 50),
            p99_ms=percentile(waits, 99),
            seconds=seconds,
            reasons=tuple(reasons.most_common(REASONS_MAX)),
        )

    def _seconds(self) -> float:
        if not self._sent or not self._seen:
            return 0.0
        return max(self._seen.values()) - min(self._sent.values())


def percentile(ordered: list[float], percent: int) -> float:
    """The nearest-rank percentile of values in ascending order; 0 when there are none."""
    if not ordered:
        return 0.0
    rank = -(-len(ordered) * percent // 100)
    return ordered[max(rank, 1) - 1]
