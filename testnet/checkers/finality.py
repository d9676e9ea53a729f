"""Finality: final blocks agree for ever, nobody votes twice, and how far finality lags behind."""

from collections import deque
from collections.abc import Sequence
from typing import ClassVar

from testnet.checkers.audit import Audit
from testnet.checkers.checker import Ending, Ground
from testnet.checkers.finality_kinds import FinalAgree, FinalLag, OneVote
from testnet.checkers.measures import Lags, percentile
from testnet.checkers.safety import Watchful
from testnet.checkers.sight import Sight
from testnet.checkers.tree import Card, ancestor
from testnet.observation import (
    BlockJoined,
    BlockLeft,
    Confirmed,
    EvidenceSeen,
    Fact,
    NodeStarted,
    Seen,
    VoteSeen,
)
from testnet.outcome import Verdict, Violation

VOTES_KEPT = 256
"""Votes of each author that a new one is compared with; nodes take none that is so much older."""


class AgreeJudge(Watchful):
    """See FinalAgree. A final block is compared with the highest; that stands on the others."""

    HEARS: ClassVar[tuple[type[Fact], ...]] = (Confirmed, BlockLeft, NodeStarted)

    def __init__(self, sight: Sight) -> None:
        self._sight = sight
        self._by_height: dict[int, tuple[str, str]] = {}
        self._own: dict[str, Card] = {}
        self._top: tuple[Card, str] | None = None

    def see(self, seen: Seen) -> Sequence[Violation]:
        """See Judge."""
        match seen.fact:
            case NodeStarted(node):
                self._own.pop(node, None)  # its backup may be old; what was final still counts
                return ()
            case Confirmed(node, final=True) as fact if self._sight.judged(node):
                return self._agree(seen, fact)
            case BlockLeft(node, block, height) if self._sight.judged(node):
                own = self._own.get(node)
                gone = None if own is None else ancestor(own, height)
                if own is None or gone is None or gone.block != block:
                    return ()
                statement = (
                    f"{node} gave up {gone.label}, which is final there: it held {own.label} final"
                )
                return [_broken(FinalAgree.NAME, seen, (node,), height, statement)]
            case _:
                return ()

    def _agree(self, seen: Seen, fact: Confirmed) -> Sequence[Violation]:
        block, holder = self._by_height.setdefault(fact.height, (fact.block, fact.node))
        if block != fact.block:
            return self._apart(seen, fact, f"{holder} {block[:8]}", holder)
        card = self._sight.tree.get(fact.block)
        if card is None:
            return ()
        self._own[fact.node] = card
        if self._top is None:
            self._top = card, fact.node
            return ()
        top, holder = self._top
        low, high = (card, top) if card.height < top.height else (top, card)
        below = ancestor(high, low.height)
        if below is not None and below is not low:
            return self._apart(seen, fact, f"{holder} {top.label}", holder)
        if high is card:
            self._top = card, fact.node
        return ()

    def _apart(self, seen: Seen, fact: Confirmed, other: str, holder: str) -> Sequence[Violation]:
        nodes = (fact.node,) if holder == fact.node else (fact.node, holder)
        statement = (
            f"{fact.node} holds {fact.block[:8]} at height {fact.height} final, {other}: "
            "neither stands on the other"
        )
        return [_broken(FinalAgree.NAME, seen, nodes, fact.height, statement)]


class VotesJudge(Watchful):
    """See OneVote. An author is judged while its node is."""

    HEARS: ClassVar[tuple[type[Fact], ...]] = (VoteSeen, EvidenceSeen)

    def __init__(self, ground: Ground, sight: Sight) -> None:
        self._sight = sight
        self._nodes = {author: node for node, author in ground.authors}
        self._votes: dict[tuple[str, int], deque[VoteSeen]] = {}

    def see(self, seen: Seen) -> Sequence[Violation]:
        """See Judge."""
        match seen.fact:
            case VoteSeen() as vote:
                return self._compare(seen, vote)
            case EvidenceSeen(node, author, "votes") if self._judged(author):
                voter = self._nodes[author]
                statement = f"{node} has proof that {voter} signed votes that exclude each other"
                return [_broken(OneVote.NAME, seen, (voter,), self._sight.height, statement)]
            case _:
                return ()

    def _judged(self, author: str) -> bool:
        return self._sight.judged(self._nodes.get(author, ""))

    def _compare(self, seen: Seen, vote: VoteSeen) -> Sequence[Violation]:
        place = vote.author, vote.set_id
        earlier = self._votes.setdefault(place, deque(maxlen=VOTES_KEPT))
        other = next((each for each in earlier if _excluded(each, vote)), None)
        earlier.append(vote)
        if other is None or not self._judged(vote.author):
            return ()
        voter = self._nodes[vote.author]
        statement = f"{voter} signed both a vote {_span(other)} and one {_span(vote)}"
        return [_broken(OneVote.NAME, seen, (voter,), self._sight.height, statement)]


class LagJudge:
    """See FinalLag."""

    HEARS: ClassVar[tuple[type[Fact], ...]] = (BlockJoined, Confirmed, NodeStarted)

    def __init__(self, kind: FinalLag, sight: Sight) -> None:
        self._limits = ((50, kind.p50_slots), (99, kind.p99_slots))
        self._lags = Lags()
        self._sight = sight

    def see(self, seen: Seen) -> Sequence[Violation]:
        """See Judge."""
        assert isinstance(seen.fact, BlockJoined | Confirmed | NodeStarted)
        if self._sight.judged(seen.fact.node):
            self._lags.see(seen.fact)
        return ()

    def finish(self, ending: Ending, audit: Audit) -> Sequence[Violation]:
        """See Judge."""
        found: list[Violation] = []
        for percent, most in self._limits:
            if not most or not self._lags.slots:
                continue
            measured = percentile(self._lags.slots, percent)
            if measured > most:
                statement = (
                    f"for {percent} of 100 new heads the last final block is at most {measured:.0f}"
                    f" slots behind, {most} are allowed ({len(self._lags.slots)} measured)"
                )
                found.append(Violation(FinalLag.NAME, Verdict.BOUND, ending.at_s, (), 0, statement))
        return found


def _excluded(one: VoteSeen, other: VoteSeen) -> bool:
    if one.target == other.target:
        return (one.source, one.source_block, one.block) != (
            other.source,
            other.source_block,
            other.block,
        )
    inner, outer = (one, other) if one.target < other.target else (other, one)
    return outer.source < inner.source


def _span(vote: VoteSeen) -> str:
    return f"from epoch {vote.source} to {vote.block[:8]} at {vote.target}"


def _broken(
    name: str, seen: Seen, nodes: tuple[str, ...], height: int, statement: str
) -> Violation:
    return Violation(name, Verdict.SAFETY, seen.at_s, nodes, height, statement)
