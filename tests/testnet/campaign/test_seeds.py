"""Which seeds are meant."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from testnet.campaign.seeds import SEEDS_MAX, parse_seeds
from testnet.errors import Unfit


@pytest.mark.parametrize(
    ("text", "seeds"),
    [
        ("7", (7,)),
        ("1..4", (1, 2, 3, 4)),
        ("1,5,9", (1, 5, 9)),
        ("9, 1..3 ,2", (9, 1, 2, 3)),
        ("5..5", (5,)),
        (str(2**63 - 1), (2**63 - 1,)),
    ],
)
def test_forms(text: str, seeds: tuple[int, ...]) -> None:
    assert parse_seeds(text) == seeds


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "'' is no seed"),
        ("1,,2", "'' is no seed"),
        ("-3", "'-3' is no seed"),
        ("1...4", "write 7, 1..1000"),
        ("9..1", "write 1..9"),
        (str(2**63), "above 9223372036854775807"),
        (f"0..{SEEDS_MAX}", f"at most {SEEDS_MAX}"),
        ("0..9223372036854775807", "at most"),
    ],
)
def test_refusals(text: str, says: str) -> None:
    with pytest.raises(Unfit, match="seed") as refused:
        parse_seeds(text)
    assert says in refused.value.reason


@given(st.lists(st.integers(0, 2**63 - 1), min_size=1, unique=True))
def test_lists_read_back(seeds: list[int]) -> None:
    assert parse_seeds(",".join(map(str, seeds))) == tuple(seeds)


@given(st.text(alphabet="0123456789., ab-", max_size=30))
def test_anything_is_read_or_refused(text: str) -> None:
    try:
        seeds = parse_seeds(text)
    except Unfit:
        return
    assert seeds
    assert len(seeds) == len(set(seeds))
