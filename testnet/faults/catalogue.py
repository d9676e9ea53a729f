"""The fault catalogue as documentation: `python -m testnet.faults` prints it.

docs/laboratory/faults.md holds the same text, and a test holds the two together.
"""

import inspect
from dataclasses import Field
from typing import Any

from testnet.faults.byzantine import INVALID
from testnet.faults.gossip import MESSAGES
from testnet.faults.kinds import KINDS, Kind, family
from testnet.faults.parameters import Parameter, parameters_of, required
from testnet.faults.tiers import NOTES, tiers_of

FAMILIES = {
    "link": "Links: what a network does to bytes, whatever they mean.",
    "partition": "Partitions: who can reach whom.",
    "gossip": "Gossip: above the encryption, by kind of message.",
    "byzantine": "Byzantine: members who break the protocol with keys that are theirs.",
    "process": "Processes.",
    "clock": "Clocks.",
    "disk": "Disks.",
    "operator": "Mistakes of operators.",
    "client": "Clients that behave badly.",
}
FORM_MAX = 100
"""Longer forms are lists of words, which stand below the tables instead."""

MEASURES = ("a duration", "a bandwidth")
"""Forms that a default shows by itself."""


def catalogue_markdown() -> str:
    """All families, each with a table of its faults, then the long lists of words."""
    parts = [_family(name, title) for name, title in FAMILIES.items()]
    return "\n".join([*parts, _words("Kinds of message", MESSAGES), _words("Rules", INVALID)])


def _family(name: str, title: str) -> str:
    kinds = [kind for kind in KINDS.values() if family(kind) == name]
    rows = [f"| {' | '.join(_cells(kind))} |" for kind in kinds]
    head = ["| fault | what happens | parameters | tiers |", "|---|---|---|---|"]
    notes = [
        f"\n`{kind.NAME}` on the {tier} tier: {text}.\n"
        for (kind, tier), text in NOTES.items()
        if kind in kinds
    ]
    return "\n".join([f"## {title.rstrip('.')}", "", *head, *rows, *notes, ""])


def _cells(kind: type[Kind]) -> list[str]:
    explained = " ".join((inspect.getdoc(kind) or "").split())
    shown = [_parameter(key, *found) for key, found in parameters_of(kind).items()]
    return [f"`{kind.NAME}`", explained, "<br>".join(shown), ", ".join(tiers_of(kind))]


def _parameter(key: str, field: Field[Any], parameter: Parameter) -> str:
    needed = required(field)
    self_evident = not needed and parameter.form.startswith(MEASURES)
    form = "" if self_evident or len(parameter.form) > FORM_MAX else f" ({parameter.form})"
    return (
        f"`{key}` {'*required*' if needed else _usual(parameter, field)}: {parameter.about}{form}"
    )


def _usual(parameter: Parameter, field: Field[Any]) -> str:
    value = parameter.write(field.default)
    return f"= `{value}`" if value not in ("", []) else "= all"


def _words(title: str, words: tuple[str, ...]) -> str:
    return "\n".join([f"## {title}", "", ", ".join(f"`{word}`" for word in words), ""])
