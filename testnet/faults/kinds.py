"""The whole catalogue: every kind of fault by the name a scenario calls it."""

from typing import cast, get_args

from testnet.faults.byzantine import ByzantineKind
from testnet.faults.disk import DiskKind
from testnet.faults.gossip import GossipKind
from testnet.faults.link import LinkKind
from testnet.faults.partition import PartitionKind
from testnet.faults.people import ClientKind, OperatorKind
from testnet.faults.process import ClockKind, ProcessKind

Kind = (
    LinkKind
    | PartitionKind
    | GossipKind
    | ByzantineKind
    | ProcessKind
    | ClockKind
    | DiskKind
    | OperatorKind
    | ClientKind
)

KINDS: dict[str, type[Kind]] = {
    kind.NAME: kind for kind in cast(tuple[type[Kind], ...], get_args(Kind))
}


def about(kind: type[Kind]) -> str:
    """The first sentence of a kind's explanation."""
    return (kind.__doc__ or "").split("\n", 1)[0]


def family(kind: type[Kind]) -> str:
    """What stands before the dot: link, partition, gossip, byzantine, ..."""
    return kind.NAME.partition(".")[0]
