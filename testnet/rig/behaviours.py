"""Which behaviour carries out which kind of fault."""

from typing import assert_never

from testnet.faults.byzantine import (
    BadCertificates,
    ByzantineKind,
    DoubleVote,
    Eclipse,
    EdgeSlots,
    Equivocate,
    InvalidBlocks,
    LyingSync,
    Spam,
    StaleFork,
    Sybil,
    Twin,
    WithholdBlocks,
    WithholdVotes,
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
from testnet.rig.byzantine_certificates import Miscertifying
from testnet.rig.byzantine_equivocation import Equivocating
from testnet.rig.byzantine_invalid import Invalidating
from testnet.rig.byzantine_sync import Lying
from testnet.rig.byzantine_timing import Backward, Early, Hoarding
from testnet.rig.byzantine_votes import DoubleVoting, WithholdingVotes
from testnet.rig.crowds import Crowding, Eclipsing
from testnet.rig.damage import Corrupting
from testnet.rig.gossip import Delaying, Dropping, Duplicating, Reordering, Replaying
from testnet.rig.silence import NeverServing, Withholding
from testnet.rig.spam import Flooding
from testnet.rig.twin import Doubling


def behaviour_of(
    kind: GossipKind | ByzantineKind | SharedKey, to: tuple[str, ...] = ()
) -> Behaviour:
    """A new behaviour, not begun yet. `to` names the peers it concerns; empty: everyone."""
    concerned = frozenset(to)
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
            return _of_gossip(kind, concerned)
        case WithholdVotes():
            return WithholdingVotes(kind, concerned)
        case DoubleVote():
            return DoubleVoting(concerned)
        case BadCertificates():
            return Miscertifying(kind, concerned)
        case SharedKey():
            return Doubling(concerned, same_identity=True)
        case Twin() | Eclipse() | Sybil() | Spam():
            return _of_identities(kind, concerned)
        case _:
            return _of_producers(kind, concerned)


def _of_producers(
    kind: Equivocate | InvalidBlocks | WithholdBlocks | StaleFork | EdgeSlots | LyingSync,
    to: frozenset[str],
) -> Behaviour:
    match kind:
        case Equivocate():
            return Equivocating(to)
        case InvalidBlocks():
            return Invalidating(kind, to)
        case WithholdBlocks():
            return Hoarding(kind, to)
        case StaleFork():
            return Backward(kind, to)
        case EdgeSlots():
            return Early(to)
        case LyingSync():
            return Lying(kind, to)
        case _ as never:
            assert_never(never)


def _of_identities(kind: Twin | Eclipse | Sybil | Spam, to: frozenset[str]) -> Behaviour:
    match kind:
        case Twin():
            return Doubling(to, same_identity=False)
        case Eclipse():
            return Eclipsing(kind)
        case Sybil():
            return Crowding(kind, to)
        case Spam():
            return Flooding(kind, to)
        case _ as never:
            assert_never(never)


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
