"""Since when a member has its seat, through any changes of the set."""

from functools import cache

from hypothesis import given, settings
from hypothesis import strategies as st

from chain.consensus.authorityset import AuthoritySet, member
from chain.consensus.finality.evidence import Evidence
from chain.state import paths
from chain.state.journal import State
from chain.transactions.governance_evidence import Prospect, prospect
from chain.transactions.governance_seats import encode_since, enter_set, seated_since
from tests.chain.transactions.assembly import SEATED, Assembly, network, paper, who
from tests.chain.transactions.test_governance_evidence import ballot, double_block, votes

NAMES = (*SEATED, "x", "y", "z")
GENESIS = network()
MEMBERS = {name: member(who(name), paper(name).keys) for name in NAMES}
memberships = st.sets(st.sampled_from(NAMES), min_size=5)


@cache
def signed_for(name: str, number: int) -> tuple[Evidence, Evidence]:
    """Two votes of a set that exclude each other, and two blocks of which one is of that set."""
    at = Assembly(GENESIS)
    outer, inner = ballot(1, 9, set_id=number), ballot(4, 5, set_id=number)
    return votes(at, name, outer, inner), double_block(at, name, sets=(0, number))


@settings(max_examples=40, deadline=None)
@given(st.lists(memberships, min_size=1, max_size=6))
def test_a_seat_dates_from_the_first_set_of_those_it_was_never_missing_from(
    history: list[set[str]],
) -> None:
    at = Assembly(GENESIS)
    told = [set(SEATED), *history]
    for number, names in enumerate(history, start=1):
        enter_set(at.state, AuthoritySet.of(number, [MEMBERS[name] for name in sorted(names)]))
    newest = len(history)
    for name in NAMES:
        absent = [number for number, names in enumerate(told) if name not in names]
        since = max(absent, default=-1) + 1
        seated = since <= newest
        assert seated_since(at.state, MEMBERS[name].did) == (since if seated else None)
        # What it signed for any of those sets takes the seat, and for none before.
        for number in range(newest + 1):
            counts = Prospect.NOW if seated and number >= since else Prospect.NEVER
            for evidence in signed_for(name, number):
                assert prospect(at.state, evidence) is counts


def test_the_same_set_again_changes_nothing() -> None:
    first = AuthoritySet.of(3, [MEMBERS[name] for name in "abc"])
    rows = {paths.AUTHORITY_SET: first.raw, paths.SEATED_SINCE: encode_since(first, {})}
    state = State(rows.get)
    enter_set(state, first)
    assert state.changes() == {}
    assert seated_since(state, who("a")) == 3
    assert seated_since(state, who("x")) is None
