"""The genesis as people write it: TOML, compiled to the value whose hash is the chain's id.

Rules:
- What is not understood is refused, with the nearest word that would be. *Why:* a misspelt key
  that is silently ignored founds another network than the one its author had in mind.
- Every error names the line and the section, and what was expected there.
- Keys are public keys in hexadecimal; identities refer to each other, and balances to them, by
  name. *Why:* DIDs follow from the keys, so nobody has to compute one to write this file.
Format: docs/spec/ledger.md, section 6. The way back is chain/genesis_text.py.
"""

import re
from datetime import UTC, datetime, timedelta

from chain.genesis import Balance, Genesis, GenesisIdentity, read_consensus
from chain.parameters import PARAMETER_RANGES, Currency, Parameters
from chain.primitives.did import check_network_name
from chain.primitives.errors import Refusal
from chain.primitives.hashing import ZERO_HASH, Hash
from chain.toml import Section, Source, nearest
from chain.transactions.document import PURPOSES, DidDocument, Key, Service

FORMAT_VERSION = 1
ROOT_KEYS = (
    *("genesis", "network", "time", "slot_ms", "consensus", "test"),
    *("parameters", "currency", "identity", "balance"),
)
IDENTITY_KEYS = ("name", "roles", "threshold", "next", "controller", "keys", "services")
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MILLISECOND = timedelta(milliseconds=1)
HASH_DIGITS = re.compile(r"[0-9a-fA-F]{64}")
NUMBERED = re.compile(r"\[\[(\w+)\]\] (\d+)")


def compile_toml(text: str) -> Genesis:
    """Compile a genesis source. Raises Malformed or Invalid, naming line, section and remedy."""
    source = Source(text)
    root = Section(source, "top of the file", 0, source.parse("genesis-syntax"))
    root.only(ROOT_KEYS)
    version = root.take("genesis", int)
    if version != FORMAT_VERSION:
        raise root.refused("genesis", f"format {version}, this software reads {FORMAT_VERSION}")
    with root.at("network"):
        network = check_network_name(root.take("network", str))
    with root.at("consensus"):
        consensus = read_consensus(root.take("consensus", str))
    time_ms = _time_ms(root)
    slot_ms = root.take("slot_ms", int)
    currencies = tuple(_currency(section) for section in root.sections("currency"))
    identities = _identities(root)
    ids = {identity.name: identity.id for identity in identities}
    balances = tuple(_balance(section, ids) for section in root.sections("balance"))
    try:
        return Genesis(
            network,
            time_ms,
            slot_ms,
            consensus,
            identities,
            currencies,
            balances,
            _parameters(root),
            root.take("test", bool, False),
        )
    except Refusal as refusal:
        raise _located(source, refusal) from None


def _located(source: Source, refusal: Refusal) -> Refusal:
    """A refusal of the whole, with the line of the section that it names."""
    if named := NUMBERED.match(refusal.reason):
        line = source.header(named[1], int(named[2]) - 1)
        if line:
            return type(refusal)(refusal.code, f"line {line}, {refusal.reason}")
    return refusal


def _time_ms(root: Section) -> int:
    time = root.take("time", datetime)
    if time.tzinfo is None:
        raise root.refused("time", f"{time.isoformat()} is in no time zone; add Z for UTC")
    since, rest = divmod(time - EPOCH, MILLISECOND)
    if rest:
        raise root.refused("time", f"{time.isoformat()} is finer than a millisecond")
    return since


def _parameters(root: Section) -> Parameters:
    section = root.section("parameters")
    section.only(PARAMETER_RANGES)
    given = {name: section.take(name, int) for name in PARAMETER_RANGES if name in section.values}
    with section.at():
        return Parameters(**given)


def _currency(section: Section) -> Currency:
    section.only(("code", "decimals", "name"))
    with section.at():
        return Currency(
            section.take("code", str), section.take("decimals", int), section.take("name", str)
        )


def _identities(root: Section) -> tuple[GenesisIdentity, ...]:
    ids = dict[str, bytes]()
    identities = list[GenesisIdentity]()
    for section in root.sections("identity"):
        identity = _identity(section, ids)
        ids[identity.name] = identity.id
        identities.append(identity)
    return tuple(identities)


def _identity(section: Section, ids: dict[str, bytes]) -> GenesisIdentity:
    section.only(IDENTITY_KEYS)
    name = section.take("name", str)
    named = Section(section.source, f"{section.title} {name!r}", section.line, section.values)
    controller = None
    if "controller" in named.values:
        controller = _named(named, "controller", ids, "no identity of that name stands before")
    next_ = named.take("next", str, "")
    with named.at():
        document = DidDocument(
            tuple(_key(key) for key in named.sections("keys")),
            named.take("threshold", int, 1),
            Hash(_digits(named, "next", next_)) if next_ else ZERO_HASH,
            tuple(_service(service) for service in named.sections("services")),
            controller,
        )
    return GenesisIdentity(name, document, named.texts("roles", ("member",)))


def _key(section: Section) -> Key:
    section.only(("id", "purpose", "public"))
    purpose = section.take("purpose", str)
    if purpose not in PURPOSES:
        raise section.refused("purpose", f"{purpose!r} is unknown; {nearest(purpose, PURPOSES)}")
    public = _digits(section, "public", section.take("public", str))
    return Key(section.take("id", str), PURPOSES[purpose], public)


def _service(section: Section) -> Service:
    section.only(("id", "type", "endpoint"))
    return Service(*(section.take(key, str) for key in ("id", "type", "endpoint")))


def _balance(section: Section, ids: dict[str, bytes]) -> Balance:
    section.only(("account", "currency", "amount"))
    account = _named(section, "account", ids, "no identity of that name")
    return Balance(section.take("currency", str), account, section.take("amount", int))


def _named(section: Section, key: str, ids: dict[str, bytes], otherwise: str) -> bytes:
    name = section.take(key, str)
    if name not in ids:
        raise section.refused(key, f"{name!r}: {otherwise}; {nearest(name, ids)}")
    return ids[name]


def _digits(section: Section, key: str, text: str) -> bytes:
    if not HASH_DIGITS.fullmatch(text):
        raise section.refused(
            key, f"expected 64 hexadecimal digits (32 bytes), got {len(text)} characters"
        )
    return bytes.fromhex(text)
