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
from testnet.outcome import Outcome, Verdict
from testnet.report.json import VERSION
from testnet.report.story import lines_of, replay_line, story_of
from testnet.report.words import clock, counted, nodes_text, short

COMMAND = "cornerstone testnet"


def story(outcome: Outcome, folder: str) -> str:
    """How a run ended, and what led there when it failed; one line for a run that passed."""
    lines = [
        f"{outcome.scenario.name} with seed {outcome.seed}: {outcome.verdict.value.upper()}"
        f" after {outcome.virtual_s:.1f} s in the network, {outcome.wall_s:.1f} s here"
    ]
    told = story_of(outcome, folder)
    if told is not None:
        replay = f"  {told.replay}"
        lines += [f"  {line}" for line in lines_of(told) if line != replay]
    if outcome.inert:
        lines.append(f"  faults that hit nothing: {', '.join(outcome.inert)}")
    steps = next_steps(folder)
    return "\n".join([*lines, *(steps if told is not None else steps[:1])])


def next_steps(folder: str) -> list[str]:
    """The commands that go on from a kept run; none for one that was not kept."""
    if not folder:
        return []
    shrink = f"{COMMAND} shrink {shlex.quote(folder)}"
    return [f"  replay: {replay_line(folder)}", f"  shrink: {shrink}"]


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
                    f"height {glimpse.height}, head {short(glimpse.head)},"
                    f" {glimpse.peers} peers, {glimpse.mempool} waiting"
                )
            case FaultBegan() as began:
                faults[began.fault] = f"{began.kind} on {nodes_text(began.on)}"
            case FaultEnded(fault=fault):
                faults.pop(fault, None)
    lines = [f"at {clock(at_s)}:"]
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
