"""The founding of a network: who is there, what they hold, the rules; its hash is the chain's id.

Rules:
- The hash covers every field, also `test`. *Why:* two nodes that agree on the chain's id agree on
  everything a block is judged by, and a laboratory's faults can never be aimed at a real network.
- Everything in memory is valid. *Why:* a launcher that builds a Genesis learns what is wrong when
  it builds it, not when the third node refuses it.
- References point backwards (a controller stands before what it controls). *Why:* a name can be
  resolved when it is read, so the file reads from top to bottom like a story.
Spec: docs/spec/ledger.md, section 6. People write the TOML that chain/genesis_source.py compiles.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import astuple, dataclass, field, fields
from typing import Self

from chain.consensus.authorityset import AuthoritySet, member
from chain.parameters import (
    AMOUNT_MAX,
    CURRENCY_CODE_MAX,
    CURRENCY_NAME_MAX,
    DECIMALS_MAX,
    SLOT_MS_MAX,
    SLOT_MS_MIN,
    TIME_MS_MAX,
    Consensus,
    Currency,
    Parameters,
)
from chain.primitives import cbor, shape
from chain.primitives.cbor import Limits, Value
from chain.primitives.did import check_network_name, format_did
from chain.primitives.errors import Invalid, Malformed
from chain.primitives.hashing import Hash, sha256
from chain.state import paths
from chain.transactions.document import DidDocument
from chain.transactions.governance_parameters import initial_parameters
from chain.transactions.governance_seats import encode_since
from chain.transactions.identity import CONTROLLERS_MAX, ROLE_MAX, ROLES_MAX, DidRecord
from chain.transactions.payment import CurrencyRecord

FORMAT = "cornerstone/genesis/1"
GENESIS_LIMITS = Limits(depth=10, items=1 << 23, size=128 * 1024 * 1024)
"""Some 250,000 founding identities, a country's registry. Read once, from one's own disk."""
NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
NAME_MAX = 64
COUNT_MAX = 1 << 20
AUTHORITY = "authority"
ROLES = ("member", AUTHORITY, "auditor", "regulator")
"""Plain roles; beside them `issuer:<CODE>` names the issuer of one currency."""
ISSUER = "issuer:"


@dataclass(frozen=True, slots=True)
class GenesisIdentity:
    """An identity that exists from slot 0. The name is for people; the ledger knows the DID."""

    name: str
    document: DidDocument
    roles: tuple[str, ...] = ("member",)
    id: bytes = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "id", self.document.id)


@dataclass(frozen=True, slots=True)
class Balance:
    """What an identity of the genesis holds from slot 0, in minor units."""

    code: str
    did: bytes
    amount: int


@dataclass(frozen=True, slots=True)
class Genesis:
    """Everything a network is founded with; valid by construction (raises Refusal)."""

    network: str
    genesis_time_ms: int  # unix time at which slot 0 begins
    slot_ms: int
    consensus: Consensus
    identities: tuple[GenesisIdentity, ...]
    currencies: tuple[Currency, ...] = ()
    balances: tuple[Balance, ...] = ()
    parameters: Parameters = field(default_factory=Parameters)
    test: bool = False  # a laboratory network, whose nodes obey fault injection
    authority_set: AuthoritySet = field(init=False, compare=False, repr=False)
    hash: Hash = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        check_network_name(self.network)
        _check_range("time", self.genesis_time_ms, 0, TIME_MS_MAX)
        _check_range("slot_ms", self.slot_ms, SLOT_MS_MIN, SLOT_MS_MAX)
        _check_currencies(self.currencies)
        _check_identities(self.identities, {currency.code for currency in self.currencies})
        object.__setattr__(self, "authority_set", _authority_set(self))
        _check_balances(self)
        object.__setattr__(self, "hash", sha256(self.encode()))

    @property
    def authorities(self) -> tuple[bytes, ...]:
        """Ids of the identities with the role `authority`, in ascending order."""
        return tuple(sorted(i.id for i in self.identities if AUTHORITY in i.roles))

    def did(self, identity: bytes) -> str:
        """The DID text of a 32-byte id on this network."""
        return format_did(self.network, identity)

    def slot_at(self, unix_ms: int) -> int:
        """The slot in which `unix_ms` falls; negative before the network's time has begun."""
        return (unix_ms - self.genesis_time_ms) // self.slot_ms

    def slot_start_ms(self, slot: int) -> int:
        """The unix time in ms at which `slot` begins."""
        return self.genesis_time_ms + slot * self.slot_ms

    def encode(self) -> bytes:
        """The one encoding of this genesis; its SHA-256 is `hash`, the chain's id."""
        return cbor.encode(
            [
                FORMAT,
                self.network,
                self.genesis_time_ms,
                self.slot_ms,
                self.consensus.value,
                self.test,
                [[c.code, c.decimals, c.name] for c in self.currencies],
                [[i.name, list(i.roles), i.document.to_value()] for i in self.identities],
                [[b.code, b.did, b.amount] for b in self.balances],
                list(astuple(self.parameters)),
            ]
        )

    @classmethod
    def decode(cls, data: bytes) -> Self:
        """Read a compiled genesis. Raises Malformed or Invalid."""
        value = cbor.decode(data, GENESIS_LIMITS)
        if not isinstance(value, list) or not value or value[0] != FORMAT:
            raise Malformed("genesis-format", f"not a compiled genesis: expected {FORMAT!r} first")
        _, network, time, slot, consensus, test, currencies, identities, balances, parameters = (
            shape.array(value, 10, "genesis")
        )
        return cls(
            network=shape.text(network, NAME_MAX, "network"),
            genesis_time_ms=shape.uint(time, TIME_MS_MAX, "time"),
            slot_ms=shape.uint(slot, SLOT_MS_MAX, "slot_ms"),
            consensus=read_consensus(shape.text(consensus, NAME_MAX, "consensus")),
            test=shape.boolean(test, "test"),
            currencies=tuple(
                _currency(c) for c in shape.items(currencies, COUNT_MAX, "currencies")
            ),
            identities=tuple(
                _identity(i) for i in shape.items(identities, COUNT_MAX, "identities")
            ),
            balances=tuple(_balance(b) for b in shape.items(balances, COUNT_MAX, "balances")),
            parameters=_parameters(parameters),
        )


