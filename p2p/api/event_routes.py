"""The event stream: one JSON text per event over a websocket, bounded for slow readers."""

from typing import Annotated
from urllib.parse import urlsplit

import trio
from fastapi import APIRouter, Query
from starlette.responses import Response
from starlette.websockets import WebSocket, WebSocketDisconnect

from chain.genesis import Genesis
from chain.ledger import (
    BlockConnected,
    BlockDisconnected,
    BlockFinalized,
    BlockJustified,
    CertificateFound,
    EvidenceFound,
    FinalityAlarm,
    HeadChanged,
    TransactionAdded,
    TransactionDropped,
)
from p2p.api.json_codec import Json, encode_json
from p2p.api.limits import EVENT_KINDS_TEXT_MAX, SUBSCRIBERS_MAX
from p2p.api.problems import problem_response
from p2p.api.routing import Served
from p2p.events import NodeEvent, PeerConnected, PeerDisconnected, SubscriptionDropped

KINDS = (
    "block-connected",
    "block-disconnected",
    "head-changed",
    "transaction-added",
    "transaction-dropped",
    "block-justified",
    "block-finalized",
    "certificate-found",
    "evidence-found",
    "finality-alarm",
    "peer-connected",
    "peer-disconnected",
)
TRY_LATER = 1013  # websocket close code: the server cannot keep up with this client

Only = Annotated[str, Query(max_length=EVENT_KINDS_TEXT_MAX)]


class EventRoutes:
    """The endpoint `/v1/events?only=block-connected,head-changed`; without `only`, all events."""

    def __init__(self, served: Served) -> None:
        self._served = served
        self._subscribers = 0
        self.router = APIRouter(prefix="/v1")
        self.router.add_api_websocket_route("/events", self.events)

    async def events(self, websocket: WebSocket, only: Only = "") -> None:
        """Events from now on, until either side leaves."""
        wanted = tuple(only.split(",")) if only else KINDS
        refusal = self._refusal(websocket, wanted)
        if refusal is not None:
            await websocket.send_denial_response(refusal)
            return
        self._subscribers += 1
        try:
            await self._serve(websocket, frozenset(wanted))
        finally:
            self._subscribers -= 1

    def _refusal(self, websocket: WebSocket, wanted: tuple[str, ...]) -> Response | None:
        origin = websocket.headers.get("origin")
        if origin is not None and _host_of(origin) != websocket.headers.get("host"):
            # Browsers hold no page back from a websocket; so we do what CORS does for the rest.
            return problem_response(403, "foreign-origin", f"a page of {origin[:80]!r} may not")
        unknown = [kind for kind in wanted if kind not in KINDS]
        if unknown:
            detail = f"unknown kind of event {unknown[0][:80]!r}; known: {', '.join(KINDS)}"
            return problem_response(422, "bad-parameter", detail)
        if self._subscribers >= SUBSCRIBERS_MAX:
            detail = f"{SUBSCRIBERS_MAX} subscribers are connected; try later"
            return problem_response(429, "too-many-subscribers", detail)
        return None

    async def _serve(self, websocket: WebSocket, wanted: frozenset[str]) -> None:
        await websocket.accept()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(_leave_with, websocket, nursery.cancel_scope)
            await self._forward(websocket, wanted)
            nursery.cancel_scope.cancel()

    async def _forward(self, websocket: WebSocket, wanted: frozenset[str]) -> None:
        async with self._served.node.subscribe() as events:
            async for event in events:
                shown = event_json(event, self._served.genesis)
                if shown["event"] in wanted:
                    await websocket.send_text(encode_json(shown).decode())
                if isinstance(event, SubscriptionDropped):
                    await websocket.send_text(encode_json(shown).decode())
                    await websocket.close(TRY_LATER, "too slow")
                    return


def _host_of(origin: str) -> str:
    """Host and port of an origin; empty for one that has none."""
    try:
        return urlsplit(origin).netloc
    except ValueError:
        return ""


async def _leave_with(websocket: WebSocket, scope: trio.CancelScope) -> None:
    """End the subscription when the client goes; what it sends is not listened to."""
    try:
        while True:
            await websocket.receive_text()
    except (WebSocketDisconnect, KeyError):
        scope.cancel()


def event_json(event: NodeEvent, genesis: Genesis) -> dict[str, Json]:
    """An event as it is sent: `event` names its kind."""
    match event:
        case BlockConnected():
            return {
                "event": "block-connected",
                "block": event.block_id.hex(),
                "height": event.height,
                "slot": event.slot,
                "author": genesis.did(event.author),
                "transactions": [txid.hex() for txid in event.transactions],
            }
        case BlockDisconnected():
            return {
                "event": "block-disconnected",
                "block": event.block_id.hex(),
                "height": event.height,
            }
        case HeadChanged():
            return {
                "event": "head-changed",
                "old": event.old.hex(),
                "new": event.new.hex(),
                "height": event.height,
                "depth": event.depth,
            }
        case TransactionAdded(txid):
            return {"event": "transaction-added", "id": txid.hex()}
        case TransactionDropped(txid, code, reason):
            return {
                "event": "transaction-dropped",
                "id": txid.hex(),
                "code": code,
                "reason": reason,
            }
        case PeerConnected() | PeerDisconnected() | SubscriptionDropped():
            return _peer_event(event)
        case BlockJustified() | BlockFinalized() | CertificateFound() | EvidenceFound():
            return _finality_event(event, genesis)
        case FinalityAlarm(code, reason):
            return {"event": "finality-alarm", "code": code, "reason": reason}


def _finality_event(
    event: BlockJustified | BlockFinalized | CertificateFound | EvidenceFound, genesis: Genesis
) -> dict[str, Json]:
    match event:
        case BlockJustified() | BlockFinalized():
            kind = "block-finalized" if isinstance(event, BlockFinalized) else "block-justified"
            return {
                "event": kind,
                "block": event.block_id.hex(),
                "height": event.height,
                "epoch": event.epoch,
                "set": event.set_id,
            }
        case CertificateFound(certificate):
            vote = certificate.vote
            return {
                "event": "certificate-found",
                "set": vote.set_id,
                "source": vote.source.block.hex(),
                "target": vote.target.block.hex(),
                "epoch": vote.target.epoch,
                "signers": len(certificate.signatures),
            }
        case EvidenceFound(evidence):
            return {
                "event": "evidence-found",
                "offence": evidence.offence.value,
                "offender": genesis.did(evidence.offender),
                "evidence": evidence.encode().hex(),
            }


def _peer_event(event: PeerConnected | PeerDisconnected | SubscriptionDropped) -> dict[str, Json]:
    match event:
        case PeerConnected(peer, address, outbound):
            return {
                "event": "peer-connected",
                "peer": peer.hex(),
                "address": address,
                "direction": "out" if outbound else "in",
            }
        case PeerDisconnected(peer, reason):
            return {"event": "peer-disconnected", "peer": peer.hex(), "reason": reason}
        case SubscriptionDropped(limit, reason):
            return {"event": "subscription-dropped", "limit": limit, "reason": reason}
