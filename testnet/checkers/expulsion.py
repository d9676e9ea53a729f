"""Whether those who attack are named by the honest, alone, and are gone in the end."""

from collections.abc import Iterable, Sequence
from typing import ClassVar

from p2p.peers.peer import short
from testnet.checkers.audit import Audit
from testnet.checkers.blame_kinds import Blameless, Expelled
from testnet.checkers.checker import Ending, Ground
from testnet.conditions import spec_of
from testnet.founding import node_key
from testnet.observation import Fact, Glimpse, Refused, Seen
from testnet.outcome import Verdict, Violation


class Blame:
    """Who blamed each hostile node, and for what. Refusals name peers by their short ids."""

    def __init__(self, ground: Ground) -> None:
        self.codes: dict[str, dict[str, int]] = {node: {} for node in ground.hostile}
        self._hostile = _named(ground, ground.hostile)

    def see(self, fact: Refused) -> None:
        """One refusal of an honest node counts under its code."""
        node = self._hostile.get(fact.peer)
        if node is not None and fact.node not in self.codes:
            codes = self.codes[node]
            codes[fact.code] = codes.get(fact.code, 0) + 1


class ExpelledJudge:
    """See Expelled."""

    HEARS: ClassVar[tuple[type[Fact], ...]] = (Refused, Glimpse)

    def __init__(self, ground: Ground) -> None:
        self._blame = Blame(ground)
        self._peers = dict.fromkeys(ground.hostile, 0)

    def see(self, seen: Seen) -> Sequence[Violation]:
        """See Judge."""
        match seen.fact:
            case Refused() as refused:
                self._blame.see(refused)
            case Glimpse(node, peers=peers) if node in self._peers:
                self._peers[node] = peers
            case _:
                pass
        return ()

    def finish(self, ending: Ending, audit: Audit) -> Sequence[Violation]:
        """See Judge."""
        found = [
            f"{node} attacked, and no honest node has blamed it for anything"
            for node, codes in self._blame.codes.items()
            if not codes
        ]
        found += [
            f"{node} attacked, and still has connections to {peers} nodes at the end"
            for node, peers in self._peers.items()
            if peers
        ]
        return [
            Violation(Expelled.NAME, Verdict.LIVENESS, ending.at_s, (), 0, statement)
            for statement in found
        ]


class BlamelessJudge:
    """See Blameless."""

    HEARS: ClassVar[tuple[type[Fact], ...]] = (Refused,)

    def __init__(self, ground: Ground) -> None:
        self._hostile = ground.hostile
        self._honest = _named(ground, [n for n in ground.nodes if n not in ground.hostile])

    def see(self, seen: Seen) -> Sequence[Violation]:
        """See Judge."""
        assert isinstance(seen.fact, Refused)
        fact, blamed = seen.fact, self._honest.get(seen.fact.peer)
        if blamed is None or fact.node in self._hostile:
            return ()
        statement = f"{fact.node} blames {blamed}, which is honest: {fact.code}: {fact.reason}"
        nodes = fact.node, blamed
        return [Violation(Blameless.NAME, Verdict.LIVENESS, seen.at_s, nodes, 0, statement)]

    def finish(self, ending: Ending, audit: Audit) -> Sequence[Violation]:
        """See Judge."""
        return ()


def _named(ground: Ground, nodes: Iterable[str]) -> dict[str, str]:
    """Nodes by the short ids that refusals name them by."""
    spec = spec_of(ground.scenario)
    return {short(node_key(spec, node).public): node for node in nodes}
