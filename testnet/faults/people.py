"""Mistakes of operators, and clients that behave badly."""

from dataclasses import dataclass
from typing import ClassVar

from testnet.faults.parameters import duration, integer, number


@dataclass(frozen=True, slots=True)
class WrongGenesis:
    """The node is started with the genesis of another network, and with its own at the end."""

    NAME: ClassVar[str] = "operator.wrong-genesis"


@dataclass(frozen=True, slots=True)
class SharedKey:
    """A second node is started with the identity and the author's keys of the first."""

    NAME: ClassVar[str] = "operator.shared-key"


@dataclass(frozen=True, slots=True)
class OldBackup:
    """The node's data are replaced by a backup, its guard against double signing included."""

    NAME: ClassVar[str] = "operator.old-backup"
    age_ms: int = duration("of the backup", 20_000, low=1_000)


@dataclass(frozen=True, slots=True)
class StaleConfig:
    """The node is started with bootstrap addresses where nobody listens any more."""

    NAME: ClassVar[str] = "operator.stale-config"


@dataclass(frozen=True, slots=True)
class WrongTimezone:
    """The node's clock is set to another timezone's local time."""

    NAME: ClassVar[str] = "operator.wrong-timezone"
    hours: int = integer("east of the right one", -12, 14, 8)


@dataclass(frozen=True, slots=True)
class StuckSubscriber:
    """Clients subscribe to all events and read none."""

    NAME: ClassVar[str] = "client.stuck-subscriber"
    clients: int = integer("how many", 1, 64, 8)


@dataclass(frozen=True, slots=True)
class RequestFlood:
    """A client asks as fast as it is allowed to, for nothing in particular."""

    NAME: ClassVar[str] = "client.flood"
    rate_per_s: float = number("requests a second", 1, 10_000, 500)


@dataclass(frozen=True, slots=True)
class SlowClient:
    """Clients send half a request and then wait."""

    NAME: ClassVar[str] = "client.slow-reader"
    clients: int = integer("how many", 1, 256, 32)


OperatorKind = WrongGenesis | SharedKey | OldBackup | StaleConfig | WrongTimezone
ClientKind = StuckSubscriber | RequestFlood | SlowClient
