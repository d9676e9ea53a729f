"""What was done to a running testnet by hand, kept so that it can be played again as a scenario."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from testnet.faults.kinds import Kind
from testnet.scenario.model import DURATION_MAX_MS, ITEMS_MAX, AtTime, Fault, NetPlan, Scenario
from testnet.scenario.text import format_scenario
from testnet.spec import LaunchSpec

SEED = 1
"""Of a recorded session: acts are given their chance as a scenario with this seed gives it."""

MARK = "-again-"
NO_LATENCY = "none"
LEAST_MS = 1
TAIL_MS = 5_000
"""A scenario goes on so long after the last thing that was done."""


@dataclass(frozen=True, slots=True)
class _Entry:
    id: str
    kind: Kind
    on: tuple[str, ...]
    to: tuple[str, ...]
    from_s: float
    until_s: float | None = None

    def fault(self, names: tuple[str, ...]) -> Fault:
        """The entry as a scenario says it; one without an end lasts until the end of the run."""
        rest = tuple(name for name in names if name not in self.on)
        sides = {names: "all", rest: "others"}
        lasts_ms = 0
        if self.until_s is not None:
            lasts_ms = max(LEAST_MS, round((self.until_s - self.from_s) * 1_000))
        at = AtTime(round(self.from_s * 1_000))
        on = "all" if self.on == names else ",".join(self.on)
        return Fault(self.id, at, lasts_ms, self.kind, on, sides.get(self.to, ",".join(self.to)))


class Session:
    """The faults of one life of a testnet, with their times since it was started."""

    def __init__(self, spec: LaunchSpec, start_s: float) -> None:
        self._spec = spec
        self._start_s = start_s
        self._entries: list[_Entry] = []
        self._changed = False

    def began(
        self, act: str, kind: Kind, on: tuple[str, ...], to: tuple[str, ...], now_s: float
    ) -> None:
        """A fault is in force. What does not fit into one scenario is not kept; what is in force
        already goes on: killing a node that is down changes nothing.
        """
        if len(self._entries) < ITEMS_MAX and self._open(act) is None:
            entry = _Entry(self._free(act), kind, on, to, self._since(now_s))
            self._entries.append(entry)
            self._changed = True

    def ended(self, act: str, now_s: float) -> None:
        """The latest fault of that id is over; harmless when it is already."""
        place = self._open(act)
        if place is not None:
            self._entries[place] = replace(self._entries[place], until_s=self._since(now_s))
            self._changed = True

    def save(self, path: Path, now_s: float) -> None:
        """Rewrite the file when something has happened."""
        if self._changed:
            self._changed = False
            draft = path.with_suffix(".new")
            draft.write_text(format_scenario(self.scenario(now_s)))
            draft.replace(path)

    def scenario(self, now_s: float) -> Scenario:
        """The session so far."""
        spec = self._spec
        return Scenario(
            name=spec.name,
            about="Recorded from what was done by hand.",
            duration_ms=min(DURATION_MAX_MS, round(self._since(now_s) * 1_000) + TAIL_MS),
            seed=SEED,
            net=NetPlan(
                nodes=max([spec.nodes, *map(_number, self._names())]),
                authorities=spec.authorities,
                consensus=spec.consensus,
                block_ms=spec.block_ms,
                wiring=spec.wiring,
                durability=spec.durability,
                latency=NO_LATENCY,
            ),
            faults=tuple(entry.fault(spec.node_names) for entry in self._entries),
        )

    def _open(self, act: str) -> int | None:
        """Where the latest fault of that id stands that is not over."""
        for place in range(len(self._entries) - 1, -1, -1):
            entry = self._entries[place]
            if entry.until_s is None and _base(entry.id) in (act, _base(act)):
                return place
        return None

    def _names(self) -> Iterator[str]:
        return (name for entry in self._entries for name in (*entry.on, *entry.to))

    def _since(self, now_s: float) -> float:
        return now_s - self._start_s

    def _free(self, act: str) -> str:
        """The id itself, or with a number when an earlier fault of the session had it."""
        taken = {entry.id for entry in self._entries}
        number, found = 1, act
        while found in taken:
            number += 1
            found = f"{act}{MARK}{number}"
        return found


def _number(name: str) -> int:
    """The number of a node's name: n7 is 7."""
    return int(name.removeprefix("n"))


def _base(name: str) -> str:
    return name.partition(MARK)[0]
