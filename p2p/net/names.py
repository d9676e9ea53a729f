"""What a name that strangers gave stands for: looked up once, judged, and dialled as it was judged.

Rules:
- A name is worth no more than the addresses behind it: those that reach less far than is asked for
  are not dialled. *Why:* whoever owns a name can point it at 127.0.0.1 or 10.0.0.5, and would have
  us knock at the doors of our own machine or office.
- The link goes to the very address that was judged. *Why:* a name that is looked up again may lead
  elsewhere (DNS rebinding).
- Of the addresses behind a name the first of each family is tried, IPv6 and IPv4, each for TRY_S.
  *Why:* a name can have hundreds, and we are nobody's port scanner; but one family may be broken
  here.
- Such look-ups have threads of their own, LOOKUPS_MAX. *Why:* a name server that never answers
  holds a thread for half a minute, whether or not anybody still waits for it.
"""

import socket
from collections.abc import Callable, Sequence

import trio

from p2p.net.transport import Endpoint, LinkClosed
from p2p.peers.contact import Reach, is_name, reach_of

TRY_S = 2.0  # both tries fit into the 5 s of a dial
LOOKUPS_MAX = 8  # as many as there are dials under way

LookUp = Callable[[str], Sequence[str]]
"""The IP addresses of a name, best first; it blocks. Raises OSError or ValueError for none."""


def look_up(name: str) -> list[str]:
    """What this machine's resolver says (RFC 6724 orders it)."""
    found = socket.getaddrinfo(name, None, type=socket.SOCK_STREAM)
    return [str(place[0]) for *_, place in found]


class Names:
    """Finds out where the names that strangers gave lead."""

    def __init__(self, look_up: LookUp) -> None:
        self._look_up = look_up
        self._limiter = trio.CapacityLimiter(LOOKUPS_MAX)

    async def open(self, endpoint: Endpoint, reach: Reach) -> trio.SocketStream:
        """A stream to where the endpoint leads, if that reaches so far.

        Raises LinkClosed if it does not, OSError or ValueError if nobody is there.
        """
        places = await self._places(endpoint, reach)
        for place in places[:-1]:
            try:
                with trio.fail_after(TRY_S):
                    return await trio.open_tcp_stream(place.host, place.port)
            except (OSError, trio.TooSlowError):
                continue  # the other family may work
        return await trio.open_tcp_stream(places[-1].host, places[-1].port)

    async def _places(self, endpoint: Endpoint, reach: Reach) -> list[Endpoint]:
        """The addresses to try, at least one."""
        hosts: Sequence[str] = [endpoint.host]
        if is_name(str(endpoint)) and reach_of(str(endpoint)) >= reach:
            hosts = await trio.to_thread.run_sync(
                self._look_up, endpoint.host, limiter=self._limiter, abandon_on_cancel=True
            )
        found = [Endpoint(endpoint.scheme, host, endpoint.port) for host in hosts]
        families: dict[bool, Endpoint] = {}
        for place in found:
            if reach_of(str(place)) >= reach:
                families.setdefault(":" in place.host, place)
        if not families:
            where = ", ".join(place.host for place in found[:3]) or "nowhere"
            raise LinkClosed(
                f"{endpoint} leads to {where}, nearer than the {reach.name.lower()} it was to reach"
            )
        return list(families.values())
