"""A scenario written and read again is the same scenario."""

import tomllib

from hypothesis import given

from testnet.faults.link import Delay
from testnet.scenario.model import AtTime, Fault, Load, Scenario
from testnet.scenario.source import parse_scenario
from testnet.scenario.text import format_scenario
from tests.testnet.scenario.drawing import scenarios


@given(scenarios())
def test_what_is_written_reads_back(scenario: Scenario) -> None:
    assert parse_scenario(format_scenario(scenario)) == scenario


@given(scenarios())
def test_writing_is_stable(scenario: Scenario) -> None:
    text = format_scenario(scenario)
    assert format_scenario(parse_scenario(text)) == text


def test_defaults_are_left_out_and_people_can_read_it() -> None:
    scenario = Scenario(
        name="demo",
        about="a slow line",
        duration_ms=45_000,
        loads=(Load(AtTime(0), 30_000, 20.0),),
        faults=(Fault("f1", AtTime(10_000), 0, Delay(by_ms=200), "n1", "all"),),
    )
    assert format_scenario(scenario).splitlines() == [
        "scenario = 1",
        'name = "demo"',
        'about = "a slow line"',
        'duration = "45s"',
        "",
        "[[load]]",
        'for = "30s"',
        'rate = "20/s"',
        "",
        "[[fault]]",
        'at = "10s"',
        'do = "link.delay"',
        'by = "200ms"',
        'on = "n1"',
    ]


def test_texts_with_quotes_control_characters_and_lines_survive() -> None:
    awkward = 'a "quote", a \\, a tab\t, two\nlines, \x7f, \x00, 网'
    text = format_scenario(Scenario("demo", awkward, 1_000))
    assert tomllib.loads(text)["about"] == awkward
