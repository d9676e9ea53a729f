"""The catalogue of checks: what a scenario may expect, by name, with its parameters.

Each kind is a frozen dataclass; its docstring is what the documentation says of it. EVERY_RUN are
watched whether or not a scenario lists them: what they promise holds for any network.
"""

from dataclasses import dataclass
from typing import ClassVar, cast, get_args

from testnet.checkers.blame_kinds import Blameless, Expelled
from testnet.checkers.finality_kinds import (
    FinalAgree,
    FinalityLate,
    FinalityResumes,
    FinalLag,
    HandedOver,
    OneVote,
    Unseated,
)
from testnet.faults.parameters import duration, integer, number
from testnet.scenario.model import Mode

BLOCKS_MAX = 100_000
"""More than an hour of the fastest blocks."""


@dataclass(frozen=True, slots=True)
class CommonPrefix:
    """Of any two honest nodes' chains one begins with the other, but for the newest blocks.

    `depth` counts down from the lower head. At 0 it is twelve blocks, and as many more as could be
    made since the first of the faults that are in force, or were in the last half minute.
    """

    NAME: ClassVar[str] = "common-prefix"
    MODE: ClassVar[Mode] = Mode.ALWAYS
    depth_blocks: int = integer("in which two chains may differ", 0, BLOCKS_MAX, 0)


@dataclass(frozen=True, slots=True)
class Supply:
    """After each block of a final chain, every currency's balances sum to what was founded."""

    NAME: ClassVar[str] = "supply"
    MODE: ClassVar[Mode] = Mode.ALWAYS


@dataclass(frozen=True, slots=True)
class Once:
    """No chain has a transaction twice, nor two with the same sender, lane and sequence."""

    NAME: ClassVar[str] = "once"
    MODE: ClassVar[Mode] = Mode.ALWAYS


@dataclass(frozen=True, slots=True)
class NoDoubleSigning:
    """Under `authority`, no honest author seals two blocks for one slot."""

    NAME: ClassVar[str] = "no-double-signing"
    MODE: ClassVar[Mode] = Mode.ALWAYS


@dataclass(frozen=True, slots=True)
class Memory:
    """The mempools and the queues towards peers stay within their bounds."""

    NAME: ClassVar[str] = "memory"
    MODE: ClassVar[Mode] = Mode.ALWAYS
    transactions: int = integer("that wait in a mempool", 0, 10_000_000, 50_000)
    mempool_bytes: int = integer("of what waits in a mempool", 0, 1 << 40, 32 << 20)
    queued_bytes: int = integer("towards each peer, on average", 0, 1 << 40, 20 << 20)


@dataclass(frozen=True, slots=True)
class Dialling:
    """Nobody tries again and again, without a pause, to connect where it has just failed.

    Attempts within a fifth of a second of the last one at that address count, in virtual time.
    """

    NAME: ClassVar[str] = "dialling"
    MODE: ClassVar[Mode] = Mode.ALWAYS
    attempts: int = integer("of that kind, by one node within ten seconds", 0, 1_000_000, 20)


@dataclass(frozen=True, slots=True)
class NoTrouble:
    """No unhandled exception, no task or descriptor left behind."""

    NAME: ClassVar[str] = "no-trouble"
    MODE: ClassVar[Mode] = Mode.ALWAYS


@dataclass(frozen=True, slots=True)
class Reference:
    """A slow second validator agrees: about blocks taken, blocks refused, and which head is best.

    Blocks of the final chains pass it, blocks that honest nodes refused as invalid do not, and a
    node gives up a head only for one that the rule of the chain prefers.
    """

    NAME: ClassVar[str] = "reference"
    MODE: ClassVar[Mode] = Mode.ALWAYS


@dataclass(frozen=True, slots=True)
class Accounted:
    """At the end each transaction that was taken is in a block, waits, or was dropped for a reason.

    The same is asked of what a node's abandoned blocks had included, two seconds after each
    reorganisation. What a node took before it stopped may be gone: a mempool is not kept on disk.
    """

    NAME: ClassVar[str] = "accounted"
    MODE: ClassVar[Mode] = Mode.ALWAYS


@dataclass(frozen=True, slots=True)
class Replay:
    """An independent replay from the genesis gives the state root of each block at the end."""

    NAME: ClassVar[str] = "replay"
    MODE: ClassVar[Mode] = Mode.ALWAYS


