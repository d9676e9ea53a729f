"""A genesis written for people: TOML that compiles back to it, with what they check as comments."""

import json
from dataclasses import fields

from chain.genesis import Balance, Genesis, GenesisIdentity
from chain.genesis_source import EPOCH, FORMAT_VERSION, MILLISECOND
from chain.parameters import Currency, Parameters
from chain.primitives.hashing import ZERO_HASH


def to_toml(genesis: Genesis) -> str:
    """The source of a genesis: `compile_toml(to_toml(genesis)) == genesis`.

    Comments give the DID of every identity and every amount in whole units of its currency.
    """
    names = {identity.id: identity.name for identity in genesis.identities}
    decimals = {currency.code: currency.decimals for currency in genesis.currencies}
    sections = [
        _head(genesis),
        _parameters(genesis.parameters),
        *(_currency(currency) for currency in genesis.currencies),
        *(_identity(genesis, identity, names) for identity in genesis.identities),
        *(_balance(held, names, decimals[held.code]) for held in genesis.balances),
    ]
    return "\n".join("".join(f"{line}\n" for line in section) for section in sections)


def _head(genesis: Genesis) -> list[str]:
    start = EPOCH + genesis.genesis_time_ms * MILLISECOND
    lines = [
        "# The founding of a network. Its nodes hold this file compiled; the hash of that is the",
        "# chain's id, so a change here is another network.",
        f"genesis = {FORMAT_VERSION}",
        f"network = {_text(genesis.network)}",
        f"time = {start.isoformat(timespec='milliseconds').replace('+00:00', 'Z')}"
        "  # slot 0 begins",
        f"slot_ms = {genesis.slot_ms}",
        f"consensus = {_text(genesis.consensus.value)}",
    ]
    if genesis.test:
        lines.append("test = true  # a laboratory: its nodes obey fault injection")
    return lines


def _parameters(parameters: Parameters) -> list[str]:
    numbers = [f"{named.name} = {getattr(parameters, named.name)}" for named in fields(Parameters)]
    return ["[parameters]", *numbers]


def _currency(currency: Currency) -> list[str]:
    return [
        "[[currency]]",
        f"code = {_text(currency.code)}",
        f"decimals = {currency.decimals}",
        f"name = {_text(currency.name)}",
    ]


def _identity(genesis: Genesis, identity: GenesisIdentity, names: dict[bytes, str]) -> list[str]:
    document = identity.document
    lines = [
        "[[identity]]",
        f"# {genesis.did(identity.id)}",
        f"name = {_text(identity.name)}",
        f"roles = [{', '.join(_text(role) for role in identity.roles)}]",
    ]
    if document.threshold != 1:
        lines.append(f"threshold = {document.threshold}")
    if document.next != ZERO_HASH:
        lines.append(f"next = {_text(document.next.hex())}")
    if document.controller is not None:
        lines.append(f"controller = {_text(names[document.controller])}")
    lines += _tables(
        "keys",
        [
            (("id", key.id), ("purpose", key.purpose.value), ("public", key.public.hex()))
            for key in document.keys
        ],
    )
    lines += _tables(
        "services",
        [
            (("id", service.id), ("type", service.type), ("endpoint", service.endpoint))
            for service in document.services
        ],
    )
    return lines


def _tables(name: str, tables: list[tuple[tuple[str, str], ...]]) -> list[str]:
    """An array of inline tables, one a line; nothing when it is empty."""
    if not tables:
        return []
    rows = [", ".join(f"{key} = {_text(value)}" for key, value in table) for table in tables]
    return [f"{name} = [", *(f"  {{ {row} }}," for row in rows), "]"]


def _balance(held: Balance, names: dict[bytes, str], decimals: int) -> list[str]:
    whole, minor = divmod(held.amount, 10**decimals)
    units = f"{whole:,}" + (f".{minor:0{decimals}}" if decimals else "")
    return [
        "[[balance]]",
        f"account = {_text(names[held.did])}",
        f"currency = {_text(held.code)}",
        f"amount = {held.amount}  # {units} {held.code}",
    ]


def _text(text: str) -> str:
    """A TOML basic string. For printable text JSON's escapes are TOML's."""
    return json.dumps(text, ensure_ascii=False)
