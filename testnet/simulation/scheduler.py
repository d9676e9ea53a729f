"""The order of trio's tasks as a function of a seed: the one place that knows trio's private hook.

trio runs the tasks that are ready together in an order it draws from a random generator of its
own. For tests of determinism it has a switch that sorts a batch before it draws, and the generator
is a module's attribute: both private, so a canary test (tests/testnet/simulation) fails with a
clear message should a release of trio move them.
"""

import random
from collections.abc import Awaitable, Callable
from typing import TypeVar

import trio
import trio._core._run as trio_run
import trio.testing

T = TypeVar("T")


def run_in_virtual_time(main: Callable[[], Awaitable[T]], seed: int) -> T:
    """Run `main` under a mock clock that jumps over every wait, with tasks ordered by the seed.

    Time starts at 0. Not reentrant, and not for two threads: the hook is global to the process.
    """
    before = trio_run._r, trio_run._ALLOW_DETERMINISTIC_SCHEDULING
    trio_run._r = random.Random(seed)
    trio_run._ALLOW_DETERMINISTIC_SCHEDULING = True  # type: ignore[misc]
    try:
        return trio.run(main, clock=trio.testing.MockClock(autojump_threshold=0))
    finally:
        trio_run._r, trio_run._ALLOW_DETERMINISTIC_SCHEDULING = before  # type: ignore[misc]