def initial_state(genesis: Genesis) -> dict[bytes, bytes]:
    """The state before the first block: identities, authority set 0, parameters, currencies,
    balances."""
    state = {
        paths.did(identity.id): DidRecord.found(identity.document, 0, identity.roles).encode()
        for identity in genesis.identities
    }
    state[paths.AUTHORITY_SET] = genesis.authority_set.raw
    state[paths.SEATED_SINCE] = encode_since(genesis.authority_set, {})
    state |= initial_parameters(genesis.parameters)
    supply = _supply(genesis.balances)
    for currency in genesis.currencies:
        record = CurrencyRecord(supply.get(currency.code, 0), currency.decimals, currency.name)
        state[paths.currency(currency.code.encode())] = record.encode()
    for held in genesis.balances:
        state[paths.balance(held.code.encode(), held.did)] = cbor.encode(held.amount)
    return state


def read_consensus(text: str) -> Consensus:
    """The engine of that name. Raises Invalid, listing the known ones."""
    if text not in list(Consensus):
        known = ", ".join(Consensus)
        raise Invalid("genesis-consensus", f"consensus {text!r} is unknown; known: {known}")
    return Consensus(text)


def _currency(value: Value) -> Currency:
    code, decimals, name = shape.array(value, 3, "currency")
    return Currency(
        shape.text(code, CURRENCY_CODE_MAX, "currency code"),
        shape.uint(decimals, DECIMALS_MAX, "currency decimals"),
        shape.text(name, CURRENCY_NAME_MAX, "currency name"),
    )


def _identity(value: Value) -> GenesisIdentity:
    name, roles, document = shape.array(value, 3, "identity")
    return GenesisIdentity(
        shape.text(name, NAME_MAX, "identity name"),
        DidDocument.from_value(document),
        tuple(shape.text(r, ROLE_MAX, "role") for r in shape.items(roles, ROLES_MAX, "roles")),
    )


def _balance(value: Value) -> Balance:
    code, did, amount = shape.array(value, 3, "balance")
    return Balance(
        shape.text(code, CURRENCY_CODE_MAX, "balance currency"),
        shape.blob(did, 32, "balance account"),
        shape.uint(amount, AMOUNT_MAX, "balance amount"),
    )


def _parameters(value: Value) -> Parameters:
    names = [named.name for named in fields(Parameters)]
    given = shape.array(value, len(names), "parameters")
    return Parameters(
        **{
            name: shape.uint(number, 2**63 - 1, name)
            for name, number in zip(names, given, strict=True)
        }
    )


def _check_range(what: str, value: int, low: int, high: int) -> None:
    if not low <= value <= high:
        raise Invalid("genesis-range", f"{what} = {value}: expected {low} to {high}")


def _check_currencies(currencies: tuple[Currency, ...]) -> None:
    for at, code in _repeated(currency.code for currency in currencies):
        raise Invalid("genesis-repeated", f"[[currency]] {at}: {code} is there already")


