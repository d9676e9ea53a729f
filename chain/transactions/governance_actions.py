"""What can be proposed to the authorities: a closed list of actions, each with its arguments.

Rules:
- Who decides about the authorities or the parameters needs more than two thirds of the authority
  organisations, who decides about other organisations more than half. *Why:* the first changes
  who finalises and what every node must carry; finality itself needs more than two thirds.
- A voter signs the hash of action and arguments. *Why:* no one votes for bytes that he was shown
  under another name.
Spec: docs/spec/ledger.md, section 8.
"""

import re
from dataclasses import dataclass
from itertools import pairwise
from typing import TypeAlias

from chain.consensus.authorityset import AUTHORITIES_MAX
from chain.parameters import CURRENCY_CODE, PARAMETER_RANGES
from chain.primitives import cbor, shape
from chain.primitives.cbor import Value
from chain.primitives.errors import Invalid
from chain.primitives.hashing import Hash, sha256

ACTION_MAX = 32
CHANGEABLE = ("block_bytes_max", "block_transactions_max", "expiry_slots_max")
"""Parameters that a vote may change: each concerns only blocks that are still to come."""
ISSUER = "issuer:"
SEATED_ROLE = "authority"
ROLES = ("auditor", "regulator", SEATED_ROLE)
ROLE = re.compile(rf"{'|'.join(ROLES)}|{ISSUER}{CURRENCY_CODE.pattern}")
ROLE_MAX = 32


@dataclass(frozen=True, slots=True)
class ChangeAuthorities:
    """`auth.add`, `auth.remove`, `auth.replace`: identities that lose and that get a seat."""

    removed: tuple[bytes, ...]
    added: tuple[bytes, ...]

    @property
    def name(self) -> str:
        if not self.removed:
            return "auth.add"
        return "auth.replace" if self.added else "auth.remove"

    def arguments(self) -> Value:
        removed: list[Value] = list(self.removed)
        added: list[Value] = list(self.added)
        if not removed:
            return added
        return [removed, added] if added else removed


@dataclass(frozen=True, slots=True)
class Admit:
    """`org.admit`: an organisation becomes a member, or is in good standing again."""

    organisation: bytes
    name = "org.admit"

    def arguments(self) -> Value:
        return [self.organisation]


@dataclass(frozen=True, slots=True)
class Suspend:
    """`org.suspend`: nothing of an organisation is included until it is admitted again."""

    organisation: bytes
    name = "org.suspend"

    def arguments(self) -> Value:
        return [self.organisation]


@dataclass(frozen=True, slots=True)
class Remove:
    """`org.remove`: as `org.suspend`, and it loses its roles."""

    organisation: bytes
    name = "org.remove"

    def arguments(self) -> Value:
        return [self.organisation]


@dataclass(frozen=True, slots=True)
class SetRole:
    """`org.role`: an identity gets a role or loses it."""

    identity: bytes
    role: str
    granted: bool
    name = "org.role"

    def arguments(self) -> Value:
        return [self.identity, self.role, self.granted]


@dataclass(frozen=True, slots=True)
class SetParameter:
    """`param`: a number of the network changes, from the next block on."""

    parameter: str
    value: int
    name = "param"

    def arguments(self) -> Value:
        return [self.parameter, self.value]


Action: TypeAlias = ChangeAuthorities | Admit | Suspend | Remove | SetRole | SetParameter
ACTIONS = (
    *("auth.add", "auth.remove", "auth.replace"),
    *("org.admit", "org.suspend", "org.remove", "org.role", "param"),
)


def read_action(name: Value, arguments: Value) -> Action:
    """Check the shape of an action. Raises Malformed or Invalid; reads no state."""
    named = shape.text(name, ACTION_MAX, "action")
    match named:
        case "auth.add":
            return ChangeAuthorities((), _seats(arguments, "seats to add"))
        case "auth.remove":
            return ChangeAuthorities(_seats(arguments, "seats to remove"), ())
        case "auth.replace":
            return _replacement(arguments)
        case "org.admit":
            return Admit(_organisation(arguments))
        case "org.suspend":
            return Suspend(_organisation(arguments))
        case "org.remove":
            return Remove(_organisation(arguments))
        case "org.role":
            return _role(arguments)
        case "param":
            return _parameter(arguments)
    raise Invalid("unknown-action", f"unknown action {named!r}; known: {', '.join(ACTIONS)}")


def arguments_hash(action: Action) -> Hash:
    """What a vote names, so that it can mean nothing else."""
    return sha256(cbor.encode([action.name, action.arguments()]))


def votes_needed(action: Action, electorate: int) -> int:
    """How many of an electorate of organisations decide the action."""
    match action:
        case ChangeAuthorities() | SetParameter():
            return 2 * electorate // 3 + 1
        case Admit() | Suspend() | Remove() | SetRole():
            return electorate // 2 + 1


def _seats(value: Value, what: str) -> tuple[bytes, ...]:
    """Identities, ascending: so a change has one encoding, and nobody is named twice."""
    ids = tuple(shape.blob(did, 32, what) for did in shape.items(value, AUTHORITIES_MAX, what))
    if not ids:
        raise Invalid("change-empty", f"{what}: none are named")
    if any(a >= b for a, b in pairwise(ids)):
        raise Invalid("change-order", f"{what}: expected ascending ids, each once")
    return ids


def _replacement(value: Value) -> ChangeAuthorities:
    removed, added = shape.array(value, 2, "arguments of auth.replace")
    change = ChangeAuthorities(_seats(removed, "seats to remove"), _seats(added, "seats to add"))
    if set(change.removed) & set(change.added):
        raise Invalid("change-order", "an identity is to lose and to get a seat")
    return change


def _organisation(value: Value) -> bytes:
    (organisation,) = shape.array(value, 1, "arguments of an action on an organisation")
    return shape.blob(organisation, 32, "organisation")


def _role(value: Value) -> SetRole:
    identity, role, granted = shape.array(value, 3, "arguments of org.role")
    named = shape.text(role, ROLE_MAX, "role")
    if not ROLE.fullmatch(named):
        raise Invalid(
            "unknown-role", f"role {named!r}: expected {', '.join(ROLES)} or {ISSUER}<CODE>"
        )
    return SetRole(
        shape.blob(identity, 32, "identity"), named, shape.boolean(granted, "whether granted")
    )


def _parameter(value: Value) -> SetParameter:
    name, number = shape.array(value, 2, "arguments of param")
    named = shape.text(name, ACTION_MAX, "parameter")
    if named not in CHANGEABLE:
        raise Invalid(
            "unknown-parameter",
            f"parameter {named!r} cannot be changed; those that can: {', '.join(CHANGEABLE)}",
        )
    low, high = PARAMETER_RANGES[named]
    wanted = shape.uint(number, what=named)
    if not low <= wanted <= high:
        raise Invalid("parameter", f"{named} = {wanted}: expected {low} to {high}")
    return SetParameter(named, wanted)
