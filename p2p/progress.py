"""How fast a node that is behind catches up, and how long it will take.

Rules:
- Rates are over the last RATE_S, so that a stall shows at once and a burst does not flatter.
- How far there is to go is what half of the peers say, or what sealed headers show, whichever is
  more. *Why:* one peer's claim is its own word, and may be any number.
"""

import math
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

RATE_S = 10.0
SAMPLE_S = 1.0  # so at most eleven samples are kept
SAY_S = 5.0  # between two lines of the log
ETA_MAX_S = 10 * 365 * 86_400.0  # beyond ten years a figure says nothing


@dataclass(frozen=True, slots=True)
class SyncProgress:
    """A node on its way: blocks and transactions a second, seconds to go (None: at a stand)."""

    height: int
    target: int
    blocks_per_s: float
    transactions_per_s: float
    eta_s: float | None


@dataclass(frozen=True, slots=True)
class _Sample:
    s: float
    blocks: int
    transactions: int


class ProgressMeter:
    """Counts what is connected to the chain; `read` says at what rate that went."""

    def __init__(self) -> None:
        self._blocks = 0
        self._transactions = 0
        self._samples: deque[_Sample] = deque()
        self._said = False  # that the node is behind
        self._say_s = -math.inf

    def connected(self, transactions: int) -> None:
        """One block with that many transactions is on the chain."""
        self._blocks += 1
        self._transactions += transactions

    def sample(self, now_s: float) -> None:
        """To be called as time passes; keeps one sample a second."""
        samples = self._samples
        if samples and now_s < samples[-1].s + SAMPLE_S:
            return
        samples.append(_Sample(now_s, self._blocks, self._transactions))
        while samples[0].s < now_s - RATE_S:
            samples.popleft()

    def is_due(self, now_s: float, *, syncing: bool) -> bool:
        """Whether the log is to be told: every SAY_S while behind, and once when no longer."""
        if not syncing:
            said, self._said = self._said, False
            self._say_s = now_s + SAY_S
            return said
        if now_s < self._say_s:
            return False
        self._said, self._say_s = True, now_s + SAY_S
        return True

    def read(self, height: int, target: int, now_s: float) -> SyncProgress:
        """Progress from `height` towards `target`."""
        first = self._samples[0] if self._samples else _Sample(now_s, 0, 0)
        span_s = max(now_s - first.s, SAMPLE_S)
        blocks_per_s = (self._blocks - first.blocks) / span_s
        left = max(target - height, 0)
        eta_s = left / blocks_per_s if blocks_per_s else None
        if eta_s is not None and eta_s > ETA_MAX_S:
            eta_s = None
        transactions_per_s = (self._transactions - first.transactions) / span_s
        return SyncProgress(height, height + left, blocks_per_s, transactions_per_s, eta_s)


def told(progress: SyncProgress, *, syncing: bool) -> tuple[str, dict[str, int | float | None]]:
    """The event and the fields of a log line."""
    if not syncing:
        event = "synced" if progress.height >= progress.target else "sync-stalled"
        return event, {"height": progress.height, "of": progress.target}
    eta_s = progress.eta_s
    return "syncing", {
        "height": progress.height,
        "of": progress.target,
        "blocks_per_s": round(progress.blocks_per_s, 1),
        "transactions_per_s": round(progress.transactions_per_s, 1),
        "eta_s": None if eta_s is None else round(eta_s, 1),
    }


def likely_height(claimed: Sequence[int], shown: int) -> int:
    """Where the chain probably is: what half of the peers claim, or sealed headers show."""
    ranked = sorted(claimed)
    return max(shown, ranked[(len(ranked) - 1) // 2]) if ranked else shown
