"""One run in a process of its own: `python -m testnet.campaign.alone TASK ANSWER`.

Both files are pickles, written and read by testnet.campaign.determinism alone.
"""

import pickle
import sys
from pathlib import Path

from chain.primitives.errors import Refusal


def main(task: Path, answer: Path) -> None:
    """Runs what the task says and writes its outcome, or the refusal."""
    runner, scenario, seed = pickle.loads(task.read_bytes())
    try:
        outcome = runner(scenario, seed)
    except Refusal as refusal:
        outcome = refusal
    answer.write_bytes(pickle.dumps(outcome))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
