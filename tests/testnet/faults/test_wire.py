"""Acts as JSON: what is written is read back, what is not understood is refused."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from testnet.errors import Unfit
from testnet.faults.wire import decode_act, encode_act
from testnet.stage import Act
from tests.testnet.scenario.drawing import kinds

names = st.lists(st.integers(1, 200).map("n{}".format), max_size=4).map(tuple)
acts = st.builds(Act, st.text(min_size=1), kinds(), names, names, st.integers(0, 2**63 - 1))

GOOD: dict[str, object] = {
    "id": "f1",
    "do": "link.delay",
    "with": {"by": "200ms"},
    "on": ["n1"],
    "to": ["n2"],
    "seed": 7,
}


@given(acts)
def test_what_is_written_is_read_back(act: Act) -> None:
    assert decode_act(json.loads(json.dumps(encode_act(act)))) == act


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"do": "link.dela"}, "did you mean 'link.delay'"),
        ({"do": 7}, "no fault is called 7"),
        ({"with": {"bx": "1s"}}, "no 'bx'; known: by, jitter"),
        ({"with": {"by": 200}}, "by: 200 is no duration"),
        ({"with": {"by": "2h"}}, "by: '2h' in milliseconds is 7200000"),
        ({"with": {}}, "by is missing; give a duration such as 200ms"),
        ({"with": []}, "parameters"),
        ({"on": "n1"}, "'n1' is no list of names"),
        ({"to": [1]}, "no list of names"),
        ({"seed": True}, "a whole number as seed"),
        ({"id": None}, "has an id"),
        ({"more": 1}, "and no others"),
    ],
)
def test_what_is_not_understood_is_refused(change: dict[str, object], reason: str) -> None:
    assert decode_act(GOOD).kind.NAME == "link.delay"
    with pytest.raises(Unfit, match=reason):
        decode_act(GOOD | change)


@pytest.mark.parametrize("value", [None, [], "act", {}, {1: 2}])
def test_what_is_no_act_at_all_is_refused(value: object) -> None:
    with pytest.raises(Unfit, match="an act has the keys"):
        decode_act(value)
