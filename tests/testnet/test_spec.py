"""What can be asked for, and that keys follow from names alone."""

import pytest

from testnet.directory import validate_name
from testnet.errors import Unfit
from testnet.spec import (
    Consensus,
    LaunchSpec,
    Wiring,
    parse_duration_ms,
    parse_rate,
    spec_from_json,
)


def test_keys_are_a_function_of_name_seed_entity_and_purpose() -> None:
    spec = LaunchSpec("demo")
    assert spec.seed_of("n1", "node") == LaunchSpec("demo", nodes=50).seed_of("n1", "node")
    others = [
        LaunchSpec("demo", seed=1).seed_of("n1", "node"),
        LaunchSpec("demo2").seed_of("n1", "node"),
        spec.seed_of("n2", "node"),
        spec.seed_of("n1", "seal"),
    ]
    assert spec.seed_of("n1", "node") not in others
    assert len(set(others)) == 4


def test_json_keeps_everything() -> None:
    spec = LaunchSpec("demo", 7, 20, 5, 500, Consensus.WORK, Wiring.RING)
    assert spec_from_json(spec.to_json()) == spec


def test_authorities() -> None:
    assert LaunchSpec("demo", nodes=3).author_names == ("n1", "n2", "n3")
    assert len(LaunchSpec("demo", nodes=50).author_names) == 21
    assert LaunchSpec("demo", nodes=5, authorities=2).author_names == ("n1", "n2")


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"nodes": 0}, "--nodes is 0; it can be 1 to 200"),
        ({"nodes": 201}, "--nodes is 201"),
        ({"nodes": 4, "authorities": 5}, "--authorities is 5; it can be 0 to 4"),
        ({"block_ms": 10}, "--block-time in milliseconds is 10"),
        ({"seed": -1}, "--seed is -1"),
        ({"nodes": 70, "wiring": Wiring.FULL}, "it can be 1 to 65"),
    ],
)
def test_what_cannot_be(fields: dict[str, object], reason: str) -> None:
    with pytest.raises(Unfit, match=reason):
        LaunchSpec("demo", **fields)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "ms"), [("500ms", 500), ("1s", 1000), ("2", 2000), ("1.5s", 1500), ("2m", 120_000)]
)
def test_durations(text: str, ms: int) -> None:
    assert parse_duration_ms(text) == ms


@pytest.mark.parametrize("text", ["", "s", "-1s", "1d", "0s", "1e9s", "25h", "١s x"])
def test_no_durations(text: str) -> None:
    with pytest.raises(Unfit, match="duration"):
        parse_duration_ms(text)


def test_rates() -> None:
    assert parse_rate("200") == parse_rate("200/s") == 200.0
    for text in ("0", "-3", "fast", "nan", "inf", "999999"):
        with pytest.raises(Unfit, match="rate"):
            parse_rate(text)


@pytest.mark.parametrize("name", ["", "Demo", "a/b", "..", "-a", "a-", "a" * 33, "ünder", "a b"])
def test_names_that_are_no_names(name: str) -> None:
    with pytest.raises(Unfit, match="cannot name a testnet"):
        validate_name(name)


def test_names() -> None:
    assert validate_name("demo-2") == "demo-2"
