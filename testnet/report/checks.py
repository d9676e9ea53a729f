"""What each expectation and checker of a run came to: the rows of JUnit and of the page's table."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from testnet.checkers.catalogue import EVERY_RUN
from testnet.faults.parameters import format_ms
from testnet.observation import Judged, Seen
from testnet.outcome import Outcome, Violation
from testnet.report.words import clock
from testnet.scenario.model import Expectation, Mode, Tier
from testnet.scenario.triggers import format_trigger

CHECKER = "checker"
"""The mode of a check that no expectation of the scenario names: it watches every run."""


class Result(StrEnum):
    """How a check ended."""

    PASS = "pass"
    FAIL = "fail"
    UNREACHED = "unreached"


@dataclass(frozen=True, slots=True)
class Check:
    """One row: `mode` is that of an expectation or CHECKER; `at_s` is when it was decided."""

    name: str
    mode: str
    terms: str
    result: Result
    at_s: float | None
    detail: str
    violation: Violation | None = None


def checks_of(outcome: Outcome) -> tuple[Check, ...]:
    """The scenario's expectations in their order, then what is watched in every run.

    Expectations of one name and mode share a result, the gravest: facts tell them by name alone.
    """
    judged = _last_judged(outcome.seen)
    expected = [_expected(each, outcome, judged) for each in outcome.scenario.expectations]
    named = frozenset(check.name for check in expected)
    watched = () if outcome.tier is Tier.ENGINE else tuple(kind.NAME for kind in EVERY_RUN)
    others = dict.fromkeys([*outcome.failed, *judged, *watched])
    return (*expected, *(_other(name, outcome, judged) for name in others if name not in named))


def named_once(checks: Sequence[Check]) -> Iterator[tuple[str, Check]]:
    """Every check with a name that no other has, because viewers merge what is called the same."""
    taken = dict[str, int]()
    for check in checks:
        name = f"{check.name} ({check.terms})" if check.terms else check.name
        taken[name] = taken.get(name, 0) + 1
        yield name if taken[name] == 1 else f"{name} #{taken[name]}", check


def _last_judged(seen: Sequence[Seen]) -> dict[str, tuple[float, Judged]]:
    """The last word on each check; a failure stays the last."""
    found = dict[str, tuple[float, Judged]]()
    for each in seen:
        if isinstance(fact := each.fact, Judged):
            known = found.get(fact.check)
            if known is None or known[1].verdict != Result.FAIL:
                found[fact.check] = each.at_s, fact
    return found


def _expected(
    expectation: Expectation, outcome: Outcome, judged: dict[str, tuple[float, Judged]]
) -> Check:
    found = _broken(expectation.check, outcome)
    result, at_s, detail = (
        _undisturbed(expectation, outcome, judged.get(expectation.check))
        if found is None
        else (Result.FAIL, found.at_s, found.statement)
    )
    return Check(
        expectation.check, expectation.mode.value, terms(expectation), result, at_s, detail, found
    )


def _undisturbed(
    expectation: Expectation, outcome: Outcome, said: tuple[float, Judged] | None
) -> tuple[Result, float | None, str]:
    """What an expectation came to that no violation speaks of."""
    match expectation.mode:
        case Mode.ALWAYS:
            return Result.PASS, None, f"held for {clock(outcome.virtual_s)}"
        case Mode.SOMETIMES if expectation.check in outcome.probes:
            return Result.PASS, None, "was reached"
        case Mode.SOMETIMES:
            return Result.UNREACHED, None, "was not reached with this seed"
        case Mode.WITHIN if said is not None:
            return Result(said[1].verdict), said[0], said[1].detail
        case Mode.WITHIN:
            return Result.UNREACHED, None, "the run ended before it was decided"


def _other(name: str, outcome: Outcome, judged: dict[str, tuple[float, Judged]]) -> Check:
    found = _broken(name, outcome)
    if found is not None:
        return Check(name, CHECKER, "", Result.FAIL, found.at_s, found.statement, found)
    if name not in judged:
        return Check(name, CHECKER, "", Result.PASS, None, f"held for {clock(outcome.virtual_s)}")
    at_s, fact = judged[name]
    return Check(name, CHECKER, "", Result(fact.verdict), at_s, fact.detail)


def _broken(check: str, outcome: Outcome) -> Violation | None:
    return next((each for each in outcome.violations if each.check == check), None)


def terms(expectation: Expectation) -> str:
    """What an expectation says besides its check, as its file does."""
    parts = [f"{key} {text}" for key, text in expectation.parameters]
    if expectation.on != "honest":
        parts.append(f"on {expectation.on}")
    if expectation.at is not None:
        parts.append(f"at {format_trigger(expectation.at)}")
    if expectation.within_ms:
        parts.append(f"within {format_ms(expectation.within_ms)}")
    return ", ".join(parts)
