"""Hosts: a router each, and what happens to it when its process dies, freezes or is set back."""

from dataclasses import dataclass, field

from chain.ledger import BlockConnected, LedgerEvent
from p2p.peers.peer import PeerId
from p2p.protocol.effects import Penalize
from p2p.wire.codec import encode_message
from p2p.wire.messages import Ping
from testnet.engines.host import Host
from testnet.engines.net import SILENCE_S
from testnet.engines.population import EPOCH_MS, Network, Plan, Wires, populate
from testnet.engines.study import Setup, transfers
from testnet.founding import make_genesis
from testnet.rig.behaviour import Item
from testnet.spec import LaunchSpec

NAMES = ("n1", "n2", "n3", "n4")
SLOTS_S = 10.0


@dataclass
class Notes:
    """Implements testnet.engines.host.Witness."""

    blocks: dict[str, int] = field(default_factory=dict)
    blamed: list[str] = field(default_factory=list)

    def told(self, host: Host, event: LedgerEvent) -> None:
        if isinstance(event, BlockConnected):
            self.blocks[host.name] = self.blocks.get(host.name, 0) + 1

    def penalized(self, host: Host, penalty: Penalize) -> None:
        self.blamed.append(f"{host.name}: {penalty.code}")


def network(notes: Notes, inbound_max: int = 8) -> Network:
    """Four authors, a block a second, each dialling all before it."""
    spec = LaunchSpec(name="study", nodes=len(NAMES), authorities=len(NAMES), block_ms=1_000)
    plan = Plan(
        spec=spec,
        genesis=make_genesis(spec, EPOCH_MS),
        epoch_ms=EPOCH_MS,
        seed=1,
        cities=dict.fromkeys(NAMES, ""),
        latency="5ms",
        wires=Wires(
            {name: NAMES[:place] for place, name in enumerate(NAMES)}, False, 3, inbound_max
        ),
        uplinks_bps={},
    )
    made = populate(plan, notes)
    for host in made.hosts.values():
        host.start()
    return made


def heights(made: Network) -> dict[str, int]:
    return {name: host.ledger.head.height for name, host in made.hosts.items()}


def heads(made: Network) -> list[bytes]:
    return list(dict.fromkeys(host.ledger.head.id for host in made.hosts.values()))


def test_hosts_find_each_other_and_make_one_chain() -> None:
    notes = Notes()
    made = network(notes)
    made.heap.run(SLOTS_S - 0.5)
    assert {len(host.ways) for host in made.hosts.values()} == {3}
    assert len(heads(made)) == 1
    assert min(heights(made).values()) >= 8
    assert notes.blocks == heights(made)
    assert notes.blamed == []


def test_a_clients_transaction_is_answered_at_once_and_gets_into_everybodys_chain() -> None:
    made = network(Notes())
    made.heap.run(2.2)
    (raw,) = transfers(Setup(4), made.ground.common.genesis.hash, 1)
    host = made.hosts["n4"]
    (taken,) = host.submit([raw])
    (garbage,) = host.submit([b"\xff"])
    assert (taken.accepted, garbage.accepted) == (True, False)
    made.heap.run(5.5)
    assert taken.id is not None
    assert all(host.ledger.is_included(taken.id) for host in made.hosts.values())
    assert all(len(host.ledger.mempool) == 0 for host in made.hosts.values())


def test_a_host_that_was_killed_comes_back_with_what_it_had_and_catches_up() -> None:
    made = network(Notes())
    made.heap.run(4.5)
    victim = made.hosts["n3"]
    had = victim.ledger.head.height
    victim.kill()
    made.heap.run(9.5)
    assert victim.ledger.head.height == had
    assert all(victim.id not in host.ways for host in made.hosts.values())
    victim.restart()
    assert victim.ledger.head.height == had
    made.heap.run(15.5)
    assert len(heads(made)) == 1
    assert victim.ledger.head.height > had


def test_a_host_can_come_back_as_it_once_was() -> None:
    made = network(Notes())
    made.heap.run(3.5)
    victim = made.hosts["n2"]
    then, height = victim.store.version, victim.ledger.head.height
    made.heap.run(7.5)
    victim.kill()
    victim.restart(then)
    assert victim.ledger.head.height == height
    made.heap.run(12.5)
    assert len(heads(made)) == 1


def test_a_frozen_host_reads_nothing_until_it_thaws() -> None:
    made = network(Notes())
    made.heap.run(3.5)
    victim = made.hosts["n4"]
    had = victim.ledger.head.height
    victim.freeze("one")
    victim.freeze("other")
    made.heap.run(6.5)
    victim.thaw("one")
    made.heap.run(7.5)
    assert victim.frozen
    assert victim.ledger.head.height == had
    victim.thaw("other")
    made.heap.run(9.5)
    assert not victim.frozen
    assert len(heads(made)) == 1
    assert len(victim.ways) == 3, "nobody had given it up yet"


def test_who_is_frozen_for_long_is_given_up_and_finds_back() -> None:
    made = network(Notes())
    made.heap.run(3.5)
    victim = made.hosts["n4"]
    victim.freeze("act")
    made.heap.run(4.0 + SILENCE_S)
    assert all(victim.id not in host.ways for host in made.hosts.values() if host is not victim)
    victim.thaw("act")
    made.heap.run(SILENCE_S + 60.0)
    assert len(victim.ways) == 3
    assert len(heads(made)) == 1


def test_a_full_host_turns_dialling_peers_away() -> None:
    made = network(Notes(), inbound_max=1)
    made.heap.run(4.0)
    assert {len(host.inbound) for host in made.hosts.values()} <= {0, 1}
    assert made.hosts["n1"].inbound
    assert sum(len(host.ways) for host in made.hosts.values()) < 12


class Mute:
    """Implements testnet.engines.host.Seat: nothing leaves the host."""

    def begin(self) -> None:
        """Nothing to do."""

    def outgoing(self, peer: PeerId, items: list[Item]) -> list[Item]:
        return []

    def incoming(self, peer: PeerId, items: list[Item]) -> list[Item]:
        return items


def test_a_seat_decides_what_is_sent() -> None:
    made = network(Notes())
    made.heap.run(3.5)
    mute = made.hosts["n1"]
    sent = mute.messages_out
    mute.seats["mute"] = Mute()
    made.heap.run(6.5)
    assert mute.messages_out == sent
    reached = heights(made)
    assert reached["n1"] == max(reached.values()), "new blocks come unasked"


def test_bytes_that_do_not_decode_end_the_line_and_good_ones_are_read() -> None:
    made = network(Notes())
    made.heap.run(3.5)
    host, peer = made.hosts["n1"], made.hosts["n2"].id
    host.receive(peer, encode_message(Ping(1)))
    assert peer in host.ways
    host.receive(peer, b"\xff\xff")
    assert peer not in host.ways
