"""A campaign in front of people."""

from collections.abc import Generator
from io import StringIO

from rich.console import Console

from testnet.campaign.session import TOLD_MAX, hold
from testnet.campaign.summary import Lost, Result, Summary, summary_of
from testnet.campaign.tally import Tally
from tests.testnet.fake_runs import SCENARIO, every_third_fails


def results(*seeds: int) -> Generator[Result, None, None]:
    yield from (summary_of(every_third_fails(SCENARIO, seed), f"/runs/{seed}") for seed in seeds)


def held(found: Generator[Result, None, None], until_fail: bool = False) -> tuple[Tally, str, bool]:
    screen = StringIO()
    tally = Tally(SCENARIO)
    whole = hold(found, tally, Console(file=screen, width=200), 9, until_fail)
    return tally, screen.getvalue(), whole


def test_a_failure_is_told_with_what_to_do_about_it() -> None:
    tally, text, whole = held(results(1, 2, 3, 4))
    assert whole
    assert len(tally.ran) == 4
    assert text.splitlines() == [
        "seed 3: LIVENESS converged at 12.5 s: converged is broken",
        "  replay: cornerstone testnet replay /runs/3",
        "  shrink: cornerstone testnet shrink /runs/3",
    ]


def test_a_lost_seed_is_told() -> None:
    def lost() -> Generator[Result, None, None]:
        yield Lost(5, "its worker was ended by SIGKILL")

    assert held(lost())[1] == "seed 5: no result, its worker was ended by SIGKILL\n"


def test_until_fail_stops_there_and_ends_the_workers() -> None:
    ended = list[str]()

    def endless() -> Generator[Result, None, None]:
        try:
            yield from results(*range(1, 10_000))
        finally:
            ended.append("closed")

    tally, _, whole = held(endless(), until_fail=True)
    assert [summary.seed for summary in tally.ran] == [1, 2, 3]
    assert whole
    assert ended == ["closed"]


def test_ctrl_c_keeps_what_is_known() -> None:
    def interrupted() -> Generator[Result, None, None]:
        yield from results(1, 2)
        raise KeyboardInterrupt

    tally, _, whole = held(interrupted())
    assert not whole
    assert [summary.seed for summary in tally.ran if isinstance(summary, Summary)] == [1, 2]


def test_a_scenario_that_always_fails_fills_no_screen() -> None:
    _, text, _ = held(results(*range(3, 300, 3)))
    assert text.count("LIVENESS") == TOLD_MAX
    assert f"({TOLD_MAX} failures shown" in text.splitlines()[-1]
