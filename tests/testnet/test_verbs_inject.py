"""Faults as the command line's words say them."""

import pytest

from testnet.errors import Unfit
from testnet.faults.gossip import Drop
from testnet.faults.kinds import Kind
from testnet.faults.link import Bandwidth, Delay, Loss
from testnet.faults.partition import Partition
from testnet.faults.process import Pause
from testnet.processes.in_force import FaultsReply, InForce
from testnet.scenario.selectors import Cast
from testnet.stage import Act
from testnet.verbs_inject import aim, free_id, parse_fault, said

CAST = Cast(("n1", "n2", "n3"), ("n1", "n2"), leader="n2")


@pytest.mark.parametrize(
    ("words", "kind"),
    [
        ("link.delay by=200ms shape=pareto", Delay(200, shape="pareto")),
        ("link.loss probability=0.25", Loss(0.25)),
        ("link.loss probability=1", Loss(1.0)),
        ("link.bandwidth rate=64kbit/s", Bandwidth(64_000)),
        ("gossip.drop messages=blocks,ping from-height=7", Drop(("blocks", "ping"), from_height=7)),
        ("gossip.drop messages=blocks", Drop(("blocks",))),
        ("process.pause", Pause()),
    ],
)
def test_words_become_a_fault(words: str, kind: Kind) -> None:
    name, *given = words.split()
    assert parse_fault(name, given) == kind
    assert said(kind).split()[0] == name


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        ("link.dela by=1s", "did you mean 'link.delay'"),
        ("kill", "did you mean 'process.kill'"),
        ("link.delay bye=2s", "did you mean 'by'"),
        ("link.delay by=2", "'2' is no duration; write 200ms"),
        ("link.delay", "by is missing; give a duration"),
        ("link.loss probability=2", "it is 2; it can be 0 to 1"),
        ("gossip.drop messages=bloks", "'bloks' is none of .*; did you mean 'blocks'"),
        ("gossip.drop messages=blocks,pong,pig", "'pig' is none of .*; did you mean 'ping'"),
        ("link.delay by=1s by=2s", "by is given twice"),
        ("process.kill data", "write KEY=VALUE"),
        ("process.kill data=lost", "'lost' is none of kept, wiped"),
    ],
)
def test_wrong_words_are_refused_with_what_would_be_right(words: str, reason: str) -> None:
    name, *given = words.split()
    with pytest.raises(Unfit, match=reason):
        parse_fault(name, given)


def test_sides_are_resolved() -> None:
    cut = aim(Partition(), "cut", "leader", "", CAST)
    assert (cut.on, cut.to) == (("n2",), ("n1", "n3"))
    slow = aim(Delay(5), "f1", "n3", "", CAST)
    assert (slow.on, slow.to) == (("n3",), ("n1", "n2", "n3"))
    assert aim(Delay(5), "f1", "n3", "n1", CAST).to == ("n1",)
    assert aim(Delay(5), "f1", "rand:2", "", CAST) == aim(Delay(5), "f1", "rand:2", "", CAST)


@pytest.mark.parametrize(
    ("identity", "selector", "reason"),
    [("No!", "n1", "is no id"), ("f1", "n9", "no node 'n9'"), ("f1", "all", "no 'others'")],
)
def test_impossible_aims_are_refused(identity: str, selector: str, reason: str) -> None:
    with pytest.raises(Unfit, match=reason):
        aim(Partition(), identity, selector, "", CAST)


def test_ids_that_are_in_force_are_not_used_again() -> None:
    def reply(*ids: str) -> FaultsReply:
        return FaultsReply(tuple(InForce(Act(i, Pause(), (), (), 1), 0, 0, 0) for i in ids))

    assert free_id(reply()) == "f1"
    assert free_id(reply("f1", "f3")) == "f2"
