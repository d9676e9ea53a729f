"""Whether a silent peer is gone, and how far away it is. No I/O.

Rules:
- Looked at every LOOK_S. A peer from which nothing has come since the last look is pinged; after
  SILENT_LOOKS_MAX such looks in a row it is gone.
- A look counts only if it came on time and we were waiting to read all the while. *Why:* a process
  that was paused, or busy, must not take its own silence for its peer's (js-libp2p drops every
  connection after a burst this way).
- A peer that talks is pinged every REFRESH_LOOKS anyway. *Why:* the round trip ranks peers.
"""

LOOK_S = 5.0
SILENT_LOOKS_MAX = 3  # 15 s: long after any stall of a network that is still of use
REFRESH_LOOKS = 6
LATE_S = 2.5  # half a look: later than this, our own loop was busy


class Liveness:
    """The keepalive of one connection; times are monotonic seconds."""

    __slots__ = ("_asked", "_asked_s", "_due_s", "_heard", "_looks", "_silent", "latency_ms")

    def __init__(self, now_s: float) -> None:
        self.latency_ms: float | None = None
        self._asked = -1
        self._asked_s = now_s
        self._due_s = now_s + LOOK_S
        self._heard = True
        self._looks = 0
        self._silent = 0

    def heard(self) -> None:
        """A frame came."""
        self._heard = True

    def asked(self, nonce: int, now_s: float) -> None:
        """A ping with this nonce was queued."""
        self._asked, self._asked_s = nonce, now_s

    def answered(self, nonce: int, now_s: float) -> None:
        """A pong came; only the one to the latest ping says how far the peer is."""
        if nonce == self._asked:
            self.latency_ms = (now_s - self._asked_s) * 1000
            self._asked = -1

    def look(self, now_s: float, *, reading: bool) -> bool:
        """Count the time since the last look; True if the peer should be pinged now."""
        late = now_s - self._due_s > LATE_S
        self._due_s = now_s + LOOK_S
        self._looks += 1
        if self._heard:
            self._silent = 0
        elif reading and not late:
            self._silent += 1
        doubtful = reading and not self._heard
        self._heard = False
        return doubtful or self._looks % REFRESH_LOOKS == 0

    @property
    def gone(self) -> bool:
        """Whether the peer was silent for too long."""
        return self._silent >= SILENT_LOOKS_MAX
