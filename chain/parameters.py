"""What a network fixes at its founding: engine, currencies and numbers, each with its range."""

import re
from dataclasses import dataclass, fields
from enum import StrEnum

from chain.primitives.errors import Invalid
from chain.primitives.printable import is_printable

CURRENCY_CODE = re.compile(r"[A-Z][A-Z0-9]{2,11}")
CURRENCY_CODE_MAX = 12
CURRENCY_NAME_MAX = 64
DECIMALS_MAX = 18
"""No currency divides further (the wei has 18), and 10**18 still fits a signed 64-bit integer."""
AMOUNT_MAX = 2**63 - 1
"""The supply of a currency never exceeds it, so no balance can; every tool's int64 holds it."""
SLOT_MS_MIN = 50
SLOT_MS_MAX = 24 * 3_600_000
"""A slot must exceed a round trip in one room, and a network that writes daily is slow enough."""
TIME_MS_MAX = 253_402_300_799_999
"""The last millisecond of the year 9999: beyond it neither TOML nor RFC 3339 can write a date."""


class Consensus(StrEnum):
    """Which engine decides who may extend the chain."""

    AUTHORITY = "authority"  # the named authorities take slots in turn
    WORK = "work"  # whoever finds a proof of work


@dataclass(frozen=True, slots=True)
class Currency:
    """A currency that exists from genesis; amounts are integers of 10**-decimals."""

    code: str
    decimals: int
    name: str

    def __post_init__(self) -> None:
        if not CURRENCY_CODE.fullmatch(self.code):
            raise Invalid(
                "currency-code",
                f"currency code {self.code!r}: expected 3 to {CURRENCY_CODE_MAX} of A-Z and 0-9, "
                "a letter first",
            )
        if not 0 <= self.decimals <= DECIMALS_MAX:
            raise Invalid(
                "currency-decimals",
                f"{self.code} has {self.decimals} decimals: expected 0 to {DECIMALS_MAX}",
            )
        if len(self.name) > CURRENCY_NAME_MAX or not is_printable(self.name):
            raise Invalid(
                "currency-name",
                f"name of {self.code}: expected at most {CURRENCY_NAME_MAX} printable characters",
            )


@dataclass(frozen=True, slots=True)
class Parameters:
    """The numbers every node of a network must agree on; correct by construction (Invalid)."""

    block_bytes_max: int = 4 * 1024 * 1024
    block_transactions_max: int = 10_000
    expiry_slots_max: int = 10_000  # how many slots ahead a transaction may name its last
    work_target_bits: int = 16  # leading zero bits asked of the first proofs of work
    work_block_slots: int = 2  # slots between blocks at which the difficulty aims
    work_retarget_blocks: int = 16  # blocks between two settings of the difficulty

    def __post_init__(self) -> None:
        for field in fields(self):
            low, high = PARAMETER_RANGES[field.name]
            value = getattr(self, field.name)
            if not low <= value <= high:
                raise Invalid(
                    "parameter", f"{field.name} = {value}: expected an integer from {low} to {high}"
                )


PARAMETER_RANGES: dict[str, tuple[int, int]] = {
    # At least two of the largest transactions; at most what one message between peers carries.
    "block_bytes_max": (128 * 1024, 8 * 1024 * 1024),
    # A block of more transactions could not be executed within the shortest useful slot.
    "block_transactions_max": (1, 65_536),
    # A mempool must be able to forget; a million slots of one second are eleven days.
    "expiry_slots_max": (1, 1_000_000),
    # 2**200 tries would take longer than the chain has slots.
    "work_target_bits": (0, 200),
    "work_block_slots": (1, 10_000),
    "work_retarget_blocks": (2, 10_000),
}
