"""The published numbers are those of the code."""

import re
from pathlib import Path

from p2p import config
from p2p.peers import addressbook, backoff, buckets, gate, requests, score
from p2p.protocol import (
    allowances,
    ballots,
    blocklinks,
    blocks,
    discovery,
    downloads,
    exchange,
    gossip,
    leases,
    mesh,
    offers,
    orphans,
    pace,
    rebuilding,
    recent,
    reconciliation,
    relay,
    reporting,
    sync,
    turns,
    validation,
    wanted,
)

SPEC = Path(__file__).parents[3] / "docs" / "spec" / "peer-behaviour.md"
MODULES = (
    addressbook,
    allowances,
    ballots,
    blocklinks,
    blocks,
    buckets,
    config,
    discovery,
    downloads,
    exchange,
    gate,
    gossip,
    leases,
    mesh,
    offers,
    reconciliation,
    orphans,
    pace,
    rebuilding,
    recent,
    relay,
    reporting,
    requests,
    score,
    sync,
    turns,
    validation,
    wanted,
)
NAMED_OTHERWISE = {"BACKOFF_MAX_S": backoff.MAX_S}


def test_every_number_in_the_tables_is_the_one_in_force() -> None:
    rows = re.findall(r"^\| `([A-Z_]+)` \| ([^|]+) \|", SPEC.read_text(), re.MULTILINE)
    assert len(rows) > 20
    for name, value in rows:
        found = {getattr(module, name) for module in MODULES if hasattr(module, name)}
        found = found or {NAMED_OTHERWISE[name]}
        assert found == {float(value)}, name


def test_every_offence_is_published() -> None:
    text = SPEC.read_text()
    offences = [name for name in vars(score) if name.startswith("POINTS_")]
    assert [name for name in offences if f"`{name}`" not in text] == []
