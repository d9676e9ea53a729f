"""Triggers are written as they are read, and nothing else is one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chain.primitives.errors import Invalid
from testnet.scenario.model import AfterFault, AtHeight, AtTime, Trigger
from testnet.scenario.triggers import format_trigger, parse_trigger

ids = st.from_regex(r"[a-z][a-z0-9-]{0,31}", fullmatch=True)
any_trigger = st.one_of(
    st.builds(AtTime, st.integers(0, 3_600_000)),
    st.builds(AtHeight, st.integers(0, 999_999_999)),
    st.builds(AfterFault, ids, st.integers(0, 3_600_000)),
)


@given(any_trigger)
def test_what_is_written_reads_back(trigger: Trigger) -> None:
    assert parse_trigger(format_trigger(trigger)) == trigger


@pytest.mark.parametrize(
    ("text", "trigger"),
    [
        ("1.5s", AtTime(1_500)),
        ("0s", AtTime(0)),
        ("height:0", AtHeight(0)),
        ("after:cut", AfterFault("cut", 0)),
        ("after:a-b+2m", AfterFault("a-b", 120_000)),
    ],
)
def test_the_forms(text: str, trigger: Trigger) -> None:
    assert parse_trigger(text) == trigger


@pytest.mark.parametrize(
    "text", ["", "5", "-1s", "height:", "height:-1", "after:", "after:Cut", "after:cut+", "at:5s"]
)
def test_nothing_else_is_a_trigger(text: str) -> None:
    with pytest.raises(Invalid):
        parse_trigger(text)


@given(st.text(max_size=20))
def test_any_text_is_a_trigger_or_refused(text: str) -> None:
    try:
        trigger = parse_trigger(text)
    except Invalid:
        return
    assert parse_trigger(format_trigger(trigger)) == trigger
