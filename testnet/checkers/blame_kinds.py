"""What may be expected of blame: a part of the catalogue."""

from dataclasses import dataclass
from typing import ClassVar

from testnet.scenario.model import Mode


@dataclass(frozen=True, slots=True)
class Expelled:
    """Each hostile node was blamed by an honest one, and has no connection left at the end."""

    NAME: ClassVar[str] = "expelled"
    MODE: ClassVar[Mode] = Mode.ALWAYS


@dataclass(frozen=True, slots=True)
class Blameless:
    """No honest node is blamed by an honest one: whatever attackers do, nobody does it for them."""

    NAME: ClassVar[str] = "blameless"
    MODE: ClassVar[Mode] = Mode.ALWAYS
