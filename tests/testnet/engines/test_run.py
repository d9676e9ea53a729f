"""Scenarios on the engine tier: played through the director, repeated exactly, or refused."""

from dataclasses import replace

import pytest

from testnet.engines import run as engine_run
from testnet.engines.run import ENGINES_MAX, MANY, MANY_DIALS, plan_of, simulate_engines
from testnet.errors import Unfit
from testnet.faults.byzantine import Eclipse
from testnet.faults.tiers import supports
from testnet.observation import BlockJoined, FaultEnded, NodeStopped, Refused
from testnet.outcome import Outcome, Verdict
from testnet.scenario.library import library, open_scenario
from testnet.scenario.model import Scenario, Tier
from testnet.scenario.source import parse_scenario
from testnet.simulation.run import simulate

TOP = """
scenario = 1
name = "engines"
duration = "24s"
[net]
nodes = 6
latency = "20ms"
[[load]]
rate = "5/s"
for = "12s"
"""
TAIL = """
[[expect]]
check = "converged"
within = "10s"
[[expect]]
check = "all-included"
within = "10s"
"""
FAULTS = {
    "cut": 'do = "partition.halves"\non = "all"',
    "slow": 'do = "link.delay"\nby = "300ms"\non = "n1..n3"',
    "dead": 'do = "process.kill"\non = "n2"',
    "wiped": 'do = "process.kill"\ndata = "wiped"\non = "n2"',
    "back": 'do = "process.kill"\ndata = "rolled-back"\nage = "3s"\non = "n2"',
    "frozen": 'do = "process.pause"\non = "n3"',
    "deaf": 'do = "gossip.drop"\non = "n4"',
    "keeper": 'do = "gossip.withhold"\non = "n5"',
    "liar": 'do = "gossip.never-serve"\non = "n5"',
    "crowd": 'do = "byzantine.eclipse"\nvictim = "n6"\nidentities = 10\non = "n1"',
    "churn": 'do = "byzantine.sybil"\nidentities = 10\nstay = "2s"\non = "n1"',
    "flood": 'do = "byzantine.spam"\nwhat = "invalid-signature"\nrate = 50\non = "n1"',
}
"""One of each way in which the stage carries a fault out."""


def scenario_of(fault: str = "", **changes: str) -> Scenario:
    text = TOP
    if fault:
        text += f'[[fault]]\nid = "f"\nat = "4s"\nfor = "5s"\n{fault}\n'
    for was, becomes in changes.items():
        text = text.replace(was, becomes)
    return parse_scenario(text + TAIL)


def facts(outcome: Outcome, kind: type) -> list[object]:
    return [seen.fact for seen in outcome.seen if isinstance(seen.fact, kind)]


def test_a_calm_network_passes_and_its_blocks_are_told_of_each_host() -> None:
    outcome = simulate_engines(scenario_of(), 1)
    assert outcome.verdict is Verdict.PASS, outcome.violations
    assert outcome.tier is Tier.ENGINE
    assert outcome.virtual_s == pytest.approx(24.0)
    joined = [fact for fact in facts(outcome, BlockJoined) if isinstance(fact, BlockJoined)]
    assert {fact.node for fact in joined} == {f"n{number}" for number in range(1, 7)}
    figures = {figure.name: figure.value for figure in outcome.figures}
    assert figures["transactions included"] == 60
    assert figures["block propagation p99"] >= 20


@pytest.mark.parametrize("name", FAULTS)
def test_every_way_to_break_something_hits_and_heals(name: str) -> None:
    outcome = simulate_engines(scenario_of(FAULTS[name]), 1)
    assert outcome.verdict is Verdict.PASS, outcome.violations
    assert outcome.inert == ()
    (ended,) = facts(outcome, FaultEnded)
    assert isinstance(ended, FaultEnded)
    assert ended.clean
    killed = [fact for fact in facts(outcome, NodeStopped) if isinstance(fact, NodeStopped)]
    assert [fact.node for fact in killed] == (["n2"] if "process.kill" in FAULTS[name] else [])


def test_a_seed_is_a_run() -> None:
    scenario = scenario_of(FAULTS["cut"], **{"20ms": "brics"})
    first, again, other = (simulate_engines(scenario, seed) for seed in (7, 7, 8))
    assert first.digest == again.digest
    assert first.seen == again.seen
    assert other.digest != first.digest


