"""`python -m tests.fuzz [TARGET ...] --minutes M`: a long run, guided by coverage where it can be.

With atheris installed (`pip install 'cornerstone[fuzz]'`) each target runs under libFuzzer with
our mutations; without it, or with --plain, mutations are drawn at random. The minutes are shared
among the targets. A finding ends its target with exit code 1 and leaves the input in a file;
`python -m tests.fuzz TARGET --input FILE` repeats it.
"""

import argparse
import hashlib
import random
import resource
import subprocess
import sys
import tempfile
import time
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

MEMORY_BYTES_MAX = 2 * 1024**3
"""No input may make a decoder need more than a fraction of this."""

SLOW_S = 1.0
"""An input of a few kilobytes that takes longer is a finding too."""

INPUT_BYTES_MAX = 65_536
CORPUS_MAX = 2_000


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("targets", nargs="*", metavar="TARGET", help="all when left out")
    parser.add_argument("--minutes", type=float, default=1.0, help="over all targets")
    parser.add_argument("--keep", type=Path, default=Path("fuzz-findings"), help="for findings")
    parser.add_argument("--plain", action="store_true", help="without atheris")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().getrandbits(32))
    parser.add_argument("--input", type=Path, help="check this one file and stop")
    parser.add_argument("--guided", action="store_true", help=argparse.SUPPRESS)
    wish = parser.parse_args()
    if wish.guided:
        return guided(wish.targets[0], wish)
    known = import_module("tests.fuzz.targets").targets()
    unknown = [name for name in wish.targets if name not in known]
    if unknown:
        parser.error(f"unknown target {unknown[0]!r}; there are: {', '.join(known)}")
    chosen = [known[name] for name in wish.targets or known]
    if wish.input is not None:
        print(f"taken: {[target.check(wish.input.read_bytes()) for target in chosen]}")
        return 0
    seconds = 60 * wish.minutes / len(chosen)
    with_coverage = not wish.plain and find_spec("atheris") is not None
    print(f"{len(chosen)} targets, {seconds:.0f} s each, seed {wish.seed}, ", end="")
    print("guided by coverage" if with_coverage else "mutations drawn at random")
    run = apart if with_coverage else plain
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES_MAX, resource.RLIM_INFINITY))
    failed = [target.name for target in chosen if not run(target, seconds, wish)]
    print(f"findings in: {', '.join(failed)}" if failed else "no findings")
    return 1 if failed else 0


def plain(target: Any, seconds: float, wish: argparse.Namespace) -> bool:
    """Random mutations of samples and of what was taken; whether nothing was found."""
    rng = random.Random(f"{wish.seed} {target.name}")
    corpus: list[bytes] = list(target.samples)
    until_s, runs, taken, slowest_s = time.monotonic() + seconds, 0, 0, 0.0
    while time.monotonic() < until_s:
        data = target.mutate(rng.choice(corpus), rng)[:INPUT_BYTES_MAX]
        began_s = time.monotonic()
        try:
            accepted = target.check(data)
        except Exception as error:  # noqa: BLE001 - anything but a refusal is what we look for
            keep(target.name, data, error, wish.keep)
            return False
        took_s = time.monotonic() - began_s
        slowest_s = max(slowest_s, took_s)
        if took_s > SLOW_S:
            keep(target.name, data, TimeoutError(f"{took_s:.1f} s"), wish.keep)
            return False
        runs, taken = runs + 1, taken + accepted
        if accepted and len(corpus) < CORPUS_MAX:
            corpus.append(data)
    print(f"{target.name}: {runs:,} inputs, {taken:,} taken, slowest {1e3 * slowest_s:.1f} ms")
    return True


def keep(name: str, data: bytes, error: Exception, folder: Path) -> None:
    """Leave a finding where it can be repeated from."""
    folder.mkdir(exist_ok=True)
    path = folder / f"{name}-{hashlib.sha256(data).hexdigest()[:12]}"
    path.write_bytes(data)
    print(f"{name}: {type(error).__name__}: {str(error)[:300]}")
    print(f"  python -m tests.fuzz {name} --input {path}")


def apart(target: Any, seconds: float, wish: argparse.Namespace) -> bool:
    """A target in a process of its own, as libFuzzer never returns; whether nothing was found."""
    wish.keep.mkdir(exist_ok=True)
    before = set(wish.keep.iterdir())
    command = [sys.executable, "-m", "tests.fuzz", target.name, "--guided"]
    command += ["--minutes", str(seconds / 60), "--seed", str(wish.seed), "--keep", str(wish.keep)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    lines = done.stderr.splitlines()
    if done.returncode == 0:
        last = next((line for line in reversed(lines) if line.startswith("Done ")), "no word")
        print(f"{target.name}: {' '.join(last.split())}")
        return True
    said = [line for line in lines if "Error" in line or "ERROR" in line] or lines[-1:]
    print(f"{target.name}: {said[0] if said else 'no word'}")
    for path in sorted(set(wish.keep.iterdir()) - before):
        print(f"  python -m tests.fuzz {target.name} --input {path}")
    return False


def guided(name: str, wish: argparse.Namespace) -> int:
    """One target under libFuzzer; everything is imported here, so that it can be instrumented."""
    atheris = import_module("atheris")
    with atheris.instrument_imports(include=["chain", "p2p", "testnet.scenario"]):
        target = import_module("tests.fuzz.targets").targets()[name]

    def one_input(data: bytes) -> None:
        target.check(data)

    def mutate(data: bytes, size_max: int, seed: int) -> bytes:
        rng = random.Random(seed)
        if rng.random() < 0.2:
            return bytes(atheris.Mutate(data, size_max))
        return bytes(target.mutate(data, rng)[:size_max])

    with tempfile.TemporaryDirectory() as corpus:
        for number, sample in enumerate(target.samples):
            (Path(corpus) / str(number)).write_bytes(sample)
        options = [
            sys.argv[0],
            f"-max_total_time={max(1, round(60 * wish.minutes))}",
            f"-seed={wish.seed or 1}",
            f"-max_len={INPUT_BYTES_MAX}",
            f"-timeout={SLOW_S:.0f}",
            f"-rss_limit_mb={MEMORY_BYTES_MAX >> 20}",
            f"-artifact_prefix={wish.keep}/{name}-",
            corpus,
        ]
        atheris.Setup(options, one_input, custom_mutator=mutate)
        atheris.Fuzz()
    return 0


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    sys.exit(main())
