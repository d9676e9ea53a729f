"""Networks of routers: they find each other, agree, carry transactions, heal, catch up."""

import pytest

from chain.parameters import Consensus
from chain.primitives.errors import Declined
from chain.transactions.envelope import decode_transaction
from tests.p2p.founding import Founding, found
from tests.p2p.protocol.simnet import Host, SimNet


@pytest.fixture
def founding() -> Founding:
    return found(authorities=4)


def network(founding: Founding, size: int = 5, seed: int = 1) -> tuple[SimNet, list[Host]]:
    """`size` hosts that know the first, the authorities spread over them in turn."""
    net = SimNet(founding, seed)
    hosts = []
    for index in range(size):
        author = founding.authorities[index] if index < len(founding.authorities) else None
        hosts.append(net.add(f"n{index}", author, ("n0",) if index else ()))
    return net, hosts


def included(host: Host, txid: bytes) -> bool:
    return host.ledger.is_included(txid)  # type: ignore[arg-type]


def common(hosts: list[Host]) -> int:
    """The greatest height at which all hosts have the same block."""
    height = min(host.ledger.head.height for host in hosts)
    while len({host.ledger.block_id_at(height) for host in hosts}) > 1:
        height -= 1
    return height


def test_from_one_bootstrap_to_one_growing_chain(founding: Founding) -> None:
    net, hosts = network(founding)
    net.run(10.9)
    assert all(len(host.links) == 4 for host in hosts)
    assert len(net.heads()) == 1
    assert hosts[0].ledger.head.height >= 8
    assert not any(host.penalties for host in hosts)


def test_transactions_are_included_everywhere_checked_once_and_sent_once(
    founding: Founding,
) -> None:
    net, hosts = network(founding)
    net.run(3)
    raws = [founding.transfer(n).raw for n in range(300)]
    ticket = net.submit(hosts[4], raws)
    net.run(0.1)
    assert [r.accepted for r in hosts[4].answers[ticket]] == [True] * 300
    net.run(5)
    for host in hosts:
        account = host.ledger.account(founding.ann.did)
        assert account is not None
        assert account.sequences == {0: 300}
        assert len(host.checked) == len(set(host.checked))
        assert len([check for check in host.checked if b"/vote/" not in check[1]]) == 300
        assert not host.penalties
    served = sum(host.sent.get("Transactions", 0) for host in hosts)
    assert served <= 4 * 6


def test_verdicts_on_bad_submissions_are_specific(founding: Founding) -> None:
    net, hosts = network(founding, size=1)
    net.run(1)
    good = founding.transfer(0)
    broken = good.raw[:-1] + bytes([good.raw[-1] ^ 1])
    poor = founding.transfer(0, amount=10**9, lane=1)
    ticket = net.submit(hosts[0], [good.raw, b"junk", broken, poor.raw, good.raw])
    net.run(0.1)
    results = hosts[0].answers[ticket]
    assert [r.accepted for r in results] == [True, False, False, False, True]
    assert results[1].id is None
    assert results[2].code == "invalid-signature"
    assert results[3].code == "insufficient-balance"
    assert results[4].id == good.id
    again = net.submit(hosts[0], [good.raw])
    net.run(0.1)
    assert [(r.accepted, r.code) for r in hosts[0].answers[again]] == [(True, "already-known")]


def test_a_partition_heals_to_one_chain_and_lost_transactions_return(founding: Founding) -> None:
    net, hosts = network(founding)
    net.run(5)
    net.split(hosts[:2], hosts[2:])
    net.run(2)
    left, right = founding.transfer(0, lane=1), founding.transfer(0, lane=2)
    net.submit(hosts[0], [left.raw])
    net.submit(hosts[2], [right.raw])
    net.run(30)
    assert len(net.heads()) == 2
    assert included(hosts[0], left.id)
    assert included(hosts[4], right.id)
    net.heal()
    net.run(40)
    assert common(hosts) >= hosts[0].ledger.head.height - 1
    for host in hosts:
        assert included(host, left.id)
        assert included(host, right.id)
        assert not host.penalties
        assert host.ledger.supply("CNY") == 2_000_000