def test_a_network_that_stays_cut_fails_here_as_with_whole_nodes() -> None:
    broken = parse_scenario(
        TOP
        + '[[fault]]\nid = "f"\nat = "4s"\ndo = "partition"\non = "n1"\n'
        + '[[expect]]\ncheck = "converged"\nat = "12s"\nwithin = "10s"\n'
    )
    outcome = simulate_engines(broken, 1)
    assert (outcome.verdict, outcome.failed) == (Verdict.LIVENESS, ("converged",))
    nodes = simulate(broken, 1)
    assert (nodes.verdict, nodes.failed) == (outcome.verdict, outcome.failed)


ON_BOTH = [
    name
    for name in library()
    if all(supports(Tier.ENGINE, type(fault.kind)) for fault in open_scenario(name).faults)
]


@pytest.mark.parametrize("name", ["withhold"])
def test_library_scenarios_pass_here_as_well(name: str) -> None:
    outcome = simulate_engines(open_scenario(name), 1)
    assert outcome.verdict is Verdict.PASS, [v.statement for v in outcome.violations]


@pytest.mark.slow
@pytest.mark.parametrize("name", ON_BOTH)
def test_library_scenarios_have_the_verdict_of_whole_nodes(name: str) -> None:
    scenario = open_scenario(name)
    engines, nodes = simulate_engines(scenario, scenario.seed), simulate(scenario, scenario.seed)
    assert (engines.verdict, engines.failed) == (nodes.verdict, nodes.failed)
    assert engines.verdict is Verdict.PASS, [v.statement for v in engines.violations]


class Ran(Exception):
    """Something ran that should have been refused before."""


@pytest.fixture
def nothing_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    def populate(*arguments: object) -> None:
        raise Ran

    monkeypatch.setattr(engine_run, "populate", populate)


@pytest.mark.parametrize(
    ("fault", "what"),
    [
        ('do = "disk.full"\non = "n1"', "disk.full"),
        ('do = "clock.step"\nby = "5s"\non = "n1"', "clock.step"),
        ('do = "process.crash"\non = "n1"', "process.crash"),
        ('do = "operator.wrong-genesis"\non = "n1"', "operator.wrong-genesis"),
        ('do = "byzantine.invalid-block"\non = "n1"', "byzantine.invalid-block"),
        ('do = "byzantine.spam"\nwhat = "handshakes"\non = "n1"', "byzantine.spam"),
        ('do = "link.reset"\non = "n1"', "link.reset"),
    ],
)
@pytest.mark.usefixtures("nothing_runs")
def test_what_routers_cannot_feel_is_refused_before_anything_runs(fault: str, what: str) -> None:
    with pytest.raises(Unfit, match=f"'f' \\({what}\\) needs whole nodes: use the tier `node`"):
        simulate_engines(scenario_of(fault), 1)


@pytest.mark.usefixtures("nothing_runs")
def test_too_many_hosts_are_refused() -> None:
    with pytest.raises(Unfit, match=f"nodes is 10001; it can be 1 to {ENGINES_MAX}"):
        simulate_engines(scenario_of(**{"nodes = 6": f"nodes = {ENGINES_MAX + 1}"}), 1)


def test_a_refusal_in_the_middle_of_a_run_is_a_refusal_still() -> None:
    scenario = scenario_of(FAULTS["crowd"])
    nobody = replace(scenario.faults[0], kind=Eclipse("n60", 10))
    with pytest.raises(Unfit, match="no node is called 'n60'"):
        simulate_engines(replace(scenario, faults=(nobody,)), 1)


def test_a_network_of_thousands_is_wired_at_random_and_has_the_authors_of_a_testnet() -> None:
    plan = plan_of(scenario_of(**{"nodes = 6": f"nodes = {MANY + 1}"}), 1)
    assert len(plan.cities) == MANY + 1
    assert {len(others) for others in plan.wires.dials.values()} == {MANY_DIALS}
    assert not plan.wires.explore
    assert plan.spec.nodes == MANY
    small = plan_of(scenario_of(), 1)
    assert small.wires.explore
    assert plan.genesis.genesis_time_ms == small.genesis.genesis_time_ms


def test_who_is_hostile_is_blamed() -> None:
    outcome = simulate_engines(scenario_of(FAULTS["flood"]), 1)
    blamed = [fact for fact in facts(outcome, Refused) if isinstance(fact, Refused)]
    assert {fact.node for fact in blamed} <= {f"n{number}" for number in range(2, 7)}
    assert blamed
