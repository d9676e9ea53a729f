"""A node's configuration: one frozen value over a TOML file, checked once, unknown keys refused."""

import difflib
import tomllib
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from chain.primitives.errors import Refusal
from p2p.net.transport import LinkClosed, parse_endpoint
from p2p.net.websocket import SCHEME
from p2p.peers.contact import Reach
from p2p.protocol.discovery import FEELER_S
from p2p.protocol.gossip import EAGER, EAGER_MAX

KEYS_REQUIRED = ("name", "genesis", "genesis_hash", "listen")
KEYS_OPTIONAL = (
    "advertise",
    "reach",
    "api_host",
    "api_port",
    "bootstrap",
    "explore",
    "outbound_target",
    "inbound_max",
    "feeler_s",
    "gossip",
    "durability",
    "author_key",
    "author",
    "vote",
    "log_level",
)
DURABILITIES = ("process", "power")
REACHES = {"world": Reach.WORLD, "site": Reach.SITE, "host": Reach.HOST}
LOG_LEVELS = ("debug", "info", "warning", "error")
OUTBOUND_TARGET = 8  # Bitcoin's figure: enough that all of them being hostile is unlikely
OUTBOUND_TARGET_MAX = 64
FEELER_MAX_S = 3_600
INBOUND_MAX = 128  # a few kilobytes of tables each; what waits for all of them is bounded
INBOUND_MAX_MAX = 4096
BOOTSTRAP_MAX = 64
PORT_MAX = 65535


class VotePolicy(StrEnum):
    """Whether a node votes for finality when its author file holds a vote key."""

    REQUIRED = "required"  # it does not start when the key must not vote with this store
    IF_SAFE = "if-safe"  # it goes on without voting then, and says so
    NEVER = "never"


class BadConfig(Refusal):
    """A configuration file that cannot be used; the reason names the file, key and value."""

    def __init__(self, reason: str) -> None:
        super().__init__("bad-config", reason)


@dataclass(frozen=True, slots=True)
class NodeConfig:
    """Everything a node is told. Paths are absolute; `advertise` is empty to use the bound one.

    `data_dir` is where the file was found; it holds `key` (identity), `db/`, `log.ndjson`.
    `recovery` is a file that its operator names at the start (see chain.recovering).
    `author_key` is the key file of the seal key when the node produces blocks; `author` names its
    DID where the key alone does not (a miner under the `work` engine). A vote key in the same file
    votes (see VotePolicy), a tx key there reports offences of other authorities. `eager` peers are
    asked to push transactions, the others announce them; with 0 all announce. Without `explore`
    only the bootstrap addresses are dialled, and no other peers are looked for. What others tell of
    is dialled if it reaches as far as `reach`; absent: as far as the node's own address.
    """

    name: str
    data_dir: Path
    genesis: Path
    genesis_hash: bytes
    listen: str
    advertise: str = ""
    reach: Reach | None = None
    api_host: str = "127.0.0.1"
    api_port: int = 0
    bootstrap: tuple[str, ...] = ()
    explore: bool = True
    outbound_target: int = OUTBOUND_TARGET
    inbound_max: int = INBOUND_MAX
    feeler_s: float = FEELER_S
    eager: int = EAGER
    durability: str = "process"
    author_key: Path | None = None
    recovery: Path | None = None
    author: str = ""
    vote: VotePolicy = VotePolicy.REQUIRED
    log_level: str = "info"


def load_config(path: Path) -> NodeConfig:
    """Read and check a node's TOML file. Raises BadConfig naming key, value and remedy."""
    try:
        text = path.read_text("utf-8")
    except OSError as error:
        raise BadConfig(f"{path}: cannot be read ({error.strerror})") from error
    except UnicodeDecodeError as error:
        raise BadConfig(f"{path}: not UTF-8 text (byte {error.start})") from error
    try:
        values: dict[str, object] = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise BadConfig(f"{path}: not TOML: {error}") from error
    return _Reader(path, values).config()


