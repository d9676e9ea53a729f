"""A contact, and what its addresses say: how far they reach, and of which network group they are.

Rules:
- A network group is what one party can have a lot of for little money: the /16 of an IPv4 address,
  the /32 of an IPv6 one, a domain with all its subdomains. *Why:* diversity is counted in groups,
  and must cost an attacker something.
- On loopback the group is a block of ports. *Why:* test networks must not collapse into one group.
- An address is worth learning if it reaches as far as our own: a node of the open internet takes no
  private and no loopback addresses, a node on loopback takes all. *Why:* others must not make us
  dial into our own machine or office, and a test network must work. What a name leads to is judged
  when it is dialled (see `net.names`).
- A name that ends in a number is no address, however resolvers read it (WHATWG URL, "ends in a
  number"). *Why:* `127.1`, `0x7f.1` and `2130706433` are all loopback, and one address written in
  a thousand ways would be a thousand groups.
- What stands behind a `%` in an IPv6 address (RFC 4007) names an interface of the machine that says
  it: such an address reaches nowhere for others. Its group is that of the address.
"""

import re
from dataclasses import dataclass
from enum import IntEnum
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address
from urllib.parse import urlsplit

from p2p.peers.peer import PeerId

LOOPBACK_PORTS_PER_GROUP = 16
DOMAIN_LABELS = 2  # of a name: what has to be bought; whatever stands before is free
_NUMBER = re.compile("[0-9]+|0x[0-9a-f]*")
SPLIT_CACHED_MAX = 8_192  # addresses, 300 bytes each: the same ones are looked at over and over


class Reach(IntEnum):
    """From how far away an address can be dialled."""

    NOWHERE = 0
    HOST = 1
    SITE = 2
    WORLD = 3


@dataclass(frozen=True, slots=True)
class Contact:
    """A peer's verified record: who, where, and the signed bytes to pass on to others."""

    peer: PeerId
    addresses: tuple[str, ...]
    sequence: int
    record: bytes


@dataclass(frozen=True, slots=True)
class _Place:
    """The parts of an address; an absent host is no address at all."""

    host: str
    port: int | None
    ip: IPv4Address | IPv6Address | None


@lru_cache(maxsize=SPLIT_CACHED_MAX)
def _place(address: str) -> _Place:
    try:
        parts = urlsplit(address)
        host, port = (parts.hostname or "").removesuffix("."), parts.port
    except ValueError:
        return _Place("", None, None)
    host, zoned, _ = host.partition("%")
    try:
        return _Place("" if zoned else host, port, ip_address(host))
    except ValueError:
        nowhere = zoned or _NUMBER.fullmatch(host.rpartition(".")[2])
        return _Place("" if nowhere else host, port, None)


def group_of(address: str) -> str:
    """The network group of an address; the text itself where it is no address."""
    place = _place(address)
    ip = place.ip
    if ip is None:
        return ".".join(place.host.split(".")[-DOMAIN_LABELS:]) or address
    if isinstance(ip, IPv6Address) and ip.ipv4_mapped is not None:
        ip = ip.ipv4_mapped
    if ip.is_loopback:
        return f"loopback:{(place.port or 0) // LOOPBACK_PORTS_PER_GROUP}"
    if isinstance(ip, IPv4Address):
        return ".".join(str(ip).split(".")[:2])
    return ":".join(ip.exploded.split(":")[:2])


def reach_of(address: str) -> Reach:
    """How far an address reaches; a name is taken to reach everywhere, except localhost."""
    place = _place(address)
    if not place.host or place.port == 0:
        return Reach.NOWHERE
    if place.ip is None:
        local = place.host == "localhost" or place.host.endswith(".localhost")  # RFC 6761
        return Reach.HOST if local else Reach.WORLD
    if place.ip.is_loopback:
        return Reach.HOST
    if place.ip.is_unspecified or place.ip.is_multicast or place.ip.is_reserved:
        return Reach.NOWHERE
    return Reach.WORLD if place.ip.is_global else Reach.SITE


def is_name(address: str) -> bool:
    """Whether an address has to be looked up before it is known where it leads."""
    return _place(address).ip is None


def own_reach(address: str) -> Reach:
    """What a node at this address takes: one that listens everywhere is at least on a site."""
    return reach_of(address) or Reach.SITE
