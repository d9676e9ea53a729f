"""Who judges a run: what every run promises, and what its scenario expects beside."""

from testnet.checkers.accounting import AccountedJudge
from testnet.checkers.bench import Bench, Judge
from testnet.checkers.blame_kinds import Blameless, Expelled
from testnet.checkers.bounds import (
    CostJudge,
    DiallingJudge,
    InclusionJudge,
    MemoryJudge,
    PropagationJudge,
)
from testnet.checkers.catalogue import (
    EVERY_RUN,
    Accounted,
    BytesPerTransaction,
    CommonPrefix,
    Delivered,
    Dialling,
    FaultsVisible,
    Inclusion,
    Memory,
    MessagesPerTransaction,
    NoDoubleSigning,
    NoTrouble,
    Once,
    Propagation,
    Reference,
    Replay,
    Supply,
    Watched,
)
from testnet.checkers.checker import Checker, Ground
from testnet.checkers.deliveries import DeliveredJudge
from testnet.checkers.ending import FaultsJudge, ReplayJudge, SupplyJudge
from testnet.checkers.expulsion import BlamelessJudge, ExpelledJudge
from testnet.checkers.finality import AgreeJudge, LagJudge, VotesJudge
from testnet.checkers.finality_kinds import FinalAgree, FinalLag, OneVote
from testnet.checkers.reading import check_of
from testnet.checkers.referee import ReferenceJudge
from testnet.checkers.safety import OnceJudge, PrefixJudge, SigningJudge, TroubleJudge
from testnet.checkers.sight import Sight
from testnet.scenario.model import Mode


def panel(ground: Ground) -> list[Checker]:
    """The checkers of a run. Raises Unfit for an expectation that no check fits."""
    sight = Sight(ground)
    return [Bench(ground, sight, [judge_of(kind, ground, sight) for kind in watched(ground)])]


def watched(ground: Ground) -> tuple[Watched, ...]:
    """What is watched: the scenario's own, and those of EVERY_RUN that it does not set itself."""
    listed: list[Watched] = []
    for expectation in ground.scenario.expectations:
        if expectation.mode is Mode.ALWAYS:
            kind = check_of(expectation)
            assert isinstance(kind, Watched), "the mode was looked at"
            listed.append(kind)
    names = [kind.NAME for kind in listed]
    usual = [kind for kind in EVERY_RUN if kind.NAME not in names]
    return tuple(dict.fromkeys([*usual, *listed]))


def judge_of(kind: Watched, ground: Ground, sight: Sight) -> Judge:
    """The judge of one check."""
    match kind:
        case CommonPrefix():
            return PrefixJudge(kind, sight)
        case Supply():
            return SupplyJudge(ground)
        case Once():
            return OnceJudge(sight)
        case NoDoubleSigning():
            return SigningJudge(ground, sight)
        case FinalAgree():
            return AgreeJudge(sight)
        case OneVote():
            return VotesJudge(ground, sight)
        case Memory():
            return MemoryJudge(kind, sight)
        case Dialling():
            return DiallingJudge(kind, sight)
        case NoTrouble():
            return TroubleJudge(sight)
        case Reference():
            return ReferenceJudge(ground, sight)
        case Accounted():
            return AccountedJudge(sight)
        case Replay():
            return ReplayJudge()
        case FaultsVisible():
            return FaultsJudge()
        case Expelled():
            return ExpelledJudge(ground)
        case Blameless():
            return BlamelessJudge(ground)
        case Delivered():
            return DeliveredJudge(kind, ground)
        case Propagation():
            return PropagationJudge(kind, ground)
        case FinalLag():
            return LagJudge(kind, sight)
        case Inclusion():
            return InclusionJudge(kind, ground)
        case BytesPerTransaction() | MessagesPerTransaction():
            return CostJudge(kind, ground)
