"""A task's sleep, whose end others may bring forward."""

import math

import trio


class Alarm:
    """For one sleeper. Moving the end wakes nobody: the task runs when something is due."""

    __slots__ = ("_sleep",)

    def __init__(self) -> None:
        self._sleep: trio.CancelScope | None = None

    async def sleep_until(self, deadline_s: float | None) -> None:
        """Sleep until trio's clock shows this, or what `advance` has set since; None: for ever."""
        with trio.CancelScope(deadline=math.inf if deadline_s is None else deadline_s) as sleep:
            self._sleep = sleep
            await trio.sleep_forever()
        self._sleep = None

    def advance(self, deadline_s: float | None) -> None:
        """End the sleep then, if that is earlier; nothing while nobody sleeps."""
        if self._sleep is not None and deadline_s is not None:
            self._sleep.deadline = min(self._sleep.deadline, deadline_s)
