"""Addresses: their network groups, and how far they reach."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from p2p.peers.contact import (
    LOOPBACK_PORTS_PER_GROUP,
    Reach,
    group_of,
    is_name,
    own_reach,
    reach_of,
)


@pytest.mark.parametrize(
    ("address", "group"),
    [
        ("ws://10.2.3.4:80", "10.2"),
        ("ws://10.2.200.4:81", "10.2"),
        ("ws://[2001:db8:1:2::3]:80", "2001:0db8"),
        ("ws://[::ffff:10.2.3.4]:80", "10.2"),
        ("ws://[fe80::1%eth0]:80", "fe80:0000"),
        ("ws://[2001:db8::3%25x]:80", "2001:0db8"),
        ("ws://[::1%lo]:80", "loopback:5"),
        ("ws://10.2.3.4%x:80", "10.2"),
        ("ws://node.example%x:80", "ws://node.example%x:80"),
        ("ws://node.example:80", "node.example"),
        ("ws://a.b.c.evil.example:80", "evil.example"),
        ("ws://evil.example.:80", "evil.example"),
        ("mem://n1", "n1"),
        ("ws://127.0.0.1:99999", "ws://127.0.0.1:99999"),
        ("ws://[::1", "ws://[::1"),
        ("nothing", "nothing"),
    ],
)
def test_groups_are_what_one_party_can_have_a_lot_of(address: str, group: str) -> None:
    assert group_of(address) == group


@given(st.text("0123456789abcdefxz:.%[]@/?#-_ ", max_size=40), st.sampled_from(["ws", "mem", ""]))
def test_whatever_a_stranger_calls_his_address_has_a_group_and_a_reach(
    text: str, scheme: str
) -> None:
    for address in (f"{scheme}://{text}", f"{scheme}://[{text}]:1", f"{scheme}://[fe80::{text}]:1"):
        assert group_of(address)
        assert reach_of(address) in Reach
        is_name(address)


def test_groups_on_loopback_are_blocks_of_ports() -> None:
    assert group_of("ws://127.0.0.1:4000") == group_of("ws://127.0.0.1:4001")
    apart = 4000 + LOOPBACK_PORTS_PER_GROUP
    assert group_of("ws://127.0.0.1:4000") != group_of(f"ws://127.0.0.1:{apart}")
    assert group_of("ws://[::1]:4000") == group_of("ws://127.0.0.1:4000")


@pytest.mark.parametrize(
    ("host", "reach"),
    [
        ("127.0.0.1", Reach.HOST),
        ("[::1]", Reach.HOST),
        ("localhost", Reach.HOST),
        ("10.1.2.3", Reach.SITE),
        ("172.20.0.1", Reach.SITE),
        ("192.168.1.1", Reach.SITE),
        ("169.254.1.1", Reach.SITE),
        ("100.100.100.200", Reach.SITE),
        ("[fd00::1]", Reach.SITE),
        ("8.8.8.8", Reach.WORLD),
        ("[2606:4700::1]", Reach.WORLD),
        ("node.example", Reach.WORLD),
        ("7.example", Reach.WORLD),
        ("localhost.", Reach.HOST),
        ("db.localhost", Reach.HOST),
        ("[fe80::1%eth0]", Reach.NOWHERE),
        ("[2606:4700::1%25x]", Reach.NOWHERE),
        ("node.example%x", Reach.NOWHERE),
        ("127.1", Reach.NOWHERE),
        ("2130706433", Reach.NOWHERE),
        ("0x7F000001", Reach.NOWHERE),
        ("0x7f.1", Reach.NOWHERE),
        ("0177.0.0.01", Reach.NOWHERE),
        ("10.0.0x1.", Reach.NOWHERE),
        ("0.0.0.0", Reach.NOWHERE),
        ("255.255.255.255", Reach.NOWHERE),
        ("224.0.0.1", Reach.NOWHERE),
        ("[ff02::1]", Reach.NOWHERE),
    ],
)
def test_how_far_addresses_reach(host: str, reach: Reach) -> None:
    assert reach_of(f"ws://{host}:4001") is reach
    assert reach_of(f"ws://{host}:0") is Reach.NOWHERE


def test_a_node_that_listens_everywhere_is_at_least_on_a_site() -> None:
    assert own_reach("ws://0.0.0.0:4001") is Reach.SITE
    assert own_reach("ws://127.0.0.1:0") is Reach.SITE
    assert own_reach("ws://127.0.0.1:4001") is Reach.HOST
