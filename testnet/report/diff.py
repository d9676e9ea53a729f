"""Where two runs part: the first fact that differs, with what stood around it in each.

The determinism check and `testnet diff` both ask this. Facts are compared as events.ndjson has
them, because the digest is taken over that; a run just made and one read from its folder agree.
"""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import zip_longest

from testnet.observation import Seen, encode_seen
from testnet.outcome import Figure, Outcome
from testnet.report.words import clause, clock
from testnet.scenario.text import format_scenario

FIELD_MAX = 100
"""Characters of a field that differs; a block can hold a thousand ids."""

AROUND = 4
"""Facts shown before and after the first that differs: what a terminal has room for."""


@dataclass(frozen=True, slots=True)
class Divergence:
    """The place (from 0) of the first fact in which two runs differ.

    `before` are the facts both saw last; `left` and `right` begin with the one that differs, and
    are empty where a run was over.
    """

    place: int
    at_s: float
    before: tuple[Seen, ...]
    left: tuple[Seen, ...]
    right: tuple[Seen, ...]

    @property
    def fields(self) -> tuple[str, ...]:
        """The fields that differ in the first facts, where both are of one kind."""
        if not (self.left and self.right) or type(self.left[0].fact) is not type(
            self.right[0].fact
        ):
            return ()
        one, other = self.left[0], self.right[0]
        pairs = [("t", one.at_s, other.at_s)]
        pairs += [
            (field.name, getattr(one.fact, field.name), getattr(other.fact, field.name))
            for field in dataclasses.fields(one.fact)
        ]
        return tuple(
            f"{name}: {_brief(mine)} | {_brief(yours)}"
            for name, mine, yours in pairs
            if mine != yours
        )

    @property
    def statement(self) -> str:
        """One sentence for people."""
        left, right = (_told(each[0]) if each else "nothing" for each in (self.left, self.right))
        return f"event {self.place + 1:,} is «{left}» in one run and «{right}» in the other"


@dataclass(frozen=True, slots=True)
class Change:
    """Something about the runs as wholes that differs."""

    what: str
    left: str
    right: str


@dataclass(frozen=True, slots=True)
class Difference:
    """Two runs held against each other; `same` is decided by their digests alone."""

    same: bool
    changes: tuple[Change, ...]
    divergence: Divergence | None


def first_divergence(left: Sequence[Seen], right: Sequence[Seen]) -> Divergence | None:
    """The first fact in which two runs differ; None when they saw the same."""
    for place, (one, other) in enumerate(zip_longest(left, right)):
        if one is not None and other is not None and encode_seen(one) == encode_seen(other):
            continue
        return Divergence(
            place=place,
            at_s=min(each.at_s for each in (one, other) if each is not None),
            before=tuple(left[max(0, place - AROUND) : place]),
            left=tuple(left[place : place + AROUND]),
            right=tuple(right[place : place + AROUND]),
        )
    return None


def diff_runs(left: Outcome, right: Outcome) -> Difference:
    """How two runs differ; a run's own time here (`wall_s`) is none of it."""
    return Difference(
        same=left.digest == right.digest,
        changes=(*_wholes(left, right), *_figures(left.figures, right.figures)),
        divergence=first_divergence(left.seen, right.seen),
    )


def _wholes(left: Outcome, right: Outcome) -> tuple[Change, ...]:
    texts = [_scenario_lines(left, right), *zip(_texts(left), _texts(right), strict=True)]
    return tuple(Change(what, one, other) for (what, one), (_, other) in texts if one != other)


def _scenario_lines(left: Outcome, right: Outcome) -> tuple[tuple[str, str], tuple[str, str]]:
    """The first line in which the scenarios differ."""
    pairs = zip_longest(
        format_scenario(left.scenario).splitlines(),
        format_scenario(right.scenario).splitlines(),
        fillvalue="(the end)",
    )
    for number, (one, other) in enumerate(pairs, 1):
        if one != other:
            what = f"scenario, line {number}"
            return (what, one), (what, other)
    return ("scenario", ""), ("scenario", "")


def _texts(outcome: Outcome) -> list[tuple[str, str]]:
    return [
        ("seed", str(outcome.seed)),
        ("tier", outcome.tier.value),
        ("verdict", outcome.verdict.value),
        ("digest", outcome.digest),
        ("failed", ", ".join(outcome.failed)),
        ("probes reached", ", ".join(outcome.probes)),
        ("faults that hit nothing", ", ".join(outcome.inert)),
        ("time in the network", clock(outcome.virtual_s)),
        ("events", f"{len(outcome.seen):,}"),
    ]


def _figures(left: Sequence[Figure], right: Sequence[Figure]) -> tuple[Change, ...]:
    """Figures as they are shown, so that a change nobody would see is none."""
    one, other = ({each.name: figure_text(each) for each in side} for side in (left, right))
    return tuple(
        Change(name, one.get(name, ""), other.get(name, ""))
        for name in dict.fromkeys([*one, *other])
        if one.get(name) != other.get(name)
    )


def figure_text(figure: Figure) -> str:
    """A figure with its unit, in at most five digits that count."""
    value = figure.value
    shown = f"{value:,.0f}" if abs(value) >= 1_000 else f"{value:.4g}"
    return f"{shown} {figure.unit}".rstrip()


def difference_lines(difference: Difference) -> list[str]:
    """For a terminal."""
    lines = ["the same run" if difference.same else "two different runs"]
    for change in difference.changes:
        lines.append(f"  {change.what}: {change.left or '(none)'} | {change.right or '(none)'}")
    parting = difference.divergence
    if parting is None:
        return [*lines, "  every event is the same"]
    lines.append(f"  they part at {clock(parting.at_s)}, event {parting.place + 1:,}")
    lines += [f"    both   {_told(each)}" for each in parting.before]
    for side, seen in (("left", parting.left), ("right", parting.right)):
        lines += [f"    {side:6} {_told(each)}" for each in seen]
        if not seen:
            lines.append(f"    {side:6} (is over)")
    return lines + [f"    differs in {field}" for field in parting.fields]


def difference_fields(difference: Difference) -> dict[str, object]:
    """For scripts, version 1."""
    parting = difference.divergence
    return {
        "diff": 1,
        "same": difference.same,
        "changes": [
            {"what": change.what, "left": change.left, "right": change.right}
            for change in difference.changes
        ],
        "divergence": None
        if parting is None
        else {
            "event": parting.place + 1,
            "at_s": parting.at_s,
            "before": [encode_seen(each) for each in parting.before],
            "left": [encode_seen(each) for each in parting.left],
            "right": [encode_seen(each) for each in parting.right],
        },
    }


def _brief(value: object) -> str:
    text = ", ".join(value) if isinstance(value, tuple) else str(value)
    return text if len(text) <= FIELD_MAX else f"{text[:FIELD_MAX]}…"


def _told(seen: Seen) -> str:
    return f"{seen.at_s:.6f}s {clause(seen.fact)}"
