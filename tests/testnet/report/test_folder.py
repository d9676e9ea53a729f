"""A run comes back from its folder as it was, or says which file is damaged and what to do."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from testnet.errors import LaunchFailure, Unfit
from testnet.observation import Judged, Seen
from testnet.outcome import Figure, Outcome, RunFolder, Verdict, Violation
from testnet.report.folder import is_run, load_run, save_run
from tests.testnet.report.staged import Stage, outcome

TEXT = st.text(max_size=20)
SECONDS = st.integers(0, 10**9).map(lambda us: us / 1_000_000)


@pytest.fixture
def kept(tmp_path: Path) -> RunFolder:
    folder = RunFolder(tmp_path / "halves-7")
    save_run(outcome(Stage(blocks=12, broken=False)), folder)
    return folder


def in_microseconds(ran: Outcome) -> Outcome:
    return replace(ran, seen=tuple(replace(each, at_s=round(each.at_s, 6)) for each in ran.seen))


def test_a_run_comes_back_as_it_was(tmp_path: Path) -> None:
    ran = outcome(Stage(blocks=45))
    save_run(ran, RunFolder(tmp_path / "deep" / "run"))
    assert load_run(RunFolder(tmp_path / "deep" / "run")) == in_microseconds(ran)


@given(
    checks=st.lists(st.tuples(TEXT, SECONDS, TEXT, st.lists(TEXT, max_size=3)), max_size=3),
    seed=st.integers(0, 2**63 - 1),
    facts=st.lists(st.tuples(SECONDS, TEXT, TEXT), max_size=5),
    value=st.floats(allow_nan=False, allow_infinity=False),
)
def test_any_texts_come_back(
    tmp_path_factory: pytest.TempPathFactory,
    checks: list[tuple[str, float, str, list[str]]],
    seed: int,
    facts: list[tuple[float, str, str]],
    value: float,
) -> None:
    ran = replace(
        outcome(Stage(blocks=2, broken=False)),
        seed=seed,
        verdict=Verdict.LIVENESS,
        violations=tuple(
            Violation(name, Verdict.LIVENESS, at_s, (name,), 3, said, tuple(causes))
            for name, at_s, said, causes in checks
        ),
        figures=(Figure("a", value, "ms"),),
        seen=tuple(Seen(at_s, Judged(name, "pass", detail)) for at_s, name, detail in facts),
    )
    folder = RunFolder(tmp_path_factory.mktemp("run"))
    save_run(ran, folder)
    assert load_run(folder) == ran


def test_what_is_no_number_comes_back_as_none(tmp_path: Path) -> None:
    endless = replace(outcome(Stage(blocks=2)), figures=(Figure("a", float("inf"), "s"),))
    save_run(endless, RunFolder(tmp_path))
    json.loads((tmp_path / "run.json").read_text(), parse_constant=pytest.fail)
    (figure,) = load_run(RunFolder(tmp_path)).figures
    assert figure.value != figure.value


def test_a_run_written_over_another_replaces_it(kept: RunFolder) -> None:
    other = outcome(Stage(blocks=3, broken=False), seed=9)
    save_run(other, kept)
    assert load_run(kept) == in_microseconds(other)
    assert {path.name for path in kept.path.iterdir()} == {
        "scenario.toml",
        "run.json",
        "events.ndjson",
    }


@pytest.mark.parametrize("name", ["scenario.toml", "run.json", "events.ndjson"])
def test_a_missing_file_is_named(kept: RunFolder, name: str) -> None:
    (kept.path / name).unlink()
    with pytest.raises(Unfit, match=f"no {name}; run the scenario again") as refused:
        load_run(kept)
    assert refused.value.code == "no-run"
    assert is_run(kept.path) is (name != "run.json")


@pytest.mark.parametrize("name", ["scenario.toml", "run.json", "events.ndjson"])
@pytest.mark.parametrize("damage", [b"", b"\xff\xfe", b"[1]\n", b"{", b"\n\n"])
def test_a_damaged_file_is_named(kept: RunFolder, name: str, damage: bytes) -> None:
    (kept.path / name).write_bytes(damage)
    with pytest.raises(Unfit, match=name) as refused:
        load_run(kept)
    assert refused.value.code == "run-damaged"


def test_one_lost_event_is_noticed(kept: RunFolder) -> None:
    lines = kept.events.read_text().splitlines(keepends=True)
    kept.events.write_text("".join(lines[:-1]))
    with pytest.raises(Unfit, match="the run was kept with"):
        load_run(kept)


@pytest.mark.parametrize(
    ("key", "value", "told"),
    [
        ("run", 2, "version 2, this software reads 1"),
        ("seed", "7", "no 'seed' of type int"),
        ("seed", True, "no 'seed' of type int"),
        ("verdict", "grand", "'verdict' that is unknown: 'grand'"),
        ("probes", [1], "something else than texts in 'probes'"),
        ("violations", [3], "does not hold a JSON object"),
        ("figures", [{"name": "a", "value": "b", "unit": "s"}], "no 'value' of type float"),
        ("virtual_s", "long", "no 'virtual_s'"),
    ],
)
def test_a_field_that_is_not_what_it_must_be(
    kept: RunFolder, key: str, value: object, told: str
) -> None:
    fields = json.loads(kept.record.read_text()) | {key: value}
    kept.record.write_text(json.dumps(fields))
    with pytest.raises(Unfit, match=told):
        load_run(kept)


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(LaunchFailure, match="make room there, or name another folder"):
        save_run(outcome(Stage(blocks=2)), RunFolder(tmp_path / "file" / "run"))


def test_a_file_is_no_run(tmp_path: Path) -> None:
    (tmp_path / "scenario.toml").write_text("scenario = 1")
    with pytest.raises(Unfit, match=r"scenario\.toml is no folder; name one that"):
        load_run(RunFolder(tmp_path / "scenario.toml"))
