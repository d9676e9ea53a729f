"""What nodes complain of: their logs, read as they grow, and told as facts."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import trio

from testnet.observation import Fact, Refused, Trouble

LOOK_S = 0.25
READ_BYTES = 1 << 20
"""At a time and node; a log that grows faster is read with delay, not all at once."""

OWN_END = "node-ended"
"""The last line of a node that could not start; the supervisor tells of that."""


class LogTail:
    """The end of one log file, from where it stands now."""

    def __init__(self, name: str, path: Path) -> None:
        self._name = name
        self._path = path
        self._place = path.stat().st_size if path.exists() else 0
        self._rest = b""

    def news(self) -> list[Fact]:
        """What the lines written since the last call tell."""
        try:
            with self._path.open("rb") as log:
                log.seek(self._place)
                data = log.read(READ_BYTES)
        except OSError:
            return []  # it has not been written yet
        self._place += len(data)
        *lines, self._rest = (self._rest + data).split(b"\n")
        return facts_in(self._name, [line.decode("utf-8", "replace") for line in lines])


def facts_in(name: str, lines: list[str]) -> list[Fact]:
    """Refusals and trouble in log lines; lines that are no JSON are a traceback."""
    facts: list[Fact] = []
    trace: list[str] = []
    for line in lines:
        entry = read_entry(line)
        if entry is None:
            trace += [line] if line.strip() else []
        elif entry.get("event") == "penalty":
            facts.append(Refused(name, *(str(entry.get(k, "")) for k in ("peer", "code", "why"))))
        elif entry.get("level") == "error" and entry.get("event") != OWN_END:
            told = {k: v for k, v in entry.items() if k not in ("level", "event", "timestamp")}
            detail = " ".join(f"{key}={value}" for key, value in told.items())
            facts.append(Trouble(name, str(entry.get("event", "error")), detail))
    if trace:
        facts.append(Trouble(name, "unhandled exception", trace[-1].strip()))
    return facts


def read_entry(line: str) -> dict[str, Any] | None:
    """A log line's fields; None for what is no log line."""
    try:
        entry = json.loads(line)
    except ValueError:
        return None
    return entry if isinstance(entry, dict) else None


async def tail(tails: list[LogTail], tell: Callable[[Fact], None]) -> None:
    """Tell what logs tell, until cancelled."""
    while True:
        for log in tails:
            for fact in log.news():
                tell(fact)
        await trio.sleep(LOOK_S)
