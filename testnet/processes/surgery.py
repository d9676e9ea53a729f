"""What happens to a node's files while it is down: lost, torn, rotten, or replaced by a backup.

The store is RocksDB's: `*.log` are its write-ahead logs, whose end holds the newest writes;
`*.sst` are its tables. Backups are checkpoints that the node makes of its open store.
"""

import random
import shutil
from pathlib import Path

from chain.primitives.errors import StoreFailure
from chain.store import RocksStore

STORE = "db"
PEERS = "peers"
LOST_SHARE_MAX = 0.3
"""At most this share of the log is lost: what a kernel had not written back, or its newest part."""

BACKUPS_MAX = 60
"""One every two seconds: two minutes back. Tables are hard links, so they cost little."""


def wipe(folder: Path) -> None:
    """The node starts from nothing but its keys."""
    shutil.rmtree(folder / STORE, ignore_errors=True)
    (folder / PEERS).unlink(missing_ok=True)


def lose_newest(folder: Path, rng: random.Random) -> None:
    """Cuts the end off the newest log, most likely within a record. The store drops what is torn.

    *Why the log:* everything since the last start is in it, in the order it was written.
    """
    logs = sorted((folder / STORE).glob("*.log"))
    if logs:
        size = logs[-1].stat().st_size
        with logs[-1].open("r+b") as log:
            log.truncate(size - round(size * rng.uniform(0.01, LOST_SHARE_MAX)))


def rot(folder: Path, flips: int, rng: random.Random) -> None:
    """Flips bits in tables, and in logs where there are no tables yet."""
    store = folder / STORE
    files = sorted(store.glob("*.sst")) or sorted(store.glob("*.log"))
    files = [path for path in files if path.stat().st_size]
    for _ in range(flips if files else 0):
        path = rng.choice(files)
        place = rng.randrange(path.stat().st_size)
        with path.open("r+b") as file:
            file.seek(place)
            byte = file.read(1)[0]
            file.seek(place)
            file.write(bytes([byte ^ (1 << rng.randrange(8))]))


def back_up(store: RocksStore, backups: Path, unix_ms: int) -> None:
    """Keeps the store as it is now, and forgets the oldest beyond BACKUPS_MAX."""
    backups.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        store.checkpoint(backups / str(unix_ms))
    except StoreFailure:
        return  # the disk has faults of its own; the next backup may succeed
    for old in kept(backups)[:-BACKUPS_MAX]:
        shutil.rmtree(old, ignore_errors=True)


def restore(folder: Path, backups: Path, before_unix_ms: int) -> None:
    """The newest backup that is as old as that, else the oldest; without any, as it is."""
    found = kept(backups)
    older = [path for path in found if int(path.name) <= before_unix_ms]
    chosen = (older[-1:] or found[:1])[:1]
    for backup in chosen:
        shutil.rmtree(folder / STORE, ignore_errors=True)
        shutil.copytree(backup, folder / STORE)


def kept(backups: Path) -> list[Path]:
    """The backups there are, oldest first."""
    if not backups.is_dir():
        return []
    return sorted((p for p in backups.iterdir() if p.name.isdigit()), key=lambda p: int(p.name))
