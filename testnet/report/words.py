"""Facts and times as people read them: short names, one clause each."""

from collections.abc import Sequence

from testnet.observation import (
    BlockJoined,
    BlockLeft,
    Fact,
    FaultBegan,
    FaultEnded,
    Glimpse,
    Judged,
    NodeStarted,
    NodeStopped,
    Refused,
    TransactionDropped,
    TransactionOffered,
    TransactionSeen,
    Trouble,
)
from testnet.scenario.selectors import listed

SHORT = 10
"""Digits of an id that people see: forty bits tell apart all blocks of a run."""

NAMES_MAX = 6
"""Nodes named one by one in a sentence; more of them are spans, or counted."""

SPANS_TEXT_MAX = 48
"""Characters of a list of spans; a longer one is counted instead."""


def short(identity: str) -> str:
    """The beginning of an id."""
    return identity[:SHORT]


def clock(at_s: float) -> str:
    """A moment of a run: 41.3 s, 2:07.4 min."""
    if at_s < 60:
        return f"{at_s:.1f} s"
    minutes, rest = divmod(round(at_s * 10), 600)
    return f"{minutes}:{rest / 10:04.1f} min"


def lasting(seconds: float) -> str:
    """How long something took."""
    if seconds < 1:
        return f"{seconds * 1_000:.0f} ms"
    return clock(seconds)


def counted(count: int, noun: str) -> str:
    """1 node, 2 nodes."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def nodes_text(nodes: Sequence[str]) -> str:
    """n1 and n8; n1..n4; 40 nodes."""
    if not nodes:
        return "the network"
    if len(nodes) <= 2:
        return " and ".join(nodes)
    spans = listed(tuple(nodes))
    return spans if len(spans) <= SPANS_TEXT_MAX else counted(len(nodes), "node")


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
