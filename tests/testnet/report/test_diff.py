"""Where two runs part: the first fact that differs, as a naive search finds it, and its fields."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from testnet.observation import BlockJoined, Judged, Seen, encode_seen
from testnet.report.diff import diff_runs, difference_fields, difference_lines, first_divergence
from tests.testnet.report.staged import Stage, outcome

RUN = outcome(Stage(blocks=12, broken=False))
FACTS = st.lists(
    st.tuples(st.integers(0, 3), st.sampled_from("ab")).map(
        lambda pair: Seen(float(pair[0]), Judged(pair[1], "pass", ""))
    ),
    max_size=8,
)


@given(FACTS, FACTS)
def test_the_first_that_differs(left: list[Seen], right: list[Seen]) -> None:
    found = first_divergence(left, right)
    texts = [list(map(encode_seen, side)) for side in (left, right)]
    if texts[0] == texts[1]:
        assert found is None
        return
    assert found is not None
    place = found.place
    assert texts[0][:place] == texts[1][:place]
    assert texts[0][place : place + 1] != texts[1][place : place + 1]
    assert list(found.before) == left[max(0, place - 4) : place]
    assert list(found.left) == left[place : place + 4]
    assert list(found.right) == right[place : place + 4]


def test_a_run_does_not_differ_from_itself() -> None:
    found = diff_runs(RUN, replace(RUN, wall_s=99.0))
    assert (found.same, found.changes, found.divergence) == (True, (), None)
    assert difference_lines(found) == ["the same run", "  every event is the same"]


def test_the_fields_that_differ_are_named() -> None:
    ruined = [
        replace(each, fact=replace(each.fact, state="beef"))
        if isinstance(each.fact, BlockJoined)
        else each
        for each in RUN.seen
    ]
    found = first_divergence(RUN.seen, ruined)
    assert found is not None
    assert isinstance(found.left[0].fact, BlockJoined)
    (field,) = found.fields
    assert field.startswith("state: ")
    assert field.endswith("| beef")


def test_times_that_are_written_alike_are_the_same() -> None:
    later = [replace(each, at_s=each.at_s + 1e-9) for each in RUN.seen]
    rounded = [replace(each, at_s=round(each.at_s, 6)) for each in RUN.seen]
    assert first_divergence(rounded, later) is None


def test_another_seed_is_told_with_all_that_changed() -> None:
    other = outcome(Stage(blocks=12, broken=False), seed=8)
    found = diff_runs(RUN, other)
    assert not found.same
    assert [change.what for change in found.changes][:2] == ["seed", "digest"]
    lines = difference_lines(found)
    assert lines[0] == "two different runs"
    assert "  seed: 7 | 8" in lines
    told = difference_fields(found)
    assert (told["diff"], told["same"]) == (1, False)


def test_a_run_that_is_over_has_nothing_to_show() -> None:
    found = first_divergence(RUN.seen, RUN.seen[:5])
    assert found is not None
    assert (found.place, found.right, found.fields) == (5, (), ())
    assert found.statement.endswith("«nothing» in the other")


def test_the_first_line_in_which_scenarios_differ() -> None:
    other = replace(RUN, scenario=replace(RUN.scenario, duration_ms=61_000))
    (change,) = diff_runs(RUN, other).changes
    assert (change.left, change.right) == ('duration = "1m"', 'duration = "61s"')
