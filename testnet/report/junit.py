"""JUnit XML, as CI servers read it: a suite for each run, a case for each check.

The format has no standard; this keeps to what Jenkins, GitLab and GitHub's readers have in common
(testmoapp.com/junitxml lists it): nothing else is written than suites, properties, cases, failures
and skips. A probe that this seed did not reach is a skip, because only a campaign can miss it.
"""

import re
from collections.abc import Iterable, Sequence
from xml.etree import ElementTree as Xml

from testnet.outcome import Outcome
from testnet.report.checks import Check, Result, checks_of, named_once
from testnet.report.story import lines_of, story_of

FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that no XML 1.0 document can hold, not even escaped."""

REPLACEMENT = "\ufffd"


def junit(outcomes: Iterable[Outcome], places: Iterable[str]) -> str:
    """The document. `places` are the folders of the runs, for the line that replays them."""
    suites = [_suite(outcome, place) for outcome, place in zip(outcomes, places, strict=True)]
    root = Xml.Element("testsuites", {"name": "cornerstone testnet"} | _sums(suites))
    root.extend(suites)
    Xml.indent(root)
    return Xml.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def _suite(outcome: Outcome, place: str) -> Xml.Element:
    checks = checks_of(outcome)
    counts = [check.result for check in checks]
    suite = Xml.Element(
        "testsuite",
        name=clean(f"{outcome.scenario.name} seed {outcome.seed}"),
        tests=str(len(checks)),
        failures=str(counts.count(Result.FAIL)),
        errors="0",
        skipped=str(counts.count(Result.UNREACHED)),
        time=f"{outcome.wall_s:.3f}",
    )
    properties = Xml.SubElement(suite, "properties")
    for name, value in _properties(outcome):
        Xml.SubElement(properties, "property", name=clean(name), value=clean(value))
    share_s = outcome.wall_s / max(len(checks), 1)
    suite.extend(_case(outcome, name, check, share_s, place) for name, check in named_once(checks))
    return suite


def _case(outcome: Outcome, name: str, check: Check, share_s: float, place: str) -> Xml.Element:
    """`share_s` is an equal share of the run's time, so that the sums a viewer makes are right."""
    case = Xml.Element(
        "testcase",
        name=clean(f"{name} [seed {outcome.seed}]"),
        classname=clean(f"{outcome.scenario.name}.{check.mode}"),
        time=f"{share_s:.3f}",
    )
    if check.result is Result.FAIL:
        kind = outcome.verdict if check.violation is None else check.violation.verdict
        failure = Xml.SubElement(case, "failure", message=clean(check.detail), type=kind.value)
        told = story_of(outcome, place, check.violation)
        failure.text = clean("\n".join(lines_of(told)) if told else check.detail)
    elif check.result is Result.UNREACHED:
        Xml.SubElement(case, "skipped", message=clean(check.detail))
    return case


def _properties(outcome: Outcome) -> list[tuple[str, str]]:
    return [
        ("seed", str(outcome.seed)),
        ("tier", outcome.tier.value),
        ("verdict", outcome.verdict.value),
        ("digest", outcome.digest),
        ("virtual_s", f"{outcome.virtual_s:.3f}"),
        *((each.name, f"{each.value:g} {each.unit}") for each in outcome.figures),
    ]


def _sums(suites: Sequence[Xml.Element]) -> dict[str, str]:
    counts = {
        key: str(sum(int(suite.attrib[key]) for suite in suites))
        for key in ("tests", "failures", "errors", "skipped")
    }
    return counts | {"time": f"{sum(float(suite.attrib['time']) for suite in suites):.3f}"}


def clean(text: str) -> str:
    """The text without what XML cannot hold; the writer escapes the rest."""
    return FORBIDDEN.sub(REPLACEMENT, text)
