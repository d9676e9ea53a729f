"""Deliveries: due between nodes that live, missing when a mempool and a chain lack it for long."""

from testnet.checkers.checker import Ending
from testnet.checkers.figures import figures
from testnet.observation import (
    Fact,
    Glimpse,
    NodeStarted,
    NodeStopped,
    Seen,
    TransactionOffered,
    TransactionSeen,
)
from testnet.outcome import Verdict, Violation
from tests.testnet.checkers.small import Small, expected, joined, judged, names

NOTHING = Ending(60.0, (), 0.0, ())
LATER = Seen(30.0, NodeStarted("n9"))
"""Something that is seen when all deliveries were due."""


def at(at_s: float, fact: Fact) -> Seen:
    return Seen(at_s, fact)


def offered(transaction: str, sequence: int = 0, code: str = "", node: str = "n1") -> Fact:
    return TransactionOffered(node, transaction, "alice", 0, sequence, 99, code)


TAKEN = at(1.0, offered("t1"))
AT_N1 = at(1.0, TransactionSeen("n1", "t1"))
AT_N2 = at(1.2, TransactionSeen("n2", "t1"))
AT_N3 = at(1.3, joined("n3", "a", "g", 1, "t1"))


def found(
    *facts: Seen, share: str = "1", wait: str = "10s", hostile: tuple[str, ...] = ()
) -> list[Violation]:
    limit = expected("delivered", share=share, wait=wait)
    every = judged([*facts, LATER], limit, hostile=hostile, ending=NOTHING)
    return [violation for violation in every if violation.check == "delivered"]


def test_a_mempool_or_a_block_is_an_arrival() -> None:
    assert found(TAKEN, AT_N1, AT_N2, AT_N3) == []


def test_what_does_not_come_is_named_with_its_nodes() -> None:
    (missing,) = found(TAKEN, AT_N1, AT_N2)
    assert (missing.check, missing.verdict, missing.nodes) == ("delivered", Verdict.BOUND, ("n3",))
    assert missing.statement == (
        "1 of 2 deliveries did not happen within 10 s, 0.00% may fail: "
        "t1 (taken by n1 at 1.0 s) at n3"
    )


def test_what_comes_too_late_is_missing_and_some_may_be() -> None:
    late = at(11.5, TransactionSeen("n3", "t1"))
    assert names(found(TAKEN, AT_N2, late)) == ("delivered",)
    assert found(TAKEN, AT_N2, late, wait="11s") == []
    assert found(TAKEN, AT_N2, share="0.5") == []


def test_who_heard_it_before_the_client_was_answered_has_it() -> None:
    early = at(0.9, TransactionSeen("n3", "t1"))
    assert found(early, TAKEN, AT_N2) == []


def test_who_was_away_for_a_moment_is_owed_nothing() -> None:
    gone = at(2.0, NodeStopped("n3", "killed"))
    back = at(3.0, NodeStarted("n3"))
    assert found(TAKEN, AT_N2, gone) == []
    assert found(TAKEN, AT_N2, gone, back) == []
    before = at(0.5, NodeStarted("n3"))
    assert names(found(before, TAKEN, AT_N2)) == ("delivered",)


def test_what_a_node_took_may_go_with_it() -> None:
    assert found(TAKEN, at(2.0, NodeStopped("n1", "killed"))) == []


def test_hostile_nodes_and_refused_offers_owe_and_are_owed_nothing() -> None:
    assert found(TAKEN, AT_N2, hostile=("n3",)) == []
    assert found(at(1.0, offered("t1", node="n3")), hostile=("n3",)) == []
    assert found(at(1.0, offered("t1", code="full"))) == []


def test_another_transaction_with_its_number_will_do() -> None:
    again = at(2.0, offered("t2", node="n2"))
    third = at(2.1, TransactionSeen("n3", "t2"))
    assert found(TAKEN, AT_N2, again, AT_N1, third) == []
    other = at(2.0, offered("t2", sequence=1, node="n2"))
    assert names(found(TAKEN, AT_N2, other, AT_N1, third)) == ("delivered",)


def test_an_offer_whose_time_has_not_run_out_is_not_due() -> None:
    spoke = names(judged([TAKEN], expected("delivered"), ending=NOTHING))
    assert "delivered" not in spoke


def test_figures_tell_the_share_and_the_copies() -> None:
    ending = Small().ending()
    bodies = [
        at(2.0, Glimpse(node, 1, "", 2, 0, 0, 0, 0, 0, bodies_in=count))
        for node, count in (("n1", 1), ("n2", 2))
    ]
    run = [TAKEN, AT_N1, AT_N2, *bodies, LATER]
    known = {figure.name: figure.value for figure in figures(run, ending)}
    assert (known["delivered"], known["copies"]) == (0.5, 3.0)
