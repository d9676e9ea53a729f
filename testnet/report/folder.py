"""A run in a folder: its scenario, its record and its events, complete enough to tell and replay.

Rules:
- run.json is written last and removed first. *Why:* a folder that has one is whole, whatever
  interrupted the writing.
- run.json holds the SHA-256 of the file of events. *Why:* an event more or less changes what a
  report says, and nobody would see it.
"""

import hashlib
import json
import math
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, TypeVar

from chain.primitives.errors import Refusal
from testnet.errors import LaunchFailure, Unfit
from testnet.observation import Seen, decode_seen, encode_seen
from testnet.outcome import Figure, Outcome, RunFolder, Verdict, Violation
from testnet.scenario.model import Scenario, Tier
from testnet.scenario.source import parse_scenario
from testnet.scenario.text import format_scenario

VERSION = 1
"""Of run.json. A field that is added keeps it, a field that changes raises it."""

REMEDY = "run the scenario again, or copy the folder again from where the run was made"

Value = TypeVar("Value")


def save_run(outcome: Outcome, folder: RunFolder) -> None:
    """Writes the three files, over those that may be there; makes the folder.

    Raises LaunchFailure when the folder cannot be written, as when the disk is full.
    """
    try:
        folder.path.mkdir(parents=True, exist_ok=True)
        folder.record.unlink(missing_ok=True)
        folder.scenario.write_text(format_scenario(outcome.scenario), encoding="utf-8")
        events_sha256 = _write_events(folder.events, outcome.seen)
        record = json.dumps(_fields(outcome, events_sha256), indent=1, ensure_ascii=False)
        unfinished = folder.record.with_suffix(".part")
        unfinished.write_text(record + "\n", encoding="utf-8")
        unfinished.replace(folder.record)
    except OSError as error:
        raise LaunchFailure(
            f"the run cannot be kept in {folder.path}: {error.strerror}; make room there, or name"
            " another folder with --report, or for all that is kept with CORNERSTONE_HOME"
        ) from error


def is_run(path: Path) -> bool:
    """Whether a folder holds a run."""
    return RunFolder(path).record.is_file()


def load_run(folder: RunFolder) -> Outcome:
    """Reads what save_run wrote; times come back in microseconds.

    Raises Unfit, with the file and what to do, for what is missing, damaged or of another version.
    """
    record = _Record(folder.record, _parsed(folder.record))
    version = record.take("run", int)
    if version != VERSION:
        raise Unfit(
            "run-version",
            f"{folder.record} is of version {version}, this software reads {VERSION}; read it with"
            " the software that made the run",
        )
    return Outcome(
        scenario=_scenario(folder.scenario),
        seed=record.take("seed", int),
        tier=record.word("tier", Tier),
        verdict=record.word("verdict", Verdict),
        digest=record.take("digest", str),
        violations=tuple(_violation(each) for each in record.items("violations")),
        probes=record.names("probes"),
        inert=record.names("inert"),
        figures=tuple(_figure(each) for each in record.items("figures")),
        virtual_s=record.number("virtual_s"),
        wall_s=record.number("wall_s"),
        seen=_read_events(folder.events, record.take("events_sha256", str)),
    )


def _fields(outcome: Outcome, events_sha256: str) -> dict[str, object]:
    return {
        "run": VERSION,
        "scenario": outcome.scenario.name,
        "seed": outcome.seed,
        "tier": outcome.tier.value,
        "verdict": outcome.verdict.value,
        "digest": outcome.digest,
        "failed": list(outcome.failed),
        "virtual_s": outcome.virtual_s,
        "wall_s": outcome.wall_s,
        "violations": [violation_fields(each) for each in outcome.violations],
        "probes": list(outcome.probes),
        "inert": list(outcome.inert),
        "figures": [figure_fields(each) for each in outcome.figures],
        "events": len(outcome.seen),
        "events_sha256": events_sha256,
    }


def violation_fields(violation: Violation) -> dict[str, object]:
    """A violation as JSON has it."""
    return {
        "check": violation.check,
        "verdict": violation.verdict.value,
        "at_s": violation.at_s,
        "nodes": list(violation.nodes),
        "height": violation.height,
        "statement": violation.statement,
        "causes": list(violation.causes),
    }


