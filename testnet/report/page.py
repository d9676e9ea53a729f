"""The page of a run: one HTML file that needs nothing else, neither network nor server.

What failed stands on top, with the moment, the nodes and the command that shows it again; then
the drawings, then the tables. The size is bounded by the maxima of the drawings.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from chain.primitives.errors import Refusal
from testnet.checkers.measures import percentile
from testnet.faults.parameters import parameters_of
from testnet.outcome import Outcome, Verdict
from testnet.report.blocktree import blocktree
from testnet.report.branches import MAIN, Tree, tree_of
from testnet.report.checks import Check, Result, checks_of
from testnet.report.cities import cities
from testnet.report.curves import load, mempools, speeds, spread
from testnet.report.diff import figure_text
from testnet.report.lanes import lanes
from testnet.report.samples import samples_json
from testnet.report.story import Story, replay_line, story_of
from testnet.report.templates import template
from testnet.report.trace import FaultSpan, Trace, trace_of
from testnet.report.words import clock, counted, lasting, nodes_text
from testnet.scenario.casting import placed
from testnet.scenario.model import Scenario, Tier
from testnet.scenario.text import format_scenario

FAULTS_MAX = 200
"""Rows of the table of faults; a scenario holds as many."""

FINDINGS_MAX = 20
"""Other findings listed; what follows from the first is rarely worth more."""


@dataclass(frozen=True, slots=True)
class Tile:
    """A number worth a glance."""

    value: str
    label: str


@dataclass(frozen=True, slots=True)
class FaultRow:
    """A fault in the table: what the scenario says and what came of it."""

    id: str
    kind: str
    on: str
    details: str
    begin: str
    end: str
    hits: str
    inert: bool


@dataclass(frozen=True, slots=True)
class Drawings:
    """Finished SVG; empty where there is nothing to draw."""

    lanes: str
    tree: str
    charts: tuple[tuple[str, str], ...]
    cities: str


def page(outcome: Outcome, place: str) -> str:
    """The whole HTML. `place` is the run's folder as the reader will name it."""
    trace = trace_of(outcome)
    tree = tree_of(trace)
    story = story_of(outcome, place)
    checks = sorted(checks_of(outcome), key=lambda check: check.result is not Result.FAIL)
    concerned = story.violation.nodes if story else ()
    return template("page.html").render(
        outcome=outcome,
        passed=outcome.verdict is Verdict.PASS,
        story=story,
        when=clock(story.violation.at_s) if story else "",
        whom=nodes_text(concerned) if concerned else "",
        summary=summary(outcome, trace, checks),
        replay=replay_line(place),
        tiles=tiles(outcome, trace, tree),
        drawings=drawings(outcome, trace, tree, story),
        samples=samples_json(trace, tree, concerned),
        checks=checks,
        decided=[clock(check.at_s) if check.at_s is not None else "" for check in checks],
        findings=[each for each in outcome.violations if story and each != story.violation][
            :FINDINGS_MAX
        ],
        faults=[fault_row(span, outcome) for span in trace.faults[:FAULTS_MAX]],
        figures=[(figure.name, figure_text(figure)) for figure in outcome.figures],
        forks=min(len(tree.forks), 5),
        scenario=format_scenario(outcome.scenario),
        clock=clock,
    )


def summary(outcome: Outcome, trace: Trace, checks: Sequence[Check]) -> str:
    """One sentence about a run that passed."""
    held = sum(1 for check in checks if check.result is Result.PASS)
    return (
        f"{counted(held, 'check')} held over {clock(outcome.virtual_s)} with"
        f" {counted(len(trace.nodes), 'node')} and {counted(len(trace.faults), 'fault')}."
    )


def tiles(outcome: Outcome, trace: Trace, tree: Tree) -> list[Tile]:
    """The numbers under the story."""
    main = tree.branches[MAIN].blocks
    deepest = max((each.depth for each in trace.reorganisations), default=0)
    delays = [delay for _, _, delay in trace.delays]
    ratio = outcome.virtual_s / outcome.wall_s if outcome.wall_s else 0.0
    found = [
        Tile(str(len(trace.nodes)), "nodes"),
        Tile(f"{main[-1].height:,}" if main else "0", "height"),
        Tile(f"{len(tree.forks):,}", "fork" if len(tree.forks) == 1 else "forks"),
        Tile(f"{deepest:,}", "blocks deep was the deepest reorganisation"),
        Tile(f"{len(trace.included):,}", f"transactions included of {len(trace.offered_s):,}"),
    ]
    if delays:
        found.append(Tile(lasting(percentile(delays, 50)), "median propagation of a block"))
    if outcome.tier is not Tier.PROCESS and ratio:
        found.append(Tile(f"{ratio:,.0f}×", f"real time, {clock(outcome.wall_s)} here"))
    return found


def drawings(outcome: Outcome, trace: Trace, tree: Tree, story: Story | None) -> Drawings:
    """All drawings of a run."""
    violation = story.violation if story else None
    city_of = cities_of(outcome.scenario, outcome.seed)
    charts = {
        "How fast": speeds(trace),
        "Transactions a second": load(trace),
        "Transactions waiting": mempools(trace),
        "Height": spread(trace),
    }
    return Drawings(
        lanes=lanes(trace, tree, violation, city_of),
        tree=blocktree(trace, tree, violation),
        charts=tuple((title, chart) for title, chart in charts.items() if chart),
        cities=cities(trace, city_of),
    )


def cities_of(scenario: Scenario, seed: int) -> dict[str, str]:
    """Each node's city; none where the scenario's own selectors no longer mean anybody."""
    try:
        return dict(placed(scenario, seed).cities)
    except Refusal:
        return {}


def fault_row(span: FaultSpan, outcome: Outcome) -> FaultRow:
    """A fault with the parameters the scenario gave it."""
    fault = next((each for each in outcome.scenario.faults if each.id == span.id), None)
    details = list[str]()
    if fault is not None:
        for key, (field, parameter) in parameters_of(type(fault.kind)).items():
            value = getattr(fault.kind, field.name)
            if value != field.default:
                details.append(f"{key} {parameter.write(value)}")
    if span.to and frozenset(span.to) | frozenset(span.on) != frozenset(span.to):
        details.append(f"to {nodes_text(span.to)}")
    return FaultRow(
        id=span.id,
        kind=span.kind,
        on=nodes_text(span.on),
        details=", ".join(details),
        begin=clock(span.begin_s),
        end=clock(span.end_s),
        hits="still in force" if span.hits is None else f"{span.hits:,}",
        inert=span.id in outcome.inert,
    )
