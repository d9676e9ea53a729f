"""Counts hasty attempts to connect: at an address that was tried a moment before.

A node that backs off makes hardly any: after a failure it waits a quarter of a second and more.
"""

HASTE_S = 0.2
"""Less than the shortest wait of a backoff (p2p.peers.backoff)."""


class Redials:
    """The attempts of all hosts of one run."""

    def __init__(self) -> None:
        self._last_s: dict[tuple[str, str], float] = {}
        self._hasty: dict[str, int] = {}

    def dialled(self, host: str, address: str, now_s: float) -> None:
        """A host tries to reach an address."""
        last_s = self._last_s.get((host, address))
        self._last_s[host, address] = now_s
        if last_s is not None and now_s - last_s < HASTE_S:
            self._hasty[host] = self.of(host) + 1

    def of(self, host: str) -> int:
        """How many hasty attempts a host has made."""
        return self._hasty.get(host, 0)
