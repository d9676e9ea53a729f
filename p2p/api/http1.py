"""HTTP/1.1 and websockets as the API speaks them: what its library offers beyond is turned off.

Rules:
- No HTTP/2. *Why:* nothing of ours speaks it, and of what a client may send in it much makes the
  library fail.
- No compression of websocket messages. *Why:* subscribers only listen, and the bound of what they
  say is asked after it is unpacked: 58 KB took 170 MB.
"""

import h11
from hypercorn.protocol import ProtocolWrapper
from hypercorn.protocol.h11 import H11Protocol

EXTENSIONS = b"sec-websocket-extensions"


class Http1(H11Protocol):
    """The protocol of one connection."""

    @classmethod
    def instead_of(cls, chosen: ProtocolWrapper) -> "Http1":
        """The same connection, in this protocol."""
        return cls(
            chosen.app,
            chosen.config,
            chosen.context,
            chosen.task_group,
            chosen.state,
            chosen.ssl,
            chosen.client,
            chosen.server,
            chosen.send,
        )

    async def _check_protocol(self, event: h11.Request) -> None:
        """Asked whether to go over to HTTP/2."""

    async def _create_stream(self, request: h11.Request) -> None:
        kept = [(name, value) for name, value in request.headers if name != EXTENSIONS]
        await super()._create_stream(
            h11.Request(
                method=request.method,
                target=request.target,
                headers=kept,
                http_version=request.http_version,
            )
        )
