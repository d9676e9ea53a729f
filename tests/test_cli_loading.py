"""The installed command, while it loads."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

COMMAND = "import sys; from cli import main; sys.exit(main())"


def here(*first: str) -> dict[str, str]:
    """This environment, for a process that imports from where this one does."""
    return {**os.environ, "PYTHONPATH": os.pathsep.join([*first, *sys.path])}


def ended(folder: Path, *arguments: str) -> tuple[int, str, str]:
    """Exit code, output and errors of the command, with a folder's modules before all others."""
    done = subprocess.run(
        [sys.executable, "-c", COMMAND, *arguments],
        cwd=folder,
        env=here(str(folder)),
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize("module", ["traceback", "typer"])
def test_an_interrupt_while_it_loads_ends_it_without_a_word(tmp_path: Path, module: str) -> None:
    (tmp_path / f"{module}.py").write_text("raise KeyboardInterrupt")
    assert ended(tmp_path) == (130, "", "")


@pytest.mark.parametrize("module", ["trio", "fastapi"])
def test_so_does_one_while_a_node_loads(tmp_path: Path, module: str) -> None:
    (tmp_path / f"{module}.py").write_text("raise KeyboardInterrupt")
    done = subprocess.run(
        [sys.executable, "-m", "p2p.node_main"],
        env=here(str(tmp_path)),
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "")


def test_it_is_the_command_line(tmp_path: Path) -> None:
    code, out, err = ended(tmp_path, "--version")
    assert (code, out.split()[0], err) == (0, "cornerstone", "")


def test_a_reader_that_has_seen_enough_is_no_refusal() -> None:
    script = f'set -o pipefail; "{sys.executable}" -c "{COMMAND}" testnet check halves | true'
    done = subprocess.run(
        ["bash", "-c", script], env=here(), capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_a_terminal_without_our_letters_is_served_as_well() -> None:
    done = subprocess.run(
        [sys.executable, "-c", COMMAND, "testnet", "check", "halves"],
        env=here() | {"PYTHONIOENCODING": "ascii"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "partition.halves" in done.stdout


def test_a_pipe_gets_a_line_whole(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", COMMAND, "keys", "list"],
        env=here() | {"CORNERSTONE_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0
    assert done.stdout.count("\n") == 1
