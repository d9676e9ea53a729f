"""Changes of the authorities as a load: who goes and comes, and when what is proposed and voted."""

import pytest

from chain.primitives.errors import Invalid
from chain.primitives.hashing import ZERO_HASH
from chain.transactions.envelope import Transaction
from chain.transactions.governance_actions import ChangeAuthorities
from chain.transactions.governance_propose import Propose
from chain.transactions.governance_vote import CastVote
from testnet.founding import author
from testnet.observation import BlockJoined, Confirmed, Fact, Seen, SetConfirmed
from testnet.scenario.model import AtTime, Load
from testnet.scenario.source import parse_scenario
from testnet.seat_changes import SeatChanges, next_change
from testnet.senders import SEATS_MIN, LoadKind
from testnet.spec import LaunchSpec

SPEC = LaunchSpec(name="seats", nodes=SEATS_MIN)
DIDS = tuple(author(SPEC, name).document().id for name in SPEC.author_names)
LOAD = Load(AtTime(0), 30_000, 0.1, LoadKind.SEATS)


def played(seated: int, changes: int) -> list[tuple[int, int, int]]:
    """Who goes and comes, in numbers, and how many then have a seat."""
    inside, outside = [bytes([n]) for n in range(seated)], list[bytes]()
    told: list[tuple[int, int, int]] = []
    for number in range(changes):
        goes, comes = next_change(number, inside, outside)
        assert set(goes) <= set(inside)
        assert set(comes) <= set(outside)
        inside = [did for did in inside if did not in goes] + comes
        outside = [did for did in outside if did not in comes] + goes
        told.append((len(goes), len(comes), len(inside)))
    return told


def test_a_set_is_halved_then_changed_in_every_way() -> None:
    first = [(4, 0, 4), (0, 1, 5), (1, 0, 4), (1, 1, 4), (3, 3, 4), (4, 4, 4)]
    assert played(8, 6) == first
    assert played(8, 11) == [*first, *first[1:]]


@pytest.mark.parametrize("seated", range(SEATS_MIN, 22))
def test_never_fewer_than_four_have_a_seat(seated: int) -> None:
    assert all(left >= 4 for _, _, left in played(seated, 30))


def tell(changes: SeatChanges, *facts: Fact) -> None:
    for fact in facts:
        changes.see(Seen(0.0, fact))


def block(height: int, *transactions: Transaction) -> BlockJoined:
    ids = tuple(tx.id.hex() for tx in transactions)
    return BlockJoined("n1", f"b{height}", "", height, height, "", "", ids)


def final(height: int) -> Confirmed:
    return Confirmed("n1", f"b{height}", height, height, 0, True)


def test_a_proposal_is_voted_on_once_it_is_final_and_the_next_follows_the_handover() -> None:
    changes = SeatChanges(LOAD, SPEC, ZERO_HASH)
    assert changes.clients == SEATS_MIN
    ((client, proposal),) = changes.due(0.0, 1)
    assert client == 0
    assert isinstance(proposal.body, Propose)
    assert proposal.body.action == ChangeAuthorities(tuple(sorted(DIDS[:4])), ())
    tell(changes, final(4), block(5, proposal), final(4))
    assert changes.due(1.0, 6) == []
    tell(changes, final(5))
    votes = changes.due(2.0, 7)
    assert [place for place, _ in votes] == list(range(6)), "more than two thirds of eight"
    assert all(isinstance(tx.body, CastVote) and tx.body.yes for _, tx in votes)
    assert changes.due(3.0, 8) == []
    tell(changes, SetConfirmed("n1", 1, tuple(did.hex() for did in DIDS[4:])))
    assert changes.due(9.9, 12) == []
    ((client, second),) = changes.due(10.0, 12)
    assert client == 4, "by one who still has a seat"
    assert isinstance(second.body, Propose)
    assert second.body.action == ChangeAuthorities((), DIDS[:1])


def test_nothing_is_begun_after_its_time_nor_while_a_change_is_under_way() -> None:
    changes = SeatChanges(LOAD, SPEC, ZERO_HASH)
    assert changes.due(0.0, 1)
    assert changes.due(29.0, 30) == []
    late = SeatChanges(Load(AtTime(0), 1, 0.1, LoadKind.SEATS), SPEC, ZERO_HASH)
    tell(late, SetConfirmed("n1", 1, ()))
    assert len(late.due(0.0, 1)) == 1
    tell(late, SetConfirmed("n1", 2, tuple(did.hex() for did in DIDS)))
    assert late.due(10.0, 11) == []


def test_a_set_that_evidence_has_changed_is_gone_on_from() -> None:
    changes = SeatChanges(LOAD, SPEC, ZERO_HASH)
    changes.due(0.0, 1)
    tell(changes, SetConfirmed("n1", 1, tuple(did.hex() for did in DIDS[:7])))
    ((_, proposal),) = changes.due(10.0, 11)
    assert isinstance(proposal.body, Propose)
    assert proposal.body.action == ChangeAuthorities((), DIDS[7:])


def test_too_few_authorities_are_refused() -> None:
    few = (
        'scenario = 1\nname = "few"\nduration = "20s"\n[net]\nnodes = 7\n'
        '[[load]]\nrate = "0.1/s"\nkind = "seats"\n'
    )
    with pytest.raises(Invalid, match="7 have a seat, changes of the authorities need 8"):
        parse_scenario(few)
    assert parse_scenario(few.replace("nodes = 7", "nodes = 8")).loads[0].kind is LoadKind.SEATS
