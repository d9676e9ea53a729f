"""What people read of runs: a failure's story, the next commands, a campaign's sum."""

import shlex
from collections.abc import Sequence

from testnet.campaign.summary import Lost, Summary
from testnet.campaign.tally import Tally
from testnet.observation import (
    FaultBegan,
    FaultEnded,
    Glimpse,
    NodeStarted,
    NodeStopped,
    Seen,
)
from testnet.outcome import Outcome, Verdict, Violation
from testnet.report.json import VERSION

COMMAND = "cornerstone testnet"
HEAD = 16
"""Digits of a hash that people see."""


def story(outcome: Outcome) -> str:
    """How a run ended and, for each finding, what led there; one line for a run that passed."""
    head = (
        f"{outcome.scenario.name} with seed {outcome.seed}: {outcome.verdict.value.upper()}"
        f" after {outcome.virtual_s:.1f} s in the network, {outcome.wall_s:.1f} s here"
    )
    lines = [head]
    for violation in outcome.violations:
        lines += finding(violation)
    if outcome.inert:
        lines.append(f"  faults that hit nothing: {', '.join(outcome.inert)}")
    return "\n".join(lines)


def finding(violation: Violation) -> list[str]:
    """A violation and its causes, indented."""
    where = ", ".join(violation.nodes) or "the network"
    at_height = f" at height {violation.height}" if violation.height else ""
    return [
        f"  {violation.verdict.value}: {violation.check} at {violation.at_s:.1f} s,"
        f" {where}{at_height}",
        f"    {violation.statement}",
        *(f"      {cause}" for cause in violation.causes),
    ]


def next_steps(folder: str) -> list[str]:
    """The commands that go on from a kept run; none for one that was not kept."""
    if not folder:
        return []
    place = shlex.quote(folder)
    return [f"  replay: {COMMAND} replay {place}", f"  shrink: {COMMAND} shrink {place}"]


def failure_lines(summary: Summary) -> list[str]:
    """A seed that failed, as it is shown while the campaign goes on."""
    return [
        f"seed {summary.seed}: {summary.verdict.value.upper()} {summary.story}",
        *next_steps(summary.folder),
    ]


def lost_line(lost: Lost) -> str:
    """A seed that told nothing."""
    return f"seed {lost.seed}: no result, {lost.why}"


def sum_lines(tally: Tally) -> list[str]:
    """The end of a campaign."""
    pace = tally.pace()
    parts = [f"{len(tally.ran) - len(tally.failures):,} passed"]
    for verdict in Verdict:
        if count := sum(1 for each in tally.failures if each.verdict is verdict):
            parts.append(f"{count:,} {verdict.value}")
    if tally.lost:
        parts.append(f"{len(tally.lost):,} without a result")
    lines = [
        f"{counted(len(tally.ran) + len(tally.lost), 'seed')}: {', '.join(parts)}",
        f"{pace.wall_s:,.1f} s, {pace.seeds_per_hour:,.0f} seeds an hour,"
        f" {pace.ratio:,.1f} times real time",
    ]
    if tally.unreached:
        lines.append(f"no seed reached: {', '.join(tally.unreached)}")
    if tally.inert:
        lines.append(f"faults that hit nothing with any seed: {', '.join(tally.inert)}")
    return lines


def counted(count: int, noun: str) -> str:
    """1 fault, 2 faults."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def standing_lines(seen: Sequence[Seen], at_s: float) -> list[str]:
    """Every node and the faults in force, as they were at that time."""
    nodes, faults = dict[str, str](), dict[str, str]()
    for each in seen:
        if each.at_s > at_s:
            break
        match each.fact:
            case NodeStarted(node=node):
                nodes[node] = "started"
            case NodeStopped(node=node, how=how):
                nodes[node] = how
            case Glimpse() as glimpse:
                nodes[glimpse.node] = (
                    f"height {glimpse.height}, head {glimpse.head[:HEAD]},"
                    f" {glimpse.peers} peers, {glimpse.mempool} waiting"
                )
            case FaultBegan() as began:
                faults[began.fault] = f"{began.kind} on {', '.join(began.on)}"
            case FaultEnded(fault=fault):
                faults.pop(fault, None)
    lines = [f"at {at_s:.1f} s:"]
    lines += [f"  {node}: {state}" for node, state in nodes.items()]
    lines += [f"  fault {fault}: {what}" for fault, what in faults.items()]
    return lines if faults else [*lines, "  no fault in force"]


def runs_json(tally: Tally) -> dict[str, object]:
    """A campaign for scripts: of each run what its summary knows, in the report's version."""
    return {
        "report": VERSION,
        "runs": [
            {
                "seed": each.seed,
                "verdict": each.verdict.value,
                "digest": each.digest,
                "failed": list(each.failed),
                "virtual_s": round(each.virtual_s, 6),
                "wall_s": round(each.wall_s, 3),
                "folder": each.folder,
            }
            for each in tally.ran
        ],
        "lost": [{"seed": each.seed, "why": each.why} for each in tally.lost],
        "unreached": list(tally.unreached),
        "inert": list(tally.inert),
    }
