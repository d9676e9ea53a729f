"""Safety checkers: silent over what is allowed, loud over what is not."""

from chain.parameters import Consensus
from testnet.checkers.safety import DEPTH_BLOCKS
from testnet.checkers.sight import GRACE_S
from testnet.observation import (
    BlockLeft,
    FaultBegan,
    FaultEnded,
    Glimpse,
    NodeStarted,
    NodeStopped,
    Seen,
    TransactionOffered,
    Trouble,
)
from testnet.outcome import Verdict
from tests.chain.founding import AUTHORITIES, MINING, transfer
from tests.testnet.checkers.small import Small, branch, expected, joined, judged, names, verdicts

DEPTH_2 = expected("common-prefix", depth="2")


def split(length: int, at_s: float = 1.0) -> list[Seen]:
    """n1 and n2 on branches of their own, above a first block they share."""
    shared = [Seen(0.0, joined(node, "g", "", 0)) for node in ("n1", "n2")]
    heights = range(1, length + 1)
    return [*shared, *branch("n1", "a", heights, at_s=at_s), *branch("n2", "b", heights, at_s=at_s)]


def offered(transaction: str, sequence: int, node: str = "n1") -> TransactionOffered:
    return TransactionOffered(node, transaction, "alice", 0, sequence, 99)


def test_a_clean_run_with_payments_forks_and_a_restart_is_silent() -> None:
    net = Small()
    for sequence in range(4):
        net.offer("n1", transfer(sequence))
    net.grow(range(1, 4))
    lone, fifth = net.make(4), net.make(5)
    net.give(lone, "n2")
    net.give(fifth, "n3", "n1")
    sixth = net.make(6)
    net.give(sixth, "n1", "n3")
    net.stop("n1")
    net.start("n1")
    net.give(lone, "n3", "n1")
    net.give(fifth, "n2")
    net.give(sixth, "n2")
    net.grow(range(7, 12))
    assert len({on.head.id for on in net.ledgers.values()}) == 1
    assert any(isinstance(each.fact, BlockLeft) for each in net.seen)
    assert verdicts(net, DEPTH_2) == ()


def test_chains_that_part_deeper_than_allowed_are_told_once_with_both_heads() -> None:
    found = judged(split(6), DEPTH_2)
    assert names(found) == ("common-prefix",)
    assert len(found) == 1
    assert found[0].verdict is Verdict.SAFETY
    assert found[0].nodes == ("n1", "n2")
    assert "a3" in found[0].statement
    assert "b3" in found[0].statement
    assert any("n2 took b3" in line for line in found[0].causes)


def test_two_blocks_of_difference_are_within_a_depth_of_two() -> None:
    assert judged(split(2), DEPTH_2) == []


def test_without_a_depth_a_dozen_blocks_are_too_many() -> None:
    assert judged(split(DEPTH_BLOCKS)) == []
    assert names(judged(split(DEPTH_BLOCKS + 1))) == ("common-prefix",)


def test_a_fault_in_force_explains_what_it_parts_and_no_more() -> None:
    began = Seen(0.5, FaultBegan("cut", "partition.halves", ("n1",), ("n2",)))
    long = split(60)
    assert judged([began, *long]) == []
    ended = Seen(10.5, FaultEnded("cut", 5, True))
    found = judged([began, ended, *long])
    assert names(found) == ("common-prefix",)
    assert found[0].at_s >= 10.5 + GRACE_S


def test_a_restored_backup_a_dead_node_and_a_hostile_one_are_not_judged() -> None:
    facts = split(2)
    dead = [
        *facts,
        Seen(3.5, NodeStopped("n2", "killed")),
        *branch("n1", "a", range(3, 9), "a2", 4),
    ]
    assert judged(dead, DEPTH_2) == []
    back = [*dead, Seen(20.0, NodeStarted("n2")), Seen(20.0, joined("n2", "g", "", 0))]
    assert judged(back, DEPTH_2) == []
    assert judged(split(6), DEPTH_2, hostile=("n2",)) == []
    turned = [Seen(0.0, NodeStarted("n2", False)), *split(6, 2.0)]
    assert judged(turned, DEPTH_2) == []


def test_a_node_restarted_on_another_chain_is_judged_again() -> None:
    facts = [*split(2), Seen(3.5, NodeStopped("n2", "killed")), Seen(4.0, NodeStarted("n2"))]
    facts += [*branch("n1", "a", range(3, 6), "a2", 4), *branch("n2", "b", range(3, 6), "b2", 5)]
    assert names(judged(facts, DEPTH_2)) == ("common-prefix",)


