"""Time: events in the order of their moments, and of their making where moments are equal."""

import heapq
from collections.abc import Callable

Event = Callable[[], None]


class Heap:
    """Virtual time in seconds since the start. Events are called once and never taken back."""

    __slots__ = ("_events", "_order", "_until_s", "happened", "now_s")

    def __init__(self) -> None:
        self.now_s = 0.0
        self.happened = 0
        self._events: list[tuple[float, int, Event]] = []
        self._order = 0
        self._until_s = 0.0

    def at(self, at_s: float, event: Event) -> None:
        """Let something happen; the past means now, after all that is due already."""
        self._order += 1
        heapq.heappush(
            self._events, (at_s if at_s > self.now_s else self.now_s, self._order, event)
        )

    def return_by(self, at_s: float) -> None:
        """Let the `run` that is going on end by that time: somebody outside wants to look."""
        self._until_s = min(self._until_s, at_s)

    def run(self, until_s: float) -> None:
        """Let everything happen that is due until then, and make it that time."""
        events, pop = self._events, heapq.heappop
        self._until_s = until_s
        while events and events[0][0] <= self._until_s:
            self.now_s, _, event = pop(events)
            self.happened += 1
            event()
        self.now_s = max(self.now_s, self._until_s)
