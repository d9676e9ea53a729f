"""Weather by its own word: when messages arrive, which lines are open, what every fault has hit."""

import math

import pytest

from testnet.faults.link import (
    Bandwidth,
    CorruptBytes,
    Delay,
    Flap,
    HalfOpen,
    Loss,
    Reset,
    SlowRead,
    SlowWrite,
    Stall,
)
from testnet.faults.partition import Partition
from testnet.stage import Act
from testnet.weather import Fate, Weather, WeatherKind

LATENCY_S = 0.1
NAMES = ("a", "b", "c")


def weather(uplink_bps: dict[str, int] | None = None) -> Weather:
    return Weather(lambda src, dst: (LATENCY_S, 0.0), uplink_bps or {}, seed=1)


def begun(kind: WeatherKind, on: str = "a", to: str = "b") -> Weather:
    """Weather with a fault named `f` between two nodes since second 0."""
    found = weather()
    found.begin(Act("f", kind, (on,), (to,), seed=5), kind, NAMES, 0.0)
    return found


def arrivals(of: Weather, src: str, dst: str, *sizes: int) -> list[float]:
    return [of.fate(src, dst, 1, size, 0.0).at_s for size in sizes]


def test_fine_weather_takes_the_latency() -> None:
    assert weather().fate("a", "b", 1, 10**6, 5.0) == Fate(5.0 + LATENCY_S)


def test_an_uplink_is_shared_by_all_lines_of_a_node() -> None:
    narrow = weather({"a": 8_000})
    assert narrow.fate("a", "b", 1, 1_000, 0.0).at_s == pytest.approx(1 + LATENCY_S)
    assert narrow.fate("a", "c", 2, 1_000, 0.0).at_s == pytest.approx(2 + LATENCY_S)
    assert narrow.fate("b", "a", 1, 1_000, 0.0).at_s == pytest.approx(LATENCY_S)


def test_a_message_never_overtakes_another_on_its_link() -> None:
    late = begun(Delay(by_ms=1_000))
    first_s = late.fate("a", "b", 1, 10, 0.0).at_s
    late.end("f")
    assert late.fate("a", "b", 1, 10, 0.2).at_s == first_s
    assert late.fate("a", "b", 2, 10, 0.2).at_s == pytest.approx(0.2 + LATENCY_S)


@pytest.mark.parametrize(
    ("kind", "out_s", "back_s"),
    [
        (Bandwidth(rate_bps=8_000), [1.0, 2.0], [1.0, 2.0]),
        (SlowWrite(rate_bps=8_000), [1.0, 2.0], [0.0, 0.0]),
        (SlowRead(rate_bps=8_000), [0.0, 0.0], [1.0, 2.0]),
    ],
)
def test_bits_queue_where_it_is_narrow(
    kind: WeatherKind, out_s: list[float], back_s: list[float]
) -> None:
    narrow = begun(kind)
    assert arrivals(narrow, "a", "b", 1_000, 1_000) == pytest.approx([LATENCY_S + s for s in out_s])
    assert arrivals(narrow, "b", "a", 1_000, 1_000) == pytest.approx(
        [LATENCY_S + s for s in back_s]
    )
    assert arrivals(narrow, "a", "c", 1_000) == pytest.approx([LATENCY_S])


def test_what_is_slowed_arrives_at_once_when_the_fault_ends() -> None:
    narrow = begun(Bandwidth(rate_bps=8))
    assert narrow.fate("a", "b", 1, 1_000, 0.0).at_s > 1_000
    assert narrow.relieved_s("a", "b", 1, 5.0) == math.inf  # the fault is still in force
    assert narrow.end("f") == 1
    assert narrow.relieved_s("a", "b", 1, 5.0) == pytest.approx(5.0 + LATENCY_S)
    assert narrow.fate("a", "b", 1, 10, 5.0).at_s == pytest.approx(5.0 + LATENCY_S)


def test_a_loss_costs_waits_that_double_and_counts_each() -> None:
    lossy = begun(Loss(probability=1.0, wait_ms=200))
    assert lossy.fate("a", "b", 1, 10, 0.0).at_s == pytest.approx(LATENCY_S + 63 * 0.2)
    assert lossy.end("f") == 6


@pytest.mark.parametrize("kind", [Stall(), Partition()])
def test_a_closed_line_is_closed_for_messages_and_dials_until_the_end(kind: WeatherKind) -> None:
    cut = begun(kind)
    assert not cut.open("a", "b", 1.0)
    assert not cut.dialable("b", "a", 1.0)
    assert cut.open("a", "c", 1.0)
    assert cut.hits("f") == 2
    assert (cut.end("f"), cut.end("f")) == (2, 0)
    assert cut.open("a", "b", 1.0)
    assert cut.dialable("a", "b", 1.0)


def test_flapping_opens_by_itself_when_it_says() -> None:
    flapping = begun(Flap(up_ms=1_000, down_ms=1_000))
    now_s, states = 0.0, []
    for _ in range(4):
        states.append(flapping.open("a", "b", now_s))
        assert flapping.open("b", "a", now_s) == states[-1]  # a link has one state
        now_s = flapping.next_change_s(now_s)
        assert now_s < math.inf
    assert states == [True, False, True, False]
    assert weather().next_change_s(0.0) == math.inf


def test_what_vanishes_never_comes_and_what_is_damaged_says_so() -> None:
    assert begun(HalfOpen()).fate("a", "b", 1, 10, 0.0).at_s == math.inf
    damaged = begun(CorruptBytes(probability=1.0))
    assert damaged.fate("a", "b", 1, 10, 0.0) == Fate(LATENCY_S, corrupt=True)
    assert not damaged.fate("a", "c", 1, 10, 0.0).corrupt


def test_a_reset_tears_the_links_it_touches() -> None:
    resets = begun(Reset())
    assert resets.tears("f", "b", "a")
    assert not resets.tears("f", "a", "c")
    assert not resets.tears("another", "a", "b")
    assert resets.hits("f") == 1


def test_lines_draw_each_for_itself() -> None:
    """A message on one line changes nothing on another."""

    def delays(of: Weather) -> list[float]:
        return [of.fate("a", "b", link, 1, 0.0).at_s for link in range(5)]

    alone, beside = (begun(Delay(by_ms=10, jitter_ms=500)) for _ in range(2))
    beside.fate("b", "a", 9, 1, 0.0)
    assert delays(alone) == delays(beside)
