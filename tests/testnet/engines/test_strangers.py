"""A crowd: where it dials from, how it comes and goes, and what it says."""

from p2p.peers.addressbook import SAMPLE_MAX, group_of
from p2p.peers.peer import PeerId
from testnet.engines.host import Host
from testnet.engines.population import Network, address_of
from testnet.engines.strangers import Crowd, Orders
from testnet.engines.study import CITY, LEAD_S, Setup, Spread, network
from testnet.scenario.streams import stream

SETUP = Setup(8, dials=3, known=6, inbound_max=20, latency="5ms")


def peaceful() -> Network:
    made = network(SETUP, Spread())
    made.heap.run(LEAD_S)
    return made


def strangers_at(made: Network, host: Host) -> list[PeerId]:
    own = [other.id for other in made.hosts.values()]
    return [peer for peer in host.ways if peer not in own]


def crowd_of(made: Network, **changes: object) -> Crowd:
    fields: dict[str, object] = {
        "fault": "crowd",
        "seed": 3,
        "city": CITY,
        "identities": 10,
        "targets": (address_of(2),),
        "dials": 1,
    }
    crowd = Crowd(made.ground, Orders(**(fields | changes)))  # type: ignore[arg-type]
    crowd.begin()
    return crowd


def test_strangers_dial_from_networks_that_are_nobodys_else() -> None:
    made = peaceful()
    crowd_of(made, identities=30, groups=4)
    hosts = {group_of(host.address) for host in made.hosts.values()}
    others = [a for a in made.net.parties if a not in [h.address for h in made.hosts.values()]]
    groups = {group_of(address) for address in others}
    assert len(others) == 30
    assert len(groups) == 4
    assert groups & hosts == set()


def test_an_eclipse_is_around_its_victim_alone() -> None:
    made = peaceful()
    crowd = crowd_of(made)
    made.heap.run(LEAD_S + 5.0)
    assert sorted(strangers_at(made, made.hosts["n3"])) == sorted(crowd.present)
    assert crowd.hits >= 10
    assert all(len(made.hosts[name].inbound) <= SETUP.inbound_max for name in made.hosts)


def test_no_more_come_in_than_there_is_room() -> None:
    made = peaceful()
    crowd_of(made, identities=60)
    made.heap.run(LEAD_S + 10.0)
    assert len(made.hosts["n3"].inbound) == SETUP.inbound_max


def test_identities_that_do_not_stay_are_replaced_by_others() -> None:
    made = peaceful()
    crowd = crowd_of(made, stay_s=2.0)
    before = crowd.present
    made.heap.run(LEAD_S + 10.0)
    assert len(crowd.present) == len(before) == 10
    assert set(crowd.present) & set(before) == set()


def test_a_crowd_that_is_dismissed_leaves_nobody_behind() -> None:
    made = peaceful()
    crowd = crowd_of(made)
    made.heap.run(LEAD_S + 5.0)
    crowd.end()
    made.heap.run(LEAD_S + 20.0)
    assert crowd.present == ()
    assert all(strangers_at(made, host) == [] for host in made.hosts.values())
    assert len(made.net.parties) == len(made.hosts)


def test_a_stranger_recommends_its_like_and_no_more_than_one_message_holds() -> None:
    made = peaceful()
    crowd = crowd_of(made, identities=SAMPLE_MAX + 20)
    named = crowd.records(stream(1, "asking"))
    contacts = [made.ground.common.contact(record) for record in named]
    assert len(named) == SAMPLE_MAX
    assert {contact.peer for contact in contacts} <= set(crowd.present)
