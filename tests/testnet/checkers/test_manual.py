"""The documentation of checks says what the code says."""

import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

from testnet.checkers.catalogue import CHECKS, EVERY_RUN
from testnet.checkers.manual import FAMILIES, MARK, checks_markdown
from testnet.checkers.reading import make_check
from testnet.faults.parameters import parameters_of

DOCUMENT = Path(__file__).parents[3] / "docs" / "laboratory" / "checkers.md"


def test_the_documented_catalogue_is_the_one_in_the_code() -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    assert text.endswith(checks_markdown()), "paste what `python -m testnet.checkers` prints"


def test_every_check_and_parameter_is_in_it_once() -> None:
    text = checks_markdown()
    assert sum(len(kinds) for _, kinds in FAMILIES) == len(CHECKS)
    for name, kind in CHECKS.items():
        (row,) = [line for line in text.splitlines() if line.startswith(f"| `{name}`")]
        assert all(f"`{key}` " in row for key in parameters_of(kind))
        assert (MARK in row) == (name in [check.NAME for check in EVERY_RUN])


def test_the_example_is_one() -> None:
    text = DOCUMENT.read_text(encoding="utf-8").split("```toml\n")[1].split("```")[0]
    expectations: list[dict[str, Any]] = tomllib.loads(text)["expect"]
    for fields in expectations:
        mode = next(key for key in ("always", "check", "sometimes") if key in fields)
        kind = CHECKS[fields[mode]]
        assert kind.MODE.value == mode
        given = [(k, str(v)) for k, v in fields.items() if k not in (mode, "on", "within")]
        assert make_check(kind, given)


def test_the_catalogue_is_printed() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "testnet.checkers"], capture_output=True, text=True, check=True
    )
    assert done.stdout == checks_markdown()
