"""Splits as people write them."""

import pytest

from testnet.errors import Unfit
from testnet.split import parse_groups, parse_names

NAMES = tuple(f"n{number}" for number in range(1, 9))


def test_two_halves() -> None:
    groups = parse_groups("n1..n4/n5..n8", NAMES)
    assert groups == (("n1", "n2", "n3", "n4"), ("n5", "n6", "n7", "n8"))


def test_those_not_named_form_one_more_group() -> None:
    assert parse_groups("n1..n3/n4", NAMES)[2] == ("n5", "n6", "n7", "n8")
    assert parse_groups("n3", NAMES)[0] == ("n3",)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("n1..n8", "two groups"),
        ("n1..n4/n4..n8", "'n4' is in two groups"),
        ("n1/n99", "no node 'n99'"),
        ("", "no node ''"),
        ("n5..n2", r"n5\.\.n2 runs backwards; write n2\.\.n5"),
    ],
)
def test_what_is_no_split(text: str, reason: str) -> None:
    with pytest.raises(Unfit, match=reason):
        parse_groups(text, NAMES)


def test_names() -> None:
    assert parse_names("n1, n3..n4,n1", NAMES) == ("n1", "n3", "n4")