def test_a_late_joiner_catches_up_from_several_peers(founding: Founding) -> None:
    net, hosts = network(founding)
    for second in range(150):
        net.submit(hosts[0], [founding.transfer(second).raw])
        net.run(1)
    late = net.add("late", None, ("n0",))
    net.run(4)
    assert late.ledger.head.height >= hosts[0].ledger.head.height - 1
    serving = [host for host in hosts if host.sent.get("Blocks")]
    assert len(serving) >= 3
    assert not any(host.penalties for host in net.hosts.values())


def test_a_host_that_was_away_catches_up_and_never_makes_two_blocks_in_a_slot(
    founding: Founding,
) -> None:
    net, hosts = network(founding)
    net.run(10)
    net.kill(hosts[1])
    net.run(10)
    back = net.add("n1", founding.authorities[1], ("n0",), hosts[1].store)
    net.run(10)
    assert back.ledger.head.height >= hosts[0].ledger.head.height - 1
    slot = founding.genesis.slot_at(net.now().unix_ms)
    for past in range(slot + 1):
        if past % 4 == 1 and past <= back.ledger.head.slot:
            with pytest.raises(Declined):
                back.ledger.propose(past, founding.authorities[1].author)


def test_the_network_survives_its_bootstrap(founding: Founding) -> None:
    net, hosts = network(founding)
    net.run(5)
    net.kill(hosts[0])
    net.run(8)
    alive = hosts[1:]
    assert all(len(host.links) == 3 for host in alive)
    before = min(host.ledger.head.height for host in alive)
    net.run(8)
    assert common(alive) >= before + 4


def test_skewed_clocks_ban_nobody_and_stop_nothing(founding: Founding) -> None:
    net, hosts = network(founding, size=6)
    hosts[1].skew_ms, hosts[2].skew_ms = 110_000, -110_000
    hosts[4].skew_ms = 900
    net.run(240)
    right = [hosts[0], hosts[3], hosts[4], hosts[5]]
    assert common(right) >= 90
    assert not any(host.penalties for host in hosts)
    hosts[1].skew_ms = hosts[2].skew_ms = 0
    net.run(30)
    assert common(hosts) >= hosts[0].ledger.head.height - 1


def test_miners_agree_too() -> None:
    founding = found(authorities=3, slot_ms=500, consensus=Consensus.WORK)
    net, hosts = network(founding, size=3)
    net.run(30)
    assert common(hosts) >= 5
    assert not any(host.penalties for host in hosts)


@pytest.mark.parametrize("seed", range(2, 6))
def test_any_seed_converges(founding: Founding, seed: int) -> None:
    net, hosts = network(founding, size=6, seed=seed)
    net.run(4)
    net.submit(hosts[5], [founding.transfer(n).raw for n in range(20)])
    net.split(hosts[::2], hosts[1::2])
    net.run(12)
    net.heal()
    net.run(40)
    assert common(hosts) >= hosts[0].ledger.head.height - 1
    account = hosts[3].ledger.account(founding.ann.did)
    assert account is not None
    assert account.sequences == {0: 20}


def test_each_senders_transactions_are_in_blocks_in_order_whatever_the_order_of_arrival(
    founding: Founding,
) -> None:
    net, hosts = network(founding)
    net.run(3)
    numbers = [(lane, number) for lane in (0, 1) for number in range(120)]
    net.rng.shuffle(numbers)
    for place, (lane, number) in enumerate(numbers):
        net.submit(hosts[place % len(hosts)], [founding.transfer(number, lane=lane).raw])
        net.run(0.01)
    net.run(6)
    for host in hosts:
        taken: dict[int, list[int]] = {0: [], 1: []}
        for height in range(1, host.ledger.head.height + 1):
            block = host.ledger.block_at(height)
            assert block is not None
            for raw in block.transactions:
                tx = decode_transaction(raw, founding.genesis.hash)
                taken[tx.lane].append(tx.sequence)
        assert taken == {0: list(range(120)), 1: list(range(120))}
    assert not any(host.penalties for host in hosts)
