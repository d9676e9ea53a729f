"""The documentation of faults and selectors says what the code says."""

from pathlib import Path

from testnet.faults.catalogue import FAMILIES, catalogue_markdown
from testnet.faults.kinds import KINDS, family
from testnet.faults.parameters import parameters_of
from testnet.scenario.selectors import WORDS

LABORATORY = Path(__file__).parents[3] / "docs" / "laboratory"


def test_the_documented_catalogue_is_the_one_in_the_code() -> None:
    text = (LABORATORY / "faults.md").read_text(encoding="utf-8")
    assert text.endswith(catalogue_markdown()), "paste what `python -m testnet.faults` prints"


def test_every_fault_and_parameter_is_in_it() -> None:
    text = catalogue_markdown()
    for name, kind in KINDS.items():
        (row,) = [line for line in text.splitlines() if line.startswith(f"| `{name}` |")]
        assert all(f"`{key}` " in row for key in parameters_of(kind))
        assert "process" in row


def test_every_family_has_a_title() -> None:
    assert [*FAMILIES] == [*dict.fromkeys(family(kind) for kind in KINDS.values())]


def test_every_selector_is_documented() -> None:
    text = (LABORATORY / "scenarios.md").read_text(encoding="utf-8")
    for word in WORDS.values():
        assert f"| `{word.form}` | {word.about} |" in text
