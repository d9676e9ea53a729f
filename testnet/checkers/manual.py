"""The catalogue of checks as documentation: `python -m testnet.checkers` prints it.

docs/laboratory/checkers.md holds the same text, and a test holds the two together.
"""

import inspect
from dataclasses import Field
from typing import Any, get_args

from testnet.checkers.catalogue import (
    EVERY_RUN,
    Always,
    AtEnd,
    Bounds,
    CheckKind,
    Sometimes,
    Within,
)
from testnet.faults.parameters import Parameter, parameters_of, required

FAMILIES = (
    ("Always: watched from the first fact to the last", get_args(Always)),
    ("At the end: looked at when the run is over", get_args(AtEnd)),
    ("Bounds: limits on what was measured", get_args(Bounds)),
    ("Within a window: a state that must hold at some moment", get_args(Within)),
    ("Sometimes: what some seed of a campaign must reach", get_args(Sometimes)),
)
MARK = " †"
"""Beside the checks that every run is held to."""


def checks_markdown() -> str:
    """All families, each with a table of its checks."""
    return "\n".join(_family(title, kinds) for title, kinds in FAMILIES)


def _family(title: str, kinds: tuple[type[CheckKind], ...]) -> str:
    rows = [f"| {' | '.join(_cells(kind))} |" for kind in kinds]
    head = ["| check | what it says | parameters |", "|---|---|---|"]
    return "\n".join([f"## {title}", "", *head, *rows, ""])


def _cells(kind: type[CheckKind]) -> list[str]:
    mark = MARK if any(isinstance(check, kind) for check in EVERY_RUN) else ""
    explained = " ".join((inspect.getdoc(kind) or "").split())
    shown = [_parameter(key, *found) for key, found in parameters_of(kind).items()]
    return [f"`{kind.NAME}`{mark}", explained, "<br>".join(shown)]


def _parameter(key: str, field: Field[Any], parameter: Parameter) -> str:
    usual = "*required*" if required(field) else f"= `{parameter.write(field.default)}`"
    return f"`{key}` {usual}: {parameter.about} ({parameter.form})"
