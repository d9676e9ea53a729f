"""Windows: a state that must hold at some moment. The director asks again until it does."""

from random import Random

from testnet.checkers.catalogue import (
    AllIncluded,
    Converged,
    CoreConverged,
    Peers,
    Progress,
    Within,
)
from testnet.checkers.checker import Ground
from testnet.checkers.finality_kinds import FinalityLate, FinalityResumes, HandedOver, Unseated
from testnet.checkers.finality_windows import Expropriation, FinalRise, Lateness, Takeover
from testnet.checkers.liveness import HEARD, Company, Convergence, Inclusion, Rise, State
from testnet.checkers.reading import check_of
from testnet.checkers.sight import SIGHT, Sight
from testnet.observation import Seen
from testnet.scenario.model import Expectation
from testnet.scenario.selectors import Cast, resolve


class Window:
    """One expectation's state over the nodes it selects; hostile nodes are left out."""

    def __init__(self, kind: Within, ground: Ground, nodes: tuple[str, ...] = ()) -> None:
        self.name = kind.NAME
        self._sight = Sight(ground)
        self._state = _state_of(kind, ground, self._sight)
        self._nodes = nodes or ground.nodes

    def see(self, seen: Seen) -> None:
        """The next fact, from the beginning of the run if possible."""
        kind = type(seen.fact)
        if kind in SIGHT:
            self._sight.see(seen)
        if kind in HEARD:
            self._state.see(seen)

    def holds(self, at_s: float) -> tuple[bool, str]:
        """Whether the state holds, and the facts that say so. The first call opens the window."""
        nodes = tuple(name for name in self._nodes if self._sight.beliefs[name].honest)
        if not nodes:
            return False, f"at {at_s:.1f} s no honest node is selected"
        return self._state.holds(nodes)


def window_of(expectation: Expectation, ground: Ground, cast: Cast | None = None) -> Window:
    """The window of a `check`. Raises Unfit for one that does not exist, or selects nobody.

    Without a `cast` a selector knows neither cities nor the leader. What it draws by chance is
    drawn from the scenario's own seed, the same in every run.
    """
    kind = check_of(expectation)
    assert isinstance(kind, Within), "the mode was looked at"
    if cast is None:
        authors = tuple(name for name, _ in ground.authors)
        cast = Cast(ground.nodes, authors, hostile=ground.hostile)
    return Window(kind, ground, resolve(expectation.on, cast, Random(ground.scenario.seed)))


def _state_of(kind: Within, ground: Ground, sight: Sight) -> State:
    match kind:
        case Converged() | CoreConverged():
            return Convergence(kind, sight)
        case Progress():
            return Rise(kind, sight)
        case FinalityResumes():
            return FinalRise(kind, sight)
        case FinalityLate():
            return Lateness(ground, sight)
        case HandedOver():
            return Takeover(kind)
        case Unseated():
            return Expropriation(ground)
        case Peers():
            return Company(kind, sight)
        case AllIncluded():
            return Inclusion(sight)
