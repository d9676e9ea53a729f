"""Runs that no network made: outcomes that a seed alone decides, for everything above a runner."""

import os
import signal
import time
from dataclasses import replace
from pathlib import Path

from testnet.errors import Unfit
from testnet.faults.partition import Partition
from testnet.observation import Judged, Seen
from testnet.outcome import Outcome, Verdict, Violation
from testnet.scenario.model import AtTime, Expectation, Fault, Mode, NetPlan, Scenario, Tier

SCENARIO = Scenario(
    name="small",
    about="",
    duration_ms=60_000,
    net=NetPlan(nodes=4),
    faults=(Fault("cut", AtTime(10_000), 5_000, Partition(), "n1"),),
    expectations=(
        Expectation(Mode.WITHIN, "converged", within_ms=20_000),
        Expectation(Mode.SOMETIMES, "reorg"),
    ),
)


def outcome(
    scenario: Scenario,
    seed: int,
    verdict: Verdict = Verdict.PASS,
    checks: tuple[str, ...] = (),
    seen: tuple[Seen, ...] = (),
    probes: tuple[str, ...] = (),
) -> Outcome:
    """A run that ended so."""
    return Outcome(
        scenario=scenario,
        seed=seed,
        tier=Tier.NODE,
        verdict=verdict,
        digest=f"{seed:064x}",
        violations=tuple(
            Violation(check, verdict, 12.5, ("n1",), 3, f"{check} is broken") for check in checks
        ),
        probes=probes,
        inert=(),
        figures=(),
        virtual_s=scenario.duration_ms / 1_000,
        wall_s=0.01,
        seen=seen,
    )


def every_third_fails(scenario: Scenario, seed: int) -> Outcome:
    """Seeds 3, 6, 9, ... do not converge; seed 4 reaches the probe."""
    if seed % 3 == 0:
        return outcome(scenario, seed, Verdict.LIVENESS, ("converged",))
    return outcome(scenario, seed, probes=("reorg",) if seed == 4 else ())


def deadly(scenario: Scenario, seed: int) -> Outcome:
    """Seed 2 kills its process, 3 has a fault of ours, 4 is refused, 5 hangs."""
    match seed:
        case 2:
            os.kill(os.getpid(), signal.SIGKILL)
        case 3:
            raise AssertionError("blocks cannot weigh less than nothing")
        case 4:
            raise Unfit("tier", "this tier has no disks")
        case 5:
            time.sleep(3_600)
    return outcome(scenario, seed)


def pid_in_digest(scenario: Scenario, seed: int) -> Outcome:
    """Tells which process ran it."""
    return replace(outcome(scenario, seed), digest=str(os.getpid()))


def fails_with_pid(scenario: Scenario, seed: int) -> Outcome:
    """Fails, and in every process in its own way."""
    return replace(every_third_fails(scenario, 3), digest=f"{os.getpid():016x}")


def hash_dependent(scenario: Scenario, seed: int) -> Outcome:
    """A bug: the order of a set of texts differs between processes."""
    names = [name for name in {f"n{number}" for number in range(40)}]  # noqa: C416 - the bug
    facts = [Seen(1.0, Judged("first", "pass", "the same in both"))]
    facts += [Seen(2.0 + place, Judged(name, "pass", "")) for place, name in enumerate(names)]
    return outcome(scenario, seed, seen=tuple(facts))


def keep(ran: Outcome, folder: Path) -> None:
    """A run folder with nothing in it but what happened."""
    folder.mkdir(parents=True)
    (folder / "verdict").write_text(ran.verdict.value)


def slow(scenario: Scenario, seed: int) -> Outcome:
    """Seed 1 is over at once, the others take as long as it takes to be interrupted."""
    if seed != 1:
        time.sleep(3_600)
    return outcome(scenario, seed)
