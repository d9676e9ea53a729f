"""What a node lets its operator see: structured log lines and prometheus counters by reason."""

from typing import TextIO

import structlog
from prometheus_client import CollectorRegistry, Counter, generate_latest

LEVELS = {"debug": 10, "info": 20, "warning": 30, "error": 40}


class Observer:
    """Counts by (counter, reason) and writes one JSON line for each thing worth reading.

    `stream` is any text file; absent, nothing is logged (tests, simulations). Counters live in a
    registry of their own so that many nodes can share a process.
    """

    def __init__(self, name: str, level: str = "info", stream: TextIO | None = None) -> None:
        self.registry = CollectorRegistry()
        self._counter = Counter(
            "cornerstone_events",
            "Things that happened, by kind and reason",
            ["counter", "reason"],
            registry=self.registry,
        )
        self._totals: dict[tuple[str, str], int] = {}
        self._log = (
            structlog.wrap_logger(
                structlog.WriteLogger(stream),
                processors=[
                    structlog.processors.add_log_level,
                    structlog.processors.TimeStamper(fmt="iso"),
                    structlog.processors.JSONRenderer(),
                ],
                wrapper_class=structlog.make_filtering_bound_logger(LEVELS[level]),
            ).bind(node=name)
            if stream is not None
            else None
        )

    def count(self, counter: str, reason: str, amount: int = 1) -> None:
        """Add to a counter. Reasons are our own constant codes, so their number is bounded."""
        key = (counter, reason)
        self._totals[key] = self._totals.get(key, 0) + amount

    def log(self, level: str, event: str, **fields: str | int | float | bool | None) -> None:
        """Write one line when the level is shown."""
        if self._log is not None:
            self._log.log(LEVELS[level], event, **fields)

    def total(self, counter: str, reason: str) -> int:
        """What a counter stands at."""
        return self._totals.get((counter, reason), 0)

    def totals(self) -> dict[tuple[str, str], int]:
        """All counters by (counter, reason)."""
        return dict(self._totals)

    def exposition(self) -> bytes:
        """The counters in prometheus text format."""
        for (counter, reason), total in sorted(self._totals.items()):
            child = self._counter.labels(counter, reason)
            child.inc(total - child._value.get())
        return generate_latest(self.registry)
