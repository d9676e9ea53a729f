"""A change of the authorities: which are possible, and what deciding one writes.

Rules:
- One change at a time. While one is pending, the vote that would decide another fails and may be
  cast again after the handover. *Why:* the next change must be made from a set that came into
  force; and two sets waiting at once would need two blocks to be the last of one set.
- A removal leaves four seats where there were four or more, and always one. *Why:* three do not
  finalise once one of them fails, and without any nobody could ever decide anything again.
- The old set stays in force until the block that decided is final under it; see
  docs/spec/consensus.md for the handover. Voices follow the decision: who loses its seat has none
  from that block on, who gets one has one from the handover on.
Spec: docs/spec/ledger.md, section 8.
"""

from chain.consensus.authorityset import AUTHORITIES_MAX, AuthoritySet, Member, member
from chain.primitives.errors import Invalid
from chain.state import paths
from chain.state.journal import State
from chain.transactions.body import Event, Failed
from chain.transactions.governance_actions import SEATED_ROLE, ChangeAuthorities
from chain.transactions.governance_organisations import set_role
from chain.transactions.governance_seats import set_decided, set_in_force
from chain.transactions.identity import ROLES_MAX, Standing, record_of, standing_of

SEATS_MIN = 4
"""The smallest set that still finalises when one of it fails."""


def check_change(state: State, change: ChangeAuthorities) -> None:
    """Raise Failed unless the set in force can be changed so. Whether one is pending is not asked
    here: that passes, and is no reason not to propose."""
    changed_set(state, change)


def changed_set(state: State, change: ChangeAuthorities) -> AuthoritySet:
    """The set that a change makes of the one in force. Raises Failed when it makes none."""
    current = set_in_force(state)
    left = [seat for seat in current.members if seat.did not in change.removed]
    if len(left) + len(change.removed) != len(current.members):
        raise Failed("not-an-authority", "one that is to lose its seat has none")
    for did in change.added:
        if current.index(did) is not None:
            raise Failed("already-an-authority", f"{did.hex()} has a seat")
    joining = [_candidate(state, did) for did in change.added]
    before, after = len(current.members), len(left) + len(joining)
    if not fits(before, after):
        raise Failed("too-few-authorities", f"{before} would become {after}")
    if after > AUTHORITIES_MAX:
        raise Failed("too-many-authorities", f"{after}, at most {AUTHORITIES_MAX} have a seat")
    try:
        return AuthoritySet.of(current.id + 1, [*left, *joining])
    except Invalid as refusal:
        raise Failed("seat-keys", refusal.reason) from None


def fits(before: int, after: int) -> bool:
    """Whether a set of one size may become one of another."""
    return after >= (SEATS_MIN if before >= SEATS_MIN else 1)


def change_seats(state: State, change: ChangeAuthorities) -> list[Event]:
    """Decide the set that takes over; none may be waiting to. Raises Failed."""
    assert set_decided(state) is None, "who decides has seen that no other set is waiting"
    decided = changed_set(state, change)
    for did in change.removed:
        set_role(state, did, SEATED_ROLE, granted=False)
    for did in change.added:
        set_role(state, did, SEATED_ROLE, granted=True)
    state.put(paths.PENDING_SET, decided.raw)
    return [("set-decided", (decided.id, decided.hash))]


def _candidate(state: State, did: bytes) -> Member:
    """The seat that an identity would take. Raises Failed when it cannot take one."""
    record = record_of(state, did)
    if record is None:
        raise Failed("unknown-identity", f"{did.hex()} is not registered")
    if standing_of(state, did) is not Standing.ACTIVE:
        raise Failed("not-in-standing", f"the organisation of {did.hex()} is not in good standing")
    if SEATED_ROLE not in record.roles and len(record.roles) >= ROLES_MAX:
        raise Failed("too-many-roles", f"{did.hex()} has {ROLES_MAX} roles already")
    try:
        return member(did, (kept.key for kept in record.keys if kept.until is None))
    except Invalid as refusal:
        raise Failed("seat-keys", f"{did.hex()}: {refusal.reason}") from None
