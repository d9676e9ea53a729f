"""Which behaviour carries out which kind of fault."""

from typing import assert_never

from testnet.errors import Unfit
from testnet.faults.byzantine import (
    ByzantineKind,
    EdgeSlots,
    Equivocate,
    InvalidBlocks,
    LyingSync,
    StaleFork,
    WithholdBlocks,
)
from testnet.faults.gossip import (
    Corrupt,
    DelayMessages,
    Drop,
    Duplicate,
    GossipKind,
    PromiseNothing,
    Reorder,
    Replay,
    Withhold,
)
from testnet.faults.people import SharedKey
from testnet.rig.behaviour import Behaviour
from testnet.rig.byzantine_equivocation import Equivocating
from testnet.rig.byzantine_invalid import Invalidating
from testnet.rig.byzantine_sync import Lying
from testnet.rig.byzantine_timing import Backward, Early, Hoarding
from testnet.rig.damage import Corrupting
from testnet.rig.gossip import Delaying, Dropping, Duplicating, Reordering, Replaying
from testnet.rig.silence import NeverServing, Withholding


def behaviour_of(
    kind: GossipKind | ByzantineKind | SharedKey, to: tuple[str, ...] = ()
) -> Behaviour:
    """A new behaviour, not begun yet. `to` names the peers it concerns; empty: everyone."""
    match kind:
        case (
            Drop()
            | DelayMessages()
            | Duplicate()
            | Replay()
            | Reorder()
            | Corrupt()
            | Withhold()
            | PromiseNothing()
        ):
            return _of_gossip(kind, frozenset(to))
        case Equivocate():
            return Equivocating(frozenset(to))
        case InvalidBlocks():
            return Invalidating(kind, frozenset(to))
        case WithholdBlocks():
            return Hoarding(kind, frozenset(to))
        case StaleFork():
            return Backward(kind, frozenset(to))
        case EdgeSlots():
            return Early(frozenset(to))
        case LyingSync():
            return Lying(kind, frozenset(to))
        case _:
            raise Unfit("not-in-a-node", f"{kind.NAME} is not carried out within a node")


def _of_gossip(kind: GossipKind, to: frozenset[str]) -> Behaviour:
    match kind:
        case Drop():
            return Dropping(kind, to)
        case DelayMessages():
            return Delaying(kind, to)
        case Duplicate():
            return Duplicating(kind, to)
        case Replay():
            return Replaying(kind, to)
        case Reorder():
            return Reordering(kind, to)
        case Corrupt():
            return Corrupting(kind, to)
        case Withhold():
            return Withholding(kind, to)
        case PromiseNothing():
            return NeverServing(kind, to)
        case _ as never:
            assert_never(never)
