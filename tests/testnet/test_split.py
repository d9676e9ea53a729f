"""Splits as people write them, and the firewall that carries them out."""

import pytest

from testnet.errors import Unfit
from testnet.firewall import Firewall
from testnet.split import parse_groups, parse_names, strangers

NAMES = tuple(f"n{number}" for number in range(1, 9))


def test_two_halves() -> None:
    groups = parse_groups("n1..n4/n5..n8", NAMES)
    assert groups == (("n1", "n2", "n3", "n4"), ("n5", "n6", "n7", "n8"))
    assert strangers(groups, "n2", NAMES) == ("n5", "n6", "n7", "n8")


def test_those_not_named_form_one_more_group() -> None:
    assert parse_groups("n1..n3/n4", NAMES)[2] == ("n5", "n6", "n7", "n8")
    assert parse_groups("n3", NAMES)[0] == ("n3",)


def test_a_node_added_during_a_split_reaches_nobody() -> None:
    groups = parse_groups("n1..n4/n5..n8", NAMES)
    assert strangers(groups, "n9", (*NAMES, "n9")) == NAMES
    assert strangers((), "n9", NAMES) == ()


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("n1..n8", "two groups"),
        ("n1..n4/n4..n8", "'n4' is in two groups"),
        ("n1/n99", "no node 'n99'"),
        ("", "no node ''"),
        ("n5..n2", "two groups"),
    ],
)
def test_what_is_no_split(text: str, reason: str) -> None:
    with pytest.raises(Unfit, match=reason):
        parse_groups(text, NAMES)


def test_names() -> None:
    assert parse_names("n1, n3..n4,n1", NAMES) == ("n1", "n3", "n4")


def test_the_firewall_blocks_both_ways_by_identity_and_heals() -> None:
    firewall, friend, foe = Firewall(), b"\1" * 32, b"\2" * 32
    firewall.block((foe.hex(),))
    assert firewall.outgoing(friend, b"frame")
    assert firewall.incoming(friend, b"frame")
    assert not firewall.outgoing(foe, b"frame")
    assert not firewall.incoming(foe, b"frame")
    assert firewall.dropped == 2
    firewall.block(())
    assert firewall.incoming(foe, b"frame")
