"""Who takes the most room: bytes per sender, with the largest found in O(log n) amortised.

The heap holds for each sender one current figure, an upper bound of the true one: growth pushes a
new figure, shrinking only makes the figure too high, which is mended when it reaches the top.
Superseded figures are dropped there too, and all at once when they outnumber the current ones.
"""

import heapq

COMPACT_SLACK = 64
"""Superseded figures tolerated beside one per sender before the heap is rebuilt."""


class Heaviest:
    """Bytes in use by each sender. Ties go to the lower id, so that every node picks the same."""

    __slots__ = ("_figure", "_heap", "_used")

    def __init__(self) -> None:
        self._used: dict[bytes, int] = {}
        self._figure: dict[bytes, int] = {}
        self._heap: list[tuple[int, bytes]] = []

    def used(self, sender: bytes) -> int:
        """Bytes in use by a sender."""
        return self._used.get(sender, 0)

    def change(self, sender: bytes, by: int) -> None:
        """Count bytes taken (positive) or given back (negative)."""
        used = self._used.get(sender, 0) + by
        if used == 0:
            self._used.pop(sender, None)
            self._figure.pop(sender, None)
            return
        self._used[sender] = used
        if used > self._figure.get(sender, 0):
            self._push(sender, used)

    def top(self) -> bytes:
        """The sender that takes the most room. There is one: the caller is out of room."""
        while True:
            figure, sender = self._heap[0]
            used = self._used.get(sender)
            if used is None or self._figure[sender] != -figure:
                heapq.heappop(self._heap)
            elif used != -figure:
                heapq.heappop(self._heap)
                self._push(sender, used)
            else:
                return sender

    def _push(self, sender: bytes, used: int) -> None:
        self._figure[sender] = used
        heapq.heappush(self._heap, (-used, sender))
        if len(self._heap) > 2 * len(self._figure) + COMPACT_SLACK:
            self._heap = [(-figure, known) for known, figure in self._figure.items()]
            heapq.heapify(self._heap)