def _check_identities(identities: tuple[GenesisIdentity, ...], codes: set[str]) -> None:
    for at, name in _repeated(identity.name for identity in identities):
        raise Invalid("genesis-repeated", f"[[identity]] {at}: the name {name!r} is taken")
    for at, did in _repeated(identity.id.hex() for identity in identities):
        raise Invalid("genesis-repeated", f"[[identity]] {at}: same document as an earlier ({did})")
    above = dict[bytes, int]()  # how many stand over each
    for at, identity in enumerate(identities, 1):
        where = f"[[identity]] {at} {identity.name!r}"
        if not NAME.fullmatch(identity.name):
            raise Invalid(
                "genesis-name", f"{where}: expected 1 to {NAME_MAX} of a-z, 0-9, '.', '_' and '-'"
            )
        for role in identity.roles:
            _check_role(where, role, codes)
        if len(set(identity.roles)) != len(identity.roles) or len(identity.roles) > ROLES_MAX:
            raise Invalid("genesis-role", f"{where}: a role twice, or more than {ROLES_MAX} roles")
        controller = identity.document.controller
        if controller is not None and controller not in above:
            raise Invalid(
                "genesis-controller",
                f"{where}: its controller {controller.hex()} does not stand before it",
            )
        above[identity.id] = 0 if controller is None else above[controller] + 1
        if above[identity.id] > CONTROLLERS_MAX:
            raise Invalid(
                "genesis-controller",
                f"{where}: {above[identity.id]} identities stand over it, at most "
                f"{CONTROLLERS_MAX} may",
            )


def _check_role(where: str, role: str, codes: set[str]) -> None:
    if role in ROLES:
        return
    if not role.startswith(ISSUER):
        known = ", ".join(ROLES)
        raise Invalid(
            "genesis-role", f"{where}: unknown role {role!r}; known: {known}, {ISSUER}<CODE>"
        )
    if role.removeprefix(ISSUER) not in codes:
        known = ", ".join(sorted(codes)) or "none"
        raise Invalid("genesis-role", f"{where}: {role!r} is of no currency here; known: {known}")


def _authority_set(genesis: Genesis) -> AuthoritySet:
    """Set 0: the identities with the role `authority`; nobody where work decides."""
    members = []
    for at, identity in enumerate(genesis.identities, 1):
        if AUTHORITY not in identity.roles:
            continue
        try:
            members.append(member(identity.id, identity.document.keys))
        except Invalid as refusal:
            raise Invalid(
                "genesis-authority", f"[[identity]] {at} {identity.name!r}: {refusal.reason}"
            ) from None
    if genesis.consensus is Consensus.WORK:
        return AuthoritySet(0, ())
    if not members:
        raise Invalid(
            "genesis-authority",
            "consensus is authority, but no identity has the role authority: give it to one "
            "or more, or choose consensus = 'work'",
        )
    return AuthoritySet.of(0, members)


def _check_balances(genesis: Genesis) -> None:
    codes = {currency.code for currency in genesis.currencies}
    dids = {identity.id for identity in genesis.identities}
    for at, held in enumerate(genesis.balances, 1):
        where = f"[[balance]] {at}"
        if held.code not in codes:
            known = ", ".join(sorted(codes)) or "none"
            raise Invalid(
                "genesis-balance", f"{where}: no currency {held.code!r} here; known: {known}"
            )
        if held.did not in dids:
            raise Invalid(
                "genesis-balance",
                f"{where}: account {held.did.hex()} is no identity of the genesis",
            )
        if not 1 <= held.amount <= AMOUNT_MAX:
            raise Invalid(
                "genesis-balance", f"{where}: amount {held.amount}: expected 1 to {AMOUNT_MAX}"
            )
    for at, pair in _repeated(f"{held.code} of {held.did.hex()}" for held in genesis.balances):
        raise Invalid("genesis-repeated", f"[[balance]] {at}: {pair} is there already")
    for code, supply in _supply(genesis.balances).items():
        if supply > AMOUNT_MAX:
            raise Invalid(
                "genesis-supply", f"balances of {code} sum to {supply}, more than {AMOUNT_MAX}"
            )


def _supply(balances: tuple[Balance, ...]) -> dict[str, int]:
    supply = dict[str, int]()
    for held in balances:
        supply[held.code] = supply.get(held.code, 0) + held.amount
    return supply


def _repeated(values: Iterable[str]) -> Iterator[tuple[int, str]]:
    """Position (from 1) and value of each value that stood there before."""
    seen = set[str]()
    for at, value in enumerate(values, 1):
        if value in seen:
            yield at, value
        seen.add(value)
