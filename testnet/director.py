"""The director: plays a scenario on a stage, whatever the stage is made of, and has it judged.

Rules:
- The first broken safety promise ends the run. *Why:* nothing after it means anything, and a
  campaign has other seeds to try.
- When the time is up every fault still in force is undone, then the network is read out.
- An expectation's window without `at` opens when the last fault with an end has ended.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import trio

from testnet.checkers.checker import Checker, Ending, Ground
from testnet.checkers.panel import panel
from testnet.checkers.probes import ProbeBoard
from testnet.checkers.windows import Window, window_of
from testnet.observation import FaultBegan, FaultEnded, Judged, Seen
from testnet.offering import CLIENTS_MAX, Clients, Offering, Payments, Source
from testnet.outcome import Verdict, Violation
from testnet.recorder import Recorder
from testnet.scenario.casting import nodes_stream
from testnet.scenario.model import (
    AfterFault,
    AtHeight,
    AtTime,
    Expectation,
    Fault,
    Load,
    Mode,
    Scenario,
    Trigger,
)
from testnet.scenario.selectors import Cast, resolve
from testnet.scenario.streams import number
from testnet.seat_changes import SeatChanges
from testnet.senders import LoadKind
from testnet.spec import LOAD_SENDERS, LaunchSpec
from testnet.stage import Act, Stage

POLL_S = 0.25
"""How often an open window is looked at."""


@dataclass(frozen=True, slots=True)
class Script:
    """What is played: the scenario for one seed, who takes part, what the checkers may know."""

    scenario: Scenario
    seed: int
    cast: Cast
    ground: Ground
    spec: LaunchSpec
    cut_short: bool = False  # the run stops before the scenario's end, to be looked at


@dataclass(frozen=True, slots=True)
class Performance:
    """What came of it."""

    ending: Ending
    violations: tuple[Violation, ...]
    probes: tuple[str, ...]
    inert: tuple[str, ...]


class Director:
    """One performance."""

    def __init__(self, script: Script, stage: Stage, record: Recorder) -> None:
        self._script = script
        self._stage = stage
        self._record = record
        self._checkers: Sequence[Checker] = panel(script.ground)
        self._probes = ProbeBoard(script.ground)
        self._violations: list[Violation] = []
        self._inert: list[str] = []
        self._begun: dict[str, None] = {}
        self._ended = {fault.id: trio.Event() for fault in script.scenario.faults}
        self._last_end_s = 0.0
        self._undecided: dict[int, Expectation] = {}
        self._open: dict[int, Window] = {}
        self._over = trio.Event()
        record.watch(self._judge)

    async def perform(self) -> Performance:
        """Play it; returns when the time is up or safety is broken, and all is undone."""
        scenario = self._script.scenario
        with trio.CancelScope() as scope:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._stop_when_over, scope)
                for number, load in enumerate(scenario.loads):
                    nursery.start_soon(self._load, number, load)
                for fault in scenario.faults:
                    nursery.start_soon(self._fault, fault)
                for number, expectation in enumerate(scenario.expectations):
                    if expectation.mode is Mode.WITHIN and expectation.within_ms:
                        self._undecided[number] = expectation
                        nursery.start_soon(self._expect, number, expectation)
                await self._until(scenario.duration_ms / 1_000)
                scope.cancel()
        return await self._close()

    async def _close(self) -> Performance:
        if not self._over.is_set() and not self._script.cut_short:
            for number, expectation in self._undecided.items():
                self._judge_last(number, expectation)
        for act in list(self._begun):
            await self._end(act)
        ending = replace(await self._stage.finish(), last_fault_end_s=self._last_end_s)
        for checker in self._checkers:
            self._violations += checker.finish(ending)
        probes = self._probes.reached
        return Performance(ending, tuple(self._violations), probes, tuple(self._inert))

    async def _stop_when_over(self, scope: trio.CancelScope) -> None:
        await self._over.wait()
        scope.cancel()

    # Faults

    async def _fault(self, fault: Fault) -> None:
        await self._wait(fault.at)
        cast = await self._cast_now()
        on = resolve(fault.on, cast, nodes_stream(self._script.seed, fault.id))
        beside = replace(cast, beside=on)
        to = resolve(fault.to, beside, nodes_stream(self._script.seed, fault.id))
        seed = number(self._script.seed, "fault", fault.id)
        act = Act(fault.id, fault.kind, on, to, seed)
        self._begun[act.id] = None
        self._record.saw(FaultBegan(act.id, act.kind.NAME, act.on, act.to))
        await self._stage.begin(act)
        if fault.for_ms:
            await trio.sleep(fault.for_ms / 1_000)
            await self._end(act.id)

    async def _end(self, act_id: str) -> None:
        undone = await self._stage.end(act_id)
        self._begun.pop(
            act_id, None
        )  # not before: what is cancelled meanwhile is ended at the close
        self._record.saw(FaultEnded(act_id, undone.hits, undone.clean))
        if not undone.hits:
            self._inert.append(act_id)
        self._last_end_s = self._record.elapsed_s()
        self._ended[act_id].set()

    async def _cast_now(self) -> Cast:
        """The cast with its leader: the author of the highest block, by the node it belongs to."""
        standings = await self._stage.look()
        highest = max(standings, key=lambda standing: standing.height)
        slot = self._stage.genesis.slot_at(self._stage.unix_ms())
        authors = self._script.cast.authors
        leader = authors[slot % len(authors)] if authors else highest.name
        return replace(self._script.cast, leader=leader)

    # Time

    async def _wait(self, trigger: Trigger) -> None:
        match trigger:
            case AtTime(ms):
                await self._until(ms / 1_000)
            case AtHeight(height):
                while self._record.height < height:
                    await self._record.higher.wait()
            case AfterFault(fault, ms):
                await self._ended[fault].wait()
                await trio.sleep(ms / 1_000)

    async def _until(self, at_s: float) -> None:
        await trio.sleep(max(0.0, at_s - self._record.elapsed_s()))

    # Load and expectations

    async def _load(self, number: int, load: Load) -> None:
        await self._wait(load.at)
        script = self._script
        targets = resolve(load.on, script.cast, nodes_stream(script.seed, f"load-{number}"))
        targets = tuple(name for name in targets if name not in script.cast.hostile) or targets
        source = self._source(number, load)
        await Offering(source, targets, self._stage, self._record).run()

    def _source(self, number: int, load: Load) -> Source:
        script, chain = self._script, self._stage.genesis.hash
        if load.kind is LoadKind.SEATS:
            return SeatChanges(load, script.spec, chain)
        count = min(CLIENTS_MAX, LOAD_SENDERS // len(script.scenario.loads))
        return Payments(load, Clients(script.spec, number * count, count, chain))

    async def _expect(self, number: int, expectation: Expectation) -> None:
        window = window_of(expectation, self._script.ground, self._script.cast)
        self._record.watch(window.see)
        if expectation.at is not None:
            await self._wait(expectation.at)
        else:
            for fault in self._script.scenario.faults:
                if fault.for_ms:
                    await self._ended[fault.id].wait()
        self._open[number] = window
        closes_s = self._record.elapsed_s() + expectation.within_ms / 1_000
        while True:
            holds, detail = window.holds(self._record.elapsed_s())
            if holds:
                del self._undecided[number]
                self._record.saw(Judged(expectation.check, "pass", detail))
                return
            if self._record.elapsed_s() >= closes_s:
                break
            await trio.sleep(POLL_S)
        del self._undecided[number]
        self._record.saw(Judged(expectation.check, "fail", detail))
        self._violations.append(self._missed(expectation.check, detail))

    def _judge_last(self, number: int, expectation: Expectation) -> None:
        """The run is over: a window that is open closes, one that never opened is a failure."""
        window = self._open.get(number)
        if window is None:
            holds, verdict = False, "unreached"
            detail = (
                f"the window of {expectation.check} never opened: what it waits for did not come"
            )
        else:
            holds, detail = window.holds(self._record.elapsed_s())
            verdict = "pass" if holds else "fail"
        self._record.saw(Judged(expectation.check, verdict, detail))
        if not holds:
            self._violations.append(self._missed(expectation.check, detail))

    def _missed(self, check: str, detail: str) -> Violation:
        return Violation(
            check=check,
            verdict=Verdict.LIVENESS,
            at_s=self._record.elapsed_s(),
            nodes=self._script.cast.names,
            height=self._record.height,
            statement=detail,
        )

    def _judge(self, seen: Seen) -> None:
        if isinstance(seen.fact, Judged):
            return
        self._probes.see(seen)
        for checker in self._checkers:
            for violation in checker.see(seen):
                self._violations.append(violation)
                if violation.verdict is Verdict.SAFETY:
                    self._over.set()


def verdict_of(violations: Sequence[Violation]) -> Verdict:
    """The gravest: safety before liveness before bounds."""
    found = {violation.verdict for violation in violations}
    order = (Verdict.SAFETY, Verdict.LIVENESS, Verdict.BOUND, Verdict.NONDETERMINISM)
    return next((verdict for verdict in order if verdict in found), Verdict.PASS)
