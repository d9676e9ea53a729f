"""The plugin in a pytest run of its own, as users have it."""

import os
import subprocess
import sys
from pathlib import Path

FAILING = """
def test_impossible(testnet):
    run = (
        testnet.simulate(nodes=2, duration="10s")
        .fault("partition", at="1s", on="n1")
        .expect("converged", at="5s", within="4s")
        .run(seed=5)
    )
    assert run.passed
"""


def pytest_run(tmp_path: Path, text: str) -> subprocess.CompletedProcess[str]:
    """pytest over one file, warnings being errors."""
    (tmp_path / "test_it.py").write_text(text)
    return subprocess.run(
        [sys.executable, "-W", "error", "-m", "pytest", "-p", "no:cacheprovider", "test_it.py"],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_failure_tells_its_story_and_how_to_repeat_it(tmp_path: Path) -> None:
    ended = pytest_run(tmp_path, FAILING)
    assert ended.returncode == 1, ended.stdout + ended.stderr
    assert "Captured testnet" in ended.stdout
    assert "experiment with seed 5: LIVENESS" in ended.stdout
    assert "cornerstone testnet replay " in ended.stdout


def test_without_the_fixture_nothing_of_ours_is_loaded(tmp_path: Path) -> None:
    ended = pytest_run(
        tmp_path,
        "import sys\n\ndef test_it():\n"
        "    assert 'testnet.pytest_plugin' in sys.modules\n"
        "    assert 'testnet.experiment' not in sys.modules\n"
        "    assert 'trio' not in sys.modules or 'p2p' not in sys.modules\n",
    )
    assert ended.returncode == 0, ended.stdout
