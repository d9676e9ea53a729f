"""What results add up to, and how that is told."""

import pytest

from testnet.campaign.summary import Lost, Summary
from testnet.campaign.tally import Tally
from testnet.campaign.telling import runs_json, sum_lines
from testnet.outcome import ExitCode, Verdict, Violation
from tests.testnet.fake_runs import SCENARIO


def ran(
    seed: int,
    verdict: Verdict = Verdict.PASS,
    probes: tuple[str, ...] = (),
    inert: tuple[str, ...] = (),
) -> Summary:
    broken = Violation("converged", verdict, 12.5, (), 0, "broken")
    found = () if verdict is Verdict.PASS else (broken,)
    return Summary(seed, verdict, f"{seed:x}", probes, inert, 60.0, 0.5, violations=found)


def tally_of(*results: Summary | Lost) -> Tally:
    ticks = iter([0.0, 2.0, 2.0])
    tally = Tally(SCENARIO, lambda: next(ticks))
    for result in results:
        tally.add(result)
    return tally


P, S, L, B, N = (
    Verdict.PASS,
    Verdict.SAFETY,
    Verdict.LIVENESS,
    Verdict.BOUND,
    Verdict.NONDETERMINISM,
)


@pytest.mark.parametrize(
    ("verdicts", "code"),
    [
        ([P, P], ExitCode.PASS),
        ([P, L, S, B], ExitCode.SAFETY),
        ([N, B, L], ExitCode.LIVENESS),
        ([N, B], ExitCode.BOUND),
        ([P, N], ExitCode.NONDETERMINISM),
    ],
)
def test_the_gravest_verdict_is_the_exit_code(verdicts: list[Verdict], code: ExitCode) -> None:
    tally = tally_of(*(ran(seed, verdict) for seed, verdict in enumerate(verdicts)))
    assert tally.exit_code(strict=False) is code


def test_a_lost_seed_is_infrastructure_unless_something_failed() -> None:
    assert tally_of(ran(1), Lost(2, "killed")).exit_code(False) is ExitCode.INFRASTRUCTURE
    assert tally_of(Lost(2, "no disks", ExitCode.USAGE)).exit_code(False) is ExitCode.USAGE
    assert tally_of(ran(1, L), Lost(2, "killed")).exit_code(False) is ExitCode.LIVENESS


def test_a_probe_no_seed_reached_fails_only_when_strict() -> None:
    tally = tally_of(ran(1), ran(2))
    assert tally.unreached == ("reorg",)
    assert tally.exit_code(strict=False) is ExitCode.PASS
    assert tally.exit_code(strict=True) is ExitCode.LIVENESS
    reached = tally_of(ran(1), ran(2, probes=("reorg",)))
    assert reached.unreached == ()
    assert reached.exit_code(strict=True) is ExitCode.PASS


def test_a_fault_is_inert_when_it_hit_nothing_with_every_seed() -> None:
    tally = tally_of(ran(1, inert=("cut", "slow")), ran(2, inert=("slow",)))
    assert tally.inert == ("slow",)


def test_the_sum_for_people() -> None:
    tally = tally_of(ran(1), ran(2, L), ran(3, S, ("reorg",)), Lost(4, "killed"))
    assert sum_lines(tally) == [
        "4 seeds: 1 passed, 1 safety, 1 liveness, 1 without a result",
        "2.0 s, 5,400 seeds an hour, 90.0 times real time",
    ]


def test_the_sum_tells_what_was_never_reached() -> None:
    assert sum_lines(tally_of(ran(1, inert=("cut",)))) == [
        "1 seed: 1 passed",
        "2.0 s, 1,800 seeds an hour, 30.0 times real time",
        "no seed reached: reorg",
        "faults that hit nothing with any seed: cut",
    ]


def test_the_sum_for_scripts() -> None:
    assert runs_json(tally_of(ran(10, L), Lost(4, "killed"))) == {
        "report": 1,
        "runs": [
            {
                "seed": 10,
                "verdict": "liveness",
                "digest": "a",
                "failed": ["converged"],
                "virtual_s": 60.0,
                "wall_s": 0.5,
                "folder": "",
            }
        ],
        "lost": [{"seed": 4, "why": "killed"}],
        "unreached": ["reorg"],
        "inert": [],
    }
