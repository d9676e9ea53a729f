"""The bench: judges that share one sight of the network, each told only what it listens for."""

from collections.abc import Sequence
from dataclasses import replace
from typing import ClassVar, Protocol, get_args

from testnet.checkers.audit import Audit
from testnet.checkers.checker import Ending, Ground
from testnet.checkers.sight import SIGHT, Sight
from testnet.checkers.telling import TOLD, Memoir
from testnet.observation import Fact, Seen
from testnet.outcome import Violation


class Judge(Protocol):
    """One check of the catalogue. Facts reach it after the sight has taken them in."""

    HEARS: ClassVar[tuple[type[Fact], ...]]

    def see(self, seen: Seen) -> Sequence[Violation]:
        """A fact it listens for."""
        ...

    def finish(self, ending: Ending, audit: Audit) -> Sequence[Violation]:
        """The run is over; the audit has replayed the chains."""
        ...


class Bench:
    """Implements testnet.checkers.checker.Checker for all judges of a run."""

    NAME = "bench"

    def __init__(self, ground: Ground, sight: Sight, judges: Sequence[Judge]) -> None:
        self._ground = ground
        self._sight = sight
        self._judges = judges
        self._memoir = Memoir()
        self._hearers: dict[type[Fact], tuple[Judge, ...]] = {
            kind: tuple(judge for judge in judges if kind in judge.HEARS) for kind in get_args(Fact)
        }

    def see(self, seen: Seen) -> Sequence[Violation]:
        """See Checker."""
        kind = type(seen.fact)
        if kind in TOLD:
            self._memoir.keep(seen)
        if kind in SIGHT:
            self._sight.see(seen)
        found: list[Violation] = []
        for judge in self._hearers[kind]:
            found += judge.see(seen)
        return [replace(v, causes=self._memoir.causes(v.nodes)) for v in found]

    def finish(self, ending: Ending) -> Sequence[Violation]:
        """See Checker. What is found only now happened long ago: the causes are those of then."""
        audit = Audit(self._ground, ending)
        found: list[Violation] = []
        for judge in self._judges:
            found += judge.finish(ending, audit)
        return [replace(v, causes=self._causes_then(v)) for v in found]

    def _causes_then(self, found: Violation) -> tuple[str, ...]:
        then = self._memoir.causes(found.nodes, found.height) if found.height else ()
        return then or self._memoir.causes(found.nodes)
