"""The end of a run: nothing is lost, everything adds up, every fault has left its mark."""

from collections.abc import Sequence
from typing import ClassVar

from testnet.checkers.audit import Audit
from testnet.checkers.catalogue import FaultsVisible, Replay, Supply
from testnet.checkers.checker import Ending, Ground
from testnet.checkers.reference import WRONG_STATE
from testnet.observation import (
    Fact,
    FaultBegan,
    FaultEnded,
    Seen,
)
from testnet.outcome import Verdict, Violation


class SupplyJudge:
    """See Supply."""

    HEARS: ClassVar[tuple[type[Fact], ...]] = ()

    def __init__(self, ground: Ground) -> None:
        founded = {currency.code: 0 for currency in ground.genesis.currencies}
        for held in ground.genesis.balances:
            founded[held.code] += held.amount
        self._founded = founded

    def see(self, seen: Seen) -> Sequence[Violation]:
        """See Judge."""
        return ()

    def finish(self, ending: Ending, audit: Audit) -> Sequence[Violation]:
        """See Judge."""
        found: list[Violation] = []
        for node in audit.chains:
            height = len(node.blocks) - 1
            where = f"{node.name}'s own records at height {height}"
            for code, amount in node.supplies:
                if amount != self._founded.get(code):
                    found.append(self._wrong(ending, (node.name,), height, where, code, amount))
        for judgement in audit.judgements.values():
            where = f"after block {judgement.block.hex()[:8]} at height {judgement.height} balances"
            for code, amount in judgement.sums:
                if amount != self._founded[code]:
                    found.append(self._wrong(ending, (), judgement.height, where, code, amount))
        return found

    def _wrong(
        self,
        ending: Ending,
        nodes: tuple[str, ...],
        height: int,
        where: str,
        code: str,
        amount: int,
    ) -> Violation:
        return Violation(
            check=Supply.NAME,
            verdict=Verdict.SAFETY,
            at_s=ending.at_s,
            nodes=nodes,
            height=height,
            statement=(
                f"{where} have {amount} minor units of {code}, founded were "
                f"{self._founded.get(code, 0)}"
            ),
        )


class ReplayJudge:
    """See Replay."""

    HEARS: ClassVar[tuple[type[Fact], ...]] = ()

    def see(self, seen: Seen) -> Sequence[Violation]:
        """See Judge."""
        return ()

    def finish(self, ending: Ending, audit: Audit) -> Sequence[Violation]:
        """See Judge."""
        found = [
            _wrong_state(
                ending,
                nodes,
                judgement.height,
                f"block {judgement.block.hex()[:8]} at height {judgement.height}, on the chain of "
                f"{', '.join(nodes)}, claims state {judgement.reason}",
            )
            for judgement, nodes in audit.bad
            if judgement.code == WRONG_STATE
        ]
        for node in audit.chains:
            claimed = audit.header(node.blocks[-1]).state.hex()
            if node.state and node.state != claimed:
                statement = f"{node.name} is in state {node.state}, its head's is {claimed}"
                found.append(_wrong_state(ending, (node.name,), len(node.blocks) - 1, statement))
        return found


def _wrong_state(ending: Ending, nodes: tuple[str, ...], height: int, statement: str) -> Violation:
    return Violation(Replay.NAME, Verdict.SAFETY, ending.at_s, nodes, height, statement)


class FaultsJudge:
    """See FaultsVisible."""

    HEARS: ClassVar[tuple[type[Fact], ...]] = (FaultBegan, FaultEnded)

    def __init__(self) -> None:
        self._began: dict[str, FaultBegan] = {}

    def see(self, seen: Seen) -> Sequence[Violation]:
        """See Judge."""
        match seen.fact:
            case FaultBegan(fault) as began:
                self._began[fault] = began
                return ()
            case FaultEnded(fault, hits, clean):
                nodes = self._began[fault].on if fault in self._began else ()
                if not hits:
                    return [_fault(seen.at_s, nodes, f"the fault {fault!r} has hit nothing")]
                if not clean:
                    return [_fault(seen.at_s, nodes, f"something of the fault {fault!r} is left")]
                return ()
            case _:
                return ()

    def finish(self, ending: Ending, audit: Audit) -> Sequence[Violation]:
        """See Judge."""
        return ()


def _fault(at_s: float, nodes: tuple[str, ...], statement: str) -> Violation:
    return Violation(FaultsVisible.NAME, Verdict.LIVENESS, at_s, nodes, 0, statement)
