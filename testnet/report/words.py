"""Facts and times as people read them: short names, one clause each."""

import re
from collections.abc import Sequence

from testnet.observation import (
    BlockJoined,
    BlockLeft,
    Confirmed,
    EvidenceSeen,
    Fact,
    FaultBegan,
    FaultEnded,
    Glimpse,
    Judged,
    NodeStarted,
    NodeStopped,
    Refused,
    SetConfirmed,
    TransactionDropped,
    TransactionOffered,
    TransactionSeen,
    Trouble,
    VoteSeen,
)

SHORT = 8
"""Digits of an id that people see, as many as checkers write: enough for the blocks of a run."""

NUMBERED = re.compile("n([1-9][0-9]{0,8})")
SPANS_TEXT_MAX = 48
"""Characters of a list of spans; a longer one is counted instead."""


def short(identity: str) -> str:
    """The beginning of an id."""
    return identity[:SHORT]


def clock(at_s: float) -> str:
    """A moment of a run: 41.3 s, 2:07.4 min, 16:40 min."""
    if round(at_s, 1) < 60:
        return f"{at_s:.1f} s"
    minutes, rest = divmod(round(at_s * 10), 600)
    return f"{minutes}:{rest / 10:04.1f} min".replace(".0 min", " min")


def lasting(seconds: float) -> str:
    """How long something took."""
    if round(seconds * 1_000) < 1_000:
        return f"{seconds * 1_000:.0f} ms"
    return clock(seconds)


def counted(count: int, noun: str, plural: str = "") -> str:
    """1 node, 2 nodes; 1 city, 2 cities."""
    return f"{count:,} {noun if count == 1 else plural or noun + 's'}"


def nodes_text(nodes: Sequence[str]) -> str:
    """n1 and n8; n1..n4, n7; 40 nodes."""
    if not nodes:
        return "the network"
    if len(nodes) <= 2:
        return " and ".join(nodes)
    told = ", ".join(spans(nodes))
    return told if len(told) <= SPANS_TEXT_MAX else counted(len(nodes), "node")


def spans(nodes: Sequence[str]) -> list[str]:
    """Nodes in the order of their numbers, three and more neighbours as one span."""
    runs = list[list[str]]()
    for node in sorted(nodes, key=lambda name: (len(name), name)):
        if runs and _number(node) is not None and _number(node) == _number(runs[-1][-1], 1):
            runs[-1].append(node)
        else:
            runs.append([node])
    told = list[str]()
    for run in runs:
        told += [f"{run[0]}..{run[-1]}"] if len(run) > 2 else run
    return told


def _number(node: str, more: int = 0) -> int | None:
    """7 of n7; None for a name of another shape."""
    found = NUMBERED.fullmatch(node)
    return int(found[1]) + more if found else None


def clause(fact: Fact) -> str:
    """What was seen, as a clause without its time."""
    match fact:
        case NodeStarted(node=node, honest=honest):
            return f"{node} started" if honest else f"{node} started, hostile"
        case NodeStopped(node=node, how=how, why=why):
            return f"{node} {how}{f': {why}' if why else ''}"
        case BlockJoined() as block:
            return (
                f"{block.node} took block {short(block.block)} at height {block.height},"
                f" {counted(len(block.transactions), 'transaction')}"
            )
        case BlockLeft(node=node, block=block, height=height):
            return f"{node} gave up block {short(block)} at height {height}"
        case Confirmed(node=node, block=block, height=height, final=final):
            how = "final" if final else "justified"
            return f"block {short(block)} at height {height} is {how} for {node}"
        case VoteSeen() | EvidenceSeen() | SetConfirmed():
            return _of_votes(fact)
        case Refused(node=node, peer=peer, reason=reason, block=block):
            what = f"block {short(block)}" if block else "a message"
            return f"{node} refused {what} of {peer}: {reason}"
        case Trouble(node=node, what=what, detail=detail):
            return f"{node} {what}: {detail}"
        case FaultBegan() | FaultEnded() as fault:
            return fault_clause(fault)
        case Judged(check=check, verdict=verdict, detail=detail):
            return f"{check}: {verdict}, {detail}"
        case Glimpse() as glimpse:
            return (
                f"{glimpse.node} at height {glimpse.height}, head {short(glimpse.head)},"
                f" {counted(glimpse.peers, 'peer')}, {glimpse.mempool} waiting"
            )
        case TransactionOffered() | TransactionSeen() | TransactionDropped() as fact:
            return transaction_clause(fact)


def fault_clause(fact: FaultBegan | FaultEnded) -> str:
    """The beginning and end of a fault."""
    match fact:
        case FaultBegan(fault=fault, kind=kind, on=on):
            return f"fault {fault} began: {kind} on {nodes_text(on)}"
        case FaultEnded(fault=fault, hits=hits, clean=clean):
            left = "" if clean else ", and something of it is left"
            return f"fault {fault} ended after {counted(hits, 'hit')}{left}"


def transaction_clause(fact: TransactionOffered | TransactionSeen | TransactionDropped) -> str:
    """What became of a transaction."""
    match fact:
        case TransactionOffered(node=node, transaction=transaction, code="", sequence=sequence):
            return f"{node} was given transaction {short(transaction)}, sequence {sequence}"
        case TransactionOffered(node=node, transaction=transaction, reason=reason):
            return f"{node} declined transaction {short(transaction)}: {reason}"
        case TransactionSeen(node=node, transaction=transaction):
            return f"{node} saw transaction {short(transaction)}"
        case TransactionDropped(node=node, transaction=transaction, reason=reason):
            return f"{node} dropped transaction {short(transaction)}: {reason}"


def _of_votes(fact: VoteSeen | EvidenceSeen | SetConfirmed) -> str:
    match fact:
        case VoteSeen():
            return f"{fact.node} took a vote for block {short(fact.block)} at epoch {fact.target}"
        case EvidenceSeen(node, author, offence):
            return f"{node} has evidence against {short(author)}: two {offence}"
        case SetConfirmed(node, number, seats):
            return f"set {number} of {counted(len(seats), 'seat')} makes blocks final for {node}"
