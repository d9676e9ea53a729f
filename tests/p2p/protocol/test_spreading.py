"""Networks of routers without blocks: what one accepts reaches everybody, whatever is lost."""

import random

import pytest

from chain.transactions.envelope import Transaction
from p2p.protocol.allowances import UNVERIFIED_MAX
from p2p.protocol.effects import Send
from p2p.protocol.reconciliation import ALL_MAX, EVERY_S
from p2p.wire.messages import (
    AnnounceShort,
    AnnounceTransactions,
    Differ,
    GetShort,
    Message,
    Reconcile,
    Transactions,
)
from tests.p2p.founding import Founding, found
from tests.p2p.protocol.simnet import Host, SimNet

FOUNDING: Founding = found(authorities=4)


def network(size: int, eager: int, seed: int = 1) -> tuple[SimNet, list[Host]]:
    net = SimNet(FOUNDING, seed)
    hosts = [net.add(f"n{i}", None, ("n0",) if i else (), eager=eager) for i in range(size)]
    net.run(5)
    return net, hosts


def publish(net: SimNet, hosts: list[Host], count: int, lane: int = 0) -> list[Transaction]:
    """Transactions of one sender, in order, by clients of different hosts, ten a second."""
    txs = [FOUNDING.transfer(n, lane=lane) for n in range(count)]
    for number, tx in enumerate(txs):
        net.submit(hosts[number % len(hosts)], [tx.raw])
        net.run(0.1)
    return txs


def missing(hosts: list[Host], txs: list[Transaction]) -> list[tuple[str, int]]:
    return [
        (host.name, tx.sequence)
        for host in hosts
        for tx in txs
        if not host.ledger.mempool.has(tx.id)
    ]


def copies(hosts: list[Host], txs: list[Transaction]) -> float:
    received = sum(host.counts.get(("gossip", "received"), 0) for host in hosts)
    return received / (len(txs) * (len(hosts) - 1))


@pytest.mark.parametrize(("eager", "copies_max"), [(0, 1.05), (1, 1.9), (2, 2.8), (3, 3.7)])
def test_each_arrives_in_few_copies_and_is_checked_once(eager: int, copies_max: float) -> None:
    # Everybody is the publisher's neighbour here, and gets its copy besides those of eager links.
    net, hosts = network(8, eager)
    txs = publish(net, hosts, 60)
    net.run(2)
    assert missing(hosts, txs) == []
    assert copies(hosts, txs) <= copies_max
    for host in hosts:
        assert len(host.checked) == len(set(host.checked)) == len(txs)
        assert not host.penalties


@pytest.mark.parametrize(
    ("eager", "count"), [(0, 1000), (2, 1000), (2, UNVERIFIED_MAX + 500)], ids=str
)
def test_what_a_burst_publishes_reaches_everybody(eager: int, count: int) -> None:
    net, hosts = network(6, eager)
    txs = [FOUNDING.transfer(n) for n in range(count)]
    ticket = net.submit(hosts[3], [tx.raw for tx in txs])
    net.run(10)
    (results,) = [hosts[3].answers[ticket]]
    assert all(result.accepted and result.pushed == 5 for result in results)
    assert missing(hosts, txs) == []
    assert not any(host.penalties for host in hosts)


@pytest.mark.parametrize("lost", [AnnounceShort, Transactions, GetShort])
def test_lost_messages_are_made_up_for(lost: type[Message]) -> None:
    net, hosts = network(6, 2)
    rng = random.Random(5)
    net.loses = lambda message: isinstance(message, lost) and rng.random() < 0.5
    txs = publish(net, hosts, 30)
    net.loses = lambda message: False
    net.run(3 * EVERY_S)
    assert missing(hosts, txs) == []
    codes = [penalty.code for host in hosts for penalty in host.penalties]
    assert codes == ["unserved"] * len(codes)
    assert all(len(host.links) == 5 for host in hosts), "nobody is sent away for what got lost"


def test_what_nobody_heard_of_is_found_by_comparison() -> None:
    net, hosts = network(5, 2)
    spread = (AnnounceShort, AnnounceTransactions, Transactions)
    net.loses = lambda message: isinstance(message, spread)
    txs = publish(net, hosts[:1], 20)
    assert len(missing(hosts, txs)) == 4 * len(txs)
    net.loses = lambda message: False
    net.run(4 * EVERY_S)
    assert missing(hosts, txs) == []


def test_halves_that_meet_again_compare_instead_of_telling_everything() -> None:
    net, hosts = network(6, 2)
    common = [FOUNDING.transfer(n) for n in range(3 * ALL_MAX)]
    net.submit(hosts[0], [tx.raw for tx in common])
    net.run(5)
    net.split(hosts[:3], hosts[3:])
    net.run(1)
    left, right = (publish(net, part, 40, lane) for part, lane in ((hosts[:3], 1), (hosts[3:], 2)))
    before = sum(host.counts.get(("gossip", "announced"), 0) for host in hosts)
    net.heal()
    net.run(60)
    assert missing(hosts, [*common, *left, *right]) == []
    told = sum(host.counts.get(("gossip", "announced"), 0) for host in hosts) - before
    links = sum(len(host.links) for host in hosts)
    assert told < links * len(common), "not everything to everybody"
    assert sum(host.sent.get("Reconcile", 0) for host in hosts) > 0


def test_nothing_invalid_is_relayed() -> None:
    net, hosts = network(5, 2)
    good = FOUNDING.transfer(0)
    wrong = good.raw[:-1] + bytes([good.raw[-1] ^ 1])
    poor = FOUNDING.transfer(1, amount=10**9)
    liar = next(iter(hosts[0].links))
    net.deliver(liar, hosts[0], Transactions(0, (wrong, poor.raw, b"junk")))
    net.run(EVERY_S * 2)
    assert all(len(host.ledger.mempool) == 0 for host in hosts)
    assert all(not host.checked for host in hosts[1:])
    assert not any(host.sent.get("Transactions", 0) for host in hosts)


def test_equal_pools_say_nothing_to_each_other() -> None:
    net, hosts = network(4, 2)
    publish(net, hosts, 10)
    net.run(5)
    before = {name: sum(h.sent.get(name, 0) for h in hosts) for name in ("Differ", "AnnounceShort")}
    net.run(3 * EVERY_S)
    after = {name: sum(h.sent.get(name, 0) for h in hosts) for name in ("Differ", "AnnounceShort")}
    assert after == before
    assert sum(host.sent.get("Reconcile", 0) for host in hosts) >= 8


def test_comparisons_that_nobody_asked_for_are_not_answered() -> None:
    net, hosts = network(3, 2)
    publish(net, hosts, 5)
    peer = next(iter(hosts[0].links))
    unasked = net.deliver(peer, hosts[0], Differ(2**64 - 1, True))
    assert not any(isinstance(effect, Send) for effect in unasked)
    asked = net.deliver(peer, hosts[0], Reconcile(b""))
    assert any(isinstance(e, Send) and isinstance(e.message, Differ) for e in asked)
