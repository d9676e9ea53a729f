"""The installed command, while it loads."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

COMMAND = "import sys; from cli import main; sys.exit(main())"


def ended(folder: Path, *arguments: str) -> tuple[int, str, str]:
    """Exit code, output and errors of the command, with a folder's modules before all others."""
    done = subprocess.run(
        [sys.executable, "-c", COMMAND, *arguments],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": os.pathsep.join([str(folder), *sys.path])},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize("module", ["traceback", "typer"])
def test_an_interrupt_while_it_loads_ends_it_without_a_word(tmp_path: Path, module: str) -> None:
    (tmp_path / f"{module}.py").write_text("raise KeyboardInterrupt")
    assert ended(tmp_path) == (130, "", "")


def test_it_is_the_command_line(tmp_path: Path) -> None:
    code, out, err = ended(tmp_path, "--version")
    assert (code, out.split()[0], err) == (0, "cornerstone", "")
