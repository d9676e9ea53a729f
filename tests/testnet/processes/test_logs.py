"""What nodes' logs tell: refusals of peers, trouble, tracebacks; and half-written lines."""

import json
from pathlib import Path

from testnet.observation import Refused, Trouble
from testnet.processes.logs import LogTail, facts_in


def entry(level: str, event: str, **fields: object) -> str:
    return json.dumps({"level": level, "event": event, "timestamp": "now", **fields})


def test_penalties_and_errors_are_told_and_nothing_else() -> None:
    lines = [
        entry("info", "node-started", id="aa"),
        entry("warning", "penalty", peer="bb", points=20, code="bad-seal", why="it is wrong"),
        entry("error", "internal-error", error="KeyError", where="here"),
        entry("error", "node-ended", reason="wrong genesis"),
    ]
    assert facts_in("n1", lines) == [
        Refused("n1", "bb", "bad-seal", "it is wrong"),
        Trouble("n1", "internal-error", "error=KeyError where=here"),
    ]


def test_a_traceback_is_one_trouble() -> None:
    lines = ["Traceback (most recent call last):", '  File "x.py", line 1', "ValueError: no", ""]
    assert facts_in("n1", lines) == [Trouble("n1", "unhandled exception", "ValueError: no")]


def test_only_new_and_whole_lines_are_read(tmp_path: Path) -> None:
    path = tmp_path / "log.ndjson"
    path.write_text(entry("error", "old") + "\n")
    tail = LogTail("n1", path)
    assert tail.news() == []
    line = entry("error", "new")
    with path.open("a") as log:
        log.write(line[:10])
    assert tail.news() == []
    with path.open("a") as log:
        log.write(line[10:] + "\n")
    assert tail.news() == [Trouble("n1", "new", "")]


def test_a_log_that_is_not_there_yet(tmp_path: Path) -> None:
    tail = LogTail("n1", tmp_path / "log.ndjson")
    assert tail.news() == []
    (tmp_path / "log.ndjson").write_text(entry("error", "first") + "\n")
    assert tail.news() == [Trouble("n1", "first", "")]
