"""Token buckets: what a peer may make us spend, as a rate and a burst."""


class TokenBucket:
    """Holds up to `burst` tokens and gains `rate` a second; starts full.

    Time is monotonic seconds given by the caller; a reading earlier than the last adds nothing.
    """

    __slots__ = ("_burst", "_last_s", "_rate", "_tokens")

    def __init__(self, rate: float, burst: float, now_s: float) -> None:
        self._rate = rate
        self._burst = burst
        self._tokens = burst
        self._last_s = now_s

    def take(self, amount: float, now_s: float) -> bool:
        """Spend `amount` if it is there; otherwise spend nothing and say False."""
        self._fill(now_s)
        if amount > self._tokens:
            return False
        self._tokens -= amount
        return True

    def owe(self, amount: float, now_s: float) -> None:
        """Spend what has been used already: what is not there is earned before the next `take`."""
        self._fill(now_s)
        self._tokens -= amount

    def wait_s(self, amount: float) -> float:
        """Seconds from the last reading until `amount` could be taken; 0 if it is there now."""
        return max(0.0, (min(amount, self._burst) - self._tokens) / self._rate)

    def _fill(self, now_s: float) -> None:
        if now_s > self._last_s:
            self._tokens = min(self._burst, self._tokens + (now_s - self._last_s) * self._rate)
            self._last_s = now_s
