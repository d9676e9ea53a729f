"""What a testnet is to be: sizes, speed, engine, wiring; and every key that follows from its name.

Keys are a function of (name, seed, entity, purpose), so the same command gives the same nodes and
accounts on every machine. That makes them worthless as secrets, and the genesis is marked `test`
so that nobody mistakes them for any.
"""

import json
import re
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from chain.primitives.hashing import sha256
from testnet.directory import write_json
from testnet.errors import LaunchFailure, Unfit

NODES_MAX = 200
"""At about 15 MB and a few per mille of a core each, more nodes than this starve two cores."""

FULL_NODES_MAX = 65
"""The last node dials all others, and a node's configuration holds 64 addresses."""

AUTHORITIES_DEFAULT_MAX = 21
"""With more authors than this a slot lottery shows nothing new, and each costs a genesis record."""

BLOCK_MS_MIN = 200
BLOCK_MS_MAX = 600_000
"""Below a fifth of a second the machine's scheduler, not the protocol, decides who is in time."""

ACCOUNTS = ("alice", "bob", "carol", "dave", "erin", "frank", "grace", "heidi")
LOAD_SENDERS = 64
"""Enough that no sender's sequence is a bottleneck, few enough to found in a few milliseconds."""

CURRENCIES = (("BRL", 2, "Brazilian real"), ("CNY", 2, "Renminbi"))
ACCOUNT_BALANCE = 1_000_000_00
LOAD_BALANCE = 1_000_000_000_00
"""Minor units. A load sender can send one unit a transaction at any rate for years."""

DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h)?")
DURATION_MS = {"ms": 1, "s": 1_000, "m": 60_000, "h": 3_600_000}
DURATION_MAX_MS = 24 * 3_600_000
RATE_MAX = 50_000


class Consensus(StrEnum):
    """Which engine the genesis names."""

    AUTHORITY = "authority"
    WORK = "work"


class Wiring(StrEnum):
    """Who dials whom. `discover` is what a real network does: one address, then peer exchange."""

    DISCOVER = "discover"
    FULL = "full"
    RING = "ring"
    LINE = "line"
    STAR = "star"
    RANDOM = "random"


class Durability(StrEnum):
    """What survives: `process` a killed process, `power` a power cut as well."""

    PROCESS = "process"
    POWER = "power"


@dataclass(frozen=True, slots=True)
class LaunchSpec:
    """Everything `up` was asked for; validated on construction (Unfit)."""

    name: str
    seed: int = 0
    nodes: int = 8
    authorities: int = 0
    block_ms: int = 1_000
    consensus: Consensus = Consensus.AUTHORITY
    wiring: Wiring = Wiring.DISCOVER
    durability: Durability = Durability.PROCESS

    def __post_init__(self) -> None:
        within(self.nodes, 1, NODES_MAX, "--nodes")
        within(self.authorities, 0, self.nodes, "--authorities")
        within(self.block_ms, BLOCK_MS_MIN, BLOCK_MS_MAX, "--block-time in milliseconds")
        if self.wiring is Wiring.FULL:
            within(self.nodes, 1, FULL_NODES_MAX, "--nodes with --topology full")
        within(self.seed, 0, 2**63 - 1, "--seed")

    @property
    def node_names(self) -> tuple[str, ...]:
        return tuple(f"n{number}" for number in range(1, self.nodes + 1))

    @property
    def author_names(self) -> tuple[str, ...]:
        """The nodes that hold an organisation of their own: the authorities, or all the miners."""
        if self.consensus is Consensus.WORK:
            return self.node_names
        count = self.authorities or min(self.nodes, AUTHORITIES_DEFAULT_MAX)
        return self.node_names[:count]

    @property
    def load_names(self) -> tuple[str, ...]:
        return tuple(f"load-{number}" for number in range(1, LOAD_SENDERS + 1))

    def seed_of(self, entity: str, purpose: str) -> bytes:
        """32 bytes that only (name, seed, entity, purpose) decide."""
        text = f"cornerstone/testnet/1|{self.name}|{self.seed}|{entity}|{purpose}"
        return sha256(text.encode())

    def to_json(self) -> dict[str, str | int]:
        return {
            "name": self.name,
            "seed": self.seed,
            "nodes": self.nodes,
            "authorities": self.authorities,
            "block_ms": self.block_ms,
            "consensus": self.consensus.value,
            "wiring": self.wiring.value,
            "durability": self.durability.value,
        }


def spec_from_json(value: dict[str, str | int]) -> LaunchSpec:
    """Reads what to_json wrote."""
    return LaunchSpec(
        name=str(value["name"]),
        seed=int(value["seed"]),
        nodes=int(value["nodes"]),
        authorities=int(value["authorities"]),
        block_ms=int(value["block_ms"]),
        consensus=Consensus(str(value["consensus"])),
        wiring=Wiring(str(value["wiring"])),
        durability=Durability(str(value["durability"])),
    )


def within(value: int, low: int, high: int, what: str) -> None:
    """Unfit unless low <= value <= high."""
    if not low <= value <= high:
        raise Unfit("out-of-range", f"{what} is {value}; it can be {low} to {high}")


def parse_duration_ms(text: str) -> int:
    """'500ms', '1s', '2.5s', '1m'; a bare number is seconds. Unfit for anything else."""
    match = DURATION.fullmatch(text.strip())
    if match is None:
        raise Unfit("duration", f"{text!r} is no duration; write 500ms, 10s or 2m")
    value = round(float(match[1]) * DURATION_MS[match[2] or "s"])
    within(value, 1, DURATION_MAX_MS, f"duration {text!r} in milliseconds")
    return value


def parse_rate(text: str) -> float:
    """Transactions a second: '200' or '200/s'."""
    number = text.strip().removesuffix("/s")
    try:
        rate = float(number)
    except ValueError:
        rate = 0.0
    if not 0 < rate <= RATE_MAX:
        raise Unfit("rate", f"{text!r} is no rate; write 200 or 200/s, at most {RATE_MAX}")
    return rate


def save_spec(path: Path, spec: LaunchSpec) -> None:
    """Writes spec.json, which makes the folder a testnet."""
    write_json(path, spec.to_json())


def load_spec(path: Path) -> LaunchSpec:
    """Reads spec.json. Raises LaunchFailure when it is damaged."""
    try:
        return spec_from_json(json.loads(path.read_text()))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise LaunchFailure(f"{path} cannot be used: {error!r}") from error
