"""A run read once, from first fact to last, into what the drawings need.

Facts are many (a hundred thousand and more), drawings are small: everything here is bounded by the
blocks, nodes and faults of the run, not by its facts.
"""

from dataclasses import dataclass, field

from testnet.observation import (
    BlockJoined,
    BlockLeft,
    FaultBegan,
    FaultEnded,
    Glimpse,
    NodeStarted,
    NodeStopped,
    Refused,
    Seen,
    TransactionOffered,
    Trouble,
)
from testnet.outcome import Outcome


@dataclass(frozen=True, slots=True)
class Block:
    """A block and when the first node had it on its chain; `origin` is that node."""

    id: str
    parent: str
    height: int
    slot: int
    author: str
    transactions: int
    first_s: float
    origin: str


@dataclass(frozen=True, slots=True)
class Step:
    """A node took this block on its chain."""

    at_s: float
    block: str


@dataclass(frozen=True, slots=True)
class Reorganisation:
    """A node left `depth` blocks at once, `old` the highest of them, for another branch."""

    node: str
    at_s: float
    depth: int
    old: str


@dataclass(frozen=True, slots=True)
class Uptime:
    """A stretch in which a node served; `how` it ended is empty for one that ran to the end."""

    begin_s: float
    end_s: float
    how: str
    honest: bool


@dataclass(frozen=True, slots=True)
class FaultSpan:
    """A fault and when it was in force; `hits` is None when the run ended before it did."""

    id: str
    kind: str
    on: tuple[str, ...]
    to: tuple[str, ...]
    begin_s: float
    end_s: float
    hits: int | None = None
    clean: bool = True

    @property
    def family(self) -> str:
        """link, partition, process, ..."""
        return self.kind.partition(".")[0]


@dataclass(frozen=True, slots=True)
class Mark:
    """A moment on a node's lane: a refusal or trouble, with its explanation."""

    node: str
    at_s: float
    what: str


@dataclass(slots=True)
class Trace:
    """Everything, by node and in order of time."""

    nodes: tuple[str, ...]
    end_s: float
    blocks: dict[str, Block] = field(default_factory=dict)
    steps: dict[str, list[Step]] = field(default_factory=dict)
    uptimes: dict[str, list[Uptime]] = field(default_factory=dict)
    glimpses: dict[str, list[tuple[float, Glimpse]]] = field(default_factory=dict)
    reorganisations: list[Reorganisation] = field(default_factory=list)
    faults: list[FaultSpan] = field(default_factory=list)
    refusals: list[Mark] = field(default_factory=list)
    troubles: list[Mark] = field(default_factory=list)
    delays: list[tuple[str, str, float]] = field(default_factory=list)
    offered_s: list[float] = field(default_factory=list)
    included: list[tuple[float, float]] = field(default_factory=list)

    @property
    def heads(self) -> dict[str, str]:
        """Where each node's chain ended; nodes that never had a block are not in it."""
        return {node: steps[-1].block for node, steps in self.steps.items() if steps}


def by_number(name: str) -> tuple[int, str]:
    """n2 before n10."""
    return len(name), name


def trace_of(outcome: Outcome) -> Trace:
    """Reads the facts of a run."""
    return _Reader(outcome).read()


