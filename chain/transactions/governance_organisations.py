"""What votes decide about organisations: admitted, suspended, removed, and the roles they have.

Rules:
- A suspension leaves more than half of the seated organisations with a voice. *Why:* who was
  suspended is admitted again by more than half of them, so that must remain possible.
- An organisation with a seat, now or after the handover, is not removed: it loses its seats first.
  *Why:* a removal needs more than half of the votes, a change of the authorities more than two
  thirds, and the one must not do the other's work.
- The role `authority` comes and goes with a seat; by vote it is only given back to an identity
  that has a seat and lost its voice.
Spec: docs/spec/ledger.md, section 8.
"""

from dataclasses import replace

from chain.state import paths
from chain.state.journal import State
from chain.transactions.body import Failed
from chain.transactions.governance_actions import ISSUER, SEATED_ROLE
from chain.transactions.governance_seats import (
    organisations,
    seats,
    set_decided,
    set_in_force,
    voices,
)
from chain.transactions.identity import ROLES_MAX, DidRecord, Standing, record_of, standing_of
from chain.transactions.payment import currency_of

MEMBER = "member"


def check_admission(state: State, organisation: bytes) -> None:
    """Raise Failed unless there is something to admit."""
    record = _organisation(state, organisation)
    if record.standing is Standing.ACTIVE and MEMBER in record.roles:
        raise Failed("already-admitted", f"{organisation.hex()} is a member in good standing")
    _check_room(record, MEMBER)


def admit(state: State, organisation: bytes) -> None:
    """A member in good standing from now on."""
    record = _organisation(state, organisation)
    roles = (*(role for role in record.roles if role != MEMBER), MEMBER)
    _put(state, organisation, replace(record, roles=roles, standing=Standing.ACTIVE))


def check_suspension(state: State, organisation: bytes) -> None:
    """Raise Failed unless the organisation is in good standing and enough voices remain."""
    record = _organisation(state, organisation)
    if record.standing is not Standing.ACTIVE:
        raise Failed(
            "not-in-standing", f"{organisation.hex()} is {record.standing.name.lower()} already"
        )
    if not voices_suffice(state, organisation):
        raise Failed("too-few-voices", f"without {organisation.hex()} no vote could admit it again")


def suspend(state: State, organisation: bytes) -> None:
    """Nothing of it is included from now on."""
    record = _organisation(state, organisation)
    _put(state, organisation, replace(record, standing=Standing.SUSPENDED))


def check_removal(state: State, organisation: bytes) -> None:
    """Raise Failed unless the organisation is there and has no seat."""
    record = _organisation(state, organisation)
    if record.standing is Standing.REMOVED:
        raise Failed("not-in-standing", f"{organisation.hex()} is removed already")
    seated = (*seats(set_in_force(state)), *seats(set_decided(state)))
    if organisation in organisations(state, seated):
        raise Failed(
            "organisation-seated", f"{organisation.hex()} has a seat: auth.remove comes first"
        )


def remove(state: State, organisation: bytes) -> None:
    """As a suspension, and without any role."""
    record = _organisation(state, organisation)
    _put(state, organisation, replace(record, roles=(), standing=Standing.REMOVED))


def check_role(state: State, identity: bytes, role: str, granted: bool) -> None:
    """Raise Failed unless the identity can get the role, or has it and can lose it."""
    record = _registered(state, identity)
    if granted == (role in record.roles):
        had = "has" if granted else "does not have"
        raise Failed("role-unchanged", f"{identity.hex()} {had} the role {role}")
    if role.startswith(ISSUER) and currency_of(state, role.removeprefix(ISSUER)) is None:
        raise Failed("unknown-currency", f"there is no currency for {role!r} on this network")
    if role == SEATED_ROLE and not (granted and identity in seats(set_in_force(state))):
        raise Failed("seat-role", f"{SEATED_ROLE} is only given back to who has a seat")
    if granted:
        if standing_of(state, identity) is not Standing.ACTIVE:
            raise Failed("not-in-standing", f"the organisation of {identity.hex()} is suspended")
        _check_room(record, role)


def set_role(state: State, identity: bytes, role: str, granted: bool) -> None:
    """Give a role or take it; giving what is there, or taking what is not, changes nothing."""
    record = _registered(state, identity)
    if granted != (role in record.roles):
        others = tuple(held for held in record.roles if held != role)
        _put(state, identity, replace(record, roles=(*others, role) if granted else others))


def voices_suffice(state: State, without: bytes) -> bool:
    """Whether more than half of the seated organisations keep a voice without one of them."""
    seated = seats(set_in_force(state))
    heard = voices(state, seated)
    left = len(heard) - 1
    return without not in heard or 2 * left > len(organisations(state, seated))


def _organisation(state: State, did: bytes) -> DidRecord:
    record = _registered(state, did)
    if record.controller is not None:
        raise Failed(
            "not-an-organisation", f"{did.hex()} belongs to {record.controller.hex()}: name that"
        )
    return record


def _registered(state: State, did: bytes) -> DidRecord:
    record = record_of(state, did)
    if record is None:
        raise Failed("unknown-identity", f"{did.hex()} is not registered")
    return record


def _check_room(record: DidRecord, role: str) -> None:
    if role not in record.roles and len(record.roles) >= ROLES_MAX:
        raise Failed("too-many-roles", f"an identity has at most {ROLES_MAX} roles")


def _put(state: State, did: bytes, record: DidRecord) -> None:
    state.put(paths.did(did), record.encode())
