"""What a node lets its operator see: structured log lines and prometheus counters by reason."""

from collections.abc import Callable, Iterator, Mapping
from typing import TextIO

import structlog
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily
from prometheus_client.registry import Collector

LEVELS = {"debug": 10, "info": 20, "warning": 30, "error": 40}


Field = str | int | float | bool | None
Hears = Callable[[str, str, Mapping[str, Field]], None]
"""Called with (level, event, fields) for every line, whatever the level that is written."""


class Observer:
    """Counts by (counter, reason) and writes one JSON line for each thing worth reading.

    `stream` is any text file; absent, nothing is logged (tests, simulations). Metrics live in a
    registry of their own, so that many nodes can share a process; others may add to it.
    """

    def __init__(
        self,
        name: str,
        level: str = "info",
        stream: TextIO | None = None,
        hears: Hears | None = None,
    ) -> None:
        self._totals: dict[tuple[str, str], int] = {}
        self._level = LEVELS[level]
        self._stream = stream
        self._hears = hears
        self._log = structlog.wrap_logger(
            structlog.WriteLogger(stream),
            processors=[
                structlog.processors.add_log_level,
                structlog.processors.TimeStamper(fmt="iso"),
                structlog.processors.JSONRenderer(),
            ],
            wrapper_class=structlog.make_filtering_bound_logger(self._level),
            context_class=dict,
        ).bind(node=name)
        self.registry = CollectorRegistry()
        self.registry.register(_Totals(self._totals))

    def count(self, counter: str, reason: str, amount: int = 1) -> None:
        """Add to a counter. Reasons are constant codes, so their number is bounded."""
        key = (counter, reason)
        self._totals[key] = self._totals.get(key, 0) + amount

    def log(self, level: str, event: str, **fields: Field) -> None:
        """Write one line when the level is shown."""
        if self._hears is not None:
            self._hears(level, event, fields)
        if self._stream is not None and LEVELS[level] >= self._level:
            self._log.log(LEVELS[level], event, **fields)

    def total(self, counter: str, reason: str) -> int:
        """What a counter stands at."""
        return self._totals.get((counter, reason), 0)

    def totals(self) -> dict[tuple[str, str], int]:
        """All counters by (counter, reason)."""
        return dict(self._totals)

    def exposition(self) -> bytes:
        """All metrics in prometheus text format."""
        return generate_latest(self.registry)


class _Totals(Collector):
    """Reads the plain dictionary when scraped, so that counting costs one dictionary update."""

    def __init__(self, totals: dict[tuple[str, str], int]) -> None:
        self._totals = totals

    def collect(self) -> Iterator[CounterMetricFamily]:
        family = CounterMetricFamily(
            "cornerstone_events",
            "Things that happened, by kind and reason.",
            labels=["counter", "reason"],
        )
        for (counter, reason), total in sorted(self._totals.items()):
            family.add_metric([counter, reason], total)
        yield family
