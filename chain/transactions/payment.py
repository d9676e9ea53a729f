"""Payments: `pay.transfer` moves an amount of one currency from the sender to another identity.

Rules:
- Amounts are integers in minor units. *Why:* no rounding, so the supply of a currency is exact in
  every block.
- The recipient is registered. *Why:* money sent to a mistyped DID would be lost for ever.
- An account that holds nothing of a currency has no record. *Why:* absence is then provable, and
  the state does not keep every account that ever was.
Spec: docs/spec/ledger.md, section 4.
"""

from dataclasses import dataclass
from typing import ClassVar, Self

from chain.parameters import (
    AMOUNT_MAX,
    CURRENCY_CODE,
    CURRENCY_CODE_MAX,
    CURRENCY_NAME_MAX,
    DECIMALS_MAX,
)
from chain.primitives import cbor, shape
from chain.primitives.cbor import Value
from chain.primitives.errors import Invalid
from chain.primitives.hashing import Hash
from chain.state import paths
from chain.state.journal import State
from chain.transactions.body import Context, Event, Failed

REFERENCE_MAX = 32
"""A hash or a UETR; the message itself belongs off chain."""


@dataclass(frozen=True, slots=True)
class CurrencyRecord:
    """What the ledger keeps for a currency (state value under `cur/<code>`)."""

    supply: int  # minor units in circulation
    decimals: int
    name: str

    def encode(self) -> bytes:
        return cbor.encode([self.supply, self.decimals, self.name])

    @classmethod
    def decode(cls, data: bytes) -> Self:
        supply, decimals, name = shape.array(cbor.decode(data), 3, "currency record")
        return cls(
            shape.uint(supply, AMOUNT_MAX, "supply"),
            shape.uint(decimals, DECIMALS_MAX, "decimals"),
            shape.text(name, CURRENCY_NAME_MAX, "currency name"),
        )


def currency_of(state: State, code: str) -> CurrencyRecord | None:
    """The record of a currency, or None when there is none of that code."""
    data = state.get(paths.currency(code.encode()))
    return None if data is None else CurrencyRecord.decode(data)


def balance(state: State, code: str, did: bytes) -> int:
    """What an identity (32-byte id) holds, in minor units."""
    data = state.get(paths.balance(code.encode(), did))
    return 0 if data is None else shape.uint(cbor.decode(data), AMOUNT_MAX, "balance")


def set_balance(state: State, code: str, did: bytes, amount: int) -> None:
    """Record what an identity holds; nothing is recorded for nothing."""
    path = paths.balance(code.encode(), did)
    if amount:
        state.put(path, cbor.encode(amount))
    else:
        state.delete(path)


@dataclass(frozen=True, slots=True)
class Transfer:
    """`pay.transfer`: `amount` minor units of currency `code` to the identity `to`."""

    KIND: ClassVar[str] = "pay.transfer"

    code: str
    to: bytes
    amount: int
    reference: bytes = b""

    @classmethod
    def from_value(cls, value: Value) -> Self:
        code, to, amount, reference = shape.array(value, 4, "pay.transfer body")
        named = shape.text(code, CURRENCY_CODE_MAX, "currency code")
        if not CURRENCY_CODE.fullmatch(named):
            raise Invalid(
                "currency-code",
                f"currency code {named!r}: expected 3 to {CURRENCY_CODE_MAX} of A-Z, 0-9, "
                "a letter first",
            )
        units = shape.uint(amount, AMOUNT_MAX, "amount")
        if units == 0:
            raise Invalid("amount-zero", "amount 0: expected at least 1 minor unit")
        return cls(
            named,
            shape.blob(to, 32, "recipient"),
            units,
            shape.blob_max(reference, REFERENCE_MAX, "reference"),
        )

    def to_value(self) -> list[Value]:
        return [self.code, self.to, self.amount, self.reference]

    def parties(self) -> tuple[bytes, ...]:
        return (self.to,)

    def apply(self, state: State, sender: bytes, txid: Hash, context: Context) -> list[Event]:
        code, to, amount = self.code, self.to, self.amount
        held = balance(state, code, sender)
        if held < amount:
            raise _short(state, code, held, amount)
        if state.get(paths.did(to)) is None:
            raise Failed("unknown-recipient", f"the recipient {to.hex()} is not registered")
        set_balance(state, code, sender, held - amount)
        # Read after the sender's was written: sender and recipient may be the same identity.
        set_balance(state, code, to, balance(state, code, to) + amount)
        return [("paid", (code, sender, to, amount))]


def _short(state: State, code: str, held: int, amount: int) -> Failed:
    if currency_of(state, code) is None:
        return Failed("unknown-currency", f"there is no currency {code!r} on this network")
    return Failed("insufficient-balance", f"holds {held} {code} minor units, {amount} are needed")