class _Reader:
    """The pass over the facts, and what is only known while it lasts."""

    def __init__(self, outcome: Outcome) -> None:
        self._seen = outcome.seen
        nodes = dict.fromkeys(
            each.fact.node
            for each in outcome.seen
            if isinstance(each.fact, NodeStarted | BlockJoined | Glimpse)
        )
        last_s = outcome.seen[-1].at_s if outcome.seen else 0.0
        end_s = max(outcome.virtual_s, last_s, 0.001)
        self._trace = Trace(tuple(sorted(nodes, key=by_number)), end_s)
        for node in self._trace.nodes:
            self._trace.steps[node], self._trace.uptimes[node] = [], []
            self._trace.glimpses[node] = []
        self._up: dict[str, tuple[float, bool]] = {}
        self._force: dict[str, FaultSpan] = {}
        self._had: set[tuple[str, str]] = set()
        self._included: set[str] = set()
        self._offered: dict[str, float] = {}
        self._leaving: dict[str, Reorganisation] = {}

    def read(self) -> Trace:
        for each in self._seen:
            self._take(each)
        for node in self._up:
            self._stopped(node, self._trace.end_s, "")
        for fault in list(self._force):
            self._over(fault, self._trace.end_s, None, True)
        self._trace.reorganisations += self._leaving.values()
        self._trace.reorganisations.sort(key=lambda each: (each.at_s, by_number(each.node)))
        self._trace.faults.sort(key=lambda each: (each.begin_s, each.id))
        return self._trace

    def _take(self, seen: Seen) -> None:
        trace, at_s = self._trace, seen.at_s
        match seen.fact:
            case BlockJoined() as block:
                self._joined(block, at_s)
            case BlockLeft() as left:
                self._left(left, at_s)
            case Glimpse() as glimpse:
                trace.glimpses[glimpse.node].append((at_s, glimpse))
            case NodeStarted(node=node, honest=honest):
                self._up.setdefault(node, (at_s, honest))
            case NodeStopped(node=node, how=how):
                if node in self._up:
                    self._stopped(node, at_s, how)
                    del self._up[node]
            case FaultBegan() as fault:
                self._force[fault.fault] = FaultSpan(
                    fault.fault, fault.kind, fault.on, fault.to, at_s, trace.end_s
                )
            case FaultEnded(fault=fault_id, hits=hits, clean=clean):
                self._over(fault_id, at_s, hits, clean)
            case Refused(node=node, peer=peer, reason=reason):
                trace.refusals.append(Mark(node, at_s, f"refused {peer}: {reason}"))
            case Trouble(node=node, what=what, detail=detail):
                trace.troubles.append(Mark(node, at_s, f"{what}: {detail}"))
            case TransactionOffered(transaction=transaction):
                if transaction not in self._offered:
                    trace.offered_s.append(at_s)
                    self._offered[transaction] = at_s
            case _:
                pass

    def _joined(self, fact: BlockJoined, at_s: float) -> None:
        trace = self._trace
        trace.steps[fact.node].append(Step(at_s, fact.block))
        known = trace.blocks.get(fact.block)
        if known is None:
            trace.blocks[fact.block] = Block(
                id=fact.block,
                parent=fact.parent,
                height=fact.height,
                slot=fact.slot,
                author=fact.author,
                transactions=len(fact.transactions),
                first_s=at_s,
                origin=fact.node,
            )
            for transaction in fact.transactions:
                offered_s = self._offered.get(transaction)
                if offered_s is not None and transaction not in self._included:
                    self._included.add(transaction)
                    trace.included.append((at_s, at_s - offered_s))
        elif (fact.node, fact.block) not in self._had:
            trace.delays.append((known.origin, fact.node, at_s - known.first_s))
        self._had.add((fact.node, fact.block))

    def _left(self, fact: BlockLeft, at_s: float) -> None:
        """Blocks left at one moment are one reorganisation."""
        going = self._leaving.get(fact.node)
        if going is not None and going.at_s == at_s:
            higher = fact.height > self._trace.blocks[going.old].height
            old = fact.block if higher and fact.block in self._trace.blocks else going.old
            self._leaving[fact.node] = Reorganisation(fact.node, at_s, going.depth + 1, old)
            return
        if going is not None:
            self._trace.reorganisations.append(going)
            del self._leaving[fact.node]
        if fact.block in self._trace.blocks:
            self._leaving[fact.node] = Reorganisation(fact.node, at_s, 1, fact.block)

    def _stopped(self, node: str, at_s: float, how: str) -> None:
        begin_s, honest = self._up[node]
        self._trace.uptimes[node].append(Uptime(begin_s, at_s, how, honest))

    def _over(self, fault: str, at_s: float, hits: int | None, clean: bool) -> None:
        span = self._force.pop(fault, None)
        if span is not None:
            self._trace.faults.append(
                FaultSpan(span.id, span.kind, span.on, span.to, span.begin_s, at_s, hits, clean)
            )
