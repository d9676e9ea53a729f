"""The lines between a supervisor and its children, and a node that stops reading."""

import socket

import pytest
from hypothesis import given
from hypothesis import strategies as st

from testnet.errors import Unfit
from testnet.faults.process import Pause
from testnet.pipes import (
    Begin,
    Begun,
    End,
    Ended,
    Hits,
    NodePipe,
    Reported,
    Started,
    decode_news,
    decode_order,
    encode_answer,
    encode_order,
    encode_report,
    encode_started,
)
from testnet.stage import Act, Undone
from testnet.views import NodeReport

counts = st.integers(0, 2**53)
answers = st.one_of(
    st.builds(Begun, st.text(), st.text()),
    st.builds(Ended, st.text(), st.builds(Undone, counts, st.booleans())),
    st.dictionaries(st.text(), counts, max_size=5).map(lambda found: Hits(tuple(found.items()))),
)
ACT = Act("f1", Pause(), ("n1",), ("n2",), 3)


@given(answers)
def test_answers_are_read_back(answer: Begun | Ended | Hits) -> None:
    assert decode_news(encode_answer(answer)) == answer


def test_the_other_lines_are_read_back() -> None:
    report = NodeReport(height=3, peers=("aa",))
    assert decode_news(encode_report(report)) == Reported(report)
    assert decode_news(encode_started()) == Started()
    for order in (Begin(ACT), End("f1")):
        assert decode_order(encode_order(order)) == order


@given(st.binary(max_size=60))
def test_anything_else_is_refused(line: bytes) -> None:
    for read in (decode_news, decode_order):
        with pytest.raises(Unfit):
            read(line)


@pytest.mark.parametrize("line", [b'{"weather": 1}', b'{"ended": "f1"}', b'{"counts": 3}', b"{}"])
def test_news_of_another_shape_is_refused(line: bytes) -> None:
    with pytest.raises(Unfit, match=r"not a report|no news"):
        decode_news(line)


def test_a_child_that_does_not_read_is_noticed() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        pipe = NodePipe(ours)
        sent = 0
        while pipe.order(Begin(ACT)):
            sent += 1
        assert sent > 100
        theirs.close()
        assert pipe.read() is None or pipe.read() == []
