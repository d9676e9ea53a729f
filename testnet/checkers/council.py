"""Governance as plain lists and dictionaries: who has a seat, what is proposed, who voted.

Written from docs/spec/ledger.md, section 8, and from nothing else. Every rule is asked again from
the whole of what is known; nothing is counted on the way.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from hashlib import sha256

from chain.primitives import cbor
from chain.primitives.cbor import Value
from chain.transactions.governance_actions import (
    Action,
    Admit,
    ChangeAuthorities,
    Remove,
    SetParameter,
    SetRole,
    Suspend,
)

GOOD, SUSPENDED, REMOVED = 0, 1, 2
SEAT = "authority"
SEATS_MIN, SEATS_MAX, SEALS_MAX = 4, 200, 8
OPEN_MAX, OPEN_OF_ONE_MAX, ROLES_MAX = 64, 3, 16
VOTING_SLOTS_MAX = 1_000_000

Events = list[Value]


class Failure(Exception):
    """An included transaction does not succeed; the argument is its code."""


@dataclass(slots=True)
class Person:
    """An identity as governance sees it."""

    controller: bytes | None
    roles: tuple[str, ...]
    standing: int = GOOD
    seals: tuple[bytes, ...] = ()
    votes: tuple[bytes, ...] = ()


@dataclass(frozen=True, slots=True)
class Seat:
    """A place in a set."""

    did: bytes
    seals: tuple[bytes, ...]
    vote: bytes

    def to_value(self) -> Value:
        return [self.did, list(self.seals), self.vote]


@dataclass(frozen=True, slots=True)
class Motion:
    """A proposal; `votes` by organisation."""

    proposer: bytes
    action: Action
    until: int
    rationale: bytes
    slot: int
    set_id: int
    asked: tuple[bytes, ...]
    votes: tuple[tuple[bytes, bool], ...] = ()
    outcome: str = "open"
    closed: int = 0

    def to_value(self) -> Value:
        return [
            self.proposer,
            self.action.name,
            self.action.arguments(),
            self.until,
            self.rationale,
            self.slot,
            self.set_id,
            list(self.asked),
            self.outcome,
            self.closed,
        ]


@dataclass(slots=True)
class Council:
    """What governance knows."""

    set_id: int = 0
    seats: tuple[Seat, ...] = ()
    decided: tuple[Seat, ...] | None = None
    people: dict[bytes, Person] = field(default_factory=dict)
    motions: dict[bytes, Motion] = field(default_factory=dict)
    parameters: dict[str, int] = field(default_factory=dict)
    offences: dict[bytes, tuple[int, str]] = field(default_factory=dict)  # set in force, and what
    since: dict[bytes, int] = field(default_factory=dict)  # set from which a seat dates

    def copy(self) -> "Council":
        """A council that can go on by itself."""
        return Council(
            self.set_id,
            self.seats,
            self.decided,
            {did: _same(person) for did, person in self.people.items()},
            dict(self.motions),
            dict(self.parameters),
            dict(self.offences),
            dict(self.since),
        )

    # Who is who

    def organisation(self, did: bytes) -> bytes:
        """Who stands on top."""
        controller = self.people[did].controller
        return did if controller is None else self.organisation(controller)

    def above(self, did: bytes) -> int:
        """How many stand above."""
        controller = self.people[did].controller
        return 0 if controller is None else 1 + self.above(controller)

    def in_standing(self, did: bytes) -> bool:
        return self.people[self.organisation(did)].standing == GOOD

    def seated(self) -> list[bytes]:
        """Organisations with a seat."""
        return sorted({self.organisation(seat.did) for seat in self.seats})

    def has_voice(self, did: bytes) -> bool:
        """Whether an identity with a seat has a voice."""
        return SEAT in self.people[did].roles and self.in_standing(did)

    def voices(self) -> list[bytes]:
        """Organisations with a voice."""
        return sorted({self.organisation(s.did) for s in self.seats if self.has_voice(s.did)})

    def speaks(self, sender: bytes) -> bytes | None:
        """The organisation that a sender speaks for, when that has a voice."""
        seated = sender in [seat.did for seat in self.seats]
        return self.organisation(sender) if seated and self.has_voice(sender) else None

    def enough_without(self, organisation: bytes) -> bool:
        """Whether more than half keep a voice."""
        left = [voice for voice in self.voices() if voice != organisation]
        return len(left) == len(self.voices()) or 2 * len(left) > len(self.seated())

    # What may be decided

    def possible(self, action: Action, currencies: list[str]) -> None:
        """Raise Failure unless it could be done now."""
        match action:
            case ChangeAuthorities():
                self.changed(action)
            case Admit(did):
                person = self._organisation(did)
                if person.standing == GOOD and "member" in person.roles:
                    raise Failure("already-admitted")
                self._room(person, "member")
            case Suspend(did):
                if self._organisation(did).standing != GOOD:
                    raise Failure("not-in-standing")
                if not self.enough_without(did):
                    raise Failure("too-few-voices")
            case Remove(did):
                if self._organisation(did).standing == REMOVED:
                    raise Failure("not-in-standing")
                if did in [self.organisation(s.did) for s in self.seats + (self.decided or ())]:
                    raise Failure("organisation-seated")
            case SetRole(did, role, granted):
                self._role_possible(did, role, granted, currencies)
            case SetParameter(name, value):
                if self.parameters[name] == value:
                    raise Failure("parameter-unchanged")

    def changed(self, change: ChangeAuthorities) -> tuple[Seat, ...]:
        """The seats a change would make."""
        there = [seat.did for seat in self.seats]
        if any(did not in there for did in change.removed):
            raise Failure("not-an-authority")
        if any(did in there for did in change.added):
            raise Failure("already-an-authority")
        left = [seat for seat in self.seats if seat.did not in change.removed]
        left += [self._candidate(did) for did in change.added]
        if len(left) < (SEATS_MIN if len(there) >= SEATS_MIN else 1):
            raise Failure("too-few-authorities")
        if len(left) > SEATS_MAX:
            raise Failure("too-many-authorities")
        keys = [key for seat in left for key in (*seat.seals, seat.vote)]
        if len(set(keys)) != len(keys):
            raise Failure("seat-keys")
        return tuple(sorted(left, key=lambda seat: seat.did))

    def _candidate(self, did: bytes) -> Seat:
        if did not in self.people:
            raise Failure("unknown-identity")
        person = self.people[did]
        if not self.in_standing(did):
            raise Failure("not-in-standing")
        self._room(person, SEAT)
        if not 1 <= len(person.seals) <= SEALS_MAX or len(person.votes) != 1:
            raise Failure("seat-keys")
        return Seat(did, person.seals, person.votes[0])

    def _role_possible(self, did: bytes, role: str, granted: bool, currencies: list[str]) -> None:
        if did not in self.people:
            raise Failure("unknown-identity")
        person = self.people[did]
        if granted == (role in person.roles):
            raise Failure("role-unchanged")
        if role.startswith("issuer:") and role.removeprefix("issuer:") not in currencies:
            raise Failure("unknown-currency")
        if role == SEAT and not (granted and did in [seat.did for seat in self.seats]):
            raise Failure("seat-role")
        if granted:
            if not self.in_standing(did):
                raise Failure("not-in-standing")
            self._room(person, role)

    def _organisation(self, did: bytes) -> Person:
        if did not in self.people:
            raise Failure("unknown-identity")
        if self.people[did].controller is not None:
            raise Failure("not-an-organisation")
        return self.people[did]

    def _room(self, person: Person, role: str) -> None:
        if role not in person.roles and len(person.roles) >= ROLES_MAX:
            raise Failure("too-many-roles")

    # Decisions

    def decide(self, change: ChangeAuthorities) -> Events:
        """The set that takes over, and whose voices change at once."""
        self.decided = self.changed(change)
        for did in change.removed:
            self.set_role(did, SEAT, False)
        for did in change.added:
            self.set_role(did, SEAT, True)
        return [["set-decided", [self.set_id + 1, set_hash(self.set_id + 1, self.decided)]]]

    def set_role(self, did: bytes, role: str, granted: bool) -> None:
        person = self.people[did]
        if granted != (role in person.roles):
            others = tuple(held for held in person.roles if held != role)
            person.roles = (*others, role) if granted else others

    def may_be_open(self, slot: int) -> Iterator[tuple[bytes, Motion]]:
        """What can be voted on in a slot, in the order it was proposed."""
        for identifier, motion in self.motions.items():
            if motion.outcome == "open" and motion.until >= slot:
                yield identifier, motion

    def counted(self, motion: Motion, yes: bool) -> int:
        """The votes that count for one side."""
        voices = self.voices()
        return sum(side == yes for organisation, side in motion.votes if organisation in voices)


def set_hash(set_id: int, seats: tuple[Seat, ...]) -> bytes:
    """What headers call a set."""
    return sha256(cbor.encode([set_id, [seat.to_value() for seat in seats]])).digest()


def enough(action: Action, yes: int, asked: int) -> bool:
    """Whether so many votes decide."""
    thirds = isinstance(action, ChangeAuthorities | SetParameter)
    return yes >= (asked * 2 // 3 if thirds else asked // 2) + 1


def _same(person: Person) -> Person:
    return Person(person.controller, person.roles, person.standing, person.seals, person.votes)