@dataclass(frozen=True, slots=True)
class FaultsVisible:
    """Every fault did something, and was undone without remains."""

    NAME: ClassVar[str] = "faults-visible"
    MODE: ClassVar[Mode] = Mode.ALWAYS


@dataclass(frozen=True, slots=True)
class Delivered:
    """What a node took is soon at every other that lives, in its mempool or in a block.

    Each transaction with each honest node is a delivery that is due if both nodes run, without a
    break, from the offer until `wait` later. Another transaction with its number will do.
    """

    NAME: ClassVar[str] = "delivered"
    MODE: ClassVar[Mode] = Mode.ALWAYS
    share: float = number("of the deliveries that are due", 0.01, 1.0, 1.0)
    wait_ms: int = duration("for each of them", 10_000, low=1)


@dataclass(frozen=True, slots=True)
class Propagation:
    """Times from a block's first appearance to its arrival at the other honest nodes.

    Percentiles over all arrivals of the run; 0 sets no limit.
    """

    NAME: ClassVar[str] = "propagation"
    MODE: ClassVar[Mode] = Mode.ALWAYS
    p50_ms: int = duration("for half of the arrivals at most", 0)
    p90_ms: int = duration("for nine of ten at most", 0)
    p99_ms: int = duration("for 99 of 100 at most", 0)


@dataclass(frozen=True, slots=True)
class Inclusion:
    """Times from a transaction's first offer to the first block with it."""

    NAME: ClassVar[str] = "inclusion"
    MODE: ClassVar[Mode] = Mode.ALWAYS
    p99_ms: int = duration("for 99 of 100 transactions at most")


@dataclass(frozen=True, slots=True)
class BytesPerTransaction:
    """What all nodes wrote to their peers, divided by the transactions that got into blocks."""

    NAME: ClassVar[str] = "bytes-per-transaction"
    MODE: ClassVar[Mode] = Mode.ALWAYS
    most: int = integer("bytes", 1, 1 << 40)


@dataclass(frozen=True, slots=True)
class MessagesPerTransaction:
    """Messages that all nodes sent, divided by the transactions that got into blocks."""

    NAME: ClassVar[str] = "messages-per-transaction"
    MODE: ClassVar[Mode] = Mode.ALWAYS
    most: int = integer("messages", 1, 1 << 40)


@dataclass(frozen=True, slots=True)
class Converged:
    """The selected nodes run, and their heads are within a block of one chain's end."""

    NAME: ClassVar[str] = "converged"
    MODE: ClassVar[Mode] = Mode.WITHIN
    depth_blocks: int = integer("in which two chains may differ", 0, BLOCKS_MAX, 1)
    lag_blocks: int = integer("by which a head may be lower than the highest", 0, BLOCKS_MAX, 1)


@dataclass(frozen=True, slots=True)
class CoreConverged:
    """So many of the selected nodes have converged, whatever holds of the rest."""

    NAME: ClassVar[str] = "core-converged"
    MODE: ClassVar[Mode] = Mode.WITHIN
    share: float = number("of the selected nodes", 0.01, 1.0, 0.66)
    depth_blocks: int = integer("in which two chains may differ", 0, BLOCKS_MAX, 1)
    lag_blocks: int = integer("by which a head may be lower than the highest", 0, BLOCKS_MAX, 1)


@dataclass(frozen=True, slots=True)
class Progress:
    """Each selected node's head has risen since the window opened."""

    NAME: ClassVar[str] = "progress"
    MODE: ClassVar[Mode] = Mode.WITHIN
    blocks: int = integer("by how many blocks", 1, BLOCKS_MAX, 3)


@dataclass(frozen=True, slots=True)
class Peers:
    """Each selected node is connected to enough others."""

    NAME: ClassVar[str] = "peers"
    MODE: ClassVar[Mode] = Mode.WITHIN
    least: int = integer("peers", 1, 10_000, 2)


@dataclass(frozen=True, slots=True)
class AllIncluded:
    """What was taken before the window opened is in the part that the selected chains share.

    Transactions that expired, or whose number another one has used, are not waited for.
    """

    NAME: ClassVar[str] = "all-included"
    MODE: ClassVar[Mode] = Mode.WITHIN


