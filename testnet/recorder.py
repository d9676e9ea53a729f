"""The recorder of a run: every fact with its time, handed on to whoever watches."""

from collections.abc import Callable

import trio

from testnet.observation import BlockJoined, Fact, Seen

SEEN_MAX = 5_000_000
"""About a gigabyte of facts; a run that makes more is not one anybody can look at."""

Watcher = Callable[[Seen], None]


class Recorder:
    """Implements testnet.stage.Audience. Watchers are told in the order they were added."""

    def __init__(self) -> None:
        self.seen: list[Seen] = []
        self.height = 0
        self.higher = trio.Event()
        self._start_s = trio.current_time()
        self._watchers: list[Watcher] = []

    def watch(self, watcher: Watcher) -> None:
        """Tell it every fact from now on."""
        self._watchers.append(watcher)

    def elapsed_s(self) -> float:
        """Seconds since the start of the run."""
        return trio.current_time() - self._start_s

    def saw(self, fact: Fact) -> None:
        """See Audience."""
        seen = Seen(self.elapsed_s(), fact)
        if len(self.seen) < SEEN_MAX:
            self.seen.append(seen)
        if isinstance(fact, BlockJoined) and fact.height > self.height:
            self.height = fact.height
            self.higher.set()
            self.higher = trio.Event()
        for watcher in self._watchers:
            watcher(seen)
