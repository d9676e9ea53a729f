"""What a supervisor answers about faults: those in force, and what ending one found."""

from dataclasses import dataclass
from typing import Any

from testnet.errors import LaunchFailure, Unfit
from testnet.faults.wire import decode_act, encode_act
from testnet.stage import Act, Undone


@dataclass(frozen=True, slots=True)
class InForce:
    """A fault in force: for how long already, how long still (0: until it is ended), its hits."""

    act: Act
    since_s: float
    left_s: float
    hits: int


@dataclass(frozen=True, slots=True)
class FaultsReply:
    """All faults in force, in the order they began; `undone` after one was ended."""

    in_force: tuple[InForce, ...]
    undone: Undone | None = None


def encode_faults(reply: FaultsReply) -> dict[str, object]:
    """The JSON form of a reply, which `faults --json` prints as well."""
    undone = reply.undone
    return {
        "faults": [
            {
                **encode_act(fault.act),
                "since_s": round(fault.since_s, 3),
                "left_s": round(fault.left_s, 3),
                "hits": fault.hits,
            }
            for fault in reply.in_force
        ],
        "undone": None if undone is None else {"hits": undone.hits, "clean": undone.clean},
    }


def decode_faults(value: Any) -> FaultsReply:
    """Reads what encode_faults wrote; LaunchFailure when another version wrote it."""
    try:
        undone = value["undone"]
        return FaultsReply(
            in_force=tuple(_fault(fault) for fault in value["faults"]),
            undone=None if undone is None else Undone(undone["hits"], clean=undone["clean"]),
        )
    except (KeyError, TypeError, ValueError, Unfit) as error:
        raise LaunchFailure(f"the supervisor speaks another version: {error!r}") from error


def _fault(value: Any) -> InForce:
    own = {key: value[key] for key in ("since_s", "left_s", "hits")}
    return InForce(act=decode_act({k: v for k, v in value.items() if k not in own}), **own)
