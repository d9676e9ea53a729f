"""Bounds: figures that a run may not exceed."""

from collections import deque
from collections.abc import Sequence
from typing import ClassVar

from testnet.checkers.audit import Audit
from testnet.checkers.catalogue import (
    BytesPerTransaction,
    Dialling,
    Inclusion,
    Memory,
    MessagesPerTransaction,
    Propagation,
)
from testnet.checkers.checker import Ending, Ground
from testnet.checkers.measures import MEASURED, Measures, percentile
from testnet.checkers.sight import Sight
from testnet.observation import Fact, Glimpse, Seen
from testnet.outcome import Verdict, Violation

DIALS_WINDOW_S = 10.0
"""Glimpses are a second apart, and a backoff has grown to seconds by then."""


class MemoryJudge:
    """See Memory. Of each node the first excess is told."""

    HEARS: ClassVar[tuple[type[Fact], ...]] = (Glimpse,)

    def __init__(self, kind: Memory, sight: Sight) -> None:
        self._kind = kind
        self._sight = sight
        self._said: dict[str, None] = {}

    def see(self, seen: Seen) -> Sequence[Violation]:
        """See Judge."""
        glimpse, kind = seen.fact, self._kind
        assert isinstance(glimpse, Glimpse)
        queued_max = kind.queued_bytes * max(1, glimpse.peers)
        if (
            glimpse.mempool <= kind.transactions
            and glimpse.mempool_bytes <= kind.mempool_bytes
            and glimpse.queued_bytes <= queued_max
        ) or not self._sight.judged(glimpse.node):
            return ()
        if glimpse.node in self._said:
            return ()
        self._said[glimpse.node] = None
        statement = (
            f"{glimpse.node} keeps {glimpse.mempool} transactions of at most {kind.transactions}, "
            f"{glimpse.mempool_bytes} bytes of {kind.mempool_bytes}, and {glimpse.queued_bytes} "
            f"bytes of {queued_max} towards {glimpse.peers} peers"
        )
        return [_beyond(Memory.NAME, seen.at_s, statement, (glimpse.node,), glimpse.height)]

    def finish(self, ending: Ending, audit: Audit) -> Sequence[Violation]:
        """See Judge."""
        return ()


class DiallingJudge:
    """See Dialling. Of each node the first excess is told."""

    HEARS: ClassVar[tuple[type[Fact], ...]] = (Glimpse,)

    def __init__(self, kind: Dialling, sight: Sight) -> None:
        self._kind = kind
        self._sight = sight
        self._counts: dict[str, deque[tuple[float, int]]] = {}
        self._said: dict[str, None] = {}

    def see(self, seen: Seen) -> Sequence[Violation]:
        """See Judge."""
        glimpse, at_s = seen.fact, seen.at_s
        assert isinstance(glimpse, Glimpse)
        counts = self._counts.setdefault(glimpse.node, deque())
        counts.append((at_s, glimpse.redials))
        while counts[0][0] < at_s - DIALS_WINDOW_S:
            counts.popleft()
        attempts = glimpse.redials - counts[0][1]
        if attempts <= self._kind.attempts or not self._sight.judged(glimpse.node):
            return ()
        if glimpse.node in self._said:
            return ()
        self._said[glimpse.node] = None
        statement = (
            f"within {at_s - counts[0][0]:.0f} s {glimpse.node} tried {attempts} times to connect "
            f"where it had just tried, at most {self._kind.attempts} are allowed"
        )
        return [_beyond(Dialling.NAME, at_s, statement, (glimpse.node,), glimpse.height)]

    def finish(self, ending: Ending, audit: Audit) -> Sequence[Violation]:
        """See Judge."""
        return ()


class Measuring:
    """A judge of figures: it counts all the time and speaks at the end."""

    HEARS: ClassVar[tuple[type[Fact], ...]] = MEASURED

    def __init__(self, ground: Ground) -> None:
        self._measures = Measures(ground.hostile)

    def see(self, seen: Seen) -> Sequence[Violation]:
        """See Judge."""
        self._measures.see(seen)
        return ()


class PropagationJudge(Measuring):
    """See Propagation."""

    def __init__(self, kind: Propagation, ground: Ground) -> None:
        super().__init__(ground)
        self._limits_ms = ((50, kind.p50_ms), (90, kind.p90_ms), (99, kind.p99_ms))

    def finish(self, ending: Ending, audit: Audit) -> Sequence[Violation]:
        """See Judge."""
        delays_s = self._measures.blocks.delays_s
        limits_ms = [(percent, most_ms) for percent, most_ms in self._limits_ms if most_ms]
        return _too_slow(Propagation.NAME, ending, delays_s, limits_ms, "blocks reach the others")


class InclusionJudge(Measuring):
    """See Inclusion."""

    def __init__(self, kind: Inclusion, ground: Ground) -> None:
        super().__init__(ground)
        self._p99_ms = kind.p99_ms

    def finish(self, ending: Ending, audit: Audit) -> Sequence[Violation]:
        """See Judge."""
        waits_s, limits_ms = self._measures.inclusions_s, [(99, self._p99_ms)]
        return _too_slow(Inclusion.NAME, ending, waits_s, limits_ms, "transactions get into blocks")


class CostJudge(Measuring):
    """See BytesPerTransaction and MessagesPerTransaction."""

    def __init__(self, kind: BytesPerTransaction | MessagesPerTransaction, ground: Ground) -> None:
        super().__init__(ground)
        self._kind = kind

    def finish(self, ending: Ending, audit: Audit) -> Sequence[Violation]:
        """See Judge."""
        kind, measures = self._kind, self._measures
        if isinstance(kind, BytesPerTransaction):
            each, unit = measures.bytes_per_transaction, "bytes"
        else:
            each, unit = measures.messages_per_transaction, "messages"
        if each is None or each <= kind.most:
            return ()
        statement = (
            f"each of {len(measures.included)} transactions cost {each:.1f} {unit}, "
            f"at most {kind.most} are allowed"
        )
        return [_beyond(kind.NAME, ending.at_s, statement)]


def _too_slow(
    name: str,
    ending: Ending,
    values_s: Sequence[float],
    limits_ms: Sequence[tuple[int, int]],
    what: str,
) -> list[Violation]:
    if not values_s:
        return []
    found: list[Violation] = []
    for percent, most_ms in limits_ms:
        measured_ms = round(percentile(values_s, percent) * 1_000, 3)  # to the microsecond
        if measured_ms > most_ms:
            statement = (
                f"{percent} of 100 {what} within {measured_ms:.0f} ms, "
                f"at most {most_ms} ms are allowed ({len(values_s)} measured)"
            )
            found.append(_beyond(name, ending.at_s, statement))
    return found


def _beyond(
    name: str, at_s: float, statement: str, nodes: tuple[str, ...] = (), height: int = 0
) -> Violation:
    return Violation(name, Verdict.BOUND, at_s, nodes, height, statement)
