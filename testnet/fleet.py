"""The state machine of a testnet's processes: who should run, who fell, when to start it again.

Pure: it is told what happened and when (`now` in seconds on any steady clock) and answers with the
names to start. The supervisor forks, signals and reaps.

Rules:
- A process that ends unasked (a crash, anybody's kill -9) starts again after RETRY_FIRST_S,
  doubling up to RETRY_MAX_S. *Why:* a crash loop must not eat the machine, and a single crash
  should cost the network as little as possible.
- After STEADY_S alive the next fall starts from RETRY_FIRST_S again. *Why:* falls far apart have
  nothing to do with each other.
- A process killed on request stays down until it is asked for. *Why:* that was the request.
- A process asked to stop that has not ended after GRACE_S is killed. *Why:* `down` promises 3 s.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from testnet.errors import Unfit
from testnet.views import State

RETRY_FIRST_S = 0.2
RETRY_MAX_S = 5.0
STEADY_S = 10.0
GRACE_S = 2.0


@dataclass(slots=True)
class Member:
    """One process of the fleet. `pid` is None while none runs."""

    name: str
    state: State = State.STARTING
    pid: int | None = None
    started_at: float = 0.0
    retry_at: float | None = 0.0
    retry_s: float = RETRY_FIRST_S
    kill_at: float | None = None
    restarts: int = 0
    last_exit: str = ""
    again: bool = False  # start again once the process that is stopping has ended
    leaving: bool = False  # forget the member once its process has ended


class Fleet:
    """All processes of a testnet, in the order they were added."""

    def __init__(self) -> None:
        self._members: dict[str, Member] = {}
        self._by_pid: dict[int, str] = {}

    def __iter__(self) -> Iterator[Member]:
        return iter(list(self._members.values()))

    def __contains__(self, name: str) -> bool:
        return name in self._members

    def member(self, name: str) -> Member:
        """The member, or Unfit naming those there are."""
        found = self._members.get(name)
        if found is None:
            raise Unfit("unknown-node", f"no node {name!r}; there are {', '.join(self._members)}")
        return found

    def add(self, name: str) -> None:
        """A new member, due at once."""
        if name in self._members:
            raise Unfit("node-exists", f"node {name!r} is already there")
        self._members[name] = Member(name)

    def due(self, now: float) -> list[str]:
        """Members whose process has to be started now."""
        return [
            m.name for m in self if m.pid is None and m.retry_at is not None and m.retry_at <= now
        ]

    def overdue(self, now: float) -> list[int]:
        """Pids of processes that were asked to stop and had their time; each is named once."""
        late = [m for m in self if m.pid and m.kill_at is not None and m.kill_at <= now]
        for member in late:
            member.kill_at = None
        return [member.pid for member in late if member.pid is not None]

    def deadline(self) -> float | None:
        """When the next member will be due or overdue."""
        starts = [m.retry_at for m in self if m.pid is None and m.retry_at is not None]
        ends = [m.kill_at for m in self if m.pid is not None and m.kill_at is not None]
        return min(starts + ends, default=None)

    def spawned(self, name: str, pid: int, now: float) -> None:
        """A process was started for the member."""
        member = self.member(name)
        member.pid, member.started_at, member.retry_at = pid, now, None
        member.state = State.STARTING
        self._by_pid[pid] = name

    def reported(self, name: str) -> None:
        """The process says that it serves."""
        member = self._members.get(name)
        if member is not None and member.state is State.STARTING:
            member.state = State.RUNNING

    def exited(self, pid: int, how: str, now: float) -> Member | None:
        """A process ended; the member it was, unless it belongs to none."""
        name = self._by_pid.pop(pid, None)
        if name is None:
            return None
        member = self._members[name]
        member.pid, member.last_exit, member.kill_at = None, how, None
        if member.leaving:
            del self._members[name]
        elif member.again:
            member.again, member.retry_at, member.state = False, now, State.STARTING
        elif member.state is not State.KILLED and member.state is not State.STOPPING:
            self._fell(member, now)
        return member

    def _fell(self, member: Member, now: float) -> None:
        if now - member.started_at >= STEADY_S:
            member.retry_s = RETRY_FIRST_S
        member.state = State.FALLEN
        member.restarts += 1
        member.retry_at = now + member.retry_s
        member.retry_s = min(member.retry_s * 2, RETRY_MAX_S)

    def kill(self, name: str) -> int | None:
        """Marks the member as down on request; the pid to kill, if one runs."""
        member = self.member(name)
        member.state, member.retry_at, member.again = State.KILLED, None, False
        return member.pid

    def pause(self, name: str) -> int:
        """Marks the member as paused; the pid to stop. Unfit when it does not run."""
        member = self.member(name)
        if member.pid is None or member.state not in (State.RUNNING, State.PAUSED):
            raise Unfit("not-running", f"node {name!r} is {member.state.value}, nothing to pause")
        member.state = State.PAUSED
        return member.pid

    def restart(self, name: str, now: float) -> tuple[int | None, bool]:
        """(pid to signal or None, whether to continue it rather than stop it).

        A paused member goes on where it was; a running one is stopped and started again; one that
        is down is due at once.
        """
        member = self.member(name)
        if member.pid is not None and member.state is State.PAUSED:
            member.state = State.RUNNING
            return member.pid, True
        member.retry_s = RETRY_FIRST_S
        if member.pid is not None:
            member.again, member.state, member.kill_at = True, State.STOPPING, now + GRACE_S
            return member.pid, False
        member.retry_at, member.state = now, State.STARTING
        return None, False

    def remove(self, name: str, now: float) -> int | None:
        """Forgets the member (once its process has ended); the pid to stop, if one runs."""
        member = self.member(name)
        if member.pid is None:
            del self._members[name]
            return None
        member.leaving, member.again, member.state = True, False, State.STOPPING
        member.kill_at = now + GRACE_S
        return member.pid

    def stop(self, now: float) -> list[int]:
        """Nobody starts any more; the pids to end."""
        for member in self:
            member.state, member.retry_at, member.again = State.STOPPING, None, False
            member.kill_at = now + GRACE_S
        return [member.pid for member in self if member.pid is not None]
