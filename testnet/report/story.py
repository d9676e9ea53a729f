"""The story of a failure in plain sentences: what broke, when, between whom, under which faults.

Everything in it comes from the facts of the run; nothing is guessed. Where a checker gave the
causes of its finding they are told, otherwise the last facts about the nodes it names.
"""

import shlex
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from testnet.observation import (
    FaultBegan,
    FaultEnded,
    Glimpse,
    Judged,
    Seen,
    TransactionOffered,
    TransactionSeen,
)
from testnet.outcome import Outcome, Verdict, Violation
from testnet.report.standing import standing
from testnet.report.words import clause, clock, counted, lasting, nodes_text

CAUSES_MAX = 8
"""As many events as a person reads before looking at the drawing."""

BROKE = {
    Verdict.PASS: "Everything held",
    Verdict.SAFETY: "A safety promise was broken",
    Verdict.LIVENESS: "Something that must happen did not",
    Verdict.BOUND: "A bound was exceeded",
    Verdict.NONDETERMINISM: "The same seed gave two different runs",
}


@dataclass(frozen=True, slots=True)
class Story:
    """A failure told: a line, sentences, the last events, the command that shows it again."""

    headline: str
    sentences: tuple[str, ...]
    causes: tuple[str, ...]
    replay: str
    violation: Violation


def story_of(outcome: Outcome, place: str, violation: Violation | None = None) -> Story | None:
    """The story of a violation, without one of the first; None where nothing failed.

    `place` is the run's folder as the reader will name it.
    """
    found = violation or first(outcome)
    if found is None:
        return None
    return Story(
        headline=f"{BROKE[found.verdict]}: {found.check}",
        sentences=(
            f"{found.statement.rstrip('.')}.",
            _when(found),
            standing(outcome.seen, found.at_s),
            _faults(outcome.seen, found.at_s),
            *_others(outcome, found),
        ),
        causes=found.causes or _causes(outcome.seen, found),
        replay=replay_line(place),
        violation=found,
    )


def first(outcome: Outcome) -> Violation | None:
    """The earliest violation of those as grave as the verdict; failing that, the earliest."""
    gravest = [each for each in outcome.violations if each.verdict is outcome.verdict]
    return min(gravest or outcome.violations, key=lambda each: each.at_s, default=None)


def replay_line(place: str) -> str:
    """The command that plays a run again."""
    return f"cornerstone testnet replay {shlex.quote(place)}"


def lines_of(story: Story) -> list[str]:
    """The story for a terminal or a CI server."""
    lines = [story.headline, *(f"  {sentence}" for sentence in story.sentences if sentence)]
    if story.causes:
        lines += ["  The last events before it:", *(f"    {cause}" for cause in story.causes)]
    return [*lines, f"  {story.replay}"]


def _when(violation: Violation) -> str:
    height = f" at height {violation.height}" if violation.height else ""
    whom = f", concerning {nodes_text(violation.nodes)}" if violation.nodes else ""
    return f"It was found after {clock(violation.at_s)}{height}{whom}."


def _faults(seen: Sequence[Seen], at_s: float) -> str:
    """What was in force at that moment; otherwise what ended last before it.

    What ended just then was in force: a run that is over undoes its faults in the same moment.
    """
    force = dict[str, tuple[float, FaultBegan]]()
    ended: tuple[float, str] | None = None
    for each in seen:
        if each.at_s > at_s:
            break
        match each.fact:
            case FaultBegan() as began:
                force[began.fault] = each.at_s, began
            case FaultEnded(fault=fault) if each.at_s < at_s:
                force.pop(fault, None)
                ended = each.at_s, fault
            case _:
                pass
    if force:
        told = [
            f"{began.fault} ({began.kind} on {nodes_text(began.on)}, since {clock(since_s)})"
            for since_s, began in force.values()
        ]
        return f"In force then: {'; '.join(told)}."
    if ended is None:
        return "No fault had been in force until then."
    return (
        f"No fault was in force then; the last, {ended[1]}, had ended"
        f" {lasting(at_s - ended[0])} before."
    )


def _others(outcome: Outcome, violation: Violation) -> tuple[str, ...]:
    more = len(outcome.violations) - 1
    if more < 1:
        return ()
    names = ", ".join(name for name in outcome.failed if name != violation.check)
    return (f"{counted(more, 'more finding')} in this run{f': {names}' if names else ''}.",)


def _causes(seen: Sequence[Seen], violation: Violation) -> tuple[str, ...]:
    """The last facts about the nodes concerned; transactions and looks tell nothing here."""
    last = deque[Seen](maxlen=CAUSES_MAX)
    for each in seen:
        if each.at_s > violation.at_s:
            break
        if _concerns(each, violation.nodes):
            last.append(each)
    return tuple(f"{clock(each.at_s)}  {clause(each.fact)}" for each in last)


def _concerns(seen: Seen, nodes: Sequence[str]) -> bool:
    match seen.fact:
        case Glimpse() | TransactionSeen() | TransactionOffered() | Judged():
            return False
        case FaultBegan() | FaultEnded():
            return True
        case fact:
            return not nodes or fact.node in nodes
