"""Attackers are to be named by the honest, and gone."""

from p2p.peers.peer import short
from testnet.checkers.checker import Ending
from testnet.conditions import spec_of
from testnet.founding import node_key
from testnet.observation import Fact, Glimpse, Refused, Seen
from testnet.outcome import Verdict, Violation
from tests.testnet.checkers.small import expected, ground, judged

NOTHING = Ending(60.0, (), 0.0, ())
SPEC = spec_of(ground().scenario)


def blamed(node: str, by: str) -> Fact:
    return Refused(by, short(node_key(SPEC, node).public), "flood", "too much of it")


def peers(node: str, count: int) -> Fact:
    return Glimpse(node, 1, "", count, 0, 0, 0, 0, 0)


def found(
    *facts: Fact, hostile: tuple[str, ...] = ("n3",), check: str = "expelled"
) -> list[Violation]:
    seen = [Seen(float(second), fact) for second, fact in enumerate(facts)]
    return judged(seen, expected(check), hostile=hostile, ending=NOTHING)


def test_named_and_gone() -> None:
    assert found(peers("n3", 2), blamed("n3", by="n1"), peers("n3", 0)) == []
    assert found(hostile=()) == []


def test_nobody_has_named_it() -> None:
    (unnamed,) = found(peers("n3", 0))
    assert (unnamed.check, unnamed.verdict) == ("expelled", Verdict.LIVENESS)
    assert unnamed.statement == "n3 attacked, and no honest node has blamed it for anything"


def test_only_the_honest_can_name_and_only_the_hostile_are_asked_for() -> None:
    both = ("n2", "n3")
    blame = (blamed("n3", by="n2"), blamed("n1", by="n1"), blamed("n2", by="n1"))
    (unnamed,) = found(*blame, hostile=both)
    assert unnamed.statement.startswith("n3 attacked")


def test_it_is_still_there() -> None:
    (there,) = found(blamed("n3", by="n1"), peers("n3", 1), peers("n1", 2))
    assert there.statement == "n3 attacked, and still has connections to 1 nodes at the end"


def test_only_attackers_are_to_blame() -> None:
    assert found(blamed("n3", by="n1"), blamed("n1", by="n3"), check="blameless") == []
    (wrong,) = found(blamed("n2", by="n1"), check="blameless")
    assert (wrong.check, wrong.verdict, wrong.nodes) == (
        "blameless",
        Verdict.LIVENESS,
        ("n1", "n2"),
    )
    assert wrong.statement == "n1 blames n2, which is honest: flood: too much of it"
