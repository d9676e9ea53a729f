"""What the API answers about governance: proposals, votes, seats, parameters.

As in views.py: ids are hex, identities are DIDs, a field that does not apply is null.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ActionView:
    """What is proposed. `hash` is what a vote has to name; which fields apply follows from `name`.

    `removed` and `added` are of auth.*, `identity` of org.*, `role` and `granted` of org.role,
    `parameter` and `value` of param.
    """

    name: str
    hash: str
    removed: tuple[str, ...] = ()
    added: tuple[str, ...] = ()
    identity: str | None = None
    role: str | None = None
    granted: bool | None = None
    parameter: str | None = None
    value: int | None = None


@dataclass(frozen=True, slots=True)
class ProposeBody:
    """`gov.propose`: `until` is the last slot in which a vote counts, `rationale` a hash."""

    action: ActionView
    until: int
    rationale: str


@dataclass(frozen=True, slots=True)
class VoteBody:
    """`gov.vote`: `action_hash` is the ActionView.hash that the voter read."""

    proposal: str
    action_hash: str
    yes: bool


@dataclass(frozen=True, slots=True)
class EvidenceBody:
    """`gov.evidence`: two things that `offender` signed with `key` (hex of CBOR)."""

    offence: str
    offender: str
    key: str
    first: str
    second: str


@dataclass(frozen=True, slots=True)
class BallotView:
    """An organisation that was asked. `yes` is null while it has not voted.

    `counts`: it has a voice now; without one its vote is dropped.
    """

    organisation: str
    yes: bool | None
    voter: str | None
    slot: int | None
    counts: bool


@dataclass(frozen=True, slots=True)
class ProposalView:
    """A proposal and how it stands: `open`, `passed`, `rejected`, `void` or `expired`.

    `needed` yes votes carry it; `yes` and `no` are those that count now.
    """

    id: str
    status: str
    proposer: str
    action: ActionView
    until: int
    rationale: str
    slot: int
    set_id: int
    closed: int | None
    yes: int
    no: int
    needed: int
    ballots: tuple[BallotView, ...]


@dataclass(frozen=True, slots=True)
class ProposalsView:
    """What may be voted on, in the order it was proposed."""

    proposals: tuple[ProposalView, ...]


@dataclass(frozen=True, slots=True)
class SeatView:
    """A seat, the organisation behind it, and whether it gives that a voice."""

    did: str
    organisation: str
    voice: bool


@dataclass(frozen=True, slots=True)
class SetView:
    """An authority set; `hash` is what headers call it."""

    id: int
    hash: str
    seats: tuple[SeatView, ...]


@dataclass(frozen=True, slots=True)
class AuthoritiesView:
    """The set in force, and the one that is decided and has not taken over (null: none)."""

    current: SetView
    decided: SetView | None


@dataclass(frozen=True, slots=True)
class ParameterView:
    """A number that votes may change, and its range."""

    name: str
    value: int
    low: int
    high: int


@dataclass(frozen=True, slots=True)
class ParametersView:
    """The numbers in force for the next block."""

    parameters: tuple[ParameterView, ...]
