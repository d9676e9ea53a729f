"""When to try an address again: exponential with jitter, quick at first, prompt after a heal."""

import random

FIRST_S = 0.5
# A partition of any length must heal promptly: this is the longest a reachable peer waits for us.
MAX_S = 30.0
# Peers we have spoken with in the last hour are most likely coming back: try them more often.
MAX_PROVEN_S = 8.0
PROVEN_S = 3600.0
HOPELESS_FAILURES = 3  # in a row, of an address that never worked (Bitcoin's number)
GONE_FAILURES = 10  # in a row, of one that did, the last time more than a week ago
GONE_S = 7 * 24 * 3600.0


class Backoff:
    """Attempts at one address. Times are monotonic seconds."""

    __slots__ = ("_brief", "_failures", "_next_s", "_success_s")

    def __init__(self) -> None:
        self._failures = 0
        self._brief = 0  # connections in a row that ended as soon as they were made
        self._next_s = 0.0
        self._success_s: float | None = None

    @property
    def failures(self) -> int:
        """Failures since the last success."""
        return self._failures

    @property
    def next_s(self) -> float:
        """When the next attempt may be made."""
        return self._next_s

    @property
    def success_s(self) -> float | None:
        """When a connection last succeeded; None if none ever has."""
        return self._success_s

    @property
    def proven(self) -> bool:
        """Whether a connection has ever succeeded."""
        return self._success_s is not None

    def terrible(self, now_s: float) -> bool:
        """Whether nothing is lost by forgetting who is there."""
        if self._success_s is None:
            return self._failures >= HOPELESS_FAILURES
        return self._failures >= GONE_FAILURES and now_s - self._success_s > GONE_S

    def recall(self, failures: int, success_s: float | None) -> None:
        """What an earlier run knew; its waiting times are not kept."""
        self._failures = failures
        self._success_s = success_s

    def succeeded(self, now_s: float) -> None:
        """A connection was made (or just ended well): start over."""
        self._failures = 0
        self._next_s = now_s
        self._success_s = now_s

    def failed(self, now_s: float, rng: random.Random) -> None:
        """An attempt failed. Jitter of half the delay keeps restarted nodes from acting as one."""
        self._failures += 1
        self._wait(self._failures, now_s, rng)

    def brief(self, now_s: float, rng: random.Random) -> None:
        """A connection was made and ended at once: who is there has no room for us, or bans us."""
        self._brief += 1
        self._wait(self._brief, now_s, rng)

    def lasted(self) -> None:
        """A connection was of some use before it ended."""
        self._brief = 0

    def moved(self) -> None:
        """The address changed: earlier failures say nothing about the new one."""
        self._failures = self._brief = 0
        self._next_s = 0.0

    def hold(self, now_s: float, delay_s: float) -> None:
        """Not before `delay_s` from now, without counting a failure."""
        self._next_s = max(self._next_s, now_s + delay_s)

    def _wait(self, times: int, now_s: float, rng: random.Random) -> None:
        proven = self._success_s is not None and now_s - self._success_s < PROVEN_S
        longest = MAX_PROVEN_S if proven else MAX_S
        delay_s = min(longest, FIRST_S * 2.0 ** min(times - 1, 16))
        self._next_s = now_s + delay_s * rng.uniform(0.5, 1.0)
