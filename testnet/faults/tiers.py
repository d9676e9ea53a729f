"""Which tier can carry a fault out, and where one means something less there."""

from testnet.faults.byzantine import Eclipse, Spam, Sybil, WithholdBlocks
from testnet.faults.disk import PowerCut
from testnet.faults.gossip import DelayMessages, Drop, Duplicate, PromiseNothing, Withhold
from testnet.faults.kinds import Kind
from testnet.faults.link import Bandwidth, Delay, Loss
from testnet.faults.partition import Bridge, Halves, MajorityRing, Partition
from testnet.faults.people import SlowClient
from testnet.faults.process import Kill, Pause
from testnet.scenario.model import Tier

ENGINE: tuple[type[Kind], ...] = (
    *(Delay, Bandwidth, Loss),
    *(Partition, MajorityRing, Bridge, Halves),
    *(Drop, DelayMessages, Duplicate, Withhold, PromiseNothing),
    *(Eclipse, Sybil, Spam, WithholdBlocks),
    *(Kill, Pause),
)
"""What routers without links, disk and clock of their own can feel."""

NO_SOCKETS: tuple[type[Kind], ...] = (SlowClient,)
"""Half a request needs a socket; nodes in virtual time are called, not connected to."""

NOTES: dict[tuple[type[Kind], Tier], str] = {
    (PowerCut, Tier.PROCESS): "kill -9, then the tail of the store's log is cut"
}
"""Where a tier does the next best thing."""


def tiers_of(kind: type[Kind]) -> tuple[Tier, ...]:
    """The tiers that support a kind, in the order of the model."""
    return tuple(tier for tier in Tier if supports(tier, kind))


def supports(tier: Tier, kind: type[Kind]) -> bool:
    """Whether a tier can carry a kind of fault out."""
    match tier:
        case Tier.ENGINE:
            return kind in ENGINE
        case Tier.NODE:
            return kind not in NO_SOCKETS
        case Tier.PROCESS:
            return True


def note(kind: type[Kind], tier: Tier) -> str:
    """What is different about a kind on a tier; empty when it is done in full."""
    return NOTES.get((kind, tier), "")
