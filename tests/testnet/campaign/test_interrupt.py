"""Ctrl-C in a campaign of many processes."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil

CAMPAIGN = """
import sys
from rich.console import Console
from testnet.campaign.job import Job
from testnet.campaign.session import hold, results_here
from testnet.campaign.tally import Tally
from tests.testnet import fake_runs

class Heard(Tally):
    def add(self, result):
        super().add(result)
        print("seed", result.seed, flush=True)

if __name__ == "__main__":
    tally = Heard(fake_runs.SCENARIO)
    job = Job(fake_runs.SCENARIO, fake_runs.slow, fake_runs.keep)
    whole = hold(results_here(job, range(1, 9), 2), tally, Console(), 8, False)
    print("whole", whole, "ran", len(tally.ran), flush=True)
"""


def test_it_ends_at_once_with_what_is_known_and_leaves_nobody_behind() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", CAMPAIGN],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as campaign:
        assert campaign.stdout is not None
        assert campaign.stdout.readline() == "seed 1\n"
        crew = psutil.Process(campaign.pid).children(recursive=True)
        os.killpg(campaign.pid, signal.SIGINT)  # as a terminal does: to every process in front
        out, err = campaign.communicate(timeout=20)
    assert (out, err) == ("whole False ran 1\n", "")
    assert crew
    _, alive = psutil.wait_procs(crew, timeout=5)
    assert alive == []


HASTY = """
from testnet.campaign.job import Job
from testnet.campaign.session import results_here
from tests.testnet import fake_runs

if __name__ == "__main__":
    job = Job(fake_runs.SCENARIO, fake_runs.every_third_fails, fake_runs.keep, modules=("hasty",))
    print([result.seed for result in results_here(job, range(1, 3), 1)])
"""


def test_it_does_not_reach_workers_that_are_still_loading(tmp_path: Path) -> None:
    interrupts_itself = "import os, signal; os.kill(os.getpid(), signal.SIGINT)"
    (tmp_path / "hasty.py").write_text(interrupts_itself)
    ended = subprocess.run(
        [sys.executable, "-c", HASTY],
        env=os.environ | {"PYTHONPATH": os.pathsep.join([str(tmp_path), *sys.path])},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ended.stdout, ended.stderr) == ("[1, 2]\n", "")
