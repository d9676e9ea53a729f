"""Discovery alone under test: who its peers are, and what they say."""

import random
from dataclasses import replace

from chain.primitives.errors import Malformed
from chain.primitives.hashing import ZERO_HASH
from p2p.peers.addressbook import AddressBook
from p2p.peers.contact import Contact, Reach
from p2p.peers.peer import PeerId
from p2p.peers.score import ScoreBoard
from p2p.peers.usefulness import Usefulness
from p2p.protocol.discovery import (
    FEELER_S,
    Acquaintances,
    Connected,
    Discovery,
    DiscoverySettings,
)
from p2p.protocol.effects import Dial, Effect
from p2p.protocol.instant import Now
from p2p.wire.messages import Hello


def peer(number: int) -> PeerId:
    return PeerId(number.to_bytes(32, "big"))


def address(number: int) -> str:
    return f"mem://n{number}"


def record(number: int) -> bytes:
    return b"%d" % number


def parse(raw: bytes) -> Contact:
    """Records of these tests are the peer's number in decimal."""
    if not raw.isdigit():
        raise Malformed("record", "not a record")
    return Contact(peer(int(raw)), (address(int(raw)),), 1, raw)


def hello(number: int) -> Hello:
    return Hello(
        version_min=1,
        version_max=1,
        network="test",
        genesis=ZERO_HASH,
        capabilities=(),
        record=record(number),
        height=0,
        head=ZERO_HASH,
        finalized_height=0,
        finalized=ZERO_HASH,
        agent="test",
    )


def at(s: float) -> Now:
    return Now(s, int(s * 1000))


def connected(number: int, *, outbound: bool) -> Connected:
    return Connected(peer(number), address(number), outbound, hello(number))


def engine(
    self_number: int,
    bootstrap: tuple[int, ...] = (),
    target: int = 8,
    scores: ScoreBoard | None = None,
) -> Discovery:
    settings = DiscoverySettings(tuple(map(address, bootstrap)), target, parse)
    return with_settings(settings, self_number, scores)


def with_settings(
    settings: DiscoverySettings, self_number: int = 1, scores: ScoreBoard | None = None
) -> Discovery:
    book = AddressBook(peer(self_number), bytes(32))
    known = Acquaintances(book, scores or ScoreBoard(), Usefulness())
    return Discovery(settings, known, random.Random(self_number))


def dials(effects: list[Effect]) -> list[str]:
    return sorted(effect.address for effect in effects if isinstance(effect, Dial))


def restarted(anchors: tuple[int, ...], known: tuple[int, ...], target: int = 2) -> Discovery:
    """A node that comes back with a book and with the outbound peers of its last run."""
    settings = DiscoverySettings((), target, parse, anchors=tuple(map(peer, anchors)))
    book = AddressBook(peer(1), bytes(32))
    for number in known:
        book.add(parse(record(number)), "source", 0)
    known_peers = Acquaintances(book, ScoreBoard(), Usefulness())
    return Discovery(settings, known_peers, random.Random(1))


def on(host: str, number: int) -> str:
    return f"ws://{host}:{number}"


def by_address(raw: bytes) -> Contact:
    """Records that name an address: `number address sequence`."""
    number, where, sequence = raw.decode().split()
    return Contact(peer(int(number)), (where,), int(sequence), raw)


def met(number: int, where: str, *, outbound: bool, origin: str = "") -> Connected:
    said = replace(hello(number), record=f"{number} {where} 1".encode())
    return Connected(peer(number), where, outbound, said, origin)


def diverse(target: int, own: Reach = Reach.HOST, feeler_s: float = FEELER_S) -> Discovery:
    return with_settings(DiscoverySettings((), target, by_address, feeler_s=feeler_s, reach=own))
