"""Probes: rare events that some run of a campaign must reach, or the campaign tested too little."""

from testnet.checkers.catalogue import (
    DeepReorg,
    DoubleVote,
    EmptyMempool,
    Equivocation,
    FinalityStalled,
    Fork,
    MempoolReentry,
    PartitionHealed,
    RefusedBlock,
    Reorg,
    Restart,
)
from testnet.checkers.checker import Ground
from testnet.checkers.reading import check_of
from testnet.checkers.sight import SIGHT, Sight
from testnet.checkers.tree import Card, parted
from testnet.observation import (
    BlockJoined,
    BlockLeft,
    Confirmed,
    EvidenceSeen,
    Fact,
    FaultBegan,
    FaultEnded,
    Glimpse,
    NodeStarted,
    NodeStopped,
    Refused,
    Seen,
    TransactionSeen,
)
from testnet.scenario.model import Mode

PARTITION = "partition"

BLOCK_CODES = frozenset(
    (
        "bad-headers",
        "block-too-large",
        "certificate-beyond",
        "certificate-epochs",
        "certificate-repeated",
        "certificate-set",
        "certificate-source",
        "certificate-target",
        "expired",
        "invalid-parent",
        "key-not-live",
        "known-invalid",
        "too-little-work",
        "too-many-registrations",
        "too-many-transactions",
        "too-much-evidence",
        "unexpected-certificates",
        "wrong-author",
        "wrong-certificates-hash",
        "wrong-chain",
        "wrong-height",
        "wrong-history-root",
        "wrong-next-set",
        "wrong-receipts-root",
        "wrong-seal",
        "wrong-sequence",
        "wrong-set",
        "wrong-slot",
        "wrong-state-root",
        "wrong-transactions-root",
    )
)
"""Codes with which blocks alone are refused, where a fact does not name the block."""

LOOKED_AT: frozenset[type[Fact]] = SIGHT | {
    *(TransactionSeen, Glimpse, Refused),
    *(Confirmed, EvidenceSeen),
}

STALLED_BLOCKS = 8
"""Two or three are always on their way to be final; eight are a stall."""


class ProbeBoard:
    """Which probes were reached: those a scenario names and all others, in order of time."""

    def __init__(self, ground: Ground) -> None:
        self._sight = Sight(ground)
        self._reached: dict[str, None] = {}
        self._deep = _depth_asked(ground)
        self._leaving: dict[str, int] = {}
        self._ended: dict[str, None] = {}
        self._held: dict[str, None] = {}
        self._parents: dict[str, str] = {}
        self._slots: dict[tuple[str, int], str] = {}
        self._abandoned: dict[str, dict[str, None]] = {}
        self._partitions: dict[str, None] = {}
        self._parted: dict[str, Card] = {}
        self._final: dict[str, int] = {}

    @property
    def reached(self) -> tuple[str, ...]:
        """Their names."""
        return tuple(self._reached)

    def see(self, seen: Seen) -> None:
        """The next fact."""
        fact = seen.fact
        kind = type(fact)
        if kind not in LOOKED_AT:
            return
        if kind in SIGHT:
            self._sight.see(seen)
        match fact:
            case BlockJoined(node):
                if self._sight.judged(node):
                    self._joined(fact)
            case BlockLeft(node):
                if self._sight.judged(node):
                    self._left(fact)
            case Confirmed(node, height=height, final=True):
                self._final[node] = height
            case EvidenceSeen(node, offence=offence) if self._sight.judged(node):
                # The second of two blocks is taken, and is evidence, on whatever chain it is.
                self._reach(DoubleVote.NAME if offence == "votes" else Equivocation.NAME)
            case TransactionSeen(node, transaction):
                if self._abandoned and transaction in self._abandoned.get(node, ()):
                    self._reach(MempoolReentry.NAME)
            case Glimpse(node):
                self._glimpsed(fact)
            case NodeStopped(node):
                self._ended[node] = None
                self._held.pop(node, None)
                self._abandoned.pop(node, None)
            case NodeStarted(node):
                if node in self._ended:
                    self._reach(Restart.NAME)
            case Refused(node, code=code, block=block):
                if (block or code in BLOCK_CODES) and self._sight.judged(node):
                    self._reach(RefusedBlock.NAME)
            case FaultBegan() | FaultEnded():
                self._fault(fact)
            case _:
                pass

    def _reach(self, name: str) -> None:
        self._reached[name] = None

    def _joined(self, fact: BlockJoined) -> None:
        self._leaving.pop(fact.node, None)
        if fact.height and self._parents.setdefault(fact.parent, fact.block) != fact.block:
            self._reach(Fork.NAME)
        if fact.height > self._final.get(fact.node, fact.height) + STALLED_BLOCKS:
            self._reach(FinalityStalled.NAME)
        place = fact.author, fact.slot
        if self._slots.setdefault(place, fact.block) != fact.block and fact.height:
            self._reach(Equivocation.NAME)

    def _left(self, fact: BlockLeft) -> None:
        depth = self._leaving[fact.node] = self._leaving.get(fact.node, 0) + 1
        self._reach(Reorg.NAME)
        if depth >= self._deep:
            self._reach(DeepReorg.NAME)
        card = self._sight.tree.get(fact.block)
        if card is not None:
            gone = self._abandoned.setdefault(fact.node, {})
            gone.update(dict.fromkeys(card.transactions))
        if self._parted.get(fact.node) is card and card is not None:
            self._reach(PartitionHealed.NAME)

    def _glimpsed(self, glimpse: Glimpse) -> None:
        if glimpse.mempool:
            self._held[glimpse.node] = None
        elif glimpse.node in self._held:
            self._reach(EmptyMempool.NAME)

    def _fault(self, fact: FaultBegan | FaultEnded) -> None:
        """When a partition ends in two minds, whoever gives up its head then has healed it."""
        if isinstance(fact, FaultBegan):
            if fact.kind.partition(".")[0] == PARTITION:
                self._partitions[fact.fault] = None
        elif fact.fault in self._partitions:
            heads = self._sight.heads()
            if any(parted(a, b, 1) for a in heads.values() for b in heads.values()):
                self._parted = heads


def _depth_asked(ground: Ground) -> int:
    """The depth the scenario asks for, or the usual one."""
    for expectation in ground.scenario.expectations:
        if expectation.mode is Mode.SOMETIMES:
            kind = check_of(expectation)
            if isinstance(kind, DeepReorg):
                return kind.depth_blocks
    return DeepReorg().depth_blocks