@dataclass(frozen=True, slots=True)
class Reorg:
    """A node gives up a block for another one."""

    NAME: ClassVar[str] = "reorg"
    MODE: ClassVar[Mode] = Mode.SOMETIMES


@dataclass(frozen=True, slots=True)
class DeepReorg:
    """A node gives up several blocks at once."""

    NAME: ClassVar[str] = "deep-reorg"
    MODE: ClassVar[Mode] = Mode.SOMETIMES
    depth_blocks: int = integer("how many at least", 2, BLOCKS_MAX, 3)


@dataclass(frozen=True, slots=True)
class Fork:
    """Two blocks have the same parent."""

    NAME: ClassVar[str] = "fork"
    MODE: ClassVar[Mode] = Mode.SOMETIMES


@dataclass(frozen=True, slots=True)
class RefusedBlock:
    """A node refuses a peer's block."""

    NAME: ClassVar[str] = "refused-block"
    MODE: ClassVar[Mode] = Mode.SOMETIMES


@dataclass(frozen=True, slots=True)
class Restart:
    """A node that had ended serves again."""

    NAME: ClassVar[str] = "restart"
    MODE: ClassVar[Mode] = Mode.SOMETIMES


@dataclass(frozen=True, slots=True)
class MempoolReentry:
    """A transaction of an abandoned block waits in a mempool again."""

    NAME: ClassVar[str] = "mempool-reentry"
    MODE: ClassVar[Mode] = Mode.SOMETIMES


@dataclass(frozen=True, slots=True)
class EmptyMempool:
    """A mempool that held transactions is empty."""

    NAME: ClassVar[str] = "empty-mempool"
    MODE: ClassVar[Mode] = Mode.SOMETIMES


@dataclass(frozen=True, slots=True)
class PartitionHealed:
    """A partition ends in which the chains of its sides had parted, and one gives way."""

    NAME: ClassVar[str] = "partition-healed"
    MODE: ClassVar[Mode] = Mode.SOMETIMES


@dataclass(frozen=True, slots=True)
class FinalityStalled:
    """An honest node's chain grows by more than eight blocks beyond its last final one."""

    NAME: ClassVar[str] = "finality-stalled"
    MODE: ClassVar[Mode] = Mode.SOMETIMES


@dataclass(frozen=True, slots=True)
class DoubleVote:
    """An honest node finds proof that an author signed two votes that exclude each other."""

    NAME: ClassVar[str] = "double-vote"
    MODE: ClassVar[Mode] = Mode.SOMETIMES


@dataclass(frozen=True, slots=True)
class Equivocation:
    """Honest nodes take two blocks of one author for one slot."""

    NAME: ClassVar[str] = "equivocation"
    MODE: ClassVar[Mode] = Mode.SOMETIMES


Always = (
    CommonPrefix
    | Supply
    | Once
    | NoDoubleSigning
    | FinalAgree
    | OneVote
    | Memory
    | Dialling
    | NoTrouble
    | Reference
)
AtEnd = Accounted | Replay | FaultsVisible | Expelled | Blameless
Bounds = (
    Delivered | Propagation | FinalLag | Inclusion | BytesPerTransaction | MessagesPerTransaction
)
Watched = Always | AtEnd | Bounds
Within = (
    Converged
    | CoreConverged
    | Progress
    | FinalityResumes
    | FinalityLate
    | HandedOver
    | Unseated
    | Peers
    | AllIncluded
)
Sometimes = (
    Reorg
    | DeepReorg
    | Fork
    | RefusedBlock
    | Restart
    | MempoolReentry
    | EmptyMempool
    | PartitionHealed
    | FinalityStalled
    | DoubleVote
    | Equivocation
)
CheckKind = Watched | Within | Sometimes

CHECKS: dict[str, type[CheckKind]] = {
    kind.NAME: kind for kind in cast(tuple[type[CheckKind], ...], get_args(CheckKind))
}

EVERY_RUN: tuple[Watched, ...] = (
    CommonPrefix(),
    Supply(),
    Once(),
    NoDoubleSigning(),
    FinalAgree(),
    OneVote(),
    Memory(),
    Dialling(),
    NoTrouble(),
    Reference(),
    Accounted(),
    Replay(),
)
