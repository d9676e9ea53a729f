"""What a supervisor does to processes with its own hands: signals, and who starts again when."""

import signal
from collections.abc import Callable

from testnet.fleet import Fleet
from testnet.views import State

Signal = Callable[[int | None, signal.Signals], None]
"""Signals a child of that pid; nothing when there is none."""


class Hands:
    """On the members of a fleet. Names that have left it are let be."""

    def __init__(self, fleet: Fleet, signal_child: Signal) -> None:
        self._fleet = fleet
        self._signal = signal_child

    def hold(self, name: str) -> bool:
        """Kill -9; it stays down until it is let go. Whether there was a process to kill."""
        pid = self._fleet.kill(name)
        self._signal(pid, signal.SIGKILL)
        return pid is not None

    def let_go(self, name: str, now: float) -> None:
        """Start it, if it is down on request."""
        if self._state(name) is State.KILLED:
            self._fleet.restart(name, now)

    def bounce(self, name: str, by: signal.Signals, now: float) -> bool:
        """End a process and let it start again at once; whether there was one."""
        if self._state(name) is State.PAUSED:
            self.go_on(name, now)
        if self._state(name) in (None, State.STOPPING, State.KILLED):
            return False
        pid, _ = self._fleet.restart(name, now)
        self._signal(pid, by)
        return pid is not None

    def pause(self, name: str) -> bool:
        """Freeze it (SIGSTOP); whether it ran."""
        if self._state(name) is not State.RUNNING:
            return False
        self._signal(self._fleet.pause(name), signal.SIGSTOP)
        return True

    def go_on(self, name: str, now: float) -> None:
        """Let a frozen one go on."""
        if self._state(name) is State.PAUSED:
            pid, _ = self._fleet.restart(name, now)
            self._signal(pid, signal.SIGCONT)

    def turn(self, name: str, number: signal.Signals) -> bool:
        """SIGSTOP or SIGCONT in a slow processor's turns; not for one that is paused anyway."""
        if self._state(name) in (None, State.PAUSED):
            return False
        pid = self._fleet.member(name).pid
        self._signal(pid, number)
        return pid is not None

    def dismiss(self, name: str, now: float) -> None:
        """End a process for good."""
        if name in self._fleet:
            self._signal(self._fleet.remove(name, now), signal.SIGTERM)

    def _state(self, name: str) -> State | None:
        return self._fleet.member(name).state if name in self._fleet else None
