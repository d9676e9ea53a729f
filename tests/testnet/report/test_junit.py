"""JUnit: well-formed whatever the texts, counts that add up, names that no viewer merges."""

from dataclasses import replace
from xml.etree import ElementTree as Xml

from hypothesis import given
from hypothesis import strategies as st

from testnet.outcome import Outcome, Verdict, Violation
from testnet.report.junit import junit
from testnet.scenario.model import Expectation, Mode
from tests.testnet.report.staged import Stage, outcome

BROKEN = outcome(Stage(blocks=45))
PASSED = outcome(Stage(blocks=50, broken=False), seed=8)


def parsed(*outcomes: Outcome) -> Xml.Element:
    return Xml.fromstring(junit(outcomes, [f"runs/{each.seed}" for each in outcomes]))


def test_a_case_for_each_check_and_seed() -> None:
    root = parsed(BROKEN, PASSED)
    assert [suite.attrib["name"] for suite in root] == [
        "halves-then-heal seed 7",
        "halves-then-heal seed 8",
    ]
    cases = [(case.attrib["classname"], case.attrib["name"]) for case in root[0].iter("testcase")]
    assert cases[:5] == [
        ("halves-then-heal.always", "common-prefix [seed 7]"),
        ("halves-then-heal.always", "supply [seed 7]"),
        ("halves-then-heal.check", "converged (within 15s) [seed 7]"),
        ("halves-then-heal.sometimes", "reorg [seed 7]"),
        ("halves-then-heal.sometimes", "equivocation [seed 7]"),
    ]
    assert ("halves-then-heal.checker", "no-trouble [seed 7]") in cases
    assert ("halves-then-heal.checker", "supply [seed 7]") not in cases


def test_failures_tell_the_story_and_the_replay() -> None:
    (failure,) = parsed(BROKEN, PASSED).iter("failure")
    assert failure.attrib["type"] == "safety"
    assert "n1 has finalized" in failure.attrib["message"]
    assert failure.text is not None
    assert failure.text.rstrip().endswith("cornerstone testnet replay runs/7")


def test_sums_agree_with_the_cases() -> None:
    root = parsed(BROKEN, PASSED)
    for part in (root, *root):
        for key, tag in (("tests", "testcase"), ("failures", "failure"), ("skipped", "skipped")):
            assert int(part.attrib[key]) == len(list(part.iter(tag))), key
    shares = sum(float(case.attrib["time"]) for case in root[0].iter("testcase"))
    assert abs(shares - BROKEN.wall_s) < 0.01


def test_checks_of_one_name_get_names_of_their_own() -> None:
    same = (Expectation(Mode.WITHIN, "converged", within_ms=9_000),) * 3
    root = parsed(replace(PASSED, scenario=replace(PASSED.scenario, expectations=same)))
    names = [case.attrib["name"] for case in root.iter("testcase")]
    assert len(set(names)) == len(names)
    assert "converged (within 9s) #3 [seed 8]" in names


def test_a_checker_nobody_asked_for_has_a_case_too() -> None:
    found = Violation("no-trouble", Verdict.SAFETY, 3.0, ("n2",), 0, "n2 leaked 3 tasks")
    root = parsed(replace(BROKEN, violations=(*BROKEN.violations, found)))
    (case,) = (each for each in root.iter("testcase") if "no-trouble" in each.attrib["name"])
    assert case.attrib["classname"] == "halves-then-heal.checker"
    assert case.find("failure") is not None


@given(st.text(), st.text())
def test_any_text_makes_xml(said: str, cause: str) -> None:
    found = Violation("supply", Verdict.SAFETY, 1.0, (), 0, said, (cause,))
    root = parsed(replace(PASSED, verdict=Verdict.SAFETY, violations=(found,)))
    assert len(list(root.iter("failure"))) == 1