class _Reader:
    """Takes typed values out of the parsed table, refusing whatever is missing, extra or wrong."""

    def __init__(self, path: Path, values: dict[str, object]) -> None:
        self._path = path
        self._values = values

    def config(self) -> NodeConfig:
        self._refuse_unknown()
        folder = self._path.resolve().parent
        author_key = self._text("author_key", "")
        return NodeConfig(
            name=self._text("name"),
            data_dir=folder,
            genesis=folder / self._text("genesis"),
            genesis_hash=self._hash("genesis_hash"),
            listen=self._address("listen"),
            advertise=self._address("advertise") if "advertise" in self._values else "",
            reach=self._reach(),
            api_host=self._text("api_host", "127.0.0.1"),
            api_port=self._integer("api_port", 0, PORT_MAX),
            bootstrap=self._addresses("bootstrap"),
            explore=self._boolean("explore", True),
            outbound_target=self._integer("outbound_target", OUTBOUND_TARGET, OUTBOUND_TARGET_MAX),
            inbound_max=self._integer("inbound_max", INBOUND_MAX, INBOUND_MAX_MAX),
            feeler_s=float(self._integer("feeler_s", round(FEELER_S), FEELER_MAX_S)),
            eager=self._eager(),
            durability=self._choice("durability", DURABILITIES, "process"),
            author_key=folder / author_key if author_key else None,
            author=self._text("author", ""),
            vote=VotePolicy(self._choice("vote", tuple(VotePolicy), VotePolicy.REQUIRED)),
            log_level=self._choice("log_level", LOG_LEVELS, "info"),
        )

    def _refuse_unknown(self) -> None:
        known = KEYS_REQUIRED + KEYS_OPTIONAL
        for key in self._values:
            if key not in known:
                near = difflib.get_close_matches(key, known, n=1)
                hint = f"; did you mean {near[0]!r}?" if near else f"; known: {', '.join(known)}"
                raise BadConfig(f"{self._path}: unknown key {key!r}{hint}")
        for key in KEYS_REQUIRED:
            if key not in self._values:
                raise BadConfig(f"{self._path}: key {key!r} is missing")

    def _wrong(self, key: str, expected: str) -> BadConfig:
        return BadConfig(f"{self._path}: {key}: expected {expected}, got {self._values[key]!r}")

    def _text(self, key: str, default: str | None = None) -> str:
        if key not in self._values and default is not None:
            return default
        value = self._values[key]
        if not isinstance(value, str) or (default is None and not value):
            raise self._wrong(key, "a text")
        return value

    def _integer(self, key: str, default: int, maximum: int) -> int:
        value = self._values.get(key, default)
        if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= maximum:
            raise self._wrong(key, f"an integer from 0 to {maximum}")
        return value

    def _eager(self) -> int:
        """Of the table [gossip], which has this one key."""
        table = self._values.get("gossip", {})
        if not isinstance(table, dict) or set(table) - {"eager"}:
            raise self._wrong("gossip", "a table with the one key eager")
        value = table.get("eager", EAGER)
        if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= EAGER_MAX:
            raise BadConfig(
                f"{self._path}: gossip.eager: expected an integer from 0 to {EAGER_MAX}, "
                f"got {value!r}"
            )
        return value

    def _boolean(self, key: str, default: bool) -> bool:
        value = self._values.get(key, default)
        if not isinstance(value, bool):
            raise self._wrong(key, "true or false")
        return value

    def _choice(self, key: str, choices: tuple[str, ...], default: str) -> str:
        value = self._text(key, default)
        if value not in choices:
            raise self._wrong(key, "one of " + ", ".join(choices))
        return value

    def _hash(self, key: str) -> bytes:
        try:
            value = bytes.fromhex(self._text(key))
        except ValueError:
            raise self._wrong(key, "64 hex digits") from None
        if len(value) != 32:
            raise self._wrong(key, "64 hex digits")
        return value

    def _address(self, key: str) -> str:
        value = self._text(key)
        if not _is_address(value):
            raise self._wrong(key, "an address such as ws://127.0.0.1:4001")
        return value

    def _reach(self) -> Reach | None:
        if "reach" not in self._values:
            return None
        return REACHES[self._choice("reach", tuple(REACHES), "")]

    def _addresses(self, key: str) -> tuple[str, ...]:
        value = self._values.get(key, [])
        if not isinstance(value, list) or len(value) > BOOTSTRAP_MAX:
            raise self._wrong(key, f"a list of at most {BOOTSTRAP_MAX} addresses")
        for item in value:
            if not isinstance(item, str) or not _is_address(item):
                raise self._wrong(key, "a list of addresses such as ws://127.0.0.1:4001")
        return tuple(value)


def _is_address(text: str) -> bool:
    try:
        parse_endpoint(text, SCHEME)
    except LinkClosed:
        return False
    return True
