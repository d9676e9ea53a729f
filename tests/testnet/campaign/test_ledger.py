"""The seed ledger."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from testnet.campaign.ledger import (
    PASSES_TO_FORGET,
    REMEMBERED_MAX,
    Entry,
    ledger_path,
    noted,
    ordered,
    read_ledger,
    write_ledger,
)
from testnet.campaign.summary import Lost, Summary
from testnet.errors import Unfit
from testnet.outcome import Verdict, Violation


def ran(seed: int, *failed: str) -> Summary:
    verdict = Verdict.LIVENESS if failed else Verdict.PASS
    found = tuple(Violation(check, verdict, 1.0, (), 0, "") for check in failed)
    return Summary(seed, verdict, "", (), (), 60.0, 1.0, violations=found)


def test_a_failure_enters_and_goes_first() -> None:
    entries = noted((Entry(4, ("progress",)),), [ran(1), ran(17, "converged"), ran(2)])
    assert entries == (Entry(17, ("converged",)), Entry(4, ("progress",)))
    assert ordered(entries, (1, 2, 4)) == (17, 4, 1, 2)


def test_it_is_forgotten_after_it_passed_often_enough() -> None:
    entries: tuple[Entry, ...] = (Entry(17, ("converged",)),)
    for passes in range(1, PASSES_TO_FORGET):
        entries = noted(entries, [ran(17)])
        assert entries == (Entry(17, ("converged",), passes),)
    assert noted(entries, [ran(17)]) == ()


def test_a_new_failure_starts_the_count_again() -> None:
    assert noted((Entry(17, ("a",), 3),), [ran(17, "b")]) == (Entry(17, ("b",), 0),)


def test_a_lost_seed_changes_nothing() -> None:
    entries = (Entry(17, ("a",), 3),)
    assert noted(entries, [Lost(17, "killed"), Lost(18, "killed")]) == entries


def test_it_stays_small() -> None:
    results = [ran(seed, "converged") for seed in range(REMEMBERED_MAX + 9)]
    assert len(noted((), results)) == REMEMBERED_MAX


def test_no_file_is_an_empty_ledger(tmp_path: Path) -> None:
    assert read_ledger(ledger_path(tmp_path, "halves")) == ()


@pytest.mark.parametrize("text", ["no json\n", "{}\n", "[1]\n", '{"seed":1,"failed":3,"passes":0}'])
def test_a_damaged_file_is_named(tmp_path: Path, text: str) -> None:
    path = tmp_path / "halves.jsonl"
    path.write_text(text)
    with pytest.raises(Unfit, match="seed-ledger") as refused:
        read_ledger(path)
    assert str(path) in refused.value.reason


entry = st.builds(
    Entry,
    st.integers(0, 2**63 - 1),
    st.lists(st.text(max_size=8), max_size=3).map(tuple),
    st.integers(0, 9),
)


@given(st.lists(entry, max_size=5))
def test_what_is_written_is_read(
    tmp_path_factory: pytest.TempPathFactory, entries: list[Entry]
) -> None:
    path = ledger_path(tmp_path_factory.mktemp("home"), "halves")
    write_ledger(path, entries)
    assert read_ledger(path) == tuple(entries)
    assert [file.name for file in path.parent.iterdir()] == ["halves.jsonl"]
