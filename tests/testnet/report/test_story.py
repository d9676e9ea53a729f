"""The story of a failure: what broke, when, between whom, under which faults, and the replay."""

from dataclasses import replace

from testnet.observation import BlockJoined, Glimpse, NodeStopped, Seen
from testnet.outcome import Verdict, Violation
from testnet.report.standing import standing
from testnet.report.story import lines_of, story_of
from tests.testnet.report.staged import CUT_S, HEAL_S, Stage, outcome

BROKEN = outcome(Stage(blocks=45))


def found_at(at_s: float, **changed: object) -> Violation:
    return replace(BROKEN.violations[0], at_s=at_s, **changed)  # type: ignore[arg-type]


def told(violation: Violation) -> str:
    story = story_of(replace(BROKEN, violations=(violation,)), "runs/a b")
    assert story is not None
    return "\n".join(lines_of(story))


def test_a_run_that_passed_has_none() -> None:
    assert story_of(outcome(Stage(broken=False)), "run") is None


def test_it_says_what_when_who_and_how_to_see_it_again() -> None:
    text = told(BROKEN.violations[0])
    assert text.startswith("A safety promise was broken: common-prefix\n")
    assert "after 41.3 s at height 27, concerning n1 and n8." in text
    assert "split after height 20: n1..n7 on" in text
    assert "No fault was in force then; the last, cut, had ended 1.3 s before." in text
    assert text.endswith("cornerstone testnet replay 'runs/a b'")


def test_the_faults_in_force_are_named() -> None:
    text = told(found_at(30.0))
    assert "In force then: cut (partition on n1..n4, since 20.0 s); slow (link.delay on n2" in text


def test_a_fault_that_ended_with_the_run_was_in_force() -> None:
    assert "In force then: cut (" in told(found_at(HEAL_S))
    assert "No fault was in force then" in told(found_at(HEAL_S + 0.1))


def test_before_the_first_fault_there_is_none_to_blame() -> None:
    assert "No fault had been in force until then." in told(found_at(3.0))


def test_without_given_causes_the_last_events_of_those_concerned_are_told() -> None:
    story = story_of(replace(BROKEN, violations=(found_at(22.0, causes=()),)), "run")
    assert story is not None
    assert 1 < len(story.causes) <= 8
    assert all("n1 " in cause or "n8 " in cause or "fault" in cause for cause in story.causes)
    assert all(float(cause.split(" s")[0]) <= 22.0 for cause in story.causes)


def test_the_gravest_is_told_first_and_the_others_counted() -> None:
    late = Violation("converged", Verdict.LIVENESS, 1.0, (), 0, "the heads differ")
    story = story_of(replace(BROKEN, violations=(late, *BROKEN.violations)), "run")
    assert story is not None
    assert story.violation.check == "common-prefix"
    assert "1 more finding in this run: converged." in story.sentences


def test_a_node_that_is_down_stands_nowhere() -> None:
    seen = [
        Seen(1.0, joined("n1", "a", "", 1)),
        Seen(1.0, joined("n2", "b", "", 1)),
        Seen(2.0, NodeStopped("n2", "killed")),
    ]
    assert "all running nodes were on one chain, height 1" in standing(seen, 3.0)
    assert "split" in standing(seen, 1.5)


def test_a_node_behind_is_on_the_same_chain() -> None:
    seen = [
        Seen(1.0, joined("n1", "a", "", 1)),
        Seen(1.0, joined("n1", "b", "a", 2)),
        Seen(1.0, joined("n2", "a", "", 1)),
    ]
    assert "one chain, heights 1 to 2" in standing(seen, 3.0)


def test_a_head_nobody_described_is_no_standing() -> None:
    assert standing([Seen(1.0, Glimpse("n1", 3, "abc", 1, 0, 0, 0, 0, 0))], 9.0) == ""
    assert CUT_S in [each.at_s for each in BROKEN.seen]


def joined(node: str, block: str, parent: str, height: int) -> BlockJoined:
    return BlockJoined(node, block, parent, height, height, "", "", ())
