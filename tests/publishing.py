"""Files of docs/spec that a command writes."""

import argparse
import json
from collections.abc import Callable, Mapping
from pathlib import Path


def publish(path: Path, make: Callable[[], Mapping[str, object]]) -> None:
    """Print what the file should hold, or write it with `--write`."""
    parser = argparse.ArgumentParser(description=f"Makes {path.name}.")
    parser.add_argument("--write", action="store_true", help="write the file, not print it")
    writes = parser.parse_args().write
    text = json.dumps(make(), indent=2) + "\n"
    if writes:
        path.write_text(text)
    else:
        print(text, end="")