def test_a_transaction_twice_on_one_chain() -> None:
    chain = [
        joined("n1", "a", "g", 1, "t1"),
        joined("n1", "b", "a", 2),
        joined("n1", "c", "b", 3, "t1"),
    ]
    found = judged([Seen(float(n), fact) for n, fact in enumerate(chain)])
    assert names(found) == ("once",)
    assert found[0].height == 3


def test_a_transaction_twice_in_one_block() -> None:
    assert names(judged([Seen(0.0, joined("n1", "a", "g", 1, "t1", "t1"))])) == ("once",)


def test_two_transactions_with_one_number_on_one_chain() -> None:
    facts = [
        Seen(0.0, offered("t1", 7)),
        Seen(0.0, offered("t2", 7, "n2")),
        Seen(1.0, joined("n1", "a", "g", 1, "t1")),
        Seen(2.0, joined("n1", "b", "a", 2, "t2")),
    ]
    found = judged(facts)
    assert names(found) == ("once",)
    assert "number 7 of lane 0" in found[0].statement


def test_a_transaction_on_two_branches_is_there_once_on_each() -> None:
    facts = [
        joined("n1", "a", "g", 1, "t1"),
        joined("n2", "b", "g", 1, "t1"),
        BlockLeft("n1", "a", 1),
    ]
    facts.append(joined("n1", "b", "g", 1, "t1"))
    assert judged([Seen(float(n), fact) for n, fact in enumerate(facts)]) == []


def test_a_head_repeated_after_a_start_is_no_second_inclusion() -> None:
    facts = [joined("n1", "a", "g", 1, "t1"), NodeStarted("n1"), joined("n1", "a", "g", 1)]
    facts.append(joined("n2", "a", "g", 1, "t1"))
    assert judged([Seen(float(n), fact) for n, fact in enumerate(facts)]) == []


def sealed_twice(net: Small) -> None:
    """n2 makes two blocks for slot 1; each is taken by another node."""
    net.give(net.make(1), "n2")
    fresh = Small()
    fresh.offer("n2", transfer(0))
    other = fresh.make(1)
    net.ledgers["n1"].submit(transfer(0), 0)
    net.give(other, "n1", "n3")


def test_an_honest_author_that_seals_two_blocks_for_one_slot() -> None:
    net = Small()
    sealed_twice(net)
    found = judged(net.seen, on=net.ground(), ending=net.ending())
    assert names(found) == ("no-double-signing",)
    assert found[0].nodes == ("n2",)
    assert AUTHORITIES[1].did.hex() == dict(net.ground().authors)["n2"]


def test_a_hostile_author_may_do_what_it_likes() -> None:
    net = Small()
    sealed_twice(net)
    assert judged(net.seen, on=net.ground(hostile=("n2",)), ending=net.ending()) == []


def test_whoever_works_may_find_two_blocks_in_a_slot() -> None:
    net = Small(Consensus.WORK)
    net.give(net.make(1, "n2"), "n2")
    net.offer("n1", transfer(0, founding=net.genesis))
    rival = net.ledgers["n1"].propose(1, AUTHORITIES[1].author)
    block = net.ledgers["n1"].seal(rival, AUTHORITIES[1].author, MINING)
    assert block is not None
    net.give(block, "n1", "n3")
    assert verdicts(net) == ()


def test_an_unhandled_exception_is_trouble() -> None:
    trouble = Seen(3.0, Trouble("n1", "unhandled exception", "KeyError: 'x'"))
    found = judged([trouble])
    assert names(found) == ("no-trouble",)
    assert "KeyError" in found[0].statement
    assert judged([trouble], hostile=("n1",)) == []


def glimpse(mempool: int = 0, size: int = 0, queued: int = 0) -> Seen:
    return Seen(1.0, Glimpse("n1", 1, "a", 2, mempool, size, queued, 0, 0))


def test_memory_beyond_its_bounds() -> None:
    assert judged([glimpse(50_000, 32 << 20, 40 << 20)]) == []
    for beyond in (glimpse(50_001), glimpse(0, (32 << 20) + 1), glimpse(0, 0, (40 << 20) + 1)):
        found = judged([beyond, beyond])
        assert names(found) == ("memory",)
        assert len(found) == 1
        assert found[0].verdict is Verdict.BOUND
    assert names(judged([glimpse(11)], expected("memory", transactions="10"))) == ("memory",)
