"""The catalogue: complete, explained, readable from a scenario, and the panel made of it."""

import time
from dataclasses import replace
from typing import get_args

import pytest

from testnet.checkers.catalogue import CHECKS, EVERY_RUN, CommonPrefix, Inclusion, Watched
from testnet.checkers.panel import panel, watched
from testnet.checkers.reading import check_of
from testnet.errors import Unfit
from testnet.faults.parameters import parameters_of, required
from testnet.observation import Glimpse, Seen, TransactionSeen
from testnet.scenario.model import Expectation, Mode
from tests.testnet.checkers.small import NODES, branch, expected, ground


def test_each_check_is_explained_and_its_name_is_its_own() -> None:
    for name, kind in CHECKS.items():
        assert name == kind.NAME
        assert (kind.__doc__ or "").rstrip().endswith(".")
        assert all(parameter.about for _, parameter in parameters_of(kind).values())


@pytest.mark.parametrize("name", CHECKS)
def test_each_check_can_be_expected(name: str) -> None:
    kind = CHECKS[name]
    needed = {
        k: "5s" if k == "p99" else "5" for k, (f, _) in parameters_of(kind).items() if required(f)
    }
    assert name == check_of(expected(name, **needed)).NAME


def test_parameters_are_read_as_a_scenario_writes_them() -> None:
    assert check_of(expected("common-prefix", depth="3")) == CommonPrefix(3)
    assert check_of(expected("inclusion", p99="2s")) == Inclusion(2_000)


@pytest.mark.parametrize(
    ("expectation", "code"),
    [
        (Expectation(Mode.ALWAYS, "suply"), "unknown-check"),
        (Expectation(Mode.WITHIN, "supply"), "check-mode"),
        (expected("common-prefix", deep="3"), "unknown-parameter"),
        (expected("common-prefix", depth="-3"), "out-of-range"),
        (expected("common-prefix", depth="3s"), "number"),
        (expected("common-prefix", depth="true"), "number"),
        (expected("inclusion", p99="2"), "duration"),
        (expected("inclusion"), "missing-parameter"),
    ],
)
def test_what_cannot_be_read_is_refused(expectation: Expectation, code: str) -> None:
    with pytest.raises(Unfit) as refusal:
        check_of(expectation)
    assert refusal.value.code == code


def test_every_run_is_watched_for_safety_and_a_scenario_sets_its_own_limits() -> None:
    assert watched(ground()) == EVERY_RUN
    strict = watched(ground(expected("common-prefix", depth="3"), expected("inclusion", p99="2s")))
    assert CommonPrefix(3) in strict
    assert CommonPrefix() not in strict
    assert len(strict) == len(EVERY_RUN) + 1


def test_every_watched_check_has_a_judge() -> None:
    needs = {"inclusion": {"p99": "1s"}, "bytes-per-transaction": {"most": "1"}}
    needs["messages-per-transaction"] = {"most": "1"}
    every = [expected(kind.NAME, **needs.get(kind.NAME, {})) for kind in get_args(Watched)]
    assert len(watched(ground(*every))) == len(every)
    assert panel(ground(*every))


def test_an_expectation_that_no_check_fits_is_refused_before_the_run() -> None:
    with pytest.raises(Unfit, match="did you mean 'supply'"):
        panel(ground(replace(expected("supply"), check="suply")))


def test_facts_are_seen_quickly() -> None:
    """A dozen nodes and two minutes are some fifty thousand facts; here is a fifth of them."""
    glimpses = [Seen(n / 10, Glimpse(NODES[n % 3], 1, "a", 2, 5, 5, 5, 5, 5)) for n in range(1_000)]
    spread = [Seen(n / 100, TransactionSeen(NODES[n % 3], str(n // 3))) for n in range(8_000)]
    chains = [each for node in NODES for each in branch(node, "a", range(1, 400))]
    facts = sorted([*glimpses, *spread, *chains], key=lambda each: each.at_s)
    (bench,) = panel(ground())
    best_s = min(_timed_s(bench.see, facts) for _ in range(3))
    assert best_s / len(facts) < 15e-6, "five times the target, for a busy machine"


def _timed_s(see: object, facts: list[Seen]) -> float:
    assert callable(see)
    start_s = time.perf_counter()
    for fact in facts:
        see(fact)
    return time.perf_counter() - start_s
