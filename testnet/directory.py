"""Where a testnet lives on disk, and how one is found again by its name.

$CORNERSTONE_HOME/testnets/NAME/
    spec.json       what was asked for (written once)
    testnet.json    what runs: nodes with their addresses (rewritten by the supervisor)
    genesis.toml    the network's birth certificate, for people
    genesis.cbor    the same for machines; its hash is the network's identity
    accounts/       one key file per account
    nodes/n1/       node.toml, key, db/, log.ndjson
    session.toml    the faults of its latest life, as a scenario
    conditions.json latencies between the nodes, where a scenario gives them
    supervisor.log
"""

import fcntl
import hashlib
import json
import os
import re
import stat
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import platformdirs

from testnet.errors import LaunchFailure, Unfit

NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,30}[a-z0-9])?")
"""A name is a folder and part of every DID (did:cornerstone:NAME:...): 32 characters are plenty."""

SOCKET_PATH_MAX = 100
"""The kernel stores a unix socket's path in 108 bytes (104 on macOS); above this we shorten it."""

DEFAULT_NAME = "local"


def testnets_root(environment: Mapping[str, str]) -> Path:
    """The folder of all testnets: $CORNERSTONE_HOME, or the platform's place for state."""
    home = environment.get("CORNERSTONE_HOME") or platformdirs.user_state_dir("cornerstone")
    return Path(home).expanduser().absolute() / "testnets"


@dataclass(frozen=True, slots=True)
class NetDirectory:
    """One testnet's folder; the names of the files in it."""

    path: Path

    @property
    def name(self) -> str:
        return self.path.name

    @property
    def spec(self) -> Path:
        return self.path / "spec.json"

    @property
    def record(self) -> Path:
        """testnet.json: the nodes and their addresses."""
        return self.path / "testnet.json"

    @property
    def genesis_toml(self) -> Path:
        return self.path / "genesis.toml"

    @property
    def genesis(self) -> Path:
        return self.path / "genesis.cbor"

    @property
    def accounts(self) -> Path:
        return self.path / "accounts"

    @property
    def supervisor_log(self) -> Path:
        return self.path / "supervisor.log"

    @property
    def dashboard_log(self) -> Path:
        return self.path / "dashboard.log"

    @property
    def clients_log(self) -> Path:
        """What the clients of faults have to say."""
        return self.path / "clients.log"

    @property
    def session(self) -> Path:
        """session.toml: what was done by hand since the testnet started, as a scenario."""
        return self.path / "session.toml"

    @property
    def conditions(self) -> Path:
        """conditions.json: latencies and uplinks between the nodes; absent: none."""
        return self.path / "conditions.json"

    def backups(self, name: str) -> Path:
        """Checkpoints of a node's store, where a scenario wants old data back."""
        return self.path / "backups" / name

    @property
    def lock(self) -> Path:
        return self.path / "supervisor.lock"

    def node(self, name: str) -> Path:
        return self.path / "nodes" / name

    def log(self, name: str) -> Path:
        return self.node(name) / "log.ndjson"

    @property
    def socket(self) -> Path:
        """The supervisor's control socket; a short name elsewhere when the folder's is too long."""
        inside = self.path / "control.sock"
        if len(os.fsencode(inside)) <= SOCKET_PATH_MAX:
            return inside
        digest = hashlib.sha256(os.fsencode(self.path)).hexdigest()[:16]
        return Path(tempfile.gettempdir()) / f"cornerstone-{os.getuid()}" / f"{digest}.sock"

    def exists(self) -> bool:
        return self.spec.is_file()


def validate_name(name: str) -> str:
    """The name itself, or Unfit."""
    if not NAME.fullmatch(name):
        raise Unfit(
            "testnet-name",
            f"{name!r} cannot name a testnet: use 1 to 32 of a-z, 0-9 and '-', "
            "beginning and ending with a letter or digit",
        )
    return name


def open_directory(root: Path, name: str) -> NetDirectory:
    """The folder of an existing testnet, or Unfit naming those that exist."""
    directory = NetDirectory(root / validate_name(name))
    if not directory.exists():
        names = ", ".join(found.name for found in all_directories(root)) or "none"
        raise Unfit(
            "unknown-testnet",
            f"no testnet named {name!r} in {root} (there: {names}); "
            f"create it with `cornerstone testnet up --name {name}`",
        )
    return directory


def all_directories(root: Path) -> list[NetDirectory]:
    """Every testnet on this machine, by name."""
    if not root.is_dir():
        return []
    found = (NetDirectory(path) for path in sorted(root.iterdir()))
    return [directory for directory in found if directory.exists()]


def free_name(root: Path) -> str:
    """The name of a testnet whose user gave none: local, local-2, local-3, ..."""
    taken = {directory.name for directory in all_directories(root)}
    if DEFAULT_NAME not in taken:
        return DEFAULT_NAME
    number = 2
    while f"{DEFAULT_NAME}-{number}" in taken:
        number += 1
    return f"{DEFAULT_NAME}-{number}"


def secure_socket_folder(path: Path) -> None:
    """Creates the folder a socket goes into; refuses one that another user could control."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    found = path.parent.stat()
    writable_by_others = found.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
    if found.st_uid != os.getuid() or writable_by_others:
        raise LaunchFailure(
            f"{path.parent} belongs to uid {found.st_uid}, {stat.filemode(found.st_mode)}; "
            f"a control socket needs a folder only uid {os.getuid()} can write"
        )


def write_json(path: Path, value: object) -> None:
    """Replaces a file in one step, so that a reader never sees half of it."""
    draft = path.with_name(f"{path.name}.{os.getpid()}.new")
    draft.write_text(json.dumps(value, indent=2) + "\n")
    draft.replace(path)


@contextmanager
def exclusive(path: Path) -> Iterator[None]:
    """Holds a lock file while the block runs; LaunchFailure when another process has it."""
    with path.open("w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as held:
            raise LaunchFailure(f"another supervisor holds {path}") from held
        yield
