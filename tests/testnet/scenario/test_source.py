"""Everything that is not understood is refused, with its place and what would be."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chain.primitives.errors import Refusal
from testnet.faults.byzantine import Spam
from testnet.faults.partition import Halves, Partition
from testnet.scenario.model import AfterFault, AtHeight, AtTime, Mode
from testnet.scenario.source import parse_scenario

GOOD = """scenario = 1
name = "demo"
about = "what it teaches"
duration = "60s"

[net]
nodes = 6
authorities = 4
latency = "brics"
uplink = "10Mbit/s"

[[node]]
select = "n1..n2"
city = "Moscow"

[[load]]
rate = "20/s"
on = "city:Moscow"

[[fault]]
id = "cut"
at = "10s"
for = "10s"
do = "partition.halves"
on = "all"

[[fault]]
at = "after:cut+5s"
for = "5s"
do = "byzantine.spam"
rate = 20.5
on = "n6"

[[expect]]
always = "common-prefix"

[[expect]]
check = "converged"
within = "30s"
"""


def test_a_scenario_is_read() -> None:
    scenario = parse_scenario(GOOD)
    cut, spam = scenario.faults
    assert (cut.id, cut.at, cut.for_ms, cut.kind, cut.on) == (
        "cut",
        AtTime(10_000),
        10_000,
        Halves(),
        "all",
    )
    assert (spam.id, spam.at, spam.to) == ("f2", AfterFault("cut", 5_000), "all")
    assert spam.kind == Spam(rate_per_s=20.5)
    assert scenario.net.uplink_bps == 10_000_000
    assert [each.mode for each in scenario.expectations] == [Mode.ALWAYS, Mode.WITHIN]
    assert scenario.loads[0].for_ms == scenario.duration_ms


def test_the_other_side_of_a_cut_is_everyone_else() -> None:
    text = GOOD.replace('"partition.halves"\non = "all"', '"partition"\non = "n1"')
    cut = parse_scenario(text).faults[0]
    assert (cut.kind, cut.to) == (Partition(), "others")


WRONG = [
    ("scenario = 1", "scenario = 2", "scenario: format 2, this software reads 1"),
    ('name = "demo"', 'name = "De mo"', "'De mo' is no name"),
    ('name = "demo"', 'nam = "demo"', "nam: unknown key; did you mean 'name'?"),
    ('duration = "60s"', "duration = 60", "duration: expected text in quotes, got an integer"),
    ('duration = "60s"', 'duration = "2h"', "can be 1000 to 3600000"),
    ('duration = "60s"', 'duration = "60 s"', "is no duration"),
    ('duration = "60s"', 'duration = "60s"\nseed = -1', "-1 is out of range"),
    ('duration = "60s"', 'duration = "60s"\nswarm = 1', "expected true or false"),
    ("nodes = 6", "nods = 6", "line 7, [net]: nods: unknown key; did you mean 'nodes'?"),
    ("nodes = 6", "nodes = 0", "0 is out of range; it can be 1 to 20000"),
    ("authorities = 4", "authorities = 7", "7 of 6 nodes"),
    ('latency = "brics"', 'latency = "bricks"', "did you mean 'brics'?"),
    ('latency = "brics"', 'latency = "1h"', "can be 0 to 10000"),
    ('latency = "brics"', 'topology = "rnig"', "'rnig' is not known; did you mean 'ring'?"),
    ('uplink = "10Mbit/s"', 'uplink = "10MB"', "is no bandwidth"),
    ('uplink = "10Mbit/s"', 'uplink = "1bit/s"', "can be 100 to"),
    ('uplink = "10Mbit/s"', 'cities = ["Moskow"]', "line 10, [net]: cities: no city 'Moskow'"),
    ('city = "Moscow"', 'city = "Moskow"', "no city 'Moskow' is known; did you mean 'Moscow'?"),
    ('select = "n1..n2"', 'select = "n1..n7"', "line 13, [[node]] 1: select: no node 'n7'"),
    ('select = "n1..n2"', 'select = "n2..n1"', "runs backwards; write n1..n2"),
    ('rate = "20/s"', 'rate = "0/s"', "line 17, [[load]] 1: rate: '0/s' is no rate"),
    ('on = "city:Moscow"', 'on = "city:Cairo2"', "no node is in 'Cairo2'"),
    ('on = "city:Moscow"', 'at = "60s"', "comes at 60s at the earliest, but the run is over"),
    ('"partition.halves"', '"halves"', "did you mean 'partition.halves'?"),
    ('"partition.halves"', '"partition.halfs"', "did you mean 'partition.halves'?"),
    ('"partition.halves"', '"partition"\nshape = "ct"', "outbound-only; did you mean 'cut'?"),
    ('"partition.halves"', '"link.delay"\nby = "99h"', "is 356400000; it can be 0 to 3600000"),
    ('"partition.halves"', '"link.delay"', "by: is missing; give a duration such as 200ms"),
    ('"partition.halves"', '"partition"', "`on` selects every node, so there are no 'others'"),
    ("rate = 20.5", "rat = 20.5", "line 31, [[fault]] 2: rat: unknown key; did you mean 'rate'?"),
    ("rate = 20.5", "rate = 0.5", "rate: it is 0.5; it can be 1 to 10000"),
    ("rate = 20.5", "rate = true", "True is no number"),
    ('id = "cut"', 'id = "Cut"', "'Cut' is no id"),
    ('id = "cut"', 'id = "f2"', "[[fault]] 2: id: 'f2' is taken"),
    ("after:cut", "after:cot", "line 28, [[fault]] 2: at: no fault has the id 'cot'; did you mean"),
    ('at = "10s"', 'at = "after:f2"', "faults wait for each other: cut -> f2 -> cut"),
    ('at = "10s"', 'at = "60s"', "comes at 60s at the earliest"),
    ('at = "10s"', 'at = "height:60"', "comes at 60s at the earliest"),
    ('at = "10s"', 'at = "hight:60"', "is no trigger"),
    ('at = "10s"', 'at = "-1s"', "is before the start"),
    ('at = "10s"', "", "at: is missing"),
    ('for = "10s"', "", "'cut' has no `for`: it lasts until the end"),
    ('for = "10s"', 'for = "0s"', "can be 1 to 3600000"),
    ('on = "n6"', 'on = "others"', "use it in `to`, not in `on`"),
    ('on = "n6"', 'on = "al"', "'al' selects nothing; did you mean 'all'?"),
    ('on = "n6"', 'on = "rand:7"', "rand:7: there are 6 nodes"),
    ('on = "n6"', 'on = "producer:5"', "producer:5: there are 4 producers"),
    ('on = "n6"', 'on = "n6,"', "has an empty term"),
    ('on = "n6"', 'on = "n6"\nto = "n7"', "line 33, [[fault]] 2: to: no node 'n7'"),
    (
        '"common-prefix"',
        '"comon-prefix"',
        "line 35, [[expect]] 1: always: no 'always' is called 'comon-prefix'; did you mean",
    ),
    ('"common-prefix"', '"converged"', "converged is expected with check = 'converged'"),
    ('"common-prefix"', '"common-prefix"\ndepht = 3', "depht: unknown key; did you mean 'depth'?"),
    ('"common-prefix"', '"common-prefix"\ndepth = "3"', "line 36, [[expect]] 1: depth: '3' is no"),
    ('"common-prefix"', '"inclusion"', "p99: is missing; give a duration such as 200ms"),
    ("always =", "alwys =", "alwys: unknown key; did you mean 'always'?"),
    ('always = "common-prefix"', 'on = "all"', "none given; give exactly one of always, check"),
    ('check = "converged"', 'check = "converged"\nalways = "supply"', "always and check given"),
    ('"common-prefix"', '"common-prefix"\nwithin = "3s"', "only a `check` has a window"),
    ('within = "30s"', "", "within: is missing; a `check` has a window such as 30s"),
    ('within = "30s"', 'within = "31s"', "the window is from 30s to 61s, but the run is over"),
    ('within = "30s"', 'within = "30s"\non = "n9"', "on: no node 'n9'"),
    ('within = "30s"', 'within = "30s"\nat = "after:cit"', "did you mean 'cut'?"),
]


@pytest.mark.parametrize(("good", "wrong", "reason"), WRONG)
def test_what_is_wrong_is_refused_with_its_place(good: str, wrong: str, reason: str) -> None:
    assert good in GOOD
    with pytest.raises(Refusal) as refused:
        parse_scenario(GOOD.replace(good, wrong, 1))
    assert reason in refused.value.reason


def test_two_faults_cannot_have_one_id() -> None:
    text = GOOD.replace('at = "after:cut+5s"', 'id = "cut"\nat = "30s"')
    with pytest.raises(Refusal, match=r"line 28, \[\[fault\]\] 2: id: 'cut' is taken"):
        parse_scenario(text)


def test_a_check_keeps_its_parameters_as_texts() -> None:
    text = GOOD.replace('"converged"', '"core-converged"\nshare = 0.75\nlag = 2')
    parameters = (("share", "0.75"), ("lag", "2"))
    assert parse_scenario(text).expectations[1].parameters == parameters


def test_an_eclipse_names_a_victim_that_is_there() -> None:
    text = GOOD.replace('"partition.halves"', '"byzantine.eclipse"\nvictim = "n9"')
    with pytest.raises(Refusal, match="victim: no node 'n9'"):
        parse_scenario(text)


def test_a_height_is_not_bound_to_the_clock_under_work() -> None:
    text = GOOD.replace("authorities = 4", 'consensus = "work"')
    assert parse_scenario(text.replace('at = "10s"', 'at = "height:60"')).faults[0].at == AtHeight(
        60
    )


def test_more_sections_than_a_run_can_hold_are_refused() -> None:
    many = "\n".join(['[[load]]\nrate = "1/s"'] * 201)
    with pytest.raises(Refusal, match="201 sections; there can be 200"):
        parse_scenario(f'scenario = 1\nname = "a"\nduration = "5s"\n{many}\n')


@given(st.text())
def test_any_text_is_read_or_refused(text: str) -> None:
    with pytest.raises(Refusal):
        parse_scenario(text)


@given(st.data())
def test_a_damaged_file_is_read_or_refused(data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(GOOD)))
    end = data.draw(st.integers(start, min(len(GOOD), start + 20)))
    with suppress(Refusal):
        parse_scenario(GOOD[:start] + data.draw(st.text(max_size=3)) + GOOD[end:])