def figure_fields(figure: Figure) -> dict[str, object]:
    """A figure as JSON has it, which knows no infinity: null stands for what is not a number."""
    value = figure.value if math.isfinite(figure.value) else None
    return {"name": figure.name, "value": value, "unit": figure.unit}


def _violation(record: "_Record") -> Violation:
    return Violation(
        check=record.take("check", str),
        verdict=record.word("verdict", Verdict),
        at_s=record.number("at_s"),
        nodes=record.names("nodes"),
        height=record.take("height", int),
        statement=record.take("statement", str),
        causes=record.names("causes"),
    )


def _figure(record: "_Record") -> Figure:
    return Figure(record.take("name", str), record.number("value"), record.take("unit", str))


class _Record:
    """The fields of a JSON object in a file, taken with their types."""

    def __init__(self, path: Path, fields: object) -> None:
        if not isinstance(fields, dict):
            raise damaged(path, "does not hold a JSON object")
        self._path = path
        self._fields: dict[str, object] = fields

    def take(self, key: str, kind: type[Value]) -> Value:
        value = self._fields.get(key)
        if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
            raise damaged(self._path, f"has no {key!r} of type {kind.__name__}")
        return value

    def number(self, key: str) -> float:
        if key in self._fields and self._fields[key] is None:
            return math.nan
        whole = isinstance(self._fields.get(key), int)
        return float(self.take(key, int) if whole else self.take(key, float))

    def word(self, key: str, closed: Callable[[str], Value]) -> Value:
        text = self.take(key, str)
        try:
            return closed(text)
        except ValueError as error:
            raise damaged(self._path, f"has a {key!r} that is unknown: {text!r}") from error

    def names(self, key: str) -> tuple[str, ...]:
        values: list[Any] = self.take(key, list)
        if not all(isinstance(value, str) for value in values):
            raise damaged(self._path, f"has something else than texts in {key!r}")
        return tuple(values)

    def items(self, key: str) -> Iterable["_Record"]:
        values: list[Any] = self.take(key, list)
        return (_Record(self._path, value) for value in values)


def _parsed(path: Path) -> object:
    try:
        return json.loads(_text(path))
    except (ValueError, RecursionError) as error:
        raise damaged(path, f"is not JSON ({error})") from error


def _scenario(path: Path) -> Scenario:
    text = _text(path)
    try:
        return parse_scenario(text)
    except Refusal as refusal:
        raise damaged(path, f"is not a scenario this software reads ({refusal.reason})") from (
            refusal
        )


def _write_events(path: Path, seen: Sequence[Seen]) -> str:
    digest = hashlib.sha256()
    with path.open("wb") as file:
        for each in seen:
            line = f"{encode_seen(each)}\n".encode()
            digest.update(line)
            file.write(line)
    return digest.hexdigest()


def _read_events(path: Path, sha256: str) -> tuple[Seen, ...]:
    text = _text(path)
    found = hashlib.sha256(text.encode()).hexdigest()
    if found != sha256:
        raise damaged(path, f"has SHA-256 {found[:16]}…, the run was kept with {sha256[:16]}…")
    try:
        return tuple(decode_seen(line) for line in text.split("\n") if line)
    except ValueError as error:
        raise damaged(path, f"holds what is no event ({error})") from error


def _text(path: Path) -> str:
    try:
        return path.read_bytes().decode("utf-8")
    except FileNotFoundError as error:
        raise Unfit(
            "no-run", f"{path.parent} holds no whole run: there is no {path.name}; {REMEDY}"
        ) from error
    except NotADirectoryError as error:
        raise Unfit(
            "no-run", f"{path.parent} is no folder; name one that `sim` or `run` has kept"
        ) from error
    except OSError as error:
        raise Unfit("no-run", f"{path} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise damaged(path, f"is not text at byte {error.start}") from error


def damaged(path: Path, what: str) -> Unfit:
    """A file of a run that is not as it was written."""
    return Unfit("run-damaged", f"{path} {what}; {REMEDY}")
