"""The director on a stage of cardboard: when faults begin and end, and what ends a run."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest
import trio
import trio.testing

from chain.genesis import Genesis
from testnet.checkers.checker import Ending
from testnet.conditions import spec_of
from testnet.director import Director, Performance, Script, verdict_of
from testnet.faults.process import Kill
from testnet.observation import BlockJoined, FaultBegan, FaultEnded, Judged, Seen
from testnet.outcome import Verdict, Violation
from testnet.recorder import Recorder
from testnet.scenario.model import (
    AfterFault,
    AtHeight,
    AtTime,
    Expectation,
    Fault,
    Mode,
    NetPlan,
    Scenario,
    Trigger,
)
from testnet.scenario.selectors import Cast
from testnet.stage import Act, Standing, Undone
from tests.testnet.checkers.small import GENESIS, NODES, expected, ground, joined

SECONDS = 60
CUT = Kill()


@dataclass
class Cardboard:
    """Implements Stage: orders are written down. `hits` is what each fault will have hit."""

    hits: int = 1
    genesis: Genesis = GENESIS
    names: tuple[str, ...] = NODES
    acts: list[tuple[float, str, str]] = field(default_factory=list)
    heights: tuple[int, ...] = (3, 5, 4)

    async def begin(self, act: Act) -> None:
        self.acts.append((trio.current_time(), "begin", f"{act.id} on {','.join(act.on)}"))

    async def end(self, act_id: str) -> Undone:
        self.acts.append((trio.current_time(), "end", act_id))
        return Undone(self.hits, clean=True)

    async def offer(self, node: str, raws: Sequence[bytes]) -> list[str] | None:
        return [""] * len(raws)

    async def look(self) -> tuple[Standing, ...]:
        return tuple(
            Standing(name, True, height, "", 2, 0)
            for name, height in zip(self.names, self.heights, strict=True)
        )

    def unix_ms(self) -> int:
        return GENESIS.genesis_time_ms

    async def finish(self) -> Ending:
        return Ending(trio.current_time(), (), 0.0, ())


def fault(identity: str, at: Trigger, for_ms: int, on: str = "n1") -> Fault:
    return Fault(identity, at, for_ms, CUT, on, "others")


def scenario(*faults: Fault, expectations: tuple[Expectation, ...] = ()) -> Scenario:
    return Scenario(
        "cardboard",
        "",
        SECONDS * 1_000,
        net=NetPlan(nodes=len(NODES), block_ms=1_000),
        faults=faults,
        expectations=expectations,
    )


async def perform(
    of: Scenario, stage: Cardboard, record: Recorder, *, cut_short: bool = False
) -> Performance:
    cast = Cast(NODES, authors=NODES)
    script = Script(of, 1, cast, ground(*of.expectations), spec_of(of), cut_short=cut_short)
    return await Director(script, stage, record).perform()


def told(record: Recorder, kind: type[object]) -> list[Seen]:
    return [seen for seen in record.seen if isinstance(seen.fact, kind)]


async def test_faults_begin_and_end_when_the_scenario_says(
    autojump_clock: trio.testing.MockClock,
) -> None:
    stage, record = Cardboard(), Recorder()
    after = fault("after", AfterFault("first", 5_000), 2_000, on="n2,n3")
    done = await perform(scenario(fault("first", AtTime(3_000), 4_000), after), stage, record)
    assert stage.acts == [
        (3.0, "begin", "first on n1"),
        (7.0, "end", "first"),
        (12.0, "begin", "after on n2,n3"),
        (14.0, "end", "after"),
    ]
    assert trio.current_time() == SECONDS
    assert (done.inert, done.ending.last_fault_end_s) == ((), 14.0)
    assert len(told(record, FaultBegan)) == len(told(record, FaultEnded)) == 2


async def test_a_fault_without_an_end_is_undone_when_the_time_is_up_and_one_without_hits_is_inert(
    autojump_clock: trio.testing.MockClock,
) -> None:
    stage = Cardboard(hits=0)
    done = await perform(scenario(fault("stays", AtTime(1_000), 0)), stage, Recorder())
    assert stage.acts[-1] == (float(SECONDS), "end", "stays")
    assert done.inert == ("stays",)


async def test_a_fault_may_wait_for_a_height(autojump_clock: trio.testing.MockClock) -> None:
    stage, record = Cardboard(), Recorder()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(perform, scenario(fault("high", AtHeight(2), 1_000)), stage, record)
        await trio.sleep(9)
        record.saw(joined("n1", "b1", "g", 1))
        await trio.sleep(1)
        assert stage.acts == []
        record.saw(joined("n1", "b2", "b1", 2))
    assert stage.acts[0] == (10.0, "begin", "high on n1")


async def test_broken_safety_ends_the_run_and_undoes_what_is_in_force(
    autojump_clock: trio.testing.MockClock,
) -> None:
    stage, record = Cardboard(), Recorder()
    async with trio.open_nursery() as nursery:
        found: list[Performance] = []

        async def play() -> None:
            found.append(await perform(scenario(fault("stays", AtTime(0), 0)), stage, record))

        nursery.start_soon(play)
        await trio.sleep(5)
        twice = ("t1", "t1")
        record.saw(BlockJoined("n1", "b1", "g", 1, 1, "", "", twice))
    assert trio.current_time() == 5
    assert stage.acts[-1] == (5.0, "end", "stays")
    assert verdict_of(found[0].violations) is Verdict.SAFETY


async def test_a_window_that_never_opens_is_a_failure_that_says_so(
    autojump_clock: trio.testing.MockClock,
) -> None:
    never = Expectation(Mode.WITHIN, "converged", within_ms=1_000, at=AtHeight(99))
    record = Recorder()
    done = await perform(scenario(expectations=(never,)), Cardboard(), record)
    assert verdict_of(done.violations) is Verdict.LIVENESS
    assert "never opened" in done.violations[0].statement
    (last,) = told(record, Judged)
    assert isinstance(last.fact, Judged)
    assert last.fact.verdict == "unreached"


async def test_a_run_that_is_cut_short_judges_no_window(
    autojump_clock: trio.testing.MockClock,
) -> None:
    never = Expectation(Mode.WITHIN, "converged", within_ms=1_000, at=AtHeight(99))
    done = await perform(scenario(expectations=(never,)), Cardboard(), Recorder(), cut_short=True)
    assert verdict_of(done.violations) is Verdict.PASS


async def test_a_window_opens_with_the_end_of_the_last_fault(
    autojump_clock: trio.testing.MockClock,
) -> None:
    stage, record = Cardboard(), Recorder()
    of = scenario(fault("cut", AtTime(1_000), 9_000), expectations=(expected("converged"),))
    await perform(of, stage, record)
    assert [seen.at_s >= 10 for seen in told(record, Judged)] == [True]


@pytest.mark.parametrize(
    ("found", "gravest"),
    [
        ((), Verdict.PASS),
        ((Verdict.BOUND, Verdict.LIVENESS), Verdict.LIVENESS),
        ((Verdict.LIVENESS, Verdict.SAFETY, Verdict.BOUND), Verdict.SAFETY),
    ],
)
def test_the_gravest_verdict_counts(found: tuple[Verdict, ...], gravest: Verdict) -> None:
    violations = [Violation("c", verdict, 0.0, (), 0, "") for verdict in found]
    assert verdict_of(violations) is gravest
