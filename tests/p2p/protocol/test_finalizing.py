"""Networks of routers that vote: what becomes final, how fast, and what faults do to it."""

from collections.abc import Iterable
from dataclasses import replace

import pytest

from chain.consensus.finality.duty import decode_guard
from chain.consensus.finality.vote import Checkpoint, SignedVote
from chain.ledger import Ledger
from chain.tables import VOTE_GUARD
from chain.transactions.governance_seats import set_in_force
from p2p.finality_status import finality_status
from p2p.wire.messages import Votes
from tests.p2p.founding import Founding, found
from tests.p2p.protocol.heard import Heard
from tests.p2p.protocol.simnet import Host, SimNet
from tests.parties import Party


@pytest.fixture(scope="module")
def founding() -> Founding:
    return found(authorities=7)


def network(founding: Founding, seed: int = 1) -> tuple[SimNet, list[Host], Heard]:
    net = SimNet(founding, seed)
    heard = net.loses = Heard()
    hosts = [
        net.add(f"n{i}", party, () if i == 0 else ("n0",))
        for i, party in enumerate(founding.authorities)
    ]
    return net, hosts, heard


def slot(net: SimNet) -> int:
    return net.founding.genesis.slot_at(net.now().unix_ms)


def lag(net: SimNet, host: Host) -> int:
    return slot(net) - host.ledger.finality.finalized.epoch


def agree(hosts: Iterable[Host]) -> None:
    """No two have final blocks of different chains."""
    ledgers = [host.ledger for host in hosts]
    for one in ledgers:
        for other in ledgers:
            final = one.finality.finalized.block
            known = other.node(final)
            if known is not None and known.height <= _height(other):
                assert other.block_id_at(known.height) == final


def _height(ledger: Ledger) -> int:
    node = ledger.node(ledger.finality.finalized.block)
    return 0 if node is None else node.height


def test_a_healthy_network_finalizes_within_three_slots(founding: Founding) -> None:
    net, hosts, heard = network(founding)
    net.run(6)
    for _ in range(12):
        net.run(1)
        assert max(lag(net, host) for host in hosts) <= 3
    agree(hosts)
    assert not heard.offences()
    assert not any(host.penalties for host in hosts)
    for host in hosts:
        assert len(host.checked) == len(set(host.checked))
        assert finality_status(host.ledger, slot(net)).late == ""
    certificates = sum(host.sent.get("Certificates", 0) for host in hosts)
    assert certificates < 7 * 6 + 12 * 7, "votes make certificates everywhere: few are sent"


def test_three_of_seven_killed_stop_it_and_one_restarted_resumes_it(founding: Founding) -> None:
    net, hosts, heard = network(founding)
    net.run(8)
    for host in hosts[5:]:
        net.kill(host)
    net.run(8)
    assert max(lag(net, host) for host in hosts[:5]) <= 6, "two leaders of seven are silent"
    net.kill(hosts[4])
    height = hosts[0].ledger.head.height
    net.run(10)
    stopped = hosts[0].ledger.finality.finalized
    net.run(6)
    assert hosts[0].ledger.finality.finalized == stopped
    assert hosts[0].ledger.head.height > height + 3, "the chain grows all the same"
    late = finality_status(hosts[0].ledger, slot(net)).late
    assert late.startswith("3 of 7 authorities not heard since slot")
    net.add("n4", founding.authorities[4], ("n0",), hosts[4].store)
    net.run(4)
    assert hosts[0].ledger.finality.finalized.epoch > stopped.epoch + 10
    agree(host for host in net.hosts.values() if host.alive)
    assert not heard.offences()


@pytest.mark.slow
@pytest.mark.parametrize("down", [(2, 5, 6), (5, 6, 4)])
@pytest.mark.parametrize("phase", range(7))
def test_finality_is_back_within_four_slots_of_a_restart(
    founding: Founding, down: tuple[int, ...], phase: int
) -> None:
    """The last of them comes back, in whichever slot, also where those of the other two follow."""
    net, hosts, heard = network(founding)
    net.run(8)
    for place in down:
        net.kill(hosts[place])
    net.run(14 + phase)
    alive = [host for place, host in enumerate(hosts) if place not in down]
    stopped = alive[0].ledger.finality.finalized
    back = down[-1]
    net.add(f"n{back}", founding.authorities[back], (alive[0].name,), hosts[back].store)
    net.run(4.1)
    assert all(host.ledger.finality.finalized.epoch > stopped.epoch + 10 for host in alive)
    assert not heard.offences()


def test_no_side_of_four_and_three_finalizes_and_together_they_do(founding: Founding) -> None:
    net, hosts, heard = network(founding)
    net.run(8)
    net.split(hosts[:4], hosts[4:])
    net.run(3)
    before = [host.ledger.finality.finalized for host in hosts]
    net.run(20)
    assert [host.ledger.finality.finalized for host in hosts] == before
    net.heal()
    net.run(20)
    assert max(lag(net, host) for host in hosts) <= 4
    for host in hosts:
        assert host.ledger.canonical(before[0].block)
    agree(hosts)
    assert not heard.offences()


@pytest.mark.parametrize("seed", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_a_voter_killed_at_any_moment_never_signs_what_excludes_its_earlier_votes(
    founding: Founding, seed: int
) -> None:
    net, hosts, heard = network(founding, seed)
    net.run(4)
    victim = hosts[3]
    for _ in range(25):
        net.run(net.rng.uniform(0.05, 1.3))
        net.kill(victim)
        net.run(net.rng.uniform(0.0, 0.4))
        victim = net.add("n3", founding.authorities[3], ("n0", "n1"), victim.store)
    net.run(6)
    row = victim.store.get(VOTE_GUARD + founding.authorities[3].vote.public)
    assert row is not None
    signed = [vote for vote in heard.votes.values() if vote.member == 3]
    assert len(signed) > 5
    assert max(vote.vote.target.epoch for vote in signed) <= decode_guard(row).target
    assert not heard.offences()
    assert max(lag(net, host) for host in hosts[:3]) <= 4


def test_who_votes_twice_loses_its_seat_by_one_report(founding: Founding) -> None:
    net, hosts, heard = network(founding)
    net.run(5.8)
    thief = founding.authorities[2]
    for host in hosts[:2]:
        second = second_vote(host, thief, 2)
        heard(Votes((second.encode(),)))
        net.deliver(hosts[2].id, host, Votes((second.encode(),)))
    net.run(25)
    assert len(heard.offences()) == 1
    for host in hosts[:2]:
        assert set_in_force(host.ledger.state).index(thief.did) is None
        assert host.ledger.finality.finalized.set_id == 1
    reports = sum(host.counts.get(("evidence", "accepted"), 0) for host in hosts)
    assert reports == 1
    agree(hosts)


def second_vote(host: Host, thief: Party, member: int) -> SignedVote:
    """Another vote of a member in the slot it has voted in last, for another block."""
    pool, head = host.ledger.finality.pool, host.ledger.head
    (first,) = [v for v in pool.votes(head.slot) if v.member == member]
    vote = replace(first.vote, target=Checkpoint(head.parent, head.slot))
    return SignedVote(vote, member, thief.vote.sign(vote.signed_bytes(host.ledger.chain)))
