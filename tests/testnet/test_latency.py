"""Latency profiles: the measured matrix, the plain ones, and what is refused."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from testnet.errors import Unfit
from testnet.latency import LAN_MS, LATENCY_MAX_MS, one_way_deviation, profile
from testnet.scenario.casting import CITIES, PROFILES

city = st.sampled_from(CITIES)


def test_the_brics_profile_knows_the_cities_that_scenarios_may_name() -> None:
    assert profile("brics").cities == CITIES


def test_one_way_is_half_of_the_measured_round_trip() -> None:
    brics = profile("brics")
    assert brics.one_way_ms("Shanghai", "Sao Paulo") == 416.77 / 2
    assert brics.one_way_ms("Hangzhou", "Zhangjiakou") == 41.78 / 2  # directed: 41.65 the other way
    assert brics.jitter_ms("Shanghai", "Sao Paulo") == one_way_deviation(5.64)


@given(city, city)
def test_every_pair_of_cities_has_a_delay_and_a_jitter(src: str, dst: str) -> None:
    line = profile("brics").line(src, dst)
    assert 0.5 <= line.one_way_ms <= 500
    assert 0 < line.jitter_ms < 150


def test_two_ways_vary_as_much_together_as_the_round_trip_was_seen_to() -> None:
    one_way = one_way_deviation(5.0)
    assert math.hypot(one_way, one_way) == pytest.approx(5.0)


@pytest.mark.parametrize(("text", "ms"), [("none", 0.0), ("lan", LAN_MS), ("20ms", 20.0)])
def test_plain_profiles_are_the_same_everywhere_and_know_no_city(text: str, ms: float) -> None:
    plain = profile(text)
    assert plain.cities == ()
    assert plain.one_way_ms("Shanghai", "") == plain.one_way_ms("", "Moscow") == ms
    assert plain.jitter_ms("", "") == 0.0


def test_every_profile_a_scenario_may_name_exists() -> None:
    assert [len(profile(text).cities) for text in PROFILES] == [0, 0, 28]


def test_nodes_are_dealt_to_the_cities_in_turn() -> None:
    names = [f"n{number}" for number in range(1, 31)]
    placed = profile("brics").place(names)
    assert placed["n1"] == placed["n29"] == CITIES[0]
    assert profile("brics").place(names, ("Moscow", "Pune"))["n4"] == "Pune"
    assert set(profile("lan").place(names).values()) == {""}
    assert profile("lan").place(["n1"], ("Anywhere",)) == {"n1": "Anywhere"}


@pytest.mark.parametrize("text", ["bricks", "", "fast", "20", "-5ms", f"{LATENCY_MAX_MS + 1}ms"])
def test_what_is_no_latency_is_refused(text: str) -> None:
    with pytest.raises(Unfit):
        profile(text)


def test_refusals_name_the_nearest() -> None:
    with pytest.raises(Unfit, match="did you mean 'brics'"):
        profile("bricks")
    with pytest.raises(Unfit, match="did you mean 'Sao Paulo'"):
        profile("brics").place(["n1"], ("Sao Paolo",))
    with pytest.raises(Unfit, match="'Peking'"):
        profile("brics").line("Moscow", "Peking")
