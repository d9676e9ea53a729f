"""What a supervisor answers about faults, as it travels."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from testnet.errors import LaunchFailure
from testnet.processes.in_force import FaultsReply, InForce, decode_faults, encode_faults
from testnet.stage import Act, Undone
from tests.testnet.scenario.drawing import kinds

seconds = st.integers(0, 10**6).map(lambda ms: ms / 1_000)
acts = st.builds(Act, st.text(), kinds(), st.just(("n1",)), st.just(("n2", "n3")), st.just(1))
replies = st.builds(
    FaultsReply,
    st.lists(st.builds(InForce, acts, seconds, seconds, st.integers(0, 99)), max_size=3).map(tuple),
    st.none() | st.builds(Undone, st.integers(0, 99), st.booleans()),
)


@given(replies)
def test_a_reply_is_read_back(reply: FaultsReply) -> None:
    assert decode_faults(json.loads(json.dumps(encode_faults(reply)))) == reply


@pytest.mark.parametrize("value", [{}, {"faults": [{}], "undone": None}, {"faults": 3}, []])
def test_another_versions_reply_is_refused(value: object) -> None:
    with pytest.raises(LaunchFailure, match="another version"):
        decode_faults(value)
